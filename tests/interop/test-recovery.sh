#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Several connections at each error recovery level: I/O is spread over them, and
# they over the portals; they are cut at random under verified loads. No program
# sees an error, and what has recovered is what the level promises.
#
# LUNFS_LONG=SECONDS: at length, with half-open connections at each level.
#
# test-recovery.sh KIND-LEVEL [JOURNEY...]
. "${0%/*}/lib.sh"
. "$here/levels.sh"

# ------------------------------------------------------------------- spread --

# Over both portals of the portal group, too. Enough in flight for all of them;
# each does its quarter, more or less: a target that gets no time may answer one
# connection long before another.
spread()
{
	local file

	serve_level "iscsi://$portal"
	[ "$(each portal | sort -u | wc -l)" = 2 ] ||
		fail "not over both portals: $(each portal)"
	file=$(lun_file 0)
	each commands >"$state/before"
	as_user fio --name=spread --filename="${file//:/\\:}" --size=48M \
		--rw=randread --bs=16k --ioengine=libaio --iodepth=32 --direct=1 \
		--number_ios=2000 --output="$state/user/fio.out" || fail "fio"
	each commands | paste - "$state/before" | awk '
		{ n[NR] = $1 - $2; sum += n[NR] }
		END {
			for (i = 1; i <= NR; i++) {
				part = 100 * n[i] / sum
				printf "conn %d: %d commands, %.1f %%\n",
					i, n[i], part
				bad += part < 10 || part > 45
			}
			exit NR != 4 || sum < 2000 || bad > 0
		}' || fail "not evenly"
	unserve
}

# --------------------------------------------------------------------- cuts --

# cut_by MODES [FIELD]: and that is counted, too.
cut_by()
{
	local field awaited=("${@:2}")

	[ "$level" != 2 ] || awaited+=(connection_recoveries tasks_reassigned)
	start_proxy --modes "$1" --bytes "$cut_after"
	serve_level "$proxied"
	under_load "cut by $1 at level $level, $connections connections" \
		troubled cut
	for field in "${awaited[@]}"; do
		recovered_by "$field"
	done
	if [ "$level" = 2 ]; then
		not_recovered_by session_recoveries
	else
		recovered_by session_recoveries
	fi
	unserve
	end_pid "$proxy"
}

cut()
{
	cut_by rst,fin
}

# More passes in the journeys where, at length, the session would be lost for good
# reasons: see below.
seldom=1
[ -z "${LUNFS_LONG:-}" ] || seldom=5

# The only one of its session: another one has to be made to recover it. A task may
# lose its connection four times.
cut_alone()
{
	local connections=1 cut_after=$((cut_after * seldom))

	cut
}

# Nobody is told: pings find it out, and the target has to be told, on a connection
# that is not cut off itself before Time2Retain is over.
cut_off()
{
	local patience=10 long=${LUNFS_LONG:-12} cut_after=$((cut_after * seldom))

	[ "$kind" != lio ] || patience=20 long=${LUNFS_LONG:-22}
	[[ $kind != *tgt ]] || patience=5 long=${LUNFS_LONG:-7}
	cut_by half,hole nop_timeouts
}

journeys=("${@:2}")
if [ $# = 1 ]; then
	journeys=(spread cut)
	[ "$connections" != 1 ] || journeys=(cut)
	[ "$level" != 2 ] || journeys+=(cut_alone)
	case $kind-$level-${LUNFS_LONG:+long} in
	*tgt-* | *-2-* | *-long)	journeys+=(cut_off) ;;
	esac
fi
for journey in "${journeys[@]}"; do
	"$journey"
done
