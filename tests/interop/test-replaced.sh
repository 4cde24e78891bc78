#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One LUN is mounted, as a file or in a directory. Another unit is put in its
# place while the target is away: nothing goes there, and every request says
# ESTALE. The right one comes back: so does the mount, by itself.
. "${0%/*}/lib.sh"
require_fuse

right=$(image 16M right0) wrong=$(image 16M wrong0)
start_target "$1" nocache "$right"

file=$state/user/lun
: >"$file"
[ "$(id -u)" != 0 ] || chown 65534:65534 "$file"
mount_lunfs --timeout 5 "$(lun_url 0)" "$file"
mount_lunfs --timeout 5 "$(lun_url 0)" "$mnt"

put()
{
	printf '%-4096s' "$2" | as_user dd of="$1" bs=4096 count=1 \
		oflag=direct iflag=fullblock conv=notrunc status=none \
		2>"$state/put.err"
}

stale()
{
	! put "$file" stale && grep -q 'Stale file handle' "$state/put.err"
}

not_there()
{
	! as_user test -e "$(lun_file 0)"
}

stored()
{
	[ "$(head -c 4096 "$1" | tr -d ' ')" = "$2" ]
}

# swap IMAGE UNIT
swap()
{
	kill_target
	images=("$1") unit=$2
	restart_target
}

put "$file" before || fail "no write"
for round in 1 2; do
	say "another unit, $round"
	swap "$wrong" other
	wait_until 60 stale || fail "no ESTALE: $(cat "$state/put.err")"
	wait_until 60 not_there || fail "another unit is shown"

	say "the right one, $round"
	swap "$right" ''
	wait_until 60 put "$file" "file$round" ||
		fail "the file does not come back: $(cat "$state/put.err")"
	stored "$right" "file$round" || fail "not on the target"
	wait_until 60 put "$(lun_file 0)" "dir$round" ||
		fail "it does not come back in the directory"
	stored "$right" "dir$round" || fail "not on the target"
done
cmp "$wrong" <(head -c 16M /dev/zero) || fail "another unit was written to"
as_user fusermount3 -u "$file" || fail "fusermount3 -u $file"
unmount_lunfs "$mnt"
