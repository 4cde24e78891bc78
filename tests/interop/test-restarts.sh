#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What one of several sessions has written and a restart of the target may have
# lost: a target need tell one session only that it was restarted, and that may be
# another one. An fsync fails nevertheless, once; and if there is none any more,
# the mount ends with an error. What was flushed before is no loss, nor is what was
# written with O_DSYNC.
. "${0%/*}/lib.sh"
. "$here/user.sh"
require_fuse
require jq

up()
{
	[ "$(as_user jq -r '[.sessions[] | select(.state == "LOGGED_IN")] |
		length' "$mnt/.lunfs/status.json")" = "$1" ]
}

# Without the back-off, which would take minutes in all.
tried()
{
	as_user "$lunfs" retry "$mnt"
	up 3
}

all_up()
{
	wait_until 60 tried || fail "not all sessions came back"
}

kill_and_wait()
{
	kill_target
	wait_until 30 up 0 || fail "no loss is seen"
	sleep 1			# so that it is seen that nobody listens
}

# All come at once.
back()
{
	restart_target
	as_user "$lunfs" retry "$mnt" || fail "retry"
}

restart()
{
	kill_and_wait
	back
	all_up
}

has_ended()
{
	! kill -0 "$mount_pid" 2>/dev/null
}

# ends STATUS: the mount, as it is unmounted.
ends()
{
	local status=0

	as_user fusermount3 -u "$mnt" || fail "fusermount3"
	wait_until 60 has_ended || fail "it does not end"
	wait "$mount_pid" || status=$?
	[ "$status" = "$1" ] ||
		fail "exit status $status, not $1: $(tail -n 20 "$state/mount.log")"
}

# mount_it [SESSIONS [OPTION...]]
mount_it()
{
	mounts+=("$mnt")
	as_user "$lunfs" mount -f --sessions "${1:-3}" "${@:2}" \
		"iscsi://$portal/$target" "$mnt" 2>"$state/mount.log" &
	mount_pid=$!
	wait_until 60 up "${1:-3}" ||
		fail "not ${1:-3} sessions: $(cat "$state/mount.log")"
}

write_once()
{
	as_user dd if=/dev/zero of="$(lun_file 0)" bs=4k count=1 conv=notrunc \
		status=none
}

# half_moves OPTION...: from a target with these options. The second session goes
# to another portal for good.
half_moves()
{
	kill_target
	own_options=(--fault "redirect=${portals[1]},nth=2"
		--fault set=detail:2,on=login-response,nth=3 "$@")
	restart_target
}

# With all of its threads: they are told one after the other.
is_stopped()
{
	! cat /proc/"$1"/task/*/status | matches '^State:.[^T]'
}

# half_back OPTION...: where it is, the LUNs are not ready any more after a restart,
# of which nobody here is told. The target has these options then.
half_back()
{
	half_moves
	mount_it 2
	write_once
	kill -STOP "$(lunfs_pids)"
	wait_until 10 is_stopped "$(lunfs_pids)" || fail "it is not stopped"
	kill_target
	own_options=(--fault "sense=2/04/0b,portal=${portals[1]}" "$@")
	restart_target
	run 0 info "$(lun_url 0)"
	kill -CONT "$(lunfs_pids)"
	wait_until 30 up 2 || fail "not both sessions came back"
}

export TSAN_OPTIONS=log_path=$state/user/tsan
own_words=tells-one,volatile,fua=0
img=$(image 16M image)
start_target "$1" "$img"
mount_it
open_lun "$(lun_file 0)"

say "one of them has written"
for round in {1..4}; do
	expect write ok
	restart
	expect fsync EIO
	expect fsync ok
done

say "what was written is flushed"
expect write ok
expect fsync ok
restart
expect fsync ok
expect write ok
expect fsync ok

say "between O_DSYNC's write and its flush"
# no more commands are invited behind that write
for round in {1..3}; do
	own_options=(--window 1 --fault window=0,on=scsi-response,write)
	restart
	echo "$round" >&"${user[1]}"
	sleep 0.5
	own_options=()
	restart
	read -r answer <&"${user[0]}"
	[ "$answer" = ok ] || fail "O_DSYNC: $answer"
	[ "$(head -c 4096 "$img" | tr -d "$round" | wc -c)" = 0 ] ||
		fail "O_DSYNC: it is not on the medium"
	expect fsync ok
done

say "the first one that is let in is the last one to know"
# and it is not the one that fsync needs most
own_options=(--fault refuse=3/1,once
	--fault delay=3s,on=login-response,nth=2,each,once)
for round in {1..4}; do
	expect write ok
	kill_and_wait
	back
	sleep 0.5
	as_user "$lunfs" retry "$mnt" || fail "retry"
	expect fsync EIO
	all_up
done
own_options=()

say "what one is told is lost with its connection, and it stays away"
# the others are let in behind it
own_options=(--fault cut,on=scsi-response,once
	--fault refuse=3/1,skip=1,times=2 --fault refuse=3/1,skip=5,times=2)
for round in 1 2; do
	expect write ok
	kill_and_wait
	back
	expect fsync EIO
	all_up
	expect fsync ok
done
own_options=()

say "who waits for a session that is away can be ended"
expect write ok
kill_and_wait
# not as_user, a shell: this is the process itself
"$state/bin/as-user" python3 -c '
import os, sys
os.fsync(os.open(sys.argv[1], os.O_RDWR))' "$(lun_file 0)" &
waits=$!
sleep 2
kill "$waits"
wait_until 10 gone_pid "$waits" || fail "it is not ended"
back
all_up
expect fsync EIO
expect fsync ok

say "the end of what is flushed"
close_lun
ends 0

say "the end of what is not"
for round in 1 2; do
	mount_it
	write_once
	restart
	ends 1
done

if [ "$kind" = own ]; then
	stop_target
	start_target own portals=2 "$(image 16M image)" "$(image 16M image1)"

	say "one that finds no LUN any more is not waited for for ever"
	half_back
	as_user timeout 20 sync "$(lun_file 0)" || fail "fsync"
	ends 0

	say "what one could only wait for the first one does"
	half_back --fault "window=1,portal=$portal"	# it needs help
	readers=()
	for i in {1..16}; do
		as_user timeout 20 dd if="$(lun_file 0)" of=/dev/null bs=4k \
			count=200 iflag=direct status=none &
		readers+=($!)
	done
	for i in "${readers[@]}"; do
		wait "$i" || fail "a read"
	done
	ends 0

	say "one whose connection is to be recovered has yet to hear"
	# the first one is away, and not refused, when nobody listens for a moment
	words=$own_words own_words=''
	half_moves --key ErrorRecoveryLevel=2 \
		--fault "async=session-drop,on=scsi-command,write,portal=$portal" \
		--fault "refuse=3/1,portal=$portal,skip=2"
	mount_it 2 --erl 2
	write_once
	sleep 2
	kill_target
	own_options=(--key ErrorRecoveryLevel=2
		--fault "stall=2s,on=login-request,portal=${portals[1]}")
	restart_target
	as_user "$lunfs" retry "$mnt" || fail "retry"
	as_user sync "$(lun_file 0)" 2>/dev/null && fail "fsync is well"
	ends 0
	own_words=$words

	say "the end while it is waited for"
	# the first session is lost with a write, and the second one is slow to end
	half_back --fault "cut,on=scsi-command,write,portal=$portal" \
		--fault "refuse=3/1,portal=$portal,skip=2" \
		--fault "stall,on=logout-request,portal=${portals[1]}"
	as_user sync "$(lun_file 0)" 2>/dev/null &
	waits=$!
	sleep 1
	as_user dd if=/dev/zero of="$(lun_file 1)" bs=4k count=1 conv=notrunc \
		oflag=direct status=none 2>/dev/null &
	writes=$!
	sleep 0.5
	kill "$(lunfs_pids)"
	sleep 0.2
	kill "$(lunfs_pids)"
	wait "$mount_pid" && fail "the end is well"
	wait "$waits" && fail "fsync is well"
	wait "$writes" && fail "the write is well"
fi

if compgen -G "$state/user/tsan*" >/dev/null; then
	head -n 100 "$state"/user/tsan*
	fail "data races"
fi
