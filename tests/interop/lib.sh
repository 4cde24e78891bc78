# SPDX-License-Identifier: GPL-2.0-or-later
# What the interop tests share. A test sources this file first:
#
#	. "${0%/*}/lib.sh"
#	start_target "$1" image.raw		# tgt, istgt, lio or own
#	mount_lunfs "iscsi://$portal/$target" "$mnt"
#
# Everything that a test makes is in $state, a private folder that is on a
# tmpfs where there is room; what it starts is ended by process id. All of it
# is gone when the test ends, however it ends. Servers listen on loopback.
#
# From the build: $LUNFS, $LUNFS_TARGET, $FSX (programs).
# Exit: 0 passed, 1 failed, 77 skipped (and says what was missing).
# shellcheck shell=bash

set -eu -o pipefail
# what Debian's packages bring, before others of these names: see contrib/test
export LC_ALL=C PATH="/usr/sbin:/usr/bin:/sbin:/bin:$PATH"
export PYTHONDONTWRITEBYTECODE=1

here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)

skip()
{
	echo "SKIPPED: ${0##*/}: $*" >&2
	exit 77
}

fail()
{
	echo "FAILED: ${0##*/}: $*" >&2
	exit 1
}

say()
{
	echo "--- $*"
}

# require COMMAND...: the test cannot run without these.
require()
{
	local c

	for c in "$@"; do
		command -v "$c" >/dev/null || skip "no command '$c'"
	done
}

require_root()
{
	[ "$(id -u)" = 0 ] || skip "needs root: $*"
}

require_fuse()
{
	require fusermount3
	as_user sh -c ': <>/dev/fuse' 2>/dev/null ||
		skip "an ordinary user cannot open /dev/fuse"
}

# ... | matches [OPTION...] PATTERN: grep -q for a pipe. It reads all: who writes
# on when nobody listens any more fails, and with it the pipe.
matches()
{
	[ "$(grep -c "$@")" != 0 ]
}

# mounted DIR: not by stat, which fails for root on another user's mount.
mounted()
{
	grep -q " $1 " /proc/self/mountinfo
}

# In a mount namespace of our own: what is mounted by tests beside this one is
# let go, or their unmounting would not end it for as long as we are here. The
# list is read whole first: it gets shorter under who reads on in it.
forget_mounts()
{
	local dir all

	mapfile -t all < <(awk '$3 == "fuse.lunfs" { print $2 }' \
		/proc/self/mounts)
	for dir in "${all[@]}"; do
		umount -l "$dir" 2>/dev/null || true
	done
}

# ------------------------------------------------------------ state, end --

pids=()			# started by us, to be ended
mounts=()		# to be unmounted, the last first

# background LOG COMMAND...: a program that ends with the test, at the latest;
# $started is it. (Of a function like as_user it would be that of a shell.)
background()
{
	: >"$state/$1"		# now: what waits for a line sees none of before
	"${@:2}" >"$state/$1" 2>&1 &
	started=$!
	pids+=("$started")
	disown "$started"
}

# Prefers a tmpfs with 2 GiB free, so that images cost no disk I/O.
new_state()
{
	local dir=/tmp kib

	kib=$(df -k --output=avail /dev/shm 2>/dev/null | tail -n 1)
	if [ "${kib:-0}" -gt $((2 * 1024 * 1024)) ] && [ -w /dev/shm ]; then
		dir=/dev/shm
	fi
	mktemp -d "$dir/lunfs-interop.XXXXXX"
}

state=$(new_state)
# no name of a test is kept in the HOME of who runs it
export XDG_CONFIG_HOME=$state/config
chmod 755 "$state"
mnt=$state/mnt

# End a process, politely first (tgtd takes no hint while it has targets). It
# may be gone already.
gone_pid()
{
	! kill -0 "$1" 2>/dev/null
}

end_pid()
{
	local i

	kill "$1" 2>/dev/null || return 0
	for ((i = 0; i < 30; i++)); do
		[ "$(cat "/proc/$1/comm" 2>/dev/null)" != tgtd ] || break
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	kill -9 "$1" 2>/dev/null || true
}

