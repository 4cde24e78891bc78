#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 50,000 random unaligned reads and writes by several processes, whose ranges
# are neighbours in the same blocks, without a difference to a shadow copy; and
# afterwards the image on the target is what the mount said it was.
. "${0%/*}/lib.sh"
require_fuse

start_target "$1" "$(image 64M image)"
mount_lunfs "iscsi://$portal/$target" "$mnt"
file=$(lun_file 0)
seed=${LUNFS_SEED:-$RANDOM}

as_user "$fsx" --seed "$seed" --ops 40000 --processes 4 --mmap "$file" ||
	fail "fsx --seed $seed"
as_user "$fsx" --seed "$seed" --ops 10000 --processes 4 --direct "$file" ||
	fail "fsx --direct --seed $seed"

want=$(as_user cat "$file" | sha256sum)
unmount_lunfs "$mnt"
[ "$(sha256sum <"$state/image")" = "$want" ] ||
	fail "the image on the target differs from what was read"
