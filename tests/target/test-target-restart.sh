#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What survives a restart of the target: data in files, holes of thin disks, and
# of a volatile cache only what was flushed. The initiator is QEMU's. Skipped
# (77) without it.
#
# usage: test-target-restart.sh LUNFS-TARGET

set -eu

TARGET=$1
NAME=iqn.2026-01.net.lunfs:disk

for tool in qemu-io qemu-img; do
	if ! command -v $tool >/dev/null; then
		echo "SKIPPED: $tool is not installed" >&2
		exit 77
	fi
done

dir=$(mktemp -d)
disk=$dir/disk
pid=
cleanup()
{
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || :
	rm -rf "$dir"
}
trap cleanup EXIT

die()
{
	echo "FAILED: $*" >&2
	exit 1
}

# start WORDS: the LUN is $disk with these words; sets $pid, $url
start()
{
	: >"$dir/out"			# now: nothing of the one before is read
	"$TARGET" --lun "file=$disk,size=8M$1" >"$dir/out" 2>"$dir/err" &
	pid=$!
	for _ in $(seq 100); do
		portal=$(sed -n 's/^listening //p' "$dir/out")
		url=iscsi://$portal/$NAME/0
		[ -z "$portal" ] || return 0
		sleep 0.1
	done
	die "the target does not start: $(cat "$dir/err")"
}

# stop SIGNAL
stop()
{
	kill -"$1" "$pid"
	wait "$pid" || [ "$1" = KILL ] || die "ended with $?: $(cat "$dir/err")"
	pid=
}

io()
{
	qemu-io -f raw "$@" "$url" >"$dir/log" 2>&1 &&
		! grep -Ei 'failed|error' "$dir/log"
}

# byte: the first one of the file
byte()
{
	od -A n -t u1 -N 1 "$disk" | tr -d ' '
}

# written_and_killed COMMAND...: after the last of them is done, and before the
# initiator could flush anything at its own end.
written_and_killed()
{
	first=$1
	shift
	: >"$dir/log"
	stdbuf -oL qemu-io -t writeback -f raw -c "$first" "$@" \
		-c "sleep 20000" "$url" \
		>"$dir/log" 2>&1 &
	io=$!
	for _ in $(seq 100); do
		grep -q 'wrote' "$dir/log" && break
		sleep 0.1
	done
	sleep 0.5
	stop KILL
	kill "$io" 2>/dev/null || :
	wait "$io" || :
	grep -q 'wrote' "$dir/log" || die "nothing was written: $first"
}

start ,thin
io -c 'write -P 1 0 1M' -c 'write -P 2 4M 64k' -c flush ||
	die "write: $(cat "$dir/log")"
qemu-img map --output=json -f raw "$url" >"$dir/before"
grep -q '"data": false' "$dir/before" || die "a new thin disk has no holes"
stop TERM
start ,thin
qemu-img map --output=json -f raw "$url" >"$dir/after"
cmp "$dir/before" "$dir/after" || die "other holes after the restart"
io -c 'read -P 1 0 1M' -c 'read -P 2 4M 64k' || die "other data"
stop TERM
echo "ok data and holes"

start ,ro
! io -c 'write -P 3 0 4k' || die "a read-only disk was written"
stop TERM
start ,block=4096
io -c 'read -P 1 0 1M' || die "other data with other blocks"
written_and_killed 'write -P 4 0 4k'
[ "$(byte)" = 4 ] || die "a file: the data went with the process"
echo "ok a file has what was written"

start ,volatile
written_and_killed 'write -P 5 0 4k'
[ "$(byte)" = 4 ] || die "volatile: what was not flushed is there"
start ,volatile
written_and_killed 'write -P 6 0 4k' -c flush
[ "$(byte)" = 6 ] || die "volatile: what was flushed is lost"
start ,volatile
written_and_killed 'write -f -P 7 0 4k'
[ "$(byte)" = 7 ] || die "volatile: FUA is no flush"
start ,volatile,wce=0
written_and_killed 'write -P 8 0 4k'
[ "$(byte)" = 8 ] || die "volatile: without a write cache it is lost"
start ,volatile
io -c 'write -P 9 0 4k' || die "write: $(cat "$dir/log")"
stop TERM
[ "$(byte)" = 9 ] || die "volatile: lost though it ended well"
echo "ok a volatile cache loses what was not flushed, and nothing else"
