#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What cannot work says so, with exit status 1, in time: in the foreground, in
# the background, and for ls.
. "${0%/*}/lib.sh"
require_fuse
require python3

timeout=30		# seconds that lunfs is given
patience=60		# seconds that it may take in all

start_peer()
{
	port=$(free_port)
	portal=127.0.0.1:$port
	background peer.log python3 "$here/peers.py" "$port" "$1"
	wait_until 60 grep -q ready "$state/peer.log" || fail "peer $1 does not start"
}

# fails PATTERN COMMAND OPTION...: as it has to. Messages go to stderr; ls may
# list what it found of a target that failed.
fails()
{
	local pattern=$1 status=0 start=$SECONDS

	shift
	as_user timeout -k 5 120 "$lunfs" "$@" >"$state/out" 2>"$state/err" ||
		status=$?
	cat "$state/err"
	[ $status = 1 ] || fail "lunfs $*: exit status $status instead of 1"
	[ $((SECONDS - start)) -le $patience ] ||
		fail "lunfs $*: took $((SECONDS - start)) s"
	grep -q '^lunfs: ' "$state/err" || fail "lunfs $*: no 'lunfs: ' message"
	grep -qiE "$pattern" "$state/err" || fail "lunfs $*: unclear message"
	[ "$1" = ls ] || [ ! -s "$state/out" ] || fail "lunfs $*: writes to stdout"
	! mounted "$mnt" || fail "lunfs $*: mounted"
	wait_until 30 no_lunfs || fail "lunfs $*: still runs"
}

# fails_all PATTERN SOURCE: by all ways in.
fails_all()
{
	say "$2"
	fails "$1" mount --timeout $timeout "$2" "$mnt"
	fails "$1" mount --timeout $timeout -f "$2" "$mnt"
	fails "$1" ls --timeout $timeout "$2"
}

case $1 in
own | tgt | istgt)
	start_target "$1" "$(image 1M image)"
	fails_all 'no such target|not found' \
		"iscsi://$portal/iqn.2026-11.test.lunfs:absent"
	fails_all 'no such|not found|there is no' \
		"iscsi://$portal/$target/77"
	;;
dead)
	port=$(free_port)
	fails_all 'refused' "iscsi://127.0.0.1:$port"
	fails_all 'refused' "iscsi://127.0.0.1:$port/iqn.2026-11.test.lunfs:x"
	;;
http)
	start_peer http
	fails_all 'not.*iscsi|protocol|opcode' "iscsi://$portal"
	;;
silent | full)
	timeout=3 patience=15
	start_peer "$1"
	fails_all 'timed out|time ?out|no answer|in time|within' "iscsi://$portal"
	fails_all 'timed out|time ?out|no answer|in time|within' \
		"iscsi://$portal/iqn.2026-11.test.lunfs:x"
	;;
close)
	start_peer close
	fails_all 'closed|lost|ended|reset' "iscsi://$portal"
	;;
esac
