# SPDX-License-Identifier: GPL-2.0-or-later
# A mount of several connections at an error recovery level, and what it counts.
# For test-recovery.sh and test-damage.sh, whose argument is KIND-LEVEL.
#
# LUNFS_LONG=SECONDS: the faults of each journey take at least so long.
# shellcheck shell=bash disable=SC2154

require_fuse
require fio python3 jq

kind=${1%-*} level=${1#*-} connections=4
[ "$kind" != tgt ] || connections=1	# it takes no more
own_options=(--key MaxConnections=4 --key "ErrorRecoveryLevel=$level")
start_target "$kind" erl="$level" mended portals=2 "$(image 64M image0)" \
	"$(image 16M image1)"
. "$here/load.sh"
patience=10 long=4 cut_after=5000000 damage_after=600
load_for=3600 load_size=16M load_ops=2000	# until it is enough
has_cache=()					# which no restart empties here
if [ "$kind" = lio ]; then	# it is slow, and not to blame for that
	patience=30 cut_after=2000000 damage_after=200
	load_size=8M load_ops=150
fi
long=${LUNFS_LONG:-$long} awaited=()

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

# enough WHAT: often enough, and to what it is there for. (At level 2 a cut may
# find nothing but commands that the target never saw.)
enough()
{
	local field

	[ "$(did "$1")" -ge 3 ] || return 1
	for field in "${awaited[@]}"; do
		[ "$(counts "$field")" != 0 ] || return 1
	done
}

# troubled WHAT: the proxy does WHAT for a while, and not any more; and the
# session has recovered. The load ends with it.
troubled()
{
	local i

	hurry_for "$long"
	for ((i = 0; i < 30; i++)); do
		! enough "$1" || break
		hurry_for 2		# on a busy machine
	done
	kill -USR2 "$proxy"
	touch "$state/stop"
	wait_until 30 up || fail "not up after the last fault"
	as_user "$lunfs" status "$mnt"
	say "$1: $(did "$1") times: $(summary)"
	[ "$(did "$1")" -ge 3 ] || fail "too little of it"
}
