#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a mount says to those who ask: status and retry, from anywhere within it;
# mounting twice; a mount whose program was killed; sources that fail.
. "${0%/*}/lib.sh"
require jq
require_fuse

start_target "$1" "$(image 64M first)" "$(image 5M second)"
source=iscsi://$portal

# says STATUS PATTERN COMMAND...: lunfs says that on stderr, and ends so.
says()
{
	local want=$1 pattern=$2 status=0

	shift 2
	"${as[@]}" timeout 60 "$lunfs" "$@" >"$state/out" 2>"$state/err" ||
		status=$?
	[ "$status" = "$want" ] ||
		fail "lunfs $*: exit status $status: $(cat "$state/err")"
	grep -Eq -- "$pattern" "$state/err" ||
		fail "lunfs $*: no '$pattern' in: $(cat "$state/err")"
}

say "a portal that fails"
dead=127.0.0.1:$(free_port)
says 1 "^lunfs: iscsi://$dead: Connection refused$" \
	ls --json "$source" "iscsi://$dead"
jq -e --arg s "iscsi://$dead" '(.targets | length == 1) and (.errors |
	length == 1 and .[0].source == $s and
	(.[0].error | test("refused")))' "$state/out" >/dev/null ||
	fail "$(cat "$state/out")"
as_user "$lunfs" ls --json "$source" | jq -e '.errors == []' >/dev/null ||
	fail "errors where there are none"
says 1 "refused" mount "$source" "iscsi://$dead" "$mnt"
mounted "$mnt" && fail "mounted without all that was named"

say "status and retry, from anywhere within"
mount_lunfs "$source" "$mnt"
for path in "$mnt" "$mnt/$target" "$(lun_file 0)" "$mnt/.lunfs/status.json"; do
	as_user "$lunfs" status "$path" >"$state/out" || fail "status $path"
	grep -q "^iscsi://.*/$(lun 0) *64.0 MiB *ready$" "$state/out" ||
		fail "status $path: $(cat "$state/out")"
	as_user "$lunfs" retry "$path" || fail "retry $path"
done
grep -n ' $' "$state/out" && fail "blanks at the ends of lines"
as_user sh -c 'cd "$1" && exec "$2" status .' - "$mnt/$target" "$lunfs" \
	>/dev/null || fail "status of a relative path"
says 1 "^lunfs: $state: is no mount of lunfs$" status "$state"

say "mounting twice"
says 1 "^lunfs: $mnt: lunfs is mounted there already: " \
	mount "$(lun_url 0)" "$mnt"
[ "$(grep -c " $mnt " /proc/self/mountinfo)" = 1 ] || fail "mounted twice"

say "a dead mount"
as_user stat "$mnt" >/dev/null
for i in $(lunfs_pids); do
	kill -9 "$i"
done
wait_until 10 no_lunfs || fail "it lives"
hint="^lunfs: $mnt: is a dead mount.* fusermount3 -u $mnt$"
says 1 "$hint" mount "$source" "$mnt"	# the kernel has its attributes yet
says 1 "$hint" status "$mnt"
says 1 "$hint" retry "$mnt"
says 1 "fusermount3 -u $mnt$" status "$(lun_file 0)"
says 1 "$hint" mount "$source" "$mnt"
as_user fusermount3 -u "$mnt"
mount_lunfs "$source" "$mnt"
unmount_lunfs "$mnt"

say "nobody waits for an answer any more"
"${as[@]}" "$lunfs" mount -f -v "$source" "$mnt" 2>"$state/lunfs.log" &
mount_pid=$!
wait_until 20 as_user test -e "$(lun_file 0)" || fail "no mount"
kill -STOP "$target_pid"
# not as_user, a shell: this is the process itself
"$state/bin/as-user" dd if="$(lun_file 0)" of=/dev/null bs=4096 count=1 \
	iflag=direct 2>/dev/null &
reader_pid=$!
sleep 1
kill "$reader_pid"
line="^lunfs: $target/lun$(lun 0): read of 4096 bytes at 0: is ended, as nobody waits"
wait_until 10 grep -q "$line" "$state/lunfs.log" ||
	fail "that it is ended is not told: $(cat "$state/lunfs.log")"
kill -CONT "$target_pid"
wait_until 10 gone_pid "$reader_pid" || fail "it is not ended"
as_user fusermount3 -u "$mnt"
wait "$mount_pid" || fail "lunfs mount: exit status $?"

