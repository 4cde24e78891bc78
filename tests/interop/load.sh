# SPDX-License-Identifier: GPL-2.0-or-later
# A mount in the foreground, its status and its log; a load that verifies what it
# reads; a proxy that cuts. For tests of outages and of recovery: sourced after
# start_target.
# shellcheck shell=bash disable=SC2154

seed=${LUNFS_SEED:-$RANDOM}
say "seed $seed"
log=$state/lunfs.log
: >"$log"
mount_pid=''

# How much at a time: LIO's machine is slow, and slower on a machine that is busy.
load_for=0		# seconds, or until it is told to stop; but at least once
load_size=48M load_ops=4000
[ "$kind" != lio ] || load_size=16M load_ops=300

# ------------------------------------------------------------- the mount --

answers()
{
	mounted "$mnt" && as_user test -e "$(lun_file 0)"
}

# serve PORTAL|URL OPTION...: in the foreground, so that there is a log.
serve()
{
	local source=iscsi://$1/$target

	[[ $1 != iscsi:* ]] || source=$1
	shift
	mounts+=("$mnt")
	as_user "$lunfs" mount -f "$@" "$source" "$mnt" 2>>"$log" &
	mount_pid=$!
	wait_until 60 answers || fail "no mount"
	pid=$(lunfs_pids)
}

# ends [STATUS]
ends()
{
	local status=0

	wait "$mount_pid" || status=$?
	[ "$status" = "${1:-0}" ] ||
		fail "lunfs: exit status $status instead of ${1:-0}"
	! mounted "$mnt" || fail "still mounted"
}

# istgt says that it has a write cache whatever it is told, so that each restart
# (of which there are three under a load) may have lost something.
has_cache=()
[ "$kind" != istgt ] || has_cache=(--restarts 3)

unserve()
{
	[ "$kind" != istgt ] ||
		as_user timeout 20 sh -c 'sync "$1"/lun*' - "$mnt/$target" \
			2>/dev/null || true
	as_user fusermount3 -u "$mnt" || fail "fusermount3 -u"
	ends
}

# session FIELD: of status.json, which has one on each line; those of connections
# stand deeper. (There is one session; its names are unlike those of LUNs.)
session()
{
	as_user timeout 5 "$lunfs" status --json "$mnt" |
		sed -n "s/^ \{6,8\}\"$1\": *\(.*[^,]\),*$/\1/p"
}

lost()
{
	[ "$(session lost_ms)" != null ]
}

up()
{
	[ "$(session lost_ms)" = null ]
}

rarely()
{
	local ms

	ms=$(session next_attempt_ms)
	[ "$ms" != null ] && [ "$ms" -gt 30000 ]
}

# logged PATTERN: since the last mark.
mark()
{
	marked=$(wc -l <"$log")
}

logged()
{
	tail -n "+$((marked + 1))" "$log" | matches -E "$1"
}

# -------------------------------------------------------------- the load --

# goes_on END
goes_on()
{
	[ ! -e "$state/stop" ] && [ "$SECONDS" -lt "$1" ]
}

# Many writes in flight, and read back; writes of any size at any offset, and
# read back, until it is told to stop.
fio_load()
{
	local file n=0 end=$((SECONDS + load_for))

	file=$(lun_file 0)		# fio takes ":" as a separator
	while [ "$n" = 0 ] || goes_on "$end"; do
		as_user fio --name=load --filename="${file//:/\\:}" \
			--size="$load_size" --rw=randwrite --bsrange=4k-128k \
			--ioengine=libaio --iodepth=16 --direct=1 --rate=8m \
			--verify=crc32c --verify_fatal=1 --verify_state_save=0 \
			--allow_file_create=0 --fallocate=none \
			--randseed=$((seed + n)) \
			--output="$state/user/fio.out" ||
			{ cat "$state/user/fio.out"; return 1; }
		n=$((n + 1))
	done
}

fsx_load()
{
	local n=0

	while [ ! -e "$state/stop" ]; do
		as_user "$fsx" --seed $((seed + n)) --ops "$load_ops" --processes 4 \
			"${has_cache[@]}" "$(lun_file 1)" || return 1
		n=$((n + 1))
	done
}

start_load()
{
	rm -f "$state/stop"
	fio_load &
	fio_pid=$!
	fsx_load >"$state/fsx.out" 2>&1 &
	fsx_pid=$!
}

loaded()
{
	kill -0 "$fio_pid" 2>/dev/null
}

end_load()
{
	wait "$fio_pid" || fail "$1: fio: data or errors (seed $seed)"
	touch "$state/stop"
	wait "$fsx_pid" ||
		{ cat "$state/fsx.out"; fail "$1: fsx (seed $seed)"; }
}

# under_load WHAT COMMAND...
under_load()
{
	local what=$1

	shift
	say "$what"
	start_load
	sleep 1
	loaded || fail "$what: the load ended too early"
	"$@"
	end_load "$what"
}


# -------------------------------------------------------------- the proxy --

# start_proxy OPTION...: in front of the target, at $proxied. See proxy.py.
start_proxy()
{
	local proxy_port

	proxy_port=$(free_port)
	proxied=127.0.0.1:$proxy_port
	[ "$kind" != lio ] || set -- --gentle "$@"
	background proxy.log python3 "$here/proxy.py" "$proxy_port" "$port" \
		--seed "$seed" "$@"
	proxy=$started
	wait_until 60 grep -q ready "$state/proxy.log" || fail "no proxy"
}

# did WHAT: how often the proxy has.
did()
{
	grep -c "^$1" "$state/proxy.log" || true
}

waiting()
{
	[ "$(session next_attempt_ms)" != null ]
}

# For so many seconds, or until the load has ended. The back-off would take
# minutes: it is cut short. Not with LIO: that it is left alone for a moment
# before the next login is what it asks for, and it crashes if it is not.
hurry_for()
{
	local end=$((SECONDS + $1))

	while [ "$SECONDS" -lt "$end" ] && loaded; do
		if [ "$kind" != lio ] && lost && waiting; then
			kill -USR1 "$pid"
		fi
		sleep 0.2
	done
}
