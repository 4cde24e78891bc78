#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Headers and data of several connections are damaged on the way, in both
# directions, at each error recovery level, under verified loads. No program sees
# an error, and what has recovered is what the level promises.
#
# LIO is spared what it cannot do at levels 1 and 2: send a Reject again.
#
# test-damage.sh KIND-LEVEL [JOURNEY...]
. "${0%/*}/lib.sh"
. "$here/levels.sh"

spare=()
[ "$kind" != lio ] || [ "$level" = 0 ] || spare=(--spare 0x3f)

# damaged KIND: until we have met it, too. (What is damaged on its way to us does
# not arrive if the session is lost before it.)
damaged()
{
	local awaited=("$1_digest_errors")

	start_proxy --corrupt "$1" --pdus "$damage_after" "${spare[@]}"
	serve_level "$proxied" --header-digest crc32c --data-digest crc32c
	kill -USR1 "$proxy"	# the first look has to work
	under_load "damaged $1 at level $level" troubled corrupt
	sort "$state/proxy.log" | uniq -c
	recovered_by "$1_digest_errors"
	case $level-$1 in
	0-* | 1-header)	recovered_by session_recoveries ;;
	2-header)	recovered_by connection_recoveries ;;&
	*)		not_recovered_by session_recoveries ;;
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
[ $# -gt 1 ] || journeys=(damaged_data damaged_header)
for journey in "${journeys[@]}"; do
	"$journey"
done
