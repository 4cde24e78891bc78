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
for i in $(lunfs_pids); do
	kill -9 "$i"
done
wait_until 10 no_lunfs || fail "it lives"
hint="^lunfs: $mnt: is a dead mount.* fusermount3 -u $mnt$"
says 1 "$hint" status "$mnt"
says 1 "$hint" retry "$mnt"
says 1 "fusermount3 -u $mnt$" status "$(lun_file 0)"
says 1 "$hint" mount "$source" "$mnt"
as_user fusermount3 -u "$mnt"
mount_lunfs "$source" "$mnt"
unmount_lunfs "$mnt"
