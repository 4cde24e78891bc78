#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --sessions 3: three loops share the work. All take part, what one wrote the
# others read, status.json shows them all, each comes back after an outage, and
# the end is as orderly as that of one.
. "${0%/*}/lib.sh"
require_fuse
require fio jq

status()
{
	as_user jq -r "$1" "$mnt/.lunfs/status.json"
}

up()
{
	[ "$(status '[.sessions[] | select(.state == "LOGGED_IN")] | length')" = "$1" ]
}

load()
{
	local file

	file=$(lun_file 0)		# fio takes ":" as a separator
	as_user fio --name=load --filename="${file//:/\\:}" --size=32M \
		--rw=randwrite --bs=4k --ioengine=libaio --iodepth=32 \
		--direct=1 --verify=crc32c --verify_fatal=1 \
		--verify_state_save=0 --allow_file_create=0 --fallocate=none \
		--output="$state/user/fio.out" "$@" && return 0
	cat "$state/user/fio.out"
	return 1
}

commands()
{
	status '[.sessions[].connections[].commands] | add'
}

# While session $away is lost they do more than all had done before.
others_work()
{
	n=$(status "[.sessions[] | select(.number != $away) |
		.connections[].commands] | add")
	up 2 && [ "$n" -ge 2500 ]
}

retried()
{
	as_user "$lunfs" retry "$mnt"
	up 3
}

# If it was built with ThreadSanitizer: the daemon has no stderr.
export TSAN_OPTIONS=log_path=$state/user/tsan

window=8		# too small for the load of one session
start_target "$1" "$(image 64M image)"
mount_lunfs --sessions 3 "iscsi://$portal/$target" "$mnt"
wait_until 30 up 3 || fail "$(status '.sessions[].state') instead of 3 sessions"

say "three sessions are three"
[ "$(status '[.sessions[].isid] | unique | length')" = 3 ] ||
	fail "ISIDs: $(status '.sessions[].isid')"

say "verified load"
load || fail "fio"
before=$(commands)
counts=$(status '.sessions[].connections[0].commands')
echo "commands:" $counts
for n in $counts; do
	[ "$n" -gt 100 ] || fail "one of the sessions has no share: $counts"
done

# What is done with few commands at a time is served by one.
served_by_one()
{
	local before after with=0 i

	sleep 1.5			# till what there was to do is forgotten
	mapfile -t before < <(status '.sessions[].connections[0].commands')
	load --rw=read --verify=0 "$@" || fail "fio"
	mapfile -t after < <(status '.sessions[].connections[0].commands')
	for i in 0 1 2; do
		[ $((after[i] - before[i])) -le 20 ] || with=$((with + 1))
	done
	echo "before: ${before[*]}, after: ${after[*]}"
	[ "$with" = 1 ] || fail "$with sessions had a share: $*"
}

say "one session keeps up"
served_by_one --iodepth=1 --size=2M
served_by_one --iodepth=3 --bs=1M --loops=4

say "names and attributes, many at once"
jobs=()
for i in 1 2 3 4; do
	for ((k = 0; k < 10; k++)); do
		as_user ls -lR "$mnt" >"$state/ls.$i" || exit 1
	done &
	jobs+=($!)
done
for job in "${jobs[@]}"; do
	wait "$job" || fail "ls"
done
grep -q "lun$(lun 0)" "$state/ls.1" || fail "ls does not show the LUN"

say "outage under load"
load &
job=$!
sleep 1
kill_target
sleep 1
restart_target
wait $job || fail "fio in an outage"
wait_until 30 up 3 || fail "not all sessions came back"
[ "$(commands)" -gt "$before" ] || fail "what was counted is forgotten"

# Each session knows of its own writes, and perhaps only one of the restart; an
# fsync asks all of them, and one restart is one error.
say "writes that a restart may have lost"
as_user python3 - "$(lun_file 0)" "$state/user/go" \
	>"$state/results" <<'END' &
import errno, os, sys, threading, time

def sync():
    try:
        os.fsync(fd)
        return "ok"
    except OSError as e:
        return errno.errorcode[e.errno]

def write(i):
    for k in range(100):
        os.pwrite(fd, b"x" * 4096, (i * 100 + k) * 4096)

path, go = sys.argv[1:]
fd = os.open(path, os.O_RDWR)
before = sync()
threads = [threading.Thread(target=write, args=[i]) for i in range(16)]
for t in threads:
    t.start()
for t in threads:
    t.join()
open(go + ".ready", "w").close()
while not os.path.exists(go):
    time.sleep(0.1)
print(before, sync(), sync(), sync(), sync())
END
writer=$!
wait_until 60 test -e "$state/user/go.ready" || fail "it does not write"
kill_target
wait_until 30 up 0 || fail "no loss is seen"
sleep 1				# so that it is seen that nobody listens
restart_target
wait_until 60 up 3 || fail "not all sessions came back"
as_user touch "$state/user/go"
wait $writer || fail "writer"
echo "fsync: $(cat "$state/results")"
[ "$(cut -d' ' -f 2- "$state/results")" = "EIO ok ok ok" ] || fail "fsync"

