#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# iSNS servers as sources: Open-iSNS, with what it shows to whom, with changes
# and restarts while mounted; tgt, which registers itself; and a server that
# answers in ways of its own.

# tgt listens for notices on any address, and heartbeats are for all who are
# there: they get a network of their own.
if [[ ${1:-} == @(tgt|heartbeat) ]] && [ "$(id -u)" = 0 ] && [ -z "${ISNS_INSIDE:-}" ]; then
	ISNS_INSIDE=1 exec unshare --net "$0" "$@"
fi
. "${0%/*}/lib.sh"
. "$here/isnsd.sh"
require python3 jq

me=iqn.2026-11.test:me
other=iqn.2026-11.test:other

# own_target NAME: one more of ours; sets $at, where it is.
own_target()
{
	at=$(free_port)
	background "own-$1.log" "$state/bin/lunfs-target" --listen "127.0.0.1:$at" \
		--target "$1" --lun "file=$(image 8M "$1")" "${@:2}"
	wait_until 30 listens "$at" || fail "no target $1"
}

# list NAME [OPTION...]: what lunfs ls shows to an initiator, names only.
list()
{
	as_user "$lunfs" ls --json --timeout 5 --initiator-name "$1" "${@:2}" \
		"isns://$isns" 2>"$state/err" |
		jq -r '.targets[].name' 2>/dev/null || true
}

expect()
{
	[ "$1" = "$2" ] || fail "got '$1', not '$2' ($(cat "$state/err"))"
}

# ------------------------------------------------------------- Open-iSNS --

shown()
{
	as_user test -d "$mnt/$1"
}

vanished()
{
	! as_user test -d "$mnt/$1"
}

# shows: 4171-5.6.1-01 4171-8-01 4171-4.1.3-01 4171-3.6-01
test_visibility()
{
	say "domains say who sees what"
	expect "$(list "$me")" "$one"
	expect "$(list "$other")" ""
	grep -q 'shows no targets' "$state/err" || fail "$(cat "$state/err")"

	say "asking leaves no trace"
	! ask nodes "$boss" | matches -x "$me" || fail "$me is registered"
	! ask nodes "$boss" | matches -x "$other" || fail "$other is registered"

	say "what is not shown can be named by hand"
	as_user "$lunfs" ls --json --initiator-name "$other" \
		"iscsi://127.0.0.1:$one_at/$one" | jq -e '.targets | length == 1' ||
		fail "a target outside of the domain"
}

two_sessions()
{
	as_user "$lunfs" status --json "$mnt" | jq -e --arg t "$1" '[.sessions[] |
		select(.target == $t and .state == "LOGGED_IN").number] |
		sort == [1, 2]' >/dev/null
}

scn_repeated()
{
	[ "$(grep -c 'change 0x' "$log")" -gt 6 ]
}

# shows: 4171-5.6.5.5-01 4171-5.7.5.8-01 4171-2.2.3-01 4171-2.9.1-02
test_changes()
{
	say "a target appears while mounted"
	mounts+=("$mnt")
	"$state/bin/as-user" "$lunfs" mount -f -v --sessions 2 \
		--initiator-name "$me" "isns://$isns" "$mnt" 2>"$log" &
	mount_pid=$!
	wait_until 30 shown "$one" || fail "not mounted"
	ask nodes "$boss" | matches -x "$me" || fail "$me is not registered"
	ask domain-add "$domain" "$two"
	wait_until 30 shown "$two" || fail "$two does not appear"
	wait_until 30 two_sessions "$two" ||
		fail "not two sessions: $(as_user "$lunfs" status "$mnt")"

	say "it vanishes, but not while it is in use"
	as_user dd if=/dev/urandom of="$state/user/data" bs=1M count=1 \
		status=none
	background written "$state/bin/as-user" sh -c \
		'exec 5<>"$1"; cat "$2" >&5; echo; exec sleep 60' - \
		"$mnt/$two/lun0" "$state/user/data"
	local user=$started

	wait_until 30 test -s "$state/written" || fail "not written"
	# (isnsd 0.101 crashes when a node is taken out of its domain)
	ask drop "$two" 127.0.0.1 "$two_at"
	wait_until 30 grep -q 'stays until it is closed' "$log" || fail "no word"
	shown "$two" || fail "$two has vanished while in use"
	kill "$user"
	wait_until 30 vanished "$two" || fail "$two stays"
	cmp -n 1048576 "$state/$two" "$state/user/data" ||
		fail "what was written is not there"
	shown "$one" || fail "$one has vanished"
	! scn_repeated || fail "notices are repeated: they were not answered"
}

