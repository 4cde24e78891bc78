#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Several connections in a session: as many as the target takes, I/O is spread
# over them evenly and over all portals of the portal group, what was written is
# read back, and when one is lost at level 0 the session is made again with all
# of them.
. "${0%/*}/lib.sh"
require_fuse
require fio jq python3

seed=${LUNFS_SEED:-$RANDOM}
say "seed $seed"
own_options=(--key MaxConnections=4)
connections=4 n_portals=2
# tgt, made to grant more, fails their logins: it proposes keys that belong to
# the leading login.
[ "$1" != tgt ] || connections=1 n_portals=1
start_target "$1" portals="$n_portals" "$(image 64M image0)"

status()
{
	as_user timeout 5 "$lunfs" status --json "$mnt"
}

fio_load()
{
	local file

	file=$(lun_file 0)		# fio takes ":" as a separator
	as_user fio --name=load --filename="${file//:/\\:}" --size=48M \
		--rw=randwrite --bsrange=4k-64k --ioengine=libaio --iodepth=16 \
		--direct=1 --verify=crc32c --verify_fatal=1 \
		--verify_state_save=0 --allow_file_create=0 --fallocate=none \
		--randseed="$seed" --output="$state/user/fio.out" "$@" && return 0
	cat "$state/user/fio.out"
	return 1
}

# Each has two to four thirds of its share of the commands.
evenly_spread()
{
	each commands | awk '
		{ n[NR] = $1; sum += $1 }
		END {
			for (i = 1; i <= NR; i++)
				if (n[i] < sum / NR * 2 / 3 ||
				    n[i] > sum / NR * 4 / 3)
					exit 1
		}'
}

say "$connections connections over $n_portals portals"
mount_lunfs --connections 4 "iscsi://$portal" "$mnt"
wait_until 20 all_there || fail "not $connections connections: $(status)"
[ "$(each cid | sort -n | tr '\n' ' ')" = \
	"$(seq -s ' ' "$connections") " ] || fail "CIDs: $(each cid)"
[ "$(each portal | sort -u | wc -l)" = "$n_portals" ] ||
	fail "not over $n_portals portals: $(each portal)"
# small ones go in turns of many, large ones one by one
for sizes in 4k-4k 4k-64k; do
	fio_load --size=12M --bsrange="$sizes" || fail "fio"
	say "commands after $sizes: $(each commands | tr '\n' ' ')"
	evenly_spread || fail "$sizes: not spread evenly"
done
unmount_lunfs "$mnt"

# cut_load: while it goes on, all connections are cut now and then.
cut_load()
{
	local load i

	fio_load --size=32M --rate=12m &
	load=$!
	for ((i = 0; i < 3; i++)); do
		sleep 1
		kill -USR1 "$proxy"
		wait_until 60 all_there || fail "not all connections are back"
	done
	wait "$load" || fail "fio"
}

say "connections are cut"
proxy_port=$(free_port)
background proxy.log python3 "$here/proxy.py" "$proxy_port" "$port" \
	--modes rst,fin --seed "$seed" --bytes 0
proxy=$started
wait_until 20 grep -q ready "$state/proxy.log" || fail "no proxy"
mount_lunfs --connections 4 --timeout 5 "iscsi://127.0.0.1:$proxy_port/$target" \
	"$mnt"
wait_until 20 all_there || fail "not $connections connections: $(status)"
cut_load
unmount_lunfs "$mnt"

# ------------------------------------ what happens on one is counted for it --

[ "$1" = own ] || exit 0
stop_target

