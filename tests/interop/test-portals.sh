#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A target with two portals, of which one dies under load: the mount goes on
# over the other one, whether the user named it, discovery found it, or nobody
# but the target knew of it, which also tells it in the session itself. Where addresses are translated on the way, what the
# target says of itself is not used.
. "${0%/*}/lib.sh"
require_fuse
require fio python3

target=iqn.2026-11.test.lunfs:portals
port=$(free_port)
one=127.0.0.1:$port two=127.0.0.2:$port
img=$(image 64M image0)
more=''			# an option of the target
mount_pid=''

# target_at PORTAL...
target_at()
{
	local p args=()

	for p in "$@"; do
		args+=(--listen "$p")
	done
	background own.log "$state/bin/lunfs-target" "${args[@]}" ${more:+"$more"} \
		--target "$target" --lun "file=$img,wce=0"
	target_pid=$started
	wait_until 20 answers_at "$1" || fail "no target at $1"
}

answers_at()
{
	grep -q "^listening .*${1##*:}" "$state/own.log"
}

answers()
{
	mounted "$mnt" && as_user test -e "$file"
}

# serve SOURCE...
serve()
{
	: >"$log"
	mounts+=("$mnt")
	as_user "$lunfs" mount -f -vv --timeout 5 --outage wait:60 "$@" "$mnt" \
		2>>"$log" &
	mount_pid=$!
	wait_until 20 answers || fail "no mount of $*"
}

unserve()
{
	as_user fusermount3 -u "$mnt" || fail "fusermount3 -u"
	wait "$mount_pid" || fail "lunfs: exit status $?"
}

load()
{
	as_user fio --name=load --filename="${file//:/\\:}" --size=16M \
		--rw=randwrite --bs=64k --ioengine=libaio --iodepth=8 \
		--direct=1 --rate=8m --verify=crc32c --verify_fatal=1 \
		--verify_state_save=0 --allow_file_create=0 --fallocate=none \
		--output="$state/user/fio.out"
}

at()
{
	as_user timeout 5 "$lunfs" status --json "$mnt" |
		matches "\"portal\": *\"$1\""
}

told_the_portals()
{
	grep -q '< Text Response' "$log" && sleep 0.2
}

file=$mnt/$target/lun0

# moves WHAT FROM SOURCE...: under load from the first portal to the second.
moves()
{
	local what=$1 from=$2 pid

	shift 2
	say "$what"
	target_at "$one" "$two"
	serve "$@"
	at "$from" || fail "$what: not at the first portal"
	wait_until 20 told_the_portals || fail "$what: not asked for portals"
	load &
	pid=$!
	sleep 1
	kill_target
	target_at "$two"
	wait_until 30 at "$two" || fail "$what: did not move to the second"
	wait "$pid" || fail "$what: $(cat "$state/user/fio.out")"
	grep -q "attempt [0-9]* to reconnect, to $two" "$log" ||
		fail "$what: the log does not say where"
	unserve
	kill_target
}

moves "named alone" "$one" "iscsi://$one/$target"
moves "of a portal" "$one" "iscsi://$one"
moves "both named" "$one" "iscsi://$one/$target" "iscsi://$two/$target"
# shows: 7143-C-03
more=--no-discovery
moves "told in the session" "$one" --pcap "$state/user/pcap" \
	"iscsi://$one/$target"
grep -qaP 'SendTargets=\x00' "$state/user/pcap" || fail "it was not asked"
! grep -qa 'SendTargets=[Ai]' "$state/user/pcap" || fail "asked for others"
more=''
moves "by a name" "localhost:$port" "iscsi://localhost:$port/$target"

say "through a proxy"
target_at "$one" "$two"
proxy_port=$(free_port)
background proxy.log python3 "$here/proxy.py" "$proxy_port" "$port" --modes rst \
	--seed 1 --bytes 1000000000
proxy=$started
wait_until 20 grep -q ready "$state/proxy.log" || fail "no proxy"
serve "iscsi://127.0.0.1:$proxy_port/$target"
wait_until 20 grep -q "its 2 portals are not used" "$log" ||
	fail "the target's addresses are used in spite of a proxy"
unserve
