#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Four connections at each error recovery level: I/O is spread over them; they
# are cut at random, headers and data are damaged on the way, under verified
# loads. No program sees an error, and what has recovered is what the level
# promises.
#
# LIO (Linux 6.1) crashes now and then when a session of several connections is
# reinstated while it ends them (iscsit_stop_session()). lio-2 is not run by
# itself: it takes minutes, as LIO does not answer some of the commands that are
# sent again, and they have to time out.
#
# test-recovery.sh KIND-LEVEL [JOURNEY...]
. "${0%/*}/lib.sh"
require_fuse
require fio python3 jq

kind=${1%-*} level=${1#*-}
own_options=(--key MaxConnections=4 --key "ErrorRecoveryLevel=$level")
start_target "$kind" erl="$level" "$(image 64M image0)" "$(image 16M image1)"
. "$here/load.sh"
connections=4

# serve_level PORTAL OPTION...
serve_level()
{
	serve "$1" --erl "$level" --connections "$connections" --timeout 10 \
		"${@:2}"
	[ "$(session erl)" = "$level" ] || fail "level $(session erl)"
	wait_until 20 all_there ||
		fail "connections: $(as_user "$lunfs" status "$mnt")"
}

# Of each connection.
commands()
{
	as_user timeout 5 "$lunfs" status --json "$mnt" |
		jq '.sessions[0].connections[].commands'
}

all_there()
{
	[ "$(as_user timeout 5 "$lunfs" status --json "$mnt" | jq '[
		.sessions[0].connections[] | select(.state == "LOGGED_IN")] |
		length')" = "$connections" ]
}

# counts FIELD...: those counters, added up.
counts()
{
	local field sum=0

	for field; do
		sum=$((sum + $(session "$field")))
	done
	echo "$sum"
}

# No more faults; and it has recovered.
calm()
{
	kill -USR2 "$proxy"
	wait_until 30 up || fail "not up after the last fault"
	as_user "$lunfs" status "$mnt"
}

recovered_by()
{
	[ "$(counts "$@")" -gt 0 ] || fail "not recovered by $*"
}

not_recovered_by()
{
	[ "$(counts "$@")" = 0 ] || fail "recovered by $*"
}

# ------------------------------------------------------------------- spread --

# Enough in flight for all of them.
spread()
{
	local file

	serve_level "$portal"
	file=$(lun_file 0)
	commands >"$state/before"
	as_user fio --name=spread --filename="${file//:/\\:}" --size=48M \
		--rw=randread --bs=16k --ioengine=libaio --iodepth=32 --direct=1 \
		--number_ios=2000 --output="$state/user/fio.out" || fail "fio"
	# Each has at least half of its share.
	commands | paste - "$state/before" | awk '
		{ n[NR] = $1 - $2; sum += n[NR]; print n[NR] }
		END {
			for (i = 1; i <= NR; i++)
				if (n[i] < sum / NR / 2)
					exit 1
		}' || fail "not evenly"
	unserve
}

# --------------------------------------------------------------------- cuts --

cuts()
{
	hurry_for 40
	calm
	say "$(did cut) cuts"
	[ "$(did cut)" -ge 3 ] || fail "too few cuts"
}

cut()
{
	start_proxy --modes rst,fin --bytes 5000000
	serve_level "$proxied"
	under_load "cut at level $level" cuts
	if [ "$level" = 2 ]; then
		recovered_by connection_recoveries
		recovered_by tasks_reassigned tasks_retried
		not_recovered_by session_recoveries
	else
		recovered_by session_recoveries
	fi
	unserve
	end_pid "$proxy"
}

# ------------------------------------------------------------------- damage --

damages()
{
	hurry_for 40
	calm
	sort "$state/proxy.log" | uniq -c
	[ "$(did corrupt)" -ge 3 ] || fail "too little damage"
}

# damaged KIND: what comes from LIO only: see test-losses.sh
damaged()
{
	start_proxy --corrupt "$1" --pdus 1200 \
		--from "target$([ "$kind" = lio ] || echo ,initiator)"
	serve_level "$proxied" --header-digest crc32c --data-digest crc32c
	under_load "damaged $1 at level $level" damages
	# what was damaged on its way to us (the target's opcodes)
	! grep -q 'opcode 0x[23]' "$state/proxy.log" ||
		recovered_by "$1_digest_errors"
	case $level-$1 in
	0-* | 1-header)	recovered_by session_recoveries ;;
	1-data)		not_recovered_by session_recoveries ;;
	2-*)		not_recovered_by session_recoveries ;;
	esac
	unserve
	end_pid "$proxy"
}

damaged_data()
{
	damaged data
}

damaged_header()
{
	damaged header
}

journeys=("${@:2}")
if [ $# = 1 ]; then
	journeys=(spread cut)
	[ "$kind" = lio ] || journeys+=(damaged_data damaged_header)
fi
for journey in "${journeys[@]}"; do
	"$journey"
done
