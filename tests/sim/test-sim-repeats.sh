#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a failure of the simulation is worth: it is shrunk to a command line that
# fails again, the event log is printed, and one run is the same each time.
#
#	test-sim-repeats.sh SIM
set -u
sim=$1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

die()
{
	echo "$*" >&2
	exit 1
}

# A run does the same in any process and after any other run, to the last byte.
test_determinism()
{
	for seed in 3 5 8; do
		"$sim" $seed >"$dir/$seed" || die "seed $seed fails"
	done
	cat "$dir/8" "$dir/5" "$dir/3" >"$dir/alone"
	"$sim" 8 5 3 >"$dir/together" || die "they fail together"
	[ "$(wc -l <"$dir/alone")" -gt 1000 ] || die "this is no event log"
	cmp "$dir/alone" "$dir/together" || die "the same run did not do the same"
	cmp -s "$dir/3" "$dir/5" && die "two seeds are one run"
}

# A line on each failed seed, what was broken, the command, the end of its log.
test_failure()
{
	local out=$dir/$1 command=() seed line

	"$sim" --seeds 1..2000 --plant "$1" --expect-failure >"$out" ||
		die "$1: not found"
	seed=$(sed -n 's/^FAILED seed //p' "$out")
	grep -q "^seed $seed: " "$out" || die "$1: it is not said what is broken"
	line=$(sed -n 's/^  sim //p' "$out")
	read -ra command <<<"$line"
	[[ " $line " == *" --plant $1 $seed " ]] || die "$1: no command: $line"

	"$sim" "${command[@]}" >"$out.log" 2>&1 && die "$1: sim $line: does not fail"
	"$sim" --plant "$1" "$seed" >"$out.long" 2>&1 &&
		die "$1: seed $seed does not fail when it is run alone"
	[ "$(wc -l <"$out.log")" -lt "$(wc -l <"$out.long")" ] ||
		die "$1: sim $line: is as long as all of it"
	tail -1 "$out.log" | grep -q "^seed $seed: " ||
		die "$1: sim $line: ends otherwise"

	sed '1,/^  sim /d' "$out" | grep '^  ' | sed 's/^  //' >"$out.shown"
	tail -60 "$out.log" | cmp - "$out.shown" ||
		die "$1: another event log is shown"
	[ "$(wc -l <"$out.shown")" -gt 10 ] || die "$1: no event log is shown"
	echo "$1: sim $line"
}

# What is not planted is not found, and a failure is one for those who look at
# the exit status only.
test_status()
{
	"$sim" --seeds 1..3 --expect-failure >/dev/null &&
		die "nothing is wrong, and it is found"
	"$sim" --seeds 1..3 --plant done-twice --no-shrink >/dev/null &&
		die "a campaign that failed says that it did not"
	"$sim" --seeds 1..3 >/dev/null || die "a campaign fails without a failure"
}

test_determinism
test_failure data-sn
test_failure leak
test_status
