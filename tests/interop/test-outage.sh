#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The target dies, freezes, is cut off, comes back, or comes back as another
# one. Programs that wait for it lose nothing and see no error; those that do
# not want to wait get an error in time, with its cause; and a mount always
# comes back by itself, or when it is told to.
. "${0%/*}/lib.sh"
require_fuse
require fio python3

start_target "$1" nocache "$(image 64M image0)" "$(image 16M image1)"
. "$here/load.sh"

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

cutting=10		# seconds

# cut_by MODES BYTES
cut_by()
{
	start_proxy --modes "$1" --bytes "$2"
	serve "$proxied" --timeout 3
	under_load "cut by $1" cuts
	unserve
	end_pid "$proxy"
}

cuts()
{
	local i

	kill -USR1 "$proxy"
	kill -USR1 "$proxy"
	hurry_for "$cutting"
	for ((i = 0; i < 12 && $(did cut) < 3; i++)); do
		hurry_for 5		# on a busy machine
	done
	kill -USR2 "$proxy"
	say "$(did cut) cuts"
	wait_until 30 up || fail "not up after the last cut"
	[ "$(did cut)" -ge 3 ] || fail "too few cuts"
}

cut_gently()
{
	cut_by rst,fin 3000000
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
	logged 'requests fail from now on: --outage wait:3 is over: .*(closed|refused|reset)' ||
		fail "the log does not say why"
	session cause | matches -E 'closed|refused|reset|lost' ||
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
# Without journeys: with others' targets those in which the target has the say;
# LIO's machine dies of what is not done gently to its network.
# Not the longest one: see test-freeze.sh.
journeys=("${@:2}")
if [ $# = 1 ]; then
	case $1 in
	own)	journeys=(wait_for_it cut_off impatient told hopeless signalled
			crowded another_unit) ;;
	lio)	cutting=8 journeys=(cut_gently) ;;
	*)	journeys=(wait_for_it impatient) ;;	# cut: test-recovery.sh
	esac
fi
for journey in "${journeys[@]}"; do
	"$journey"
done