# By both sessions, if there are two.
read_moved()
{
	local i readers=()

	for i in {1..8}; do
		as_user dd if="$mnt/$two/lun0" iflag=direct bs=64k status=none |
			cmp - "$state/moved" &
		readers+=("$!")
	done
	for i in "${readers[@]}"; do
		wait "$i" || fail "read from its old place"
	done
}

# Its old place is alive all the time.
test_return()
{
	local i

	say "it comes back at another place"
	at=$(free_port)
	head -c 8M /dev/zero | tr '\0' B >"$state/moved"
	background moved.log "$state/bin/lunfs-target" --listen "127.0.0.1:$at" \
		--target "$two" --lun "file=$state/moved,serial=moved"
	wait_until 30 listens "$at" || fail "no target"
	ask add "$two" 127.0.0.1 "$at"
	wait_until 30 shown "$two" || fail "$two does not come back"
	read_moved
	wait_until 30 two_sessions "$two" ||
		fail "not two sessions: $(as_user "$lunfs" status "$mnt")"
	read_moved
	ask drop "$two" 127.0.0.1 "$at"
	wait_until 30 vanished "$two" || fail "$two stays"

	say "two that were written vanish together"
	four=iqn.2026-11.test:four
	own_target "$four"
	ask add "$two" 127.0.0.1 "$two_at"
	ask add "$four" 127.0.0.1 "$at"
	ask domain-add "$domain" "$four"
	for i in "$two" "$four"; do
		wait_until 30 shown "$i" || fail "no $i"
		as_user dd if="$state/user/data" of="$mnt/$i/lun0" bs=1M \
			conv=notrunc status=none || fail "not written: $i"
	done
	ask drop "$two" 127.0.0.1 "$two_at"
	ask drop "$four" 127.0.0.1 "$at"
	for i in "$two" "$four"; do
		wait_until 30 vanished "$i" || fail "$i stays"
		cmp -n 1048576 "$state/$i" "$state/user/data" ||
			fail "what was written to $i is not there"
	done
	shown "$one" || fail "the mount is dead"
}

attempts()
{
	[ "$(grep -c "$three: conn 1: IN_LOGIN" "$log")" = "$1" ]
}

# shows: 4171-7.2-03
test_refusal()
{
	three=iqn.2026-11.test:three
	say "a target that refuses us is left alone"
	own_target "$three" --chap user:long-enough-secret
	ask add "$three" 127.0.0.1 "$at"
	ask domain-add "$domain" "$three"
	wait_until 30 grep -q "/$three: " "$log" ||
		fail "no word about $three"
	ask add "$two" 127.0.0.1 "$two_at"
	wait_until 30 shown "$two" || fail "$two does not come back"
	attempts 1 || fail "it is asked again"
	ask drop "$two" 127.0.0.1 "$two_at"
	wait_until 30 vanished "$two" || fail "$two stays"
	attempts 1 || fail "it is asked again"
	as_user "$lunfs" retry "$mnt" || fail "lunfs retry"
	wait_until 30 attempts 2 || fail "not even when the user says so"
}

