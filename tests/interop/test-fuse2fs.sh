#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A real filesystem without any privilege: mkfs.ext4 and fuse2fs by an ordinary
# user, a source tree copied in, unmounted, fsck finds nothing.
. "${0%/*}/lib.sh"
require_fuse
require mkfs.ext4 fsck.ext4 fuse2fs

tree=$here/../..
fs=$state/user/fs
sums()
{
	as_user sh -c "cd '$1' && find lib src -type f | sort | xargs sha256sum"
}

start_target "$1" "$(image 128M image)"
mount_lunfs "iscsi://$portal/$target" "$mnt"
user_dir "$fs"
as_user mkfs.ext4 -q -E root_owner="$(as_user id -u):$(as_user id -g)" \
	"$(lun_file 0)"

say "copy a tree in"
mounts+=("$fs")
as_user fuse2fs -o fakeroot "$(lun_file 0)" "$fs"
wait_until 60 mounted "$fs" || fail "fuse2fs did not mount"
tar -C "$tree" -c lib src | as_user tar -C "$fs" -x --no-same-owner
sums "$fs" >"$state/sums"
[ -s "$state/sums" ] || fail "nothing was copied"
as_user fusermount3 -u "$fs"
fuse2fs_gone()
{
	! pgrep -f "fuse2fs -o [a-z,]*fakeroot $(lun_file 0)" >/dev/null
}
wait_until 60 fuse2fs_gone || fail "fuse2fs still runs"

say "fsck"
as_user fsck.ext4 -f -n "$(lun_file 0)" || fail "fsck"

say "again, and compare"
as_user fuse2fs -o ro,fakeroot "$(lun_file 0)" "$fs"
wait_until 60 mounted "$fs" || fail "fuse2fs did not mount"
sums "$fs" | cmp - "$state/sums" || fail "files differ"
as_user fusermount3 -u "$fs"
wait_until 60 fuse2fs_gone || fail "fuse2fs still runs"
unmount_lunfs "$mnt"
