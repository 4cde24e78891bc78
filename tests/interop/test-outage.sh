#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The target dies, freezes, is cut off, comes back, or comes back as another
# one. Programs that wait for it lose nothing and see no error; those that do
# not want to wait get an error in time, with its cause; and a mount always
# comes back by itself, or when it is told to.
. "${0%/*}/lib.sh"
require_fuse
require fio python3

seed=${LUNFS_SEED:-$RANDOM}
say "seed $seed"
start_target "$1" "$(image 64M image0)" "$(image 16M image1)"
log=$state/lunfs.log
: >"$log"
mount_pid=''

# ------------------------------------------------------------- the mount --

answers()
{
	mounted "$mnt" && as_user test -e "$(lun_file 0)"
}

# serve PORTAL OPTION...: in the foreground, so that there is a log.
serve()
{
	local where=$1

	shift
	mounts+=("$mnt")
	as_user "$lunfs" mount -f "$@" "iscsi://$where/$target" "$mnt" \
		2>>"$log" &
	mount_pid=$!
	wait_until 20 answers || fail "no mount"
	pid=$(lunfs_pids)
}

# ends [STATUS]
ends()
{
	local status=0

	wait "$mount_pid" || status=$?
	[ "$status" = "${1:-0}" ] ||
		fail "lunfs: exit status $status instead of ${1:-0}"
	! mounted "$mnt" || fail "still mounted"
}

unserve()
{
	as_user fusermount3 -u "$mnt" || fail "fusermount3 -u"
	ends
}

# session FIELD: of status.json, which has one on each line. (There is one
# session; its names are unlike those of LUNs.)
session()
{
	as_user timeout 5 "$lunfs" status --json "$mnt" |
		sed -n "s/^ *\"$1\": *\(.*[^,]\),*$/\1/p"
}

lost()
{
	[ "$(session lost_ms)" != null ]
}

up()
{
	[ "$(session lost_ms)" = null ]
}

rarely()
{
	local ms

	ms=$(session next_attempt_ms)
	[ "$ms" != null ] && [ "$ms" -gt 30000 ]
}

# logged PATTERN: since the last mark.
mark()
{
	marked=$(wc -l <"$log")
}

logged()
{
	tail -n "+$((marked + 1))" "$log" | grep -qE "$1"
}

# -------------------------------------------------------------- the load --

# Many writes in flight, and read back; writes of any size at any offset, and
# read back, until it is told to stop.
fio_load()
{
	local file

	file=$(lun_file 0)		# fio takes ":" as a separator
	as_user fio --name=load --filename="${file//:/\\:}" --size=48M \
		--rw=randwrite --bsrange=4k-128k --ioengine=libaio --iodepth=16 \
		--direct=1 --rate=8m --verify=crc32c --verify_fatal=1 \
		--verify_state_save=0 --allow_file_create=0 --fallocate=none \
		--randseed="$seed" --output="$state/user/fio.out" && return 0
	cat "$state/user/fio.out"
	return 1
}

fsx_load()
{
	local n=0

	while [ ! -e "$state/stop" ]; do
		as_user "$fsx" --seed $((seed + n)) --ops 4000 --processes 4 \
			"$(lun_file 1)" || return 1
		n=$((n + 1))
	done
}

start_load()
{
	rm -f "$state/stop"
	fio_load &
	fio_pid=$!
	fsx_load >"$state/fsx.out" 2>&1 &
	fsx_pid=$!
}

loaded()
{
	kill -0 "$fio_pid" 2>/dev/null
}

end_load()
{
	wait "$fio_pid" || fail "$1: fio: data or errors (seed $seed)"
	touch "$state/stop"
	wait "$fsx_pid" ||
		{ cat "$state/fsx.out"; fail "$1: fsx (seed $seed)"; }
}

# under_load WHAT COMMAND...
under_load()
{
	local what=$1

	shift
	say "$what"
	start_load
	sleep 1
	loaded || fail "$what: the load ended too early"
	"$@"
	end_load "$what"
}

restarts()
{
	local i

	for i in 0.2 1 2; do
		kill_target
		sleep "$i"
		restart_target
		wait_until 90 up || fail "not up after restart"
		sleep 1
	done
}

freeze()
{
	kill -STOP "$target_pid"
	sleep "$1"
	kill -CONT "$target_pid"
}

# ----------------------------------------------------------- the journeys --

# What is promised to those who wait.
wait_for_it()
{
	serve "$portal" --timeout 30
	under_load "target killed and restarted" restarts
	[ "$(session session_recoveries)" -gt 0 ] ||
		fail "no recovery was counted"
	under_load "frozen for 5 s, patiently" freeze 5
	unserve

	# It is given up meanwhile; and has our old commands when it thaws.
	serve "$portal" --timeout 3
	under_load "frozen for 5 s, impatiently" freeze 5
	unserve
}

