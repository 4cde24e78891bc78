#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A disk of 4 KiB blocks: its size is right; pieces of any length at any place
# are read and written, and what is beside them stays.
. "${0%/*}/lib.sh"
require_fuse
require jq

seed=${LUNFS_SEED:-$RANDOM}
size=$((8 << 20))
head -c $size /dev/urandom >"$state/image"
cp "$state/image" "$state/expected"
ops=1000
[ "$1" != lio ] || ops=250	# its machine is slow
start_target "$1" block=4096 "$state/image"

as_user "$lunfs" info --json "$(lun_url 0)" >"$state/info"
jq -e ".block_size == 4096 and .size == $size" "$state/info" ||
	fail "info: $(cat "$state/info")"
mount_lunfs "iscsi://$portal/$target" "$mnt"
file=$(lun_file 0)
[ "$(as_user stat -c %s "$file")" = $size ] || fail "the size of the file"
as_user dd if="$file" bs=77777 status=none | cmp - "$state/image" ||
	fail "odd pieces are read wrong"

# change OFFSET LENGTH
change()
{
	local to

	head -c "$2" /dev/urandom >"$state/piece"
	for to in "$state/expected" "$file"; do
		"${as[@]}" dd if="$state/piece" of="$to" bs=1M seek="$1" \
			oflag=seek_bytes conv=notrunc status=none ||
			fail "$2 bytes at $1"
	done
}

say "odd pieces"
chmod 666 "$state/expected"
change 0 1
change 4095 2
change 8192 4096
change 12289 4094
change 20000 12345
change 1000001 999999
change $((size - 1)) 1
as_user cat "$file" | cmp - "$state/expected" || fail "odd pieces"

say "random pieces, seed $seed"
as_user "$fsx" --seed "$seed" --ops $ops --processes 4 "$file" || fail "fsx"
as_user "$fsx" --seed "$seed" --ops $((ops / 2)) --processes 4 --direct "$file" ||
	fail "fsx --direct"
want=$(as_user cat "$file" | sha256sum)
unmount_lunfs "$mnt"
[ "$(sha256sum <"$state/image")" = "$want" ] ||
	fail "the image on the target differs from what was read"
