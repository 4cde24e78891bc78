#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# At recovery level 1 PDUs are damaged and lost on the way, in both directions:
# nothing of it reaches a program, and the session stays. A damaged header costs
# the session also at this level, and no more than that.
#
# The data of LIO's WRITEs is damaged in test-damage.sh. That a response counts
# other Data-Ins or R2Ts than there were is not shown with it: see lio/README.md.
. "${0%/*}/lib.sh"
require_fuse
require fio jq python3 tshark

seed=${LUNFS_SEED:-$RANDOM}
say "seed $seed"
own_options=(--key ErrorRecoveryLevel=1 --key MaxBurstLength=262144
	--key FirstBurstLength=65536)		# as LIO has it
start_target "$1" erl=1 mended "$(image 32M image)"

counter()
{
	as_user jq ".sessions[0].counters.$1" "$mnt/.lunfs/status.json"
}

# losses DIGESTS OPTION...: those of damage.py, under a verified load.
losses()
{
	local digests=$1

	shift
	say "$* (digests: $digests) +$SECONDS"
	port=$(free_port)
	: >"$state/damage.log"		# now: "ready" is not that of the last one
	python3 "$here/damage.py" "$port" "${portal##*:}" --digests "$digests" \
		--seed "$seed" "$@" >"$state/damage.log" 2>&1 &
	pids+=($!)
	wait_until 20 grep -q ready "$state/damage.log" || fail "damage.py"
	mount_lunfs --erl 1 --data-digest crc32c --key MaxRecvDataSegmentLength=8192 \
		--header-digest "$([[ $digests == *header* ]] && echo crc32c || echo none)" \
		"${options[@]}" "iscsi://127.0.0.1:$port/$target" "$mnt"
	[ "$(as_user jq .sessions[0].erl "$mnt/.lunfs/status.json")" = 1 ] ||
		fail "not level 1"
	kill -USR1 "${pids[-1]}"	# the first look has to work
	as_user ln -sf "$(lun_file 0)" "$state/user/lun"
	as_user fio --name=losses --filename="$state/user/lun" --direct=1 \
		--rw=randwrite --bs="$bs" --size="$size" --verify=crc32c \
		--verify_fatal=1 --allow_file_create=0 --ioengine=libaio \
		--iodepth=4 --randseed="$seed" >"$state/fio.log" 2>&1 ||
		fail "fio: $(tail -n 5 "$state/fio.log")"
	grep -qv ready "$state/damage.log" || fail "nothing was damaged"
	as_user jq -c '.sessions[0].counters' "$mnt/.lunfs/status.json"
	[ "$(counter session_recoveries)" = "$recoveries" ] ||
		[ "$recoveries" = some ] || fail "the session was lost"
	[ -z "$counts" ] || [ "$(counter "$counts")" != 0 ] || fail "no $counts"
	[ "$(counter task_timeouts)" = 0 ] || fail "given up after --timeout"
	kill -USR2 "${pids[-1]}"
	unmount_lunfs "$mnt"
	end_pid "${pids[-1]}"
}

# The DataACKs that lunfs has sent, as tshark sees them: BegRun of each.
data_acks()
{
	tshark -r "$pcap" -d "tcp.port==$port,iscsi" -Y 'iscsi.snack.type == 2' \
		-T fields -e iscsi.snack.begrun 2>"$state/tshark.log" |
		tr , '\n'
}

# how the session fares, and what is counted for certain
recoveries=0
counts=snacks_sent

# READs in many bursts, each of which the target wants to have acknowledged
pcap=$state/user/losses.pcapng size=4m bs=1m options=(--pcap "$pcap")
losses data --data 240 --towards initiator
data_acks >"$state/acks"
say "$(wc -l <"$state/acks") DataACKs"
[ -s "$state/acks" ] || fail "no burst was acknowledged"

size=2m bs=100k options=()
losses data --drop 100 --towards initiator
if [ "$1" != lio ]; then
	counts=rejects
	losses data --data 15 --towards target
fi
counts=tasks_retried
losses data --drop 12 --only commands --towards target
counts=
losses data --drop 25 --towards target
options=(--key ImmediateData=No)
losses data --drop 8 --only unsolicited --towards target
recoveries=some
counts=header_digest_errors options=()
losses header,data --header 120 --towards initiator
exit 0
