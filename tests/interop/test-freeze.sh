#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Targets that are frozen for 100 s, under load (see test-outage.sh). All kinds
# at a time: nobody does anything meanwhile.
set -u

here=${BASH_SOURCE[0]%/*}
declare -A running
status=0

trap 'kill "${running[@]}" 2>/dev/null; exit 1' INT TERM HUP
for kind in tgt istgt own; do
	"$here/test-outage.sh" "$kind" frozen &
	running[$kind]=$!
done
for kind in "${!running[@]}"; do
	wait "${running[$kind]}"
	result=$?
	echo "--- $kind: $result"
	if [ "$result" = 77 ]; then
		[ "$status" != 0 ] || status=77
	elif [ "$result" != 0 ]; then
		status=1
	fi
done
exit "$status"
