/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each mechanism of recovery on its own: what is wrong, and what helps. How a
 * row is played: symptoms.c.
 */
#include <stddef.h>

#include "symptoms.h"

const struct symptom symptoms[] = {
/* ------------------------------------------------------- the connections -- */

/* shows: 7143-13.2-01 */
{ "the target grants fewer connections than are wanted",
  "--key MaxConnections=2", "connections=4",
  "connections=2 session_recoveries=0", "the target grants 2" },
/* shows: 7143-11.13.5-09 */
{ "the target refuses the second login twice",
  "--key MaxConnections=2 --fault refuse=2/6,skip=1,once --fault "
  "refuse=3/2,skip=2,once", "connections=2",
  "connections=2 session_recoveries=0", "cannot be added" },
{ "the second login is sent to somebody else",
  "--key MaxConnections=2 --fault redirect=192.0.2.1:3260,skip=1",
  "connections=2", "connections=1 session_recoveries=0", "cannot be added" },
/* shows: 7143-11.12.6-01 */
{ "the answer to the second login has another TSIH",
  "--key MaxConnections=2 --fault set=tsih:+1,on=login-response,cid=2,times=2",
  "connections=2", "connections=2 session_recoveries=0", "cannot be added" },
/* shows: 7143-C-08 */
{ "the second login is answered by another portal group",
  "--key MaxConnections=2 --fault tpgt=2,skip=1,times=2", "connections=2",
  "connections=2 session_recoveries=0", "portal group 2" },
/* shows: 7143-4.2.2.1-01 */
{ "one of two connections lags behind",
  "--key MaxConnections=2 --fault stall=300ms,on=scsi-command,cid=2,every=5",
  "connections=2", "connections=2 tasks_retried=0 session_recoveries=0", NULL },
/* shows: 7143-11.9.1-01 7143-11.9.1-02 */
{ "the target asks for the logout of one of two connections",
  "--key MaxConnections=2 --fault "
  "async=logout:0:0:5,on=scsi-response,cid=2,nth=10", "connections=2",
  "connections=2 async_messages=1 session_recoveries=0",
  "asks for a logout within 5 s" },

/* ------------------------------------------------------- async messages -- */

/* shows: 7143-11.9-01 */
{ "the disk has changed, an async message says",
  "--fault async=scsi:6/2a/01,on=scsi-response,nth=20", "",
  "async_messages=1 session_recoveries=0", "tells of a unit (async event 0" },
/* shows: 7143-11.9.1-01 */
{ "the target asks for the logout of the only connection",
  "--fault async=logout:0:0:5,on=scsi-response,nth=20", "",
  "async_messages=1 session_recoveries=1", "asks for a logout within 5 s" },
{ "the target asks for a negotiation",
  "--fault async=negotiate:0:0:3,on=scsi-response,nth=20", "",
  "async_messages=1 session_recoveries=0",
  "asks for a negotiation within 3 s" },
/* shows: 7143-11.9.1-07 */
{ "the target ends tasks of others",
  "--key TaskReporting=FastAbort --separate-status --fault "
  "async=task-termination,on=scsi-response,nth=80", "",
  "async_messages=1 task_timeouts=0 session_recoveries=0",
  "terminates tasks of LUN 0" },
/* shows: 7143-11.9.1-09 */
{ "the target ends tasks, which was not agreed on",
  "--key TaskReporting=RFC3720 --fault "
  "async=task-termination,on=scsi-response,nth=20", "",
  "async_messages=1 task_timeouts=0 session_recoveries=0", "needs TaskRep" },
/* shows: 7143-11.9.1-10 */
{ "an async message of a vendor",
  "--fault async=vendor,on=scsi-response,nth=20", "",
  "async_messages=1 session_recoveries=0", "ignored: async event 255" },

/* --------------------------------------------------------------- level 0 -- */

/* shows: 7143-7.1.5-03 7143-7.1.4.4-01 */
{ "a connection is cut at level 0",
  "--fault cut,on=data-in,nth=40", "", "session_recoveries=1",
  "the session is lost: 127.0.0.1" },
/* shows: 7143-7.1.4.4-02 */
{ "one of three connections is cut at level 0",
  "--key MaxConnections=3 --fault cut,on=data-in,nth=8,cid=2",
  "connections=3", "connections=3 session_recoveries=1",
  "the session is lost: conn 2: 127.0.0.1" },
/* shows: 7143-7.5.2-01 7143-11.9.1-05 */
{ "the target drops the session with Time2Wait",
  "--fault async=session-drop:0:2:20,on=scsi-response,nth=20", "",
  "session_recoveries=1 async_messages=1", "Time2Wait 2 s, Time2Retain 20 s" },
/* shows: 7143-7.1.4.3-04 7143-11.9.1-04 */
{ "the target drops the connection with Time2Wait",
  "--fault async=connection-drop:1:1:20,on=scsi-response,nth=20", "",
  "session_recoveries=1 async_messages=1", "Time2Wait 1 s, Time2Retain 20 s" },
/* shows: 7143-7.1.4.4-01 7143-7.8-03 7143-7.8-04 */
{ "damaged data of a read at level 0",
  "--fault corrupt=data,on=data-in,nth=40", "data-digest=crc32c",
  "data_digest_errors=1 session_recoveries=1",
  "the session is lost: Data-In" },
/* shows: 7143-7.8-01 7143-7.8-02 */
{ "a damaged header at level 0",
  "--fault corrupt=header,on=data-in,nth=40", "header-digest=crc32c",
  "header_digest_errors=1 session_recoveries=1",
  "the session is lost: header digest error" },
/* shows: 7143-7.1.4.4-01 7143-7.9-02 */
{ "a lost response at level 0",
  "--fault drop,on=scsi-response,nth=20", "", "session_recoveries=1",
  "responses were lost" },

/* --------------------------------------------------------------- level 1 -- */

/* shows: 7143-7.8-03 7143-7.8-04 */
{ "damaged data of a read",
  "--key ErrorRecoveryLevel=1 --fault corrupt=data,on=data-in,nth=60",
  "erl=1 data-digest=crc32c MaxRecvDataSegmentLength=4096",
  "data_digest_errors=1 snacks_sent+ session_recoveries=0", "Data SNACK" },
/* shows: 7143-7.9-01 */
{ "a gap in the DataSN of a read",
  "--key ErrorRecoveryLevel=1 --fault drop,on=data-in,nth=60",
  "erl=1 MaxRecvDataSegmentLength=4096", "snacks_sent+ session_recoveries=0",
  "Data SNACK" },
/* shows: 7143-11.16.3-01 7143-11.4.4-01 */
{ "a gap in the DataSN of a read, and then other segments",
  "--key ErrorRecoveryLevel=1 --fault drop,on=data-in,nth=60 --fault "
  "drop,on=snack,once", "erl=1 MaxRecvDataSegmentLength=4096",
  "snacks_sent=2 session_recoveries=0", "R-Data SNACK",
  "MaxRecvDataSegmentLength=1024" },
/* shows: 7143-7.9-02 */
{ "a gap in the StatSN",
  "--key ErrorRecoveryLevel=1 --fault drop,on=scsi-response,nth=20",
  "erl=1", "snacks_sent+ session_recoveries=0", "Status SNACK" },
/* shows: 7143-7.9-02 7143-4.2.5.1-02 */
{ "a gap in the StatSN of one of two connections",
  "--key ErrorRecoveryLevel=1 --key MaxConnections=2 --fault "
  "drop,on=scsi-response,cid=2,nth=10", "erl=1 connections=2",
  "connections=2 snacks_sent+ session_recoveries=0", "Status SNACK" },
/* shows: 7143-11.7.2-02 */
{ "a read that is to be acknowledged in its middle",
  "--key ErrorRecoveryLevel=1 --fault set=run_length:+0,on=snack",
  "erl=1 MaxBurstLength=8192 FirstBurstLength=4096 "
  "MaxRecvDataSegmentLength=4096", "snacks_sent=0 session_recoveries=0", NULL },
/* shows: 7143-7.9-01 */
{ "a gap in the R2TSN of a write",
  "--key ErrorRecoveryLevel=1 --key DataSequenceInOrder=No --key "
  "MaxOutstandingR2T=4 --fault drop,on=r2t,nth=13",
  "erl=1 DataSequenceInOrder=No MaxOutstandingR2T=4 MaxBurstLength=4096 "
  "FirstBurstLength=4096 InitialR2T=Yes ImmediateData=No",
  "snacks_sent+ session_recoveries=0", "Data SNACK" },
/* shows: 7143-11.8-05 7143-7.1.4.1-01 */
{ "data that was asked for is lost",
  "--key ErrorRecoveryLevel=1 --fault drop,on=data-out,nth=30",
  "erl=1 InitialR2T=Yes ImmediateData=No MaxBurstLength=8192 "
  "FirstBurstLength=4096",
  "snacks_sent=0 session_recoveries=0 task_timeouts=0", NULL },
/* shows: 7143-4.2.5.2-06 7143-7.1.4.1-01 */
{ "data that was not asked for is lost",
  "--key ErrorRecoveryLevel=1 --fault drop,on=data-out,nth=10",
  "erl=1 InitialR2T=No ImmediateData=No FirstBurstLength=32768",
  "snacks_sent=0 session_recoveries=0 task_timeouts=0", NULL },
/* shows: 7143-11.4.8-01 */
{ "the ExpDataSN of a response is too high",
  "--key ErrorRecoveryLevel=1 --separate-status --fault "
  "set=exp_data_sn:+1,on=scsi-response,skip=70,once", "erl=1",
  "snacks_sent+ session_recoveries=0", "ABORT TASK" },
/* shows: 7143-7.1.4.2-01 */
{ "a command never arrives",
  "--key ErrorRecoveryLevel=1 --fault drop,on=scsi-command,nth=40", "erl=1",
  "tasks_retried+ session_recoveries=0", "command retry" },
/* shows: 7143-7.1.4.2-01 */
{ "a command never arrives on one of two connections",
  "--key ErrorRecoveryLevel=1 --key MaxConnections=2 --fault "
  "drop,on=scsi-command,cid=2,nth=20", "erl=1 connections=2",
  "connections=2 tasks_retried+ session_recoveries=0", "command retry" },
/* shows: 7143-11.17.1-01 */
{ "the immediate data of a command arrives damaged",
  "--key ErrorRecoveryLevel=1 --fault corrupt=data,on=scsi-command,in,nth=20",
  "erl=1 data-digest=crc32c", "tasks_retried=1 rejects=1 session_recoveries=0",
  "command retry" },
/* shows: 7143-11.17.1-03 */
{ "a command is rejected for want of resources",
  "--fault reject=long-operation,on=scsi-command,nth=30", "",
  "rejects=1 session_recoveries=0", "out of resources" },
/* shows: 7143-11.17.1-02 */
{ "a command is rejected as a protocol error",
  "--fault reject=protocol-error,on=scsi-command,nth=30", "",
  "rejects=1", "protocol error" },
/* Its first copy is under way still. shows: 7143-11.17.1-02 7143-11.17.3-01 */
{ "what is sent again is in progress already",
  "--key ErrorRecoveryLevel=1 --fault delay=3s,on=scsi-command,nth=80 --fault "
  "reject=task-in-progress,on=scsi-command,nth=88", "erl=1",
  "rejects=1 tasks_retried=1 snacks_sent=0 task_timeouts=0 "
  "session_recoveries=0", "task in progress" },

/* --------------------------------------------------------------- level 2 -- */

/* shows: 7143-7.1.4.3-02 7143-8.2-01 */
{ "one of two connections is cut",
  "--key ErrorRecoveryLevel=2 --key MaxConnections=2 --fault "
  "cut,on=data-in,cid=2,nth=60",
  "erl=2 connections=2 MaxRecvDataSegmentLength=4096",
  "connections=2 connection_recoveries=1 tasks_reassigned+ "
  "session_recoveries=0", "is recovered" },
/* shows: 7143-8.2-01 */
{ "the only connection is cut",
  "--key ErrorRecoveryLevel=2 --fault cut,on=data-in,nth=100",
  "erl=2 MaxRecvDataSegmentLength=4096",
  "connection_recoveries=1 tasks_reassigned+ session_recoveries=0",
  "is recovered" },
/* shows: 7143-11.14-03 */
{ "a command is lost with its connection",
  "--key ErrorRecoveryLevel=2 --fault cut,on=scsi-command,nth=40", "erl=2",
  "connection_recoveries=1 tasks_retried+ session_recoveries=0",
  "is recovered" },
/* shows: 7143-7.5.2-01 */
{ "the target tells of the loss of a connection",
  "--key ErrorRecoveryLevel=2 --key MaxConnections=2 --fault "
  "async=connection-drop:2:1:20,on=scsi-response,cid=1,nth=20",
  "erl=2 connections=2", "connections=2 connection_recoveries=1 "
  "async_messages+ session_recoveries=0", "Time2Wait 1 s" },
/* shows: 7143-7.8-01 7143-7.14-02 */
{ "a damaged header at level 2",
  "--key ErrorRecoveryLevel=2 --fault corrupt=header,on=data-in,nth=100",
  "erl=2 header-digest=crc32c MaxRecvDataSegmentLength=4096",
  "header_digest_errors=1 connection_recoveries=1 session_recoveries=0",
  "is recovered" },
/* shows: 7143-7.14-01 */
{ "a connection says nothing any more",
  "--key ErrorRecoveryLevel=2 --key MaxConnections=2 --fault "
  "stall=ever,out,cid=2,skip=40", "erl=2 connections=2",
  "nop_timeouts+ connection_recoveries+ session_recoveries=0",
  "is recovered" },

/* ------------------------------------------------------- task management -- */

/* shows: 7143-7.11-01 */
{ "a command is never answered",
  "--fault hold=ever,write,nth=10", "",
  "task_timeouts+ lun_resets=0 session_recoveries=0", "ABORT TASK" },
/* shows: 7143-11.6.1-01 */
{ "an abort is refused",
  "--fault hold=ever,write,nth=10 --fault "
  "set=response:5,on=tmf-response,nth=1", "",
  "task_timeouts+ lun_resets=1 session_recoveries=0", "LOGICAL UNIT RESET" },
/* shows: 7143-11.6.1-01 */
{ "an abort and a reset of the unit are refused",
  "--fault hold=ever,write,nth=10 --fault "
  "set=response:5,on=tmf-response,times=2", "target-reset=yes",
  "task_timeouts+ lun_resets=1 target_resets=1 session_recoveries=0",
  "TARGET WARM RESET" },
/* shows: 7143-4.2.3.4-01 */
{ "an abort is refused under FastAbort on two connections",
  "--key TaskReporting=FastAbort --key MaxConnections=2 --fault "
  "hold=ever,write,nth=10 --fault set=response:5,on=tmf-response,nth=1",
  "connections=2 InitialR2T=Yes ImmediateData=No",
  "connections=2 task_timeouts+ lun_resets=1 session_recoveries=0",
  "LOGICAL UNIT RESET" },

/* shows: 7143-7.11-01 */
{ "a command is never answered under FastAbort",
  "--key TaskReporting=FastAbort --fault hold=ever,write,nth=10", "",
  "task_timeouts+ lun_resets=0 session_recoveries=0", "ABORT TASK" },
/* shows: 7143-4.2.3.2-01 */
{ "commands of two connections are never answered, and a reset ends them all",
  "--key TaskReporting=ResponseFence --key MaxConnections=2 --fault "
  "hold=ever,write,skip=9,times=4 --fault "
  "set=response:5,on=tmf-response,nth=1", "connections=2",
  "connections=2 task_timeouts+ lun_resets+ session_recoveries=0",
  "LOGICAL UNIT RESET" },
/* shows: 7143-11.17.1-03 */
{ "an abort is one immediate command too many",
  "--fault hold=ever,write,nth=10 --fault "
  "reject=too-many-immediate,on=tmf-request,nth=1", "",
  "task_timeouts+ rejects=1 session_recoveries=0", "too many immediate" },

/* ----------------------------------------------- the level falls further -- */

/* shows: 7143-11.17.1-04 */
{ "a lost response does not come again: from level 1 to 0",
  "--key ErrorRecoveryLevel=1 --fault drop,on=scsi-response,nth=20 --fault "
  "reject=snack,on=snack", "erl=1", "rejects=1 session_recoveries=1",
  "does not send again what was lost" },
/* shows: 7143-7.1.4-01 */
{ "a damaged header: from level 1 to 0",
  "--key ErrorRecoveryLevel=1 --fault corrupt=header,on=data-in,nth=60",
  "erl=1 header-digest=crc32c MaxRecvDataSegmentLength=4096",
  "header_digest_errors=1 session_recoveries=1", "header digest error" },
/* shows: 7143-11.15.1-01 */
{ "a lost connection cannot be recovered: from level 2 to 0",
  "--key ErrorRecoveryLevel=2 --key MaxConnections=2 --fault "
  "cut,on=data-in,cid=2,nth=20 --fault "
  "set=response:2,on=logout-response,times=3",
  "erl=2 connections=2", "connections=2 session_recoveries=1 "
  "tasks_reassigned=0", "cannot be recovered" },
/* shows: 7143-7.2.2-05 */
{ "a reassignment is refused: from level 2 to 0",
  "--key ErrorRecoveryLevel=2 --key MaxConnections=2 --fault "
  "cut,on=data-in,cid=2,nth=60 --fault set=function:9,on=tmf-request,in,once",
  "erl=2 connections=2 MaxRecvDataSegmentLength=4096",
  "connections=2 session_recoveries=1",
  "TASK REASSIGN" },
/* shows: 7143-8.2.2-01 */
{ "nobody takes the connection back in time: from level 2 to 0",
  "--key ErrorRecoveryLevel=2 --key DefaultTime2Retain=3 --fault "
  "cut,on=data-in,nth=100 --fault drop,on=login-request,skip=2,nth=1",
  "erl=2 MaxRecvDataSegmentLength=4096",
  "connection_recoveries=0 session_recoveries=1", "was not recovered within" },
/* shows: 7143-7.14-02 */
{ "the session is not known any more: from level 2 to 0",
  "--key ErrorRecoveryLevel=2 --fault cut,on=data-in,nth=100 --fault "
  "refuse=2/10,skip=1,once", "erl=2 MaxRecvDataSegmentLength=4096",
  "connection_recoveries=0 session_recoveries=1",
  "the session does not exist" },
/* shows: 7143-7.1.4-01 */
{ "no reset is answered: from task management to level 0",
  "--fault hold=ever,write,nth=10 --fault drop,on=tmf-request", "",
  "task_timeouts+ lun_resets=1 session_recoveries=1",
  "task management function 5 was not answered" },
};

const unsigned n_symptoms = sizeof(symptoms) / sizeof(symptoms[0]);