# shows: 4171-6.3.4-01
test_restart()
{
	say "the server is restarted"
	stop_isnsd
	wait_until 30 grep -q 'until it is back' "$log" || fail "not noticed"
	as_user dd if="$mnt/$one/lun0" of=/dev/null bs=1M count=1 status=none ||
		fail "the mount does not work without its iSNS server"
	start_isnsd
	wait_until 30 grep -q 'is back, shows' "$log" || fail "not found again"
	ask add "$two" 127.0.0.1 "$two_at"
	wait_until 30 shown "$two" || fail "$two does not appear any more"

	say "the server has lost all it knew"
	stop_isnsd
	rm -rf "$state/isnsd/db"
	start_isnsd
	ask add "$boss" 127.0.0.1 1 4
	wait_until 30 registered || fail "$me does not register again"
	wait_until 30 grep -q 'shows 0 targets' "$log" || fail "not found again"
	sleep 1
	shown "$one" || fail "$one has vanished with the memory of the server"
}

registered()
{
	ask nodes "$boss" | matches -x "$me"
}

# shows: 4171-5.6.5.4-01
test_end()
{
	domain=$(ask domain "$me" "$one")
	say "orderly end"
	as_user fusermount3 -u "$mnt"
	wait "$mount_pid" || fail "lunfs: exit status $?"
	! registered || fail "$me is still registered"
	ask members "$boss" "$domain" | matches -x "$me" ||
		fail "$me is no member of its domain any more"
}

# More than fits into an answer of this server.
# shows: 4171-5.6.5.3-01 4171-5.6.5.3-02 4171-5.6.5.2-02 4171-4.1.3-02
test_many()
{
	local many=iqn.2026-11.test:many

	say "150 targets"
	own_target "$many" --targets 149
	ask add-many "$many" 150 127.0.0.1 "$at"
	ask domain-add "$domain" "$many" \
		$(for ((i = 2; i <= 150; i++)); do echo "$many-$i"; done)
	expect "$(list "$me" | grep -c "$many")" 150
}

run_openisns()
{
	require_fuse
	setup_isnsd 0
	one=iqn.2026-11.test:one two=iqn.2026-11.test:two
	own_target "$one"
	one_at=$at
	ask add "$one" 127.0.0.1 "$at"
	own_target "$two"
	two_at=$at
	ask add "$two" 127.0.0.1 "$at"
	domain=$(ask domain "$me" "$one")
	test_visibility
	test_changes
	test_return
	test_refusal
	test_restart
	test_end
	test_many
}

# ------------------------------------------------------------------- tgt --

answered_an_esi()
{
	grep -q 'Good ESI response' "$state/isnsd.log"
}

# (Where domains change, isnsd 0.101 crashes if there are ESIs.)
# shows: 4171-5.6.5.13-01
test_esi()
{
	say "the server asks whether we are still there"
	mounts+=("$mnt")
	"$state/bin/as-user" "$lunfs" mount -f --initiator-name "$me" \
		"isns://$isns" "$mnt" 2>"$log" &
	mount_pid=$!
	wait_until 30 shown "$target" || fail "not mounted: $(cat "$log")"
	wait_until 30 answered_an_esi || fail "no ESI was answered"
	as_user fusermount3 -u "$mnt"
	wait "$mount_pid" || fail "lunfs: exit status $?"
}

# tgt registers its address and its targets.
run_tgt()
{
	require_fuse
	require tgtd tgtadm isnsd ip
	require_root "tgtd, a network namespace"
	ip link set lo up
	# without another address isnsd cannot resolve its own
	ip addr add 192.0.2.1/32 dev lo
	setup_isnsd 1 $'ESIMinInterval = 2\nESIMaxInterval = 4'
	start_target tgt "$(image 8M image0)"
	tgtadm_ --mode sys --op update --name iSNSServerIP -v 127.0.0.1
	tgtadm_ --mode sys --op update --name iSNSServerPort -v "$isns_port"
	tgtadm_ --mode sys --op update --name iSNSAccessControl -v Off
	tgtadm_ --mode sys --op update --name iSNS -v On
	wait_until 30 tgt_shown || fail "tgt's target is not shown"
	as_user "$lunfs" ls --json --initiator-name "$me" "isns://$isns" |
		jq -e --arg p "$port" '.targets[0].portals[0] |
			.address == "127.0.0.1" and (.port | tostring) == $p' ||
		fail "its portal is not what tgt has registered"
	test_esi
	tgtadm_ --mode sys --op update --name iSNS -v Off
}

