#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A real filesystem on top: mkfs.ext4 on the LUN's file, mounted by a loop
# device, a source tree copied in, unmounted, fsck finds nothing, and all is
# there after a new login.
. "${0%/*}/lib.sh"
require_fuse
require mkfs.ext4 fsck.ext4 losetup
require_root "a loop mount"
losetup -f >/dev/null 2>&1 || skip "no loop devices"

tree=$here/../..
sums()
{
	(cd "$1" && find lib src tests -type f -print0 | sort -z |
		xargs -0 sha256sum)
}

# The kernel lets go of the file some time after the unmount.
unmount_loop()
{
	umount "$state/fs"
	wait_until 60 loop_gone || fail "the loop device is still there"
}

loop_gone()
{
	[ -z "$(losetup -j "$(lun_file 0)")" ]
}

start_target "$1" "$(image 256M image)"
as=(env)
mount_lunfs "iscsi://$portal/$target" "$mnt"
mkdir "$state/fs"
mkfs.ext4 -q "$(lun_file 0)"

say "copy a tree in"
mount -o loop "$(lun_file 0)" "$state/fs"
mounts+=("$state/fs")
cp -a "$tree/lib" "$tree/src" "$tree/tests" "$state/fs/"
sums "$state/fs" >"$state/sums"
unmount_loop

say "fsck"
fsck.ext4 -f -n "$(lun_file 0)" || fail "fsck after the first mount"
unmount_lunfs "$mnt"

say "log in again and compare"
mount_lunfs "iscsi://$portal/$target" "$mnt"
mount -o loop,ro "$(lun_file 0)" "$state/fs"
sums "$state/fs" | cmp - "$state/sums" || fail "files differ"
unmount_loop
unmount_lunfs "$mnt"
fsck.ext4 -f -n "$state/image" || fail "fsck on the target's image"
