#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Header and data digests, each alone and both, are agreed on and right.
. "${0%/*}/lib.sh"
require_fuse
require jq

head -c 4M /dev/urandom >"$state/image"
cp "$state/image" "$state/before"
start_target "$1" "$state/image"
ops=1000
[ "$1" != lio ] || ops=250	# its machine is slow

for header in none crc32c; do
	for data in none crc32c; do
		say "header $header, data $data"
		mount_lunfs --header-digest $header --data-digest $data \
			"iscsi://$portal/$target" "$mnt"
		as_user cat "$mnt/.lunfs/status.json" >"$state/status"
		jq -e --arg h $header --arg d $data '.sessions[0].negotiated |
			(.HeaderDigest | ascii_downcase) == $h and
			(.DataDigest | ascii_downcase) == $d' "$state/status" ||
			fail "negotiated: $(cat "$state/status")"
		as_user cat "$(lun_file 0)" | cmp - "$state/image" ||
			fail "read"
		as_user "$fsx" --ops $ops --processes 2 "$(lun_file 0)" ||
			fail "fsx"
		jq -e '.sessions[0].counters | .header_digest_errors == 0 and
			.data_digest_errors == 0' \
			<(as_user cat "$mnt/.lunfs/status.json") >/dev/null ||
			fail "digest errors were counted"
		unmount_lunfs "$mnt"
	done
done
cmp -s "$state/image" "$state/before" && fail "nothing was written"
exit 0