tgt_shown()
{
	[ "$(list "$me")" = "$target" ]
}

# -------------------------------------------------------- a scripted one --

# serve SCENARIO TARGET PORT: sets $server
serve()
{
	background server.log python3 "$here/isns.py" serve "$isns_port" "$@"
	server=$started
	wait_until 30 grep -q ready "$state/server.log" || fail "no server"
}

timeout=2	# of lunfs

# scripted SCENARIO: $state/err, $state/out, $status
scripted()
{
	serve "$1" "$one" "$one_at"
	status=0
	as_user timeout 30 "$lunfs" ls --json --timeout $timeout \
		--initiator-name "$me" "isns://$isns" \
		>"$state/out" 2>"$state/err" || status=$?
	kill "$server"
	wait_until 30 gone_pid "$server"
	[ "$status" -lt 124 ] || fail "$1: exit status $status"
}

# works SCENARIO: the target is found, and nothing else.
works()
{
	say "$1"
	scripted "$1"
	expect "$(jq -r '.targets[].name' "$state/out")" "$one"
	[ "$status" = 0 ] || fail "$1: exit status $status: $(cat "$state/err")"
}

# fails SCENARIO PATTERN
fails()
{
	say "$1"
	scripted "$1"
	[ "$status" = 1 ] || fail "$1: exit status $status"
	grep -q "^lunfs: isns://$isns: .*$2" "$state/err" ||
		fail "$1: $(cat "$state/err")"
	jq -e '.targets == []' "$state/out" >/dev/null || fail "$1: a target"
}

# shows: 4171-5.1.1-01 4171-5.1.5-01 4171-5.2-01 4171-5.2-02 4171-5.4-01
# 4171-7.2-02
run_scripted()
{
	local i

	one=iqn.2026-11.test:one
	own_target "$one"
	one_at=$at
	for i in good foreign pieces authentication hostile records notices; do
		works "$i"
		! grep 'flags' "$state/server.log" | grep -v 'flags 0x8c00' ||
			fail "$i: other flags"
	done
	! grep -q 'etc/passwd' "$state/out" || fail "a path"
	fails lies 'length 4294967040'
	fails odd 'not a multiple of four'
	fails version 'version 2'
	fails gap 'piece 2 of a message where 1 is due'
	fails half 'no answer within 2 s'
	fails endless 'more than 16777216 bytes'
	fails circles 'in circles'
	timeout=1 fails slow 'no complete answer within 10 s'
	fails empty 'shows no targets'
	fails close 'ended the connection'
	# the others in a unit test
	fails status-1 'Unknown Error (1)'
	fails status-6 'Source Unauthorized (8)'	# to the registration
	fails status-12 'Busy (12)'
}

# ------------------------------------------------------------- heartbeat --

# The active server is away, but not the one that stands in for it.
# shows: 4171-5.6.5.14-01 4171-2.8-01
run_heartbeat()
{
	local group=239.83.0.1

	require_root "a network namespace"
	require ip
	ip link set lo up
	ip link set lo multicast on
	ip route add 224.0.0.0/4 dev lo
	one=iqn.2026-11.test:one
	own_target "$one"
	serve good "$one" "$at"

	say "no heartbeat"
	! "$lunfs" ls --timeout 1 "isns://$group" 2>"$state/err" ||
		fail "found without a heartbeat"
	grep -q "$group.*no heartbeat in time" "$state/err" ||
		fail "$(cat "$state/err")"

	say "heartbeats"
	background beat.log python3 "$here/isns.py" beat "$group" 3205 1 \
		"$isns_port"
	isns=$group
	expect "$(list "$me" -v)" "$one"
	grep -q 'found by its heartbeat; its signature (structure 2, SPI "spi.*") is not checked' \
		"$state/err" || fail "$(cat "$state/err")"
	grep -q "127.0.0.1:1: .*the next server is tried" "$state/err" ||
		fail "$(cat "$state/err")"
}

"run_$1"
