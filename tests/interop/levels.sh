# SPDX-License-Identifier: GPL-2.0-or-later
# A mount of several connections at an error recovery level, and what it counts.
# For test-recovery.sh and test-damage.sh, whose argument is KIND-LEVEL.
#
# LUNFS_LONG=SECONDS: each journey, and its load, takes at least so long.
# shellcheck shell=bash disable=SC2154

require_fuse
require fio python3 jq

kind=${1%-*} level=${1#*-} connections=4
own_options=(--key MaxConnections=4 --key "ErrorRecoveryLevel=$level")
start_target "$kind" erl="$level" mended portals=2 "$(image 64M image0)" \
	"$(image 16M image1)"
. "$here/load.sh"
patience=10 long=8 cut_after=5000000 damage_after=600
if [ "$kind" = lio ]; then	# it is slow, and not to blame for that
	patience=30 long=5 cut_after=2000000 damage_after=200
fi
long=${LUNFS_LONG:-$long} load_for=${LUNFS_LONG:-0}

# serve_level PORTAL|URL OPTION...
serve_level()
{
	serve "$1" --erl "$level" --connections "$connections" \
		--timeout "$patience" "${@:2}"
	[ "$(session erl)" = "$level" ] || fail "level $(session erl)"
	wait_until 60 all_there ||
		fail "connections: $(as_user "$lunfs" status "$mnt")"
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

# What it took, on one line.
summary()
{
	as_user timeout 5 "$lunfs" status --json "$mnt" | jq -r '
		.sessions[0].counters | to_entries | map(select(.value > 0) |
			"\(.value) \(.key)") | join(", ")'
}

recovered_by()
{
	[ "$(counts "$@")" -gt 0 ] || fail "not recovered by $*"
}

not_recovered_by()
{
	[ "$(counts "$@")" != 0 ] || return 0
	grep -B 15 'session is lost' "$log" >&2 || true
	fail "recovered by $*"
}

# troubled WHAT: the proxy does WHAT for a while, and not any more; and the
# session has recovered.
troubled()
{
	local i

	hurry_for "$long"
	for ((i = 0; i < 12 && $(did "$1") < 3; i++)); do
		hurry_for 5		# on a busy machine
	done
	kill -USR2 "$proxy"
	wait_until 30 up || fail "not up after the last fault"
	as_user "$lunfs" status "$mnt"
	say "$1: $(did "$1") times: $(summary)"
	[ "$(did "$1")" -ge 3 ] || fail "too little of it"
}