say "the target is silent, and then away"
"${as[@]}" "$lunfs" mount -f --outage wait:8 "$source" "$mnt" \
	2>"$state/lunfs.log" &
mount_pid=$!
wait_until 20 as_user test -e "$(lun_file 0)" || fail "no mount"
# shows PATTERN: a line of the status
shows()
{
	as_user "$lunfs" status "$mnt" | matches "$1"
}
shows "^  requests" && fail "there are requests: $(as_user "$lunfs" status "$mnt")"
kill -STOP "$target_pid"
as_user dd if="$(lun_file 0)" of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null &
reader_pid=$!
wait_until 10 shows "^  requests  *[1-9][0-9]*, the oldest for [1-9]" ||
	fail "who waits does not show: $(as_user "$lunfs" status "$mnt")"
shows "^  gives up" && fail "it is not even lost"
as_user "$lunfs" status --json "$mnt" >"$state/out"
for i in '"requests": [1-9]' '"oldest_ms": \(9[5-9][0-9]\|[1-9][0-9]\{3\}\)' \
	'"gives_up_ms": null'; do
	grep -q "$i" "$state/out" || fail "no $i: $(cat "$state/out")"
done
kill_target
lun_state()
{
	shows "^iscsi://.*/$(lun 0) .* $1  .*\(closed\|reset\|refused\)"
}
waits()
{
	as_user "$lunfs" status "$mnt" >"$state/out" &&
		grep -q "^iscsi://.*/$(lun 0) .* waiting " "$state/out" &&
		grep -q "^  gives up  *in [0-8][.]" "$state/out"
}
wait_until 8 waits || fail "$(cat "$state/out")"
wait_until 30 lun_state lost || fail "$(as_user "$lunfs" status "$mnt")"
wait "$reader_pid" && fail "the read went well"
shows "^  requests" && fail "what has failed still waits"
as_user dd if="$(lun_file 0)" of=/dev/null count=1 2>/dev/null && fail "a read"
as_user fusermount3 -u "$mnt"
wait "$mount_pid" || fail "lunfs mount: exit status $?"
line="^lunfs: $target: the session is lost: .*(closed|reset).*"
line+="; meanwhile I/O waits, 8 s at most$"
[ "$(grep -Ec "$line" "$state/lunfs.log")" = 1 ] ||
	fail "the loss was not told in one line: $(cat "$state/lunfs.log")"
grep -q "conn 1" "$state/lunfs.log" && fail "the loss was told twice"
line="^lunfs: $target: LUN $(lun 0): requests fail from now on: --outage wait:8 is over: "
grep -q "$line" "$state/lunfs.log" || fail "the end of the patience is not told"
line="^lunfs: $target/lun$(lun 0): read of [0-9]* bytes at 0: --outage wait:8 is over: $portal: "
grep -q "$line" "$state/lunfs.log" || fail "no cause of the failed read"

[ "$1" = tgt ] || exit 0	# it can want a secret for one of its targets

say "a target of a portal that cannot be had"
start_target "$1" targets=2 "$state/first"
source=iscsi://$portal
tgtadm_ --mode account --op new --user reader --password secret-of-reader
tgtadm_ --mode account --op bind --tid 2 --user reader
mounts+=("$mnt")
says 0 "^lunfs: $source/$target-2: login: authentication failed" \
	mount "$source" "$mnt"
grep -q "^lunfs: $mnt: mounted with 1 of 2 targets$" "$state/err" ||
	fail "no message that it works all the same: $(cat "$state/err")"
as_user test -e "$(lun_file 0)" || fail "the other target is not there"
unmount_lunfs "$mnt"
says 1 "authentication failed" mount "$source/$target-2" "$source/$target" "$mnt"

say "less than was asked for"
says 0 "^lunfs: $target: error recovery level 2 is wanted, the target grants 0$" \
	mount --erl 2 --connections 4 "$source/$target" "$mnt"
grep -q "^lunfs: $target: 4 connections are wanted, the target grants 1$" \
	"$state/err" || fail "$(cat "$state/err")"
as_user "$lunfs" status "$mnt" >"$state/out"
grep -q '^  state *LOGGED_IN, 1 of 4 connections, error recovery level 0 instead of 2$' \
	"$state/out" || fail "$(cat "$state/out")"
unmount_lunfs "$mnt"
