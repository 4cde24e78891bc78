#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Several loops, and all that goes on between them at the same time: connections
# are cut, sessions fail at first, a target comes and goes, users are interrupted,
# read status.json and ask for retries; in the end it is unmounted in the middle
# of it. With ThreadSanitizer, if it was built with that.
#
# test-stress.sh own [SECONDS]: of each round
. "${0%/*}/lib.sh"
. "$here/isnsd.sh"
require_fuse
require fio python3 jq

long=${2:-2}
me=iqn.2026-11.test:me
late=iqn.2026-11.test:late
seed=${LUNFS_SEED:-$RANDOM}
own_options=(--key MaxConnections=4 --key ErrorRecoveryLevel=2
	--fault "refuse=3/1,skip=1,chance=30%,times=16" --seed "$seed"
	--target "$late" --lun "file=$(image 8M late)")
window=8		# so that no session can do all of it
start_target "$1" "$(image 8M image)"
LUNFS_SEED=$seed
. "$here/load.sh"
file=$(lun_file 0)
export TSAN_OPTIONS=log_path=$state/user/tsan

late_is_there()
{
	as_user test -e "$mnt/$late/lun0"
}

late_is_gone()
{
	! as_user test -d "$mnt/$late"
}

# ------------------------------------------------- at the same time, always --

# again COMMAND...: until it is told to stop; what is wrong stands in "bad".
again()
{
	while [ ! -e "$state/stop" ]; do
		"$@" >/dev/null 2>&1 || true
		sleep 0.5
	done
}

# Until it is killed: without it a back-off would take too long.
ask_for_retries()
{
	while sleep 0.3; do
		as_user "$lunfs" retry "$mnt"
		kill -USR1 "$mount_pid"
	done || true
}

read_status()
{
	as_user cat "$mnt/.lunfs/status.json" | jq -e '.sessions[0].isid' ||
		echo "status.json" >>"$state/bad"
}

look_around()
{
	as_user ls -lR "$mnt"
}

# A reader, and a writer that flushes, whose users lose patience.
interrupted()
{
	as_user timeout -s INT 0.3 dd if="$file" of=/dev/null bs=16k \
		iflag=direct &
	as_user timeout -s INT 0.3 dd if=/dev/zero of="$file" bs=64k \
		seek=120 count=8 conv=notrunc,fsync
	wait "$!"
}

come_and_go()
{
	ask add "$late" 127.0.0.1 "$late_port"
	wait_until 30 late_is_there || echo "$late does not come" >>"$state/bad"
	as_user "$fsx" --seed "$RANDOM" --ops 60 --processes 2 \
		"$mnt/$late/lun0" || echo "fsx on $late" >>"$state/bad"
	ask drop "$late" 127.0.0.1 "$late_port"
	wait_until 30 late_is_gone || echo "$late stays" >>"$state/bad"
}

verified_load()
{
	local end=$((SECONDS + long))

	while [ "$SECONDS" -lt "$end" ]; do
		as_user fio --name=load --filename="${file//:/\\:}" --size=7M \
			--rw=randwrite --bsrange=4k-64k --ioengine=libaio \
			--iodepth=16 --direct=1 --verify=crc32c \
			--verify_fatal=1 --verify_state_save=0 \
			--allow_file_create=0 --fallocate=none \
			--output="$state/user/fio.out" && continue
		cat "$state/user/fio.out"
		fail "fio (seed $seed)"
	done
}

# -------------------------------------------------------------------- rounds --

no_races()
{
	compgen -G "$state/user/tsan*" >/dev/null || return 0
	head -n 100 "$state"/user/tsan*
	fail "data races (seed $seed)"
}

# It may cost what was not flushed, but not more.
end_in_the_middle()
{
	local status=0

	as_user dd if=/dev/zero of="$file" bs=64k count=100000 conv=notrunc \
		oflag=direct status=none 2>/dev/null &
	sleep 0.5
	"$@"
	wait "$!" || true
	wait_until 60 gone_pid "$mount_pid" || fail "it does not end"
	wait "$mount_pid" || status=$?
	no_races
	[ "$status" -le 1 ] || fail "lunfs: exit status $status"
}

answers_or_ends()
{
	answers || gone_pid "$mount_pid"
}

# What is refused may be the first look at the target: then there is no mount,
# and who has such a target tries again.
start_mount()
{
	local i

	mounts+=("$mnt")
	for ((i = 0; i < 8; i++)); do
		"$state/bin/as-user" "$lunfs" mount -f --sessions 3 \
			--connections 2 --erl "$1" --timeout 10 \
			--initiator-name "$me" "isns://$isns" "$mnt" 2>>"$log" &
		mount_pid=$!
		wait_until 60 answers_or_ends || fail "no mount"
		! answers || return 0
		no_races
	done
	fail "no mount in $i attempts"
}

# stress LEVEL COMMAND...: which ends the mount
stress()
{
	local jobs=() job retries

	say "level $1, ended by: $2"
	start_mount "$1"
	rm -f "$state/stop"
	ask_for_retries >"$state/retries" 2>&1 &
	retries=$!
	for job in read_status look_around interrupted come_and_go; do
		again "$job" &
		jobs+=("$!")
	done
	verified_load
	touch "$state/stop"
	for job in "${jobs[@]}"; do
		wait "$job"
	done
	kill "$retries"
	as_user "$lunfs" status "$mnt"
	end_in_the_middle "${@:2}"
	[ ! -e "$state/bad" ] || fail "$(cat "$state/bad") (seed $seed)"
}

terminate()
{
	kill "$mount_pid"
}

unmount_lazily()
{
	as_user fusermount3 -u -z "$mnt"
}

# Each is shown by way of a proxy that cuts.
setup_isnsd 0
start_proxy --modes rst,fin --bytes 3000000
ask add "$target" 127.0.0.1 "${proxied##*:}"
domain=$(ask domain "$me" "$target")
start_proxy --modes rst,fin --bytes 3000000
late_port=${proxied##*:}
ask add "$late" 127.0.0.1 "$late_port"
ask domain-add "$domain" "$late"
ask drop "$late" 127.0.0.1 "$late_port"
stress 0 terminate
stress 2 unmount_lazily
