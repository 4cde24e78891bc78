/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * liblun: a userspace iSCSI initiator (RFC 7143).
 *
 * The way through this header: an application makes a loop, fills options,
 * opens a session to a target, and is told which logical units it has. A
 * logical unit is a range of bytes: I/O on it is asynchronous.
 *
 *	lun_loop -- owns --> lun_session -- owns --> lun_disk <-- uses -- lun_io
 *
 * Threads: a loop and all that was made on it belong to one thread, the one
 * that calls lun_loop_run(). There are no locks. Only lun_loop_wake() may be
 * called from elsewhere (other threads, signal handlers).
 *
 * Callbacks (but for the log's) are called from lun_loop_run() only, never from
 * within the call that started the operation, and exactly once for each
 * operation: also when it fails, is cancelled, or its session is closed.
 *
 * Errors: functions return 0 or a negative enum lun_code. Those that take a
 * struct lun_error leave a sentence there that names the object and the
 * numbers. Out-parameters are untouched on failure.
 *
 * This header includes nothing of ours and stands below all layers: it is
 * the vocabulary that they share.
 */
#ifndef LUN_H
#define LUN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

#define LUN_PORT	3260		/* RFC 7143 15: the system port */
#define LUN_ISNS_PORT	3205		/* RFC 4171 8 */
#define LUN_SLP_PORT	427		/* RFC 2608 6 */

/* ------------------------------------------------------------- errors -- */

enum lun_code {
	LUN_OK		= 0,
	LUN_ENOMEM	= -1,	/* out of memory or of a named limit */
	LUN_EINVAL	= -2,	/* an argument, option or name is wrong */
	LUN_ESYS	= -3,	/* a system call failed */
	LUN_ERESOLVE	= -4,	/* a host name has no address */
	LUN_ECONNECT	= -5,	/* no TCP connection to the portal */
	LUN_ELOST	= -6,	/* the connection ended */
	LUN_ETIMEDOUT	= -7,	/* no answer in time */
	LUN_EPROTO	= -8,	/* the peer broke the protocol */
	LUN_EDIGEST	= -9,	/* a digest did not match */
	LUN_ENEGOTIATE	= -10,	/* no agreement on a key */
	LUN_EAUTH	= -11,	/* authentication failed, either way */
	LUN_ENOTFOUND	= -12,	/* no such target, logical unit or name */
	LUN_EREFUSED	= -13,	/* the target refused, for other reasons */
	LUN_ECANCELED	= -14,	/* cancelled, or its session was closed */
	LUN_EIDENTITY	= -15,	/* another logical unit is there now */
};

struct lun_error {
	int code;		/* enum lun_code */
	char text[400];		/* one sentence, no newline; "" if none */
};

/* The name of a code ("LUN_EPROTO"), for logs. Any thread. */
const char *lun_code_name(int code);

/* ---------------------------------------------------------------- log -- */

enum lun_log_level {
	LUN_LOG_ERROR,		/* something the user must know */
	LUN_LOG_WARNING,
	LUN_LOG_INFO,		/* one line for each event of a session */
	LUN_LOG_DEBUG,		/* -v */
	LUN_LOG_TRACE,		/* -vv: every PDU on a line */
};

/* One line without newline, the object first: "disk0: conn 1: ...". */
typedef void lun_log_fn(void *user, enum lun_log_level level, const char *line);

/* --------------------------------------------------------------- loop -- */

/* An event loop over epoll: sockets, the application's files, timers, wake-ups. */
struct lun_loop;

/* LUN_ENOMEM, LUN_ESYS. It goes after all that was made on it; NULL is fine. */
int lun_loop_new(struct lun_loop **out, struct lun_error *err);
struct lun_loop *lun_loop_free(struct lun_loop *loop);

/* The sink of log lines, down to this level, of all that lives on the loop. It
 * is called from within any call; the line is valid during it. */
void lun_loop_set_log(struct lun_loop *loop, enum lun_log_level level,
		      lun_log_fn *log, void *user);

/* Writes the conversation of all connections made from now on to path, as pcap-ng.
 * LUN_ESYS. A write that fails later ends the capture with a log line. */
int lun_loop_set_pcap(struct lun_loop *loop, const char *path,
		      struct lun_error *err);

/* Runs until lun_loop_stop(). 0, or LUN_ESYS. What callbacks queue is sent once
 * they have all run: one writev() for each connection and wake-up. */
int lun_loop_run(struct lun_loop *loop, struct lun_error *err);
void lun_loop_stop(struct lun_loop *loop);	/* from a callback */

/* Any thread, and signal handlers: wakes the loop, which calls the function
 * set with lun_loop_on_wake() once for one or more wake-ups. */
void lun_loop_wake(struct lun_loop *loop);
void lun_loop_on_wake(struct lun_loop *loop,
		      void (*fn)(void *user), void *user);

/* Calls fn when fd is readable (level-triggered); of several loops that watch
 * it, at least one does. The fd stays the caller's. LUN_ENOMEM, LUN_ESYS. */
struct lun_watch;
int lun_watch_new(struct lun_watch **out, struct lun_loop *loop, int fd,
		  void (*fn)(void *user), void *user, struct lun_error *err);
struct lun_watch *lun_watch_free(struct lun_watch *watch);

/* Calls fn once. The caller frees it, also after it fired. LUN_ENOMEM. */
struct lun_alarm;
int lun_alarm_new(struct lun_alarm **out, struct lun_loop *loop,
		  void (*fn)(void *user), void *user);
void lun_alarm_set(struct lun_alarm *alarm, unsigned ms);
struct lun_alarm *lun_alarm_free(struct lun_alarm *alarm);

/* ------------------------------------------------------------ options -- */

/*
 * How sessions are to be made: name = value, both text, as on lunfs's command
 * line (without "--"). Names:
 *
 *	initiator-name	iqn., eui. or naa. name; default: see
 *			lun_initiator_name()
 *	initiator-alias	text that targets may show to people beside it;
 *			default: the host name; "": none
 *	auth		none, chap; default: chap if there are credentials
 *	chap-algorithms	sha3-256,sha256,sha1,md5, by preference
 *	username, password		we to the target
 *	username-in, password-in	the target to us (mutual)
 *	header-digest, data-digest	none, crc32c, or a list by preference
 *	connections	1..16, default 1
 *	erl		0..2, default 0
 *	timeout		seconds: bound of each connect, login, command; default 30
 *	outage		wait, wait:SECONDS, fail
 *	target-reset	yes: the last step before a new login; hits other users
 *	read-only	yes: only commands that cannot change the unit are sent
 *	isid		random qualifier of the ISID, 0..0xffffff
 *	portal-rewrite	of the addresses that a portal tells of when it is
 *			asked for targets: auto (default): what was asked is
 *			added as the last one (lun_portal.asked); always: it
 *			stands for all of them; never: nothing is added
 *	proxy		none (default) or socks5://[user:password@]host[:port]:
 *			all TCP connections go through it, and it is the proxy
 *			that looks up host names of portals (RFC 1928, 1929)
 *	discovery-allow	addresses, ADDRESS/BITS and domains of portals found by
 *			SLP that may be contacted; default: all
 *	slp-query	access (targets that SLP says are open to our name or to
 *			any; the default), credentials (and to our CHAP user),
 *			boot (that we may boot from), all
 *	slp-agents	addresses of directory agents, asked before any are
 *			searched
 *	slp-search	how agents are found: multicast (the default),
 *			broadcast, none
 *	slp-interfaces	where; default: all that are up and can do multicast
 *	slp-ttl		of multicast; default 255
 *	slp-wait	seconds to wait for each answer, or for everybody;
 *			default 15
 *	and every operational key by its RFC name, e.g. MaxBurstLength=1M
 */
struct lun_options;
/* LUN_ENOMEM. */
int lun_options_new(struct lun_options **out, struct lun_error *err);
struct lun_options *lun_options_free(struct lun_options *o);	/* wipes secrets */
struct lun_options *lun_options_clone(const struct lun_options *o);	/* NULL: memory */

/* LUN_EINVAL names the option, the value and what is allowed. */
int lun_options_set(struct lun_options *o, const char *name, const char *value,
		    struct lun_error *err);

/*
 * The name that sessions with these options give as their own: the option, or
 * what the file initiator-name in the user's configuration directory holds
 * ($XDG_CONFIG_HOME/lunfs, ~/.config/lunfs), which is made if it is not there.
 * If it can't be made, the same name comes from the machine id and the user
 * each time. LUN_ESYS: the file is wrong, or can't be read.
 */
int lun_initiator_name(const struct lun_options *o, char out[224],
		       struct lun_error *err);

/* The path of a file in that directory, whether it is there or not.
 * LUN_ENOTFOUND: there is no such directory, or the path does not fit. */
int lun_config_path(const char *file, char *out, size_t size,
		    struct lun_error *err);

/* Do they fit together? Also done by those who take options. *warning (a
 * constant) is a sentence, or NULL if there is nothing to warn of. LUN_EINVAL. */
int lun_options_check(const struct lun_options *o, const char **warning,
		      struct lun_error *err);

/* --------------------------------------------------------------- URLs -- */

enum lun_url_kind {
	LUN_URL_PORTAL,		/* iscsi://host[:port] */
	LUN_URL_TARGET,		/* iscsi://host[:port]/target */
	LUN_URL_LUN,		/* iscsi://host[:port]/target/lun, or a root path */
	LUN_URL_ISNS,		/* isns://[host[:port]]; of a multicast group:
				   where the heartbeat of a server is heard */
	LUN_URL_SLP,		/* slp://[host[:port]][?scope=SCOPE,...] */
	LUN_URL_FILE,		/* file:PATH */
	LUN_URL_UNLOCATED,	/* target and lun: a root path without server */
};

struct lun_url {
	enum lun_url_kind kind;
	char host[256];		/* without brackets; international names as A-labels;
				   "" of iSNS and SLP: whoever can be found */
	uint16_t port;		/* of all kinds that have a host */
	char target[224];	/* "" for a portal */
	uint64_t lun;		/* as on the wire, 8 bytes big-endian */
	char username[256];	/* "" if none */
	char password[256];	/* "" if none; use it and wipe it */
	char scope[256];	/* SLP: a scope-list as on the wire (RFC 2608
				   6.4.1); "": those of DHCP, or DEFAULT */
	const char *path;	/* FILE: within the text that was parsed */
};

/* LUN_EINVAL says which part is wrong; the text never holds the password. */
int lun_url_parse(struct lun_url *url, const char *text, struct lun_error *err);

/* The URL as one would type it, without user and password: otherwise it parses
 * back to the same, unless a path had to be cut. Returns out. */
enum { LUN_URL_TEXT_MAX = 1100 };
char *lun_url_print(const struct lun_url *url, char out[LUN_URL_TEXT_MAX]);

/* Overwrites a password within text (an argument of the command line, a URL or
 * a proxy, so that the process list does not show it). True if there was one. */
bool lun_url_blank_password(char *text);

/* The decimal or RFC 4173 form of a LUN; cut never happens in 32 bytes. */
enum { LUN_NAME_MAX = 32 };
char *lun_name(uint64_t lun, char buf[LUN_NAME_MAX]);

/* Writes the prepared form (RFC 3722) of an iSCSI name that is looked for, or
 * says what is wrong: which character, where, by which table. In one that is
 * stored, such as our own, characters that came after Unicode 3.2 are wrong,
 * too. */
int lun_iscsi_name(const char *name, char out[224], struct lun_error *err);
int lun_iscsi_name_stored(const char *name, char out[224],
			  struct lun_error *err);

/* Does the text begin like an iSCSI name, in any case: iqn., eui. or naa.? */
bool lun_name_begins(const char *text);

/* May this name (of a target, from the wire) be one component of a path? */
bool lun_name_is_safe(const char *name);

/* ---------------------------------------------------------- discovery -- */

struct lun_portal {
	const char *address;	/* host name or address, without brackets */
	uint16_t port;
	int tpgt;		/* portal group tag; -1: not known */
	bool asked;		/* not told by the target: the portal that was
				   asked, if the others can't be reached; last */
};

struct lun_target {
	const char *name;	/* checked: a legal iSCSI name, one path component */
	size_t n_portals;
	const struct lun_portal *portals;
};

/*
 * Asks for targets: a portal by SendTargets on a Discovery session (RFC 7143
 * C), an iSNS server by queries (RFC 4171), agents of SLP (RFC 4018); if url has
 * a target, for its portals. iSNS and SLP without a host begin with the servers,
 * agents and scopes that the DHCP leases of this host tell of (RFC 4174, 2610);
 * an iSNS server that none tells of is looked for by SLP (RFC 4018 5.3). url and
 * options are copied. done: code is 0 and targets are valid during the call; or
 * it is negative, and text is. Names that are no legal iSCSI names are left out
 * with a log line. Whoever has not shown the whole list after 10 times the
 * timeout of the options (SLP: or what its search takes, if that is longer) is
 * given up: LUN_ETIMEDOUT.
 */
typedef void lun_discover_fn(void *user, int code, const char *text,
			     const struct lun_target *targets, size_t n);
struct lun_discovery;
int lun_discover(struct lun_discovery **out, struct lun_loop *loop,
		 const struct lun_url *url, const struct lun_options *options,
		 lun_discover_fn *done, void *user, struct lun_error *err);
/*
 * Right after lun_discover(): done shall come again, with the whole list, each
 * time that it has changed. Only an iSNS server tells of changes, so for all
 * other kinds this is false, and done comes once. The first done may be an
 * error, and is the last one then; later trouble with the server is logged, and
 * the last list stays valid.
 */
bool lun_discovery_watch(struct lun_discovery *d);
/* Also cancels: done comes no more. To be called after done, too. */
struct lun_discovery *lun_discovery_free(struct lun_discovery *d);

/* --------------------------------------------------------------- boot -- */

/* Where to boot from, by the stages of RFC 4173: a root path is found; if it
 * names no server, or there is none, discovery services are asked. Nothing on
 * the host is changed by it. */
enum lun_boot_source {
	LUN_BOOT_HOST,		/* what this host knows: CMDLINE, IBFT and LEASE
				   in this order, the first that has a target */
	LUN_BOOT_ROOT_PATH,	/* "iscsi:server:protocol:port:LUN:target" */
	LUN_BOOT_CMDLINE,	/* of the kernel */
	LUN_BOOT_IBFT,		/* of the firmware: a raw table, or a directory as
				   /sys/firmware/ibft */
	LUN_BOOT_LEASE,		/* which a DHCP client of the host holds */
	LUN_BOOT_DHCP,		/* asks DHCP servers */
};

struct lun_boot_config {
	enum lun_boot_source source;
	/* The root path; the interface to ask on (DHCP); or else a file, or NULL
	 * for those that are usual. */
	const char *value;
	/* Those to ask instead of the ones that the source tells of: portals,
	 * iSNS and SLP servers, in this order. */
	const struct lun_url *services;
	size_t n_services;
	/* Only these are taken, if it is not NULL: names of targets, and hosts
	 * of portals, with commas between. */
	const char *allow;
	bool numeric;		/* only servers that are named by address */

	/* DHCP: how often each request is sent (0: 4 times, which takes a
	 * minute); addresses of the servers that may answer, with commas between
	 * (NULL: any); and for RFC 3118 the text of a file of keys: lines
	 * "token=TEXT", or "key=ID:SECRET" for each key (NULL: none). With keys,
	 * what is not authentic is declined, unless it is accepted nevertheless,
	 * with a warning. */
	unsigned dhcp_tries;
	const char *dhcp_servers;
	const char *dhcp_keys;
	bool dhcp_unauthentic;
};

struct lun_boot_candidate {
	struct lun_url url;		/* LUN_URL_LUN, with the credentials */
	char username_in[256], password_in[256];	/* "" if none */
	char how[400];			/* who said so, for people */
};

struct lun_boot_result {
	char initiator_name[224];	/* who we are to them; "": not said */
	size_t n;			/* at least 1 */
	const struct lun_boot_candidate *candidates;	/* in order of trial */
};

/* done comes once, from the loop: with code 0 and a result that is valid during
 * the call, or with an error: LUN_ENOTFOUND if nobody knows of a target.
 * Everything is copied. There are secrets in a result: wipe copies of it. */
typedef void lun_boot_fn(void *user, int code, const char *text,
			 const struct lun_boot_result *result);
struct lun_boot;

/* LUN_EINVAL, LUN_ENOMEM: nothing has begun, and done does not come. */
int lun_boot(struct lun_boot **out, struct lun_loop *loop,
	     const struct lun_boot_config *config,
	     const struct lun_options *options, lun_boot_fn *done, void *user,
	     struct lun_error *err);
struct lun_boot *lun_boot_free(struct lun_boot *boot);	/* cancels, too */

/* Puts the login of a candidate, and the initiator name, into options where
 * these say nothing of their own. LUN_EINVAL. */
int lun_boot_apply(struct lun_options *options,
		   const struct lun_boot_result *result,
		   const struct lun_boot_candidate *candidate,
		   struct lun_error *err);

/* ----------------------------------------------------------- sessions -- */

struct lun_session;
struct lun_disk;

struct lun_session_ops {
	/*
	 * The session is up and its logical units have been looked at; comes
	 * once. Or it could not be made: code and text (valid during the call)
	 * say why, and it only remains to be freed.
	 */
	void (*ready)(void *user, int code, const char *text);
	/* A logical unit appeared, changed (size, state ...) or vanished; only
	 * after ready. A vanished disk fails its I/O and stays valid until the
	 * session is freed. */
	void (*disk_changed)(void *user, struct lun_disk *disk);
};

/*
 * Logs in to url's target at its portal. If url names a LUN, only that one is
 * looked at. url and options are copied; ops live as long as the session.
 * LUN_EINVAL, LUN_ENOMEM, LUN_ESYS: nothing has begun, and ready does not come.
 */
int lun_session_open(struct lun_session **out, struct lun_loop *loop,
		     const struct lun_url *url, const struct lun_options *options,
		     const struct lun_session_ops *ops, void *user,
		     struct lun_error *err);

/*
 * Logs out: I/O that was submitted completes first, up to the timeout of the
 * session, but not if it is lost; then closed is called. Then
 * lun_session_free().
 */
void lun_session_close(struct lun_session *s, void (*closed)(void *user));

/* Drops the connections if it is not closed; outstanding I/O is completed with
 * LUN_ECANCELED before this returns; nothing else is called any more. Not from
 * within lun_io.done. NULL is fine. */
struct lun_session *lun_session_free(struct lun_session *s);

/* Another portal of its target, in portal group tpgt (-1: not known): when the
 * session is lost, they are tried in turn. Those that the target itself tells
 * of are known to it, unless something that translates addresses is between.
 * LUN_EINVAL. */
int lun_session_add_portal(struct lun_session *s, const char *address,
			   uint16_t port, int tpgt);
bool lun_session_is_lost(const struct lun_session *s);	/* and I/O waits */
/* How many on a loop are, of those that ready came for and are not closed. */
size_t lun_loop_lost(const struct lun_loop *loop);
/* Is it too much for one thread, or for the window of one session? */
bool lun_loop_is_strained(const struct lun_loop *loop);
/* Is the session lost, and waits to log in again? It does so now. */
void lun_session_retry(struct lun_session *s);
/* The same each second from now on: for a program that ends soon. */
void lun_session_hurry(struct lun_session *s);

/* For a program that opens a session again that could not be opened, with the
 * pauses (and jitter) of a lost session: milliseconds until it does, after another
 * failure with this code. Zeroed at first, and when it is open. */
struct lun_backoff {
	unsigned failures, refusals;	/* of these, the last ones of such a kind */
};
int64_t lun_backoff_ms(struct lun_backoff *b, struct lun_loop *loop, int code);
/* Is the last failure worth a line? Of a long row, fewer and fewer are. */
bool lun_backoff_is_told(const struct lun_backoff *b);

/* In the order of the JSON contract. */
struct lun_counters {
	uint64_t session_recoveries, connection_recoveries, tasks_reassigned,
		 tasks_retried, snacks_sent, header_digest_errors,
		 data_digest_errors, task_timeouts, nop_timeouts, rejects,
		 async_messages, lun_resets, target_resets, aborts;
};

/* One that was asked for, whether it is there or not. What is counted is kept
 * for the life of the struct lun_session, whatever becomes of connections. */
struct lun_connection_info {
	unsigned cid;
	char portal[300];		/* "127.0.0.1:3260"; "" if never made */
	const char *state;		/* RFC 7143 8.1, 8.2: "LOGGED_IN" ... */
	uint64_t commands, bytes_in, bytes_out;
	struct lun_counters counters;	/* session_recoveries are none's: 0 */
};

struct lun_session_info {
	const char *target;		/* its name */
	const char *target_alias;	/* "" if none; text of the peer */
	uint8_t isid[6];
	uint16_t tsih;
	int tpgt;			/* our portal group; -1: not said */
	unsigned erl;
	/* What was asked for; the target may have granted less. */
	unsigned wanted_erl, wanted_connections;
	const char *state;		/* "LOGGED_IN", "FAILED", "FREE" (8.3) */
	/* While it is FAILED: the cause of the last failure, how many attempts
	 * to log in again were planned or made, when the next one is due (-1: it
	 * is under way), and since when it is lost. */
	const char *cause;
	unsigned attempts;
	int64_t next_attempt_ms, lost_ms;
	/* When that is given up at the latest: requests fail, or at level 2 the
	 * session is made again. -1: nothing is lost, or it is waited for ever. */
	int64_t gives_up_ms;
	size_t requests;		/* that are not done, and since when the */
	int64_t oldest_ms;		/* oldest of them is not; -1: none */
	size_t n_connections;
	const struct lun_connection_info *connections;
	struct lun_counters counters;
};

/* Valid until the next call on the session or return to the loop. */
const struct lun_session_info *lun_session_info(struct lun_session *s);

/* Calls fn for each negotiated key at once: its name (a constant) and its value,
 * as a text that is valid during the call, or if that is NULL as a number. */
void lun_session_keys(struct lun_session *s,
		      void (*fn)(void *user, const char *key, const char *text,
				 uint32_t number),
		      void *user);

/* -------------------------------------------------------------- disks -- */

enum lun_disk_state {
	LUN_DISK_PROBING,
	LUN_DISK_READY,
	LUN_DISK_NOT_READY,	/* there, but no medium or not usable: see text */
	LUN_DISK_UNSUPPORTED,	/* not a disk */
	LUN_DISK_GONE,
};

struct lun_disk_info {
	uint64_t lun;			/* as on the wire */
	enum lun_disk_state state;
	/* "ready", "not ready", ...; of a ready one whose target is away,
	 * "waiting", or "lost" after the outage. */
	const char *state_name;
	bool waiting, lost;		/* it is: requests wait; fail */
	const char *text;		/* why it is not "ready"; "" if it is */
	uint64_t size;			/* bytes */
	uint32_t block_size;		/* logical, bytes */
	uint32_t physical_block_size;
	uint32_t max_transfer;		/* bytes in one command that we send */
	uint32_t optimal_transfer;	/* bytes, 0: not said */
	bool read_only;			/* write protected, or so opened */
	bool thin, write_cache;		/* LBPME; WCE */
	/* How often it was found that writes which were done may be lost. The
	 * next LUN_FLUSH has failed then, or will; others can compare. */
	uint64_t lost_writes;
	char vendor[9], product[17], revision[5];	/* printable, trimmed */
	char serial[256];
	size_t n_designators;		/* "naa.6001405...", "eui....", "t10...." */
	const char *const *designators;
};

/* The disks of a session in ascending order; i from 0; NULL at the end. */
struct lun_disk *lun_session_disk(struct lun_session *s, size_t i);

/* Valid as long as the disk; its texts until the return to the loop. */
const struct lun_disk_info *lun_disk_info(const struct lun_disk *d);

/* A target need tell only one session that it was restarted, and that may have cost
 * what others wrote. Their LUN_FLUSH leaves a doubt (lun_io.doubt, a time): they
 * are lost if the signs that all n sessions have seen tell of a restart since. */
struct lun_signs {
	int64_t power_on_at, reset_at;	/* it last said so; monotonic ns; 0: never */
	int64_t absent_at;		/* nobody listened at its portal */
	bool away, coming;	/* it may not have heard yet; and just tries to */
	bool dirty;		/* a LUN_FLUSH has something to do, or to tell */
};
struct lun_signs lun_disk_signs(const struct lun_disk *d);
bool lun_signs_tell_restart(const struct lun_signs *all, size_t n, int64_t since);

/* ---------------------------------------------------------------- I/O -- */

enum lun_op {
	LUN_READ,
	LUN_WRITE,
	LUN_FLUSH,		/* SYNCHRONIZE CACHE; offset and length are 0 */
};

enum { LUN_FUA = 1 };		/* LUN_WRITE: on the medium when it completes */

/* One request on a disk: any offset and length in bytes. The caller lends it and
 * its buffer from lun_disk_submit() until done is called. No memory is allocated
 * for one that is aligned to blocks and fits in one command. */
struct lun_io {
	enum lun_op op;
	unsigned flags;
	uint64_t offset;
	size_t length;
	void *buffer;		/* LUN_WRITE only reads from it */
	void (*done)(struct lun_io *io);
	void *user;

	/* the outcome, valid in done */
	int code;		/* 0 or an enum lun_code */
	int error;		/* 0 or an errno, from one table */
	const char *text;	/* why, valid during done; "" if code is 0 */
	int64_t doubt;		/* of a LUN_FLUSH, see struct lun_signs; 0: none */

	/* the library's own */
	uint64_t priv[20];
};

/* Starts a request. Out-of-range requests fail too (error EINVAL; ENOSPC for a
 * write beyond the end). done always comes later, from the loop. */
void lun_disk_submit(struct lun_disk *d, struct lun_io *io);

/* Nobody waits for this request any more: it is ended as soon as that is safe,
 * and done comes with LUN_ECANCELED, or with the outcome that was under way. */
void lun_io_cancel(struct lun_disk *d, struct lun_io *io);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