cleanup()
{
	local status=$? i

	trap - EXIT
	trap '' INT TERM HUP	# once is enough
	set +e
	cd /
	for ((i = ${#mounts[@]} - 1; i >= 0; i--)); do
		mounted "${mounts[i]}" || continue
		umount "${mounts[i]}" 2>/dev/null ||
			as_user fusermount3 -u -z "${mounts[i]}" 2>/dev/null
	done
	for i in $(lunfs_pids); do
		end_pid "$i"
	done
	for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
		end_pid "${pids[i]}"
	done
	if [ "$status" != 0 ] && [ "$status" != 77 ]; then
		echo "exit status $status; logs of the servers:" >&2
		tail -n 20 "$state"/*.log >&2 2>/dev/null
	fi
	rm -rf --one-file-system "$state"
	exit "$status"
}

trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# ------------------------------------------------------------------ users --

# Runs a command as somebody without any privilege.
as_user()
{
	"$state/bin/as-user" "$@"
}

mkdir "$state/bin"
cat >"$state/bin/as-user" <<END
#!/bin/sh
[ "\$(id -u)" = 0 ] || exec "\$@"
HOME=$state/home exec setpriv --reuid=65534 --regid=65534 \\
	--clear-groups --inh-caps=-all -- "\$@"
END
chmod 755 "$state/bin/as-user"

# user_dir DIR...: folders that belong to as_user's user.
user_dir()
{
	mkdir -p "$@"
	[ "$(id -u)" != 0 ] || chown 65534:65534 "$@"
}

# ------------------------------------------------------------------ lunfs --

# The build folder may be closed to other users: a copy serves all.
user_dir "$state/home" "$mnt" "$state/user"
for program in "${LUNFS:-}" "${LUNFS_TARGET:-}" "${FSX:-}"; do
	[ -z "$program" ] || install -m 755 "$program" "$state/bin/"
done
lunfs=$state/bin/lunfs
fsx=$state/bin/fsx

# Only processes that run our private copy of the program.
lunfs_pids()
{
	find /proc/[0-9]*/exe -maxdepth 0 -lname "$lunfs" 2>/dev/null |
		tr -dc '0-9\n' || true
}

as=(as_user)		# who mounts: (env) is who runs the test

# mount_lunfs [OPTION...] SOURCE MOUNTPOINT: in the background, as a user.
mount_lunfs()
{
	mounts+=("${!#}")
	"${as[@]}" timeout 120 "$lunfs" mount "$@" ||
		fail "lunfs mount $*: exit status $?"
}

unmount_lunfs()
{
	"${as[@]}" fusermount3 -u "$1" || fail "fusermount3 -u $1"
	wait_until 60 no_lunfs || fail "lunfs still runs after the unmount"
}

no_lunfs()
{
	[ -z "$(lunfs_pids)" ]
}

# each FIELD: of the connections of the mount, one on each line.
each()
{
	as_user timeout 5 "$lunfs" status --json "$mnt" |
		jq -r ".sessions[].connections[].$1"
}

# $connections of them.
all_there()
{
	[ "$(each state | grep -c LOGGED_IN)" = "$connections" ]
}

# run STATUS ARGUMENT...: lunfs, which ends so; what it prints is in $out, its
# messages are in the file $log.
log=$state/lunfs.log
run()
{
	local want=$1 status=0

	shift
	out=$(as_user timeout 60 "$lunfs" "$@" 2>"$log") || status=$?
	[ "$status" = "$want" ] ||
		fail "lunfs $*: exit status $status: $out $(cat "$log")"
}

# says TEXT, silent TEXT: in the messages.
says()
{
	grep -qF -- "$1" "$log" || fail "no '$1' in: $(cat "$log")"
}

silent()
{
	! grep -qF -- "$1" "$log" || fail "'$1' in: $(cat "$log")"
}

# wait_until SECONDS COMMAND...: polls until the command succeeds.
wait_until()
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# ------------------------------------------------------------------- hosts --

has_its_own_net()
{
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

# second_host OURS THEIRS: another host, linked to this one (a network namespace,
# too) by these interfaces: ${there[@]} is before what runs on it.
second_host()
{
	background other.log unshare --net sleep 1000
	wait_until 10 has_its_own_net "$started" || fail "no second namespace"
	there=(nsenter "--net=/proc/$started/ns/net")
	ip link set lo up
	"${there[@]}" ip link set lo up
	ip link add "$1" type veth peer name "$2" netns "$started"
}

# ---------------------------------------------------------------- targets --

listens()
{
	(: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# A port that nobody uses, below those that the kernel gives to clients.
free_port()
{
	local port

	while :; do
		port=$((20000 + RANDOM % 12000))
		listens "$port" || break
	done
	echo "$port"
}

# image SIZE NAME: a file of zeroes for a LUN; prints its path.
image()
{
	truncate -s "$1" "$state/$2"
	echo "$state/$2"
}

# start_target KIND [chap=USER:SECRET] [mutual=USER:SECRET] [targets=N]
#	[ro] [nocache] [block=N] [erl=N] [mended] [portals=N] IMAGE...
#
# Sets $portal, ${portals[@]}, $target (its name), $target_pid. The images are the LUNs
# $(lun 0), $(lun 1)...; with targets=N there are N - 1 more, without LUNs. "ro"
# holds for all of its LUNs, as does "nocache": they say that they have no write
# cache, so that nothing can be lost by a restart; and their blocks have N bytes
# (the usual 512 if it is not said). "mended" is for LIO, which
# crashes when connections are recovered, or a session of several.
start_target()
{
	kind=$1 chap='' mutual='' targets=1 ro='' nocache='' unit='' images=()
	block='' erl=0 mended=''
	local i n=1

	target=iqn.2026-11.test.lunfs:$1
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		chap=*)		chap=${1#*=} ;;
		mutual=*)	mutual=${1#*=} ;;
		targets=*)	targets=${1#*=} ;;
		block=*)	block=${1#*=} ;;
		erl=*)		erl=${1#*=} ;;
		portals=*)	n=${1#*=} ;;
		ro)		ro=1 ;;
		nocache)	nocache=1 ;;
		mended)		mended=1 ;;
		*)		images+=("$1") ;;
		esac
		shift
	done
	port=$(free_port)
	portal=127.0.0.1:$port portals=()
	for ((i = 1; i <= n; i++)); do
		portals+=("127.0.0.$i:$port")
	done
	"start_$kind"
	target_pid=$started
	wait_until 60 listens "$port" || fail "$kind does not listen on $portal"
}

# kill_target, restart_target: it comes back with the same LUNs, or as $target,
# $chap, ${images[]} and $unit (the identity of its LUNs; empty: the usual one)
# have been set meanwhile.
kill_target()
{
	kill -9 "$target_pid"
	while kill -0 "$target_pid" 2>/dev/null; do
		sleep 0.05
	done
}

restart_target()
{
	"start_$kind"
	target_pid=$started
	wait_until 60 listens "$port" || fail "$kind does not come back"
}

stop_target()
{
	end_pid "$target_pid"
}

# lun N: the LUN of the Nth image. tgt has its controller at LUN 0.
lun()
{
	case $kind in
	tgt)	echo $(($1 + 1)) ;;
	*)	echo "$1" ;;
	esac
}

# lun_file N: where the Nth image is in the mount.
lun_file()
{
	echo "$mnt/$target/lun$(lun "$1")"
}

# lun_url N
lun_url()
{
	echo "iscsi://$portal/$target/$(lun "$1")"
}

# credentials FILE [chap] [mutual]: what the initiator has to know.
credentials()
{
	local file=$1 user=${2:-} peer=${3:-}

	: >"$file"
	if [ -n "$user" ]; then
		printf 'username=%s\npassword=%s\n' \
			"${user%%:*}" "${user#*:}" >>"$file"
	fi
	if [ -n "$peer" ]; then
		printf 'username_in=%s\npassword_in=%s\n' \
			"${peer%%:*}" "${peer#*:}" >>"$file"
	fi
	chmod 600 "$file"
	[ "$(id -u)" != 0 ] || chown 65534:65534 "$file"
}

. "$here/targets.sh"
