#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A 256 MiB random image on the target has the same SHA-256 through the mount,
# read by an ordinary user: whole, in odd pieces, and by several readers.
. "${0%/*}/lib.sh"
require_fuse

head -c 256M /dev/urandom >"$state/image"
want=$(sha256sum <"$state/image")
start_target "$1" "$state/image"
mount_lunfs "iscsi://$portal/$target" "$mnt"
file=$(lun_file 0)

say "size and mode"
[ "$(as_user stat -c %s "$file")" = $((256 * 1024 * 1024)) ] || fail "wrong size"
[ "$(as_user stat -c %a "$file")" = 600 ] || fail "wrong mode"

say "read from end to end"
[ "$(as_user cat "$file" | sha256sum)" = "$want" ] || fail "SHA-256 differs"

say "O_DIRECT, 1 MiB at a time"
[ "$(as_user dd if="$file" bs=1M iflag=direct status=none | sha256sum)" = \
	"$want" ] || fail "SHA-256 differs"

say "four readers side by side, unaligned pieces"
for i in 0 1 2 3; do
	as_user dd if="$file" bs=77777 skip=$((i * 800)) count=800 \
		iflag=fullblock status=none >"$state/piece-$i" &
	readers[i]=$!
done
wait "${readers[@]}"
cat "$state"/piece-? | cmp - <(head -c $((77777 * 3200)) "$state/image") ||
	fail "pieces differ"

say "end of file"
[ "$(as_user dd if="$file" bs=1000 skip=1000000 status=none | wc -c)" = 0 ] ||
	fail "bytes beyond the end"
if as_user dd if=/dev/zero of="$file" bs=512 seek=$((512 * 1024)) count=1 \
	conv=notrunc status=none 2>"$state/err"; then
	fail "a write beyond the end succeeded"
fi
grep -q 'No space left' "$state/err" || fail "not ENOSPC: $(cat "$state/err")"

unmount_lunfs "$mnt"
