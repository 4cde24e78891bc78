#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A target with a write cache that is restarted may have lost what was not
# flushed: whoever has the LUN open is told by fsync, once; but not if all was
# flushed, nor after a mere loss of the connection. KIND-2: at recovery level 2,
# where the session is not known any more when a connection is to be recovered.
. "${0%/*}/lib.sh"
require_fuse
require jq python3

level=0
[ "$1" = "${1%-2}" ] || level=2
own_options=(--key "ErrorRecoveryLevel=$level")
start_target "${1%-2}" "$(image 64M image)"
proxy_port=$(free_port)
background proxy.log python3 "$here/proxy.py" "$proxy_port" "$port" --modes rst \
	--bytes 0
proxy_pid=$started
wait_until 20 listens "$proxy_port" || fail "no proxy"

session()
{
	as_user timeout 5 "$lunfs" status --json "$mnt" |
		jq -e ".sessions[0] | $1" >/dev/null
}

recoveries_now='(.counters | .session_recoveries + .connection_recoveries)'
recovered()
{
	session ".lost_ms == null and
		 $recoveries_now > ${recoveries:-0}"
}

count_recoveries()
{
	recoveries=$(as_user "$lunfs" status --json "$mnt" |
		jq ".sessions[0] | $recoveries_now")
}

# serve PORTAL
serve()
{
	mounts+=("$mnt")
	as_user "$lunfs" mount -f --erl "$level" "iscsi://$1/$target" "$mnt" \
		2>>"$log" &
	mount_pid=$!
	wait_until 20 mounted "$mnt" || fail "no mount"
	wait_until 20 as_user test -e "$(lun_file 0)" || fail "no LUN"
}

unserve()
{
	local status=0

	as_user fusermount3 -u "$mnt"
	wait "$mount_pid" || status=$?
	[ "$status" = "${1:-0}" ] || fail "lunfs mount: exit status $status"
}

# with_writes FLUSHED RESULTS COMMAND...: what two who have the LUN open, and one
# who opens it later, get from fsync when the command comes after a write.
with_writes()
{
	local flushed=$1 want=$2 go=$state/user/go

	shift 2
	rm -f "$go" "$go.ready"
	as_user python3 - "$(lun_file 0)" "$go" "$flushed" >"$state/results" <<-'END' &
		import errno, os, sys, time

		def sync(fd):
		    try:
		        os.fsync(fd)
		        return "ok"
		    except OSError as e:
		        return errno.errorcode[e.errno]

		path, go, flushed = sys.argv[1:]
		one, two = [os.open(path, os.O_RDWR) for i in range(2)]
		os.pwrite(one, b"x" * 65536, 0)
		if flushed == "flushed":
		    os.fsync(one)
		open(go + ".ready", "w").close()
		while not os.path.exists(go):
		    time.sleep(0.1)
		results = [sync(one), sync(one)]
		three = os.open(path, os.O_RDWR)
		print(*results, sync(two), sync(two), sync(three))
	END
	local writer=$!
	wait_until 30 test -e "$go.ready" || fail "it does not write"
	"$@"
	as_user touch "$go"
	wait "$writer" || fail "writer"
	[ "$(cat "$state/results")" = "$want" ] ||
		fail "fsync: $(cat "$state/results") instead of $want"
}

restart()
{
	count_recoveries
	kill_target
	sleep 0.3
	restart_target
	as_user "$lunfs" retry "$mnt"	# else it waits longer each time
	wait_until 60 recovered || fail "not back after the restart"
}

cut()
{
	count_recoveries
	kill -USR1 "$proxy_pid"
	wait_until 60 recovered || fail "not back after the cut"
}

told()
{
	grep -c "the target was restarted: .* writes were not flushed" "$log" ||
		true
}

say "the connection is cut"
serve "127.0.0.1:$proxy_port"
for _ in 1 2; do
	with_writes not "ok ok ok ok ok" cut
done
unserve
[ "$(told)" = 0 ] || fail "a restart was seen where there was none"

say "the target is restarted"
serve "$portal"
with_writes not "EIO ok EIO ok ok" restart
[ "$(told)" = 1 ] || fail "no message, or too many"
with_writes flushed "ok ok ok ok ok" restart
[ "$(told)" = 1 ] || fail "a message, and all was flushed"

say "nobody asks before the unmount"
as_user dd if=/dev/zero of="$(lun_file 0)" bs=64k count=1 conv=notrunc \
	2>/dev/null
restart
unserve 1
grep "lun.*: flush: " "$log" | grep "not flushed may be lost" >/dev/null ||
	fail "no message at the end"
