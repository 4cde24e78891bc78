#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A write whose data arrived, but which the target holds back, must not land
# after its replacement:
#
#	write A --> held for 8 s; the connection is cut; a new login replaces
#	            the session; A is written again and acknowledged
#	write B --> to the same place, acknowledged
#	after 10 s  B is there, and not A
#
# It is the target that keeps this promise: session reinstatement ends the tasks
# of the old session before the new one begins (RFC 7143 6.3.5), and the
# initiator's part is to log in with the same ISID, so that it *is* a
# reinstatement, and to send nothing again before that. With a target that
# executes the ended task all the same ("zombie") no initiator can help it: A
# is there in the end, which also shows that this test can fail.
. "${0%/*}/lib.sh"
require_fuse

log=$state/lunfs.log

pattern()
{
	head -c 65536 /dev/zero | tr '\0' "$1" >"$state/user/$1"
}

# put LETTER LUN: direct, so that dd ends when the target has acknowledged.
put()
{
	as_user timeout 60 dd if="$state/user/$1" of="$mnt/$target/lun$2" \
		bs=64k count=1 conv=notrunc oflag=direct status=none
}

get()
{
	as_user timeout 60 dd if="$mnt/$target/lun0" bs=64k count=1 \
		iflag=direct status=none | head -c 1
}

held()
{
	grep -q "! $1" "$state/own.log"
}

# stale KIND EXPECTED: what is there in the end.
stale()
{
	local first mount_pid begin

	say "$1"
	own_options=(--lun size=1M --lun size=1M --verbose
		--fault "$1=8,on=scsi-command,write,lun=0,nth=1"
		--fault "cut,on=scsi-command,write,lun=1,nth=1")
	start_target own
	mounts+=("$mnt")
	as_user "$lunfs" mount -f "iscsi://$portal/$target" "$mnt" \
		2>>"$log" &
	mount_pid=$!
	wait_until 20 as_user test -e "$mnt/$target/lun1" || fail "no mount"

	put A 0 &
	first=$!
	wait_until 10 held "$1" || fail "the target does not hold the write"
	begin=$SECONDS
	put C 1 || fail "the write that cuts the connection: no recovery"
	wait "$first" || fail "A: no recovery"
	[ $((SECONDS - begin)) -lt 8 ] || skip "too slow: A was not replaced" \
		"before its time"
	put B 0 || fail "B"
	[ "$(get)" = B ] || fail "B is acknowledged, but not there"
	sleep $((begin + 10 - SECONDS))
	[ "$(get)" = "$2" ] || fail "in the end there is $(get), not $2"
	unmount_lunfs "$mnt"
	wait "$mount_pid" || fail "lunfs: exit status $?"
	stop_target
	grep -q "^fault $1=.*: 1 times" "$state/own.log" ||
		fail "the write was not held once"
	grep -q "^fault cut.*: 1 times" "$state/own.log" ||
		fail "the connection was not cut once"
}

for letter in A B C; do
	pattern $letter
done
stale hold B
stale zombie A
