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

# Each has at least half of its share of the commands.
evenly_spread()
{
	each commands | awk '
		{ n[NR] = $1; sum += $1 }
		END {
			for (i = 1; i <= NR; i++)
				if (n[i] < sum / NR / 2)
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
fio_load || fail "fio"
say "commands: $(each commands | tr '\n' ' ')"
evenly_spread || fail "not spread evenly"
unmount_lunfs "$mnt"

# cut_load: while it goes on, all connections are cut now and then.
cut_load()
{
	local load i

	fio_load --rate=12m &
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

# CID COUNTER: in the report that is in the mount.
counted()
{
	as_user jq ".sessions[0].connections[] | select(.cid == $1)
		| .counters.$2" "$mnt/.lunfs/status.json"
}

# CID FAULT: how often the target did it there.
done_there()
{
	sed -n "s/^fault $2.*cid=$1.*: \([0-9]*\) times\$/\1/p" "$state/own.log"
}

say "each connection counts what is its own"
own_options=(--key MaxConnections=3 --key ErrorRecoveryLevel=1
	--fault corrupt=data,on=data-in,cid=2,every=7
	--fault async=vendor,on=scsi-response,cid=3,every=7)
start_target own portals="$n_portals" "$(image 64M image1)"
mount_lunfs --connections 3 --erl 1 --data-digest crc32c "iscsi://$portal" "$mnt"
connections=3
wait_until 20 all_there || fail "not $connections connections: $(status)"
fio_load --size=8M || fail "fio"
all=(snacks_sent header_digest_errors data_digest_errors nop_timeouts rejects
	async_messages connection_recoveries)
for cid in 1 2 3; do
	for counter in "${all[@]}"; do
		n=$(counted $cid "$counter")
		case $cid-$counter in
		2-data_digest_errors)	damaged=$n ;;
		2-snacks_sent)		snacks=$n ;;
		3-async_messages)	told=$n ;;
		*)	[ "$n" = 0 ] || fail "CID $cid: $counter: $n" ;;
		esac
	done
done
unmount_lunfs "$mnt"
stop_target
grep '^fault ' "$state/own.log"
[ "$damaged" -gt 0 ] && [ "$damaged" = "$(done_there 2 corrupt)" ] ||
	fail "CID 2: $damaged damaged, the target damaged $(done_there 2 corrupt)"
[ "$snacks" -ge "$damaged" ] || fail "CID 2: $snacks SNACKs for $damaged"
[ "$told" -gt 0 ] && [ "$told" = "$(done_there 3 async)" ] ||
	fail "CID 3: $told messages, the target sent $(done_there 3 async)"