# Whichever session has taken a request: it waits for that one, and not for ever.
say "an outage that lasts too long"
unmount_lunfs "$mnt"
mount_lunfs --sessions 3 --timeout 3 --outage wait:3 \
	"iscsi://$portal/$target" "$mnt"
wait_until 30 up 3 || fail "not 3 sessions"
load --size=4M || fail "fio"
kill_target
wait_until 30 up 0 || fail "no loss is seen"
readers=()
for ((i = 0; i < 16; i++)); do
	as_user timeout 60 dd if="$(lun_file 0)" of=/dev/null bs=4k skip="$i" \
		count=1 iflag=direct 2>"$state/dd.$i" &
	readers+=("$!")
done
for ((i = 0; i < 16; i++)); do
	code=0
	wait "${readers[i]}" || code=$?
	[ "$code" = 1 ] && grep -q 'Input/output error' "$state/dd.$i" ||
		fail "reader $i: $code: $(cat "$state/dd.$i")"
done
restart_target
wait_until 60 up 3 || fail "not all sessions came back"
load --size=4M || fail "fio after it"

say "the end with a load"
load --time_based --runtime=30 >"$state/end.out" 2>&1 &
job=$!
sleep 1
daemon=$(lunfs_pids)
kill "$daemon"
sleep 1
kill "$daemon" 2>/dev/null || true
wait_until 60 no_lunfs || fail "lunfs still runs"
wait $job && fail "fio did not notice the end"

say "again, and unmounted"
mount_lunfs --sessions 8 "iscsi://$portal/$target" "$mnt"
unmount_lunfs "$mnt"

# One of them is cut in the middle of a load, and refused for as long as nobody
# asks for it. What it has got waits, which may be all of that load; but the
# others do what comes then, and nobody sees an error.
if [ "$1" = own ]; then
	say "one of the sessions is lost"
	kill_target
	own_options=(--fault cut,on=scsi-command,nth=500
		--fault "refuse=3/1,skip=3,times=6")
	restart_target
	mount_lunfs --sessions 3 "iscsi://$portal/$target" "$mnt"
	wait_until 30 up 3 || fail "not 3 sessions"
	load --size=16M &
	jobs=($!)
	wait_until 30 up 2 || fail "$(status '.sessions[].state')"
	away=$(status '.sessions[] | select(.state != "LOGGED_IN") | .number')
	load --size=16M --offset=32M &
	jobs+=($!)
	wait_until 30 others_work ||
		fail "the others did $n commands while session $away was lost"
	wait_until 30 retried || fail "session $away did not come back"
	for job in "${jobs[@]}"; do
		wait "$job" || fail "fio with one session less"
	done
	[ "$(status '[.sessions[] | select(.counters.session_recoveries ==
		if .number == '"$away"' then 1 else 0 end)] | length')" = 3 ] ||
		fail "session $away was lost: $(status '.sessions[].counters')"
	unmount_lunfs "$mnt"
fi

# What the target refuses at first is there later; the log and status say so.
if [ "$1" = own ]; then
	say "sessions that cannot be made at first"
	kill_target
	own_options=(--fault "refuse=3/2,skip=1,times=6")
	restart_target
	mounts+=("$mnt")
	as_user "$lunfs" mount -f --sessions 3 "iscsi://$portal/$target" \
		"$mnt" 2>"$state/first.log" &
	mount_pid=$!
	wait_until 20 as_user test -e "$(lun_file 0)" || fail "no mount"
	wait_until 20 grep -q "^lunfs: session 3: .* attempt 2 in " \
		"$state/first.log" || fail "$(cat "$state/first.log")"
	load --size=4M || fail "fio with one session"
	as_user "$lunfs" status "$mnt" >"$state/status"
	for pattern in "^$target, session 1 of 3$" "^$target, session 2 of 3$" \
		'^  state *FREE$' '^  cause .*0302' \
		'^  attempt *[0-9]* \(in\|under way\)'; do
		grep -q "$pattern" "$state/status" ||
			fail "no '$pattern' in: $(cat "$state/status")"
	done
	wait_until 30 up 3 || fail "$(as_user "$lunfs" status "$mnt")"
	[ "$(grep -c ': is there now$' "$state/first.log")" = 2 ] ||
		fail "$(cat "$state/first.log")"
	load || fail "fio with three sessions"
	[ "$(status '[.sessions[].connections[0].commands > 100] | all')" = true ] ||
		fail "one of the sessions has no share: $(commands)"
	as_user fusermount3 -u "$mnt"
	wait "$mount_pid" || fail "lunfs mount: exit status $?"
fi

if compgen -G "$state/user/tsan*" >/dev/null; then
	head -n 100 "$state"/user/tsan*
	fail "data races"
fi
