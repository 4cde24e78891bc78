#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The scenarios of our target, under a verified load: whatever it does, the
# programs on top read what they wrote and see no error. What it did is counted:
# a scenario in which nothing happened has shown nothing.
#
# LUNFS_LONG=1: ten times the load; and the scenarios leaving and liar, which cost
# the session again and again, so that most of it is waiting for the next attempt.
. "${0%/*}/lib.sh"
require_fuse
require fio

scenarios=$here/../target/scenarios
seed=${LUNFS_SEED:-$RANDOM}
loops=1
[ -z "${LUNFS_LONG:-}" ] || loops=10
say "seed $seed"

# load: some hundred writes of any size, many in flight, and read back.
load()
{
	local file=$mnt/$target/lun0

	as_user timeout "${limit:-240}" fio --name=load --filename="${file//:/\\:}" \
		--size=16M --rw=randwrite --bsrange=4k-128k --ioengine=libaio \
		--iodepth=8 --direct=1 --verify=crc32c --verify_fatal=1 \
		--verify_state_save=0 --allow_file_create=0 --fallocate=none \
		--loops="$loops" --randseed="$seed" \
		--output="$state/user/fio.out" && return 0
	cat "$state/user/fio.out"
	return 1
}

# A mount whose first look meets a loss fails; who has such a network tries again.
mount_in_trouble()
{
	local i

	mounts+=("${!#}")
	for ((i = 0; i < 4; i++)); do
		as_user timeout 60 "$lunfs" mount "$@" && return 0
	done
	fail "lunfs mount $*: not once in $i attempts"
}

# under SCENARIO MINIMUM [OPTION...]: with at least so many faults.
under()
{
	local name=$1 minimum=$2 count

	shift 2
	say "$name $*"
	own_options=(--lun size=16M --key ErrorRecoveryLevel=2
		--key MaxConnections=4 --seed "$seed"
		--scenario "$scenarios/$name")
	start_target own
	mount_in_trouble "$@" "iscsi://$portal/$target" "$mnt"
	load || fail "$name: the load"
	unmount_lunfs "$mnt"
	stop_target
	grep '^fault ' "$state/own.log"
	count=$(sed -n 's/^fault .*: \([0-9]*\) times$/\1/p' "$state/own.log" |
		paste -sd + | sed 's/^/0+/')
	[ $((count)) -ge "$minimum" ] ||
		fail "$name: only $((count)) faults happened"
}

under overloaded 100
under restless-disk 20
for level in 0 1 2; do
	under flaky-network 3 --header-digest crc32c --data-digest crc32c \
		--erl $level --connections $((level + 1))
done

if [ -n "${LUNFS_LONG:-}" ]; then
	loops=1 under leaving 6 --connections 2	# all of its rules
	limit=1200 loops=1 under liar 5
fi

say "circle"
other=$(free_port)
port=$(free_port)
sed "s/:3260/:$port/g; s/:3261/:$other/g" "$scenarios/circle" \
	>"$state/circle"
background own.log "$state/bin/lunfs-target" --listen "127.0.0.1:$port" \
	--listen "127.0.0.1:$other" --scenario "$state/circle"
wait_until 20 listens "$port" || fail "circle: the target does not start"
status=0
as_user timeout 60 "$lunfs" mount \
	"iscsi://127.0.0.1:$port/iqn.2026-01.net.lunfs:disk" "$mnt" \
	2>"$state/circle.err" || status=$?
cat "$state/circle.err"
[ "$status" = 1 ] || fail "circle: exit status $status"
grep -q redirect "$state/circle.err" || fail "circle: nothing says why"

# A target that has two things to tell with every PDU does not fill the log.
say "a flood of messages"
own_options=(--lun size=16M --fault async=vendor --fault async=scsi)
start_target own
mounts+=("$mnt")
as_user "$lunfs" mount -f "iscsi://$portal/$target" "$mnt" 2>"$log" &
wait_until 20 mounted "$mnt" || fail "flood: no mount"
load || fail "flood: the load"
unmount_lunfs "$mnt"
stop_target
events=$(sed -n 's/^fault async=vendor: \([0-9]*\) times$/\1/p' "$state/own.log")
lines=$(wc -l <"$log")
say "$events times two events, $lines lines"
[ "$lines" -lt $((2 * events)) ] || fail "flood: $lines lines in the log"