# counted CID COUNTER...: the sum of them, in the report that was in the mount.
counted()
{
	local cid=$1 counter sum=0 n

	shift
	for counter; do
		n=$(jq ".sessions[0].connections[] | select(.cid == $cid)
			| .counters.$counter" "$state/status.json")
		sum=$((sum + n))
	done
	echo "$sum"
}

# done_there CID FAULT...: how often the target did it there.
done_there()
{
	local cid=$1 fault sum=0 n

	shift
	for fault; do
		n=$(sed -n "s/^fault $fault.*cid=$cid.*: \([0-9]*\) times\$/\1/p" \
			"$state/own.log")
		sum=$((sum + n))
	done
	echo "$sum"
}

# same CID COUNTER... : FAULT...: it was, as often, and at least once.
checked=()
same()
{
	local cid=$1 ours=() there

	shift
	while [ "$1" != : ]; do
		ours+=("$1")
		checked+=("$cid $1")
		shift
	done
	shift
	there=$(done_there "$cid" "$@")
	say "CID $cid: ${ours[*]}: $there"
	[ "$there" -gt 0 ] || fail "CID $cid: $*: it did not happen"
	[ "$(counted "$cid" "${ours[@]}")" = "$there" ] ||
		fail "CID $cid: $(counted "$cid" "${ours[@]}"), the target $there"
}

# Faults that change nothing count. The write that is held waits long enough for
# a ping of the others.
say "each connection counts what is its own"
own_options=(--key MaxConnections=3 --key ErrorRecoveryLevel=2
	--fault corrupt=data,on=data-in,cid=2,skip=20,every=9,times=3
	--fault set=run_length:+0,on=snack,cid=2
	--fault corrupt=header,on=data-in,cid=2,nth=100
	--fault corrupt=data,on=scsi-command,in,cid=2,times=2
	--fault stall=ever,on=nop-in,cid=2,nth=1
	--fault hold=ever,write,cid=3,nth=9
	--fault set=response:5,on=tmf-response,cid=3,once
	--fault async=vendor,on=scsi-response,cid=3,every=7
	--fault set=function:+0,on=tmf-request,cid=1
	--fault set=function:+0,on=tmf-request,cid=3)
start_target own portals="$n_portals" "$(image 64M image1)"
mount_lunfs --connections 3 --erl 2 --header-digest crc32c --timeout 6 \
	--data-digest crc32c --key MaxRecvDataSegmentLength=8K "iscsi://$portal" \
	"$mnt"
connections=3
wait_until 20 all_there || fail "not $connections connections: $(status)"
for rw in read write; do
	fio_load --size=8M --bsrange=64k-64k --ioengine=psync --verify=0 --rw=$rw ||
		fail "fio"
done
wait_until 20 all_there || fail "not all connections are back: $(status)"
as_user cat "$mnt/.lunfs/status.json" >"$state/status.json"
unmount_lunfs "$mnt"
stop_target
grep '^fault ' "$state/own.log"
jq -c '.sessions[0] | .counters, .connections[].counters' "$state/status.json"
jq -e '.sessions[0] | .counters as $all | [.connections[].counters] as $each |
	$each[0] | keys - ["tasks_retried"] | all(. as $counter |
		$all[$counter] == ([$each[][$counter]] | add))' \
	"$state/status.json" >/dev/null || fail "not the sum of its connections"
same 2 data_digest_errors : corrupt=data,on=data-in
same 2 snacks_sent : set=run_length
same 2 header_digest_errors : corrupt=header
same 2 rejects : corrupt=data,on=scsi-command
same 2 tasks_retried : corrupt=data,on=scsi-command
same 2 nop_timeouts : stall
same 2 connection_recoveries : stall corrupt=header
same 3 task_timeouts : hold
same 3 aborts : set=function
same 3 async_messages : async
same 1 tasks_reassigned lun_resets : set=function
# and the target tells of each loss on another connection
[ "$(counted 1 async_messages)" = "$(counted 2 connection_recoveries)" ] ||
	fail "CID 1: async messages: $(counted 1 async_messages)"
jq -r '.sessions[0].connections[] | .cid as $cid | .counters | to_entries[] |
	select(.value > 0) | "\($cid) \(.key)"' "$state/status.json" |
	grep -v "^1 async_messages$" | sort >"$state/counted"
printf '%s\n' "${checked[@]}" | sort | diff "$state/counted" - ||
	fail "counted where nothing has happened, or not where it has"