# Longer than all that we wait for: commands, pings, logins.
frozen()
{
	serve "$portal" --timeout 20
	under_load "frozen for 100 s" freeze 100
	unserve
}

# cut_by MODES BYTES
cut_by()
{
	local modes=$1 proxy proxy_port

	proxy_port=$(free_port)
	python3 "$here/proxy.py" "$proxy_port" "$port" --modes "$modes" \
		--seed "$seed" --bytes "$2" >"$state/proxy.log" 2>&1 &
	proxy=$!
	pids+=("$proxy")
	disown "$proxy"
	wait_until 20 grep -q ready "$state/proxy.log" || fail "no proxy"
	serve "127.0.0.1:$proxy_port" --timeout 3
	under_load "cut by $modes" cuts
	unserve
	end_pid "$proxy"
}

waiting()
{
	[ "$(session next_attempt_ms)" != null ]
}

# The back-off would take minutes: it is cut short.
cuts()
{
	local end=$((SECONDS + 20))

	kill -USR1 "$proxy"
	kill -USR1 "$proxy"
	while [ "$SECONDS" -lt "$end" ] && loaded; do
		if lost && waiting; then
			kill -USR1 "$pid"
		fi
		sleep 0.2
	done
	kill -USR2 "$proxy"
	say "$(grep -c '^cut' "$state/proxy.log" || true) cuts"
	wait_until 30 up || fail "not up after the last cut"
	[ "$(grep -c '^cut' "$state/proxy.log")" -ge 3 ] || fail "too few cuts"
}

cut_off()
{
	cut_by rst,fin 6000000
	cut_by half,hole 20000000
}

# ----------------------------------------------------- errors, in time --

milliseconds()
{
	echo $(($(date +%s%N) / 1000000))
}

# put N: one block that is named so, past the page cache.
put()
{
	printf '%-4096s' "$1" | as_user dd of="$(lun_file 0)" bs=4096 count=1 \
		oflag=direct iflag=fullblock conv=notrunc status=none \
		2>"$state/put.err"
}

# fails_within LEAST MOST ERROR: put, in milliseconds.
fails_within()
{
	local start took

	start=$(milliseconds)
	! put lost || fail "a write went well without a target"
	took=$(($(milliseconds) - start))
	grep -q "$3" "$state/put.err" ||
		fail "instead of $3: $(cat "$state/put.err")"
	if [ "$took" -lt "$1" ] || [ "$took" -gt "$2" ]; then
		fail "the error came after $took ms, not $1..$2"
	fi
}

stored()
{
	[ "$(head -c 4096 "$state/image0" | tr -d ' ')" = "$1" ]
}

# A mount comes back by itself.
back_by_itself()
{
	restart_target
	wait_until 90 up || fail "$1: does not come back by itself"
	wait_until 60 put "$1" || fail "$1: no write after the outage"
	stored "$1" || fail "$1: not on the target"
}

impatient()
{
	say "wait:3"
	mark
	serve "$portal" --timeout 5 --outage wait:3
	put before || fail "no write"
	kill_target
	fails_within 1500 20000 'Input/output error'
	logged 'requests fail from now on: .*(closed|refused|reset|lost)' ||
		fail "the log does not say why"
	session cause | grep -qE 'closed|refused|reset|lost' ||
		fail "the status does not say why"
	fails_within 0 8000 'Input/output error'
	back_by_itself wait3
	unserve

	say "fail"
	serve "$portal" --timeout 5 --outage fail
	put before || fail "no write"
	kill_target
	fails_within 0 10000 'Input/output error'
	back_by_itself fail
	unserve
}

# retries WHAT COMMAND...: the next attempt is far, then it is made at once.
retries()
{
	local what=$1

	shift
	restart_target
	up && fail "$what: it was up before it was told to"
	"$@" || fail "$what"
	wait_until 8 up || fail "$what: not back at once"
}

far()
{
	local ms

	ms=$(session next_attempt_ms)
	[ "$ms" != null ] && [ "$ms" -gt 11000 ]
}

told()
{
	say "lunfs retry, SIGUSR1"
	serve "$portal" --timeout 5
	kill_target
	wait_until 120 far || fail "no back-off"
	as_user "$lunfs" status "$mnt"
	if [ "$(id -u)" = 0 ]; then
		! "$lunfs" retry "$mnt" 2>/dev/null || fail "another user may retry"
	fi
	retries "retry" as_user "$lunfs" retry "$mnt"
	kill_target
	wait_until 120 far || fail "no back-off"
	retries "SIGUSR1" kill -USR1 "$pid"
	put told || fail "no write"
	stored told || fail "not on the target"
	unserve
}

hopeless()
{
	local name=$target

	say "no such target any more"
	serve "$portal" --timeout 5
	mark
	kill_target
	target=$name-other
	restart_target
	wait_until 40 rarely || fail "it is tried often"
	logged 'no such target|not found|[Nn]ot [Ff]ound' ||
		fail "the log does not say that there is no such target"
	kill_target
	target=$name
	retries "target is there again" as_user "$lunfs" retry "$mnt"
	unserve

	say "wrong secret"
	kill_target
	chap=joe:secret-of-joe
	restart_target
	credentials "$state/secret" "$chap"
	serve "$portal" --timeout 5 --credentials "$state/secret"
	mark
	kill_target
	chap=joe:another-secret
	restart_target
	wait_until 40 rarely || fail "it is tried often"
	logged '[Aa]uthenticat|CHAP' || fail "the log does not say why"
	kill_target
	chap=joe:secret-of-joe
	retries "right secret" as_user "$lunfs" retry "$mnt"
	unserve
	kill_target
	chap=''
	restart_target
}

# ------------------------------------------------------- the end of mounts --

# writers N: so many processes wait for a write each. A group of their own.
writers()
{
	: >"$state/writers.out"
	# shellcheck disable=SC2016
	"$state/bin/as-user" setsid sh -c '
		for i in $(seq 1 "$2"); do
			dd if=/dev/zero of="$1" bs=64k count=1 seek="$i" \
				oflag=direct conv=notrunc status=none &
		done
		echo started
		wait' sh "$(lun_file 0)" "$1" >"$state/writers.out" 2>&1 &
	writers_pid=$!
	wait_until 60 grep -q started "$state/writers.out" || fail "no writers"
	sleep 1
}

gone()
{
	! kill -0 -- "$1" 2>/dev/null
}

# ends_by MOST SIGNALS: how long the mount may take.
ends_by()
{
	local start i

	serve "$portal" --timeout 5
	kill_target
	wait_until 10 lost || fail "the loss is not noticed"
	writers 20
	start=$(milliseconds)
	for ((i = 0; i < $2; i++)); do
		kill -TERM "$pid"
		sleep 0.5
	done
	ends 1
	[ $(($(milliseconds) - start)) -le "$1" ] ||
		fail "took $(($(milliseconds) - start)) ms"
	wait "$writers_pid"
	[ "$(grep -o 'Input/output error' "$state/writers.out" |
		wc -l)" = 20 ] ||
		fail "errors: $(sort "$state/writers.out" | uniq -c)"
	restart_target
}

signalled()
{
	say "SIGTERM"
	ends_by 20000 1
	say "two SIGTERM"
	ends_by 5000 2
}

crowded()
{
	say "hundreds of writes wait: all else works"
	serve "$portal" --timeout 5
	kill_target
	wait_until 10 lost || fail "the loss is not noticed"
	writers 400
	as_user timeout 5 "$lunfs" status "$mnt" >"$state/out" ||
		fail "status hangs"
	grep -q FAILED "$state/out" || fail "status"
	as_user timeout 5 stat "$(lun_file 1)" >/dev/null || fail "stat hangs"
	as_user timeout 5 ls -lR "$mnt" >/dev/null || fail "ls hangs"
	kill -KILL -- "-$writers_pid"
	wait_until 15 gone "-$writers_pid" || fail "they cannot be killed"
	as_user timeout 15 fusermount3 -u "$mnt" || fail "unmounting hangs"
	ends 1
	restart_target
}

# -------------------------------------------------------- another unit --

another_unit()
{
	local writer image

	say "another unit under the same LUN"
	serve "$portal" --timeout 5
	put mine || fail "no write"
	mark
	kill_target
	put stale &
	writer=$!
	sleep 0.5
	image=$(image 64M other0)
	images[0]=$image
	unit=other
	restart_target
	! wait "$writer" || fail "it was written to another unit"
	grep -q 'Stale file handle' "$state/put.err" ||
		fail "instead of ESTALE: $(cat "$state/put.err")"
	logged 'another logical unit is there now' || fail "the log does not say it"
	! put stale || fail "a write went to another unit"
	as_user "$lunfs" status "$mnt"
	as_user fusermount3 -u "$mnt" || fail "fusermount3 -u"
	wait "$mount_pid" || true
	cmp "$image" <(head -c 64M /dev/zero) || fail "another unit was written to"
	stored mine || fail "the old one has changed"
}

# test-outage.sh KIND [JOURNEY...]
# Without journeys: with others' targets those in which the target has the say.
# Not the longest one: see test-freeze.sh.
journeys=("${@:2}")
if [ $# = 1 ]; then
	journeys=(wait_for_it cut_off)
	[ "$1" != own ] ||
		journeys+=(impatient told hopeless signalled crowded
			another_unit)
fi
for journey in "${journeys[@]}"; do
	"$journey"
done
