#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Many LUNs, and very many operations: neither the time to mount nor the memory
# grows faster than what there is to know. The figures are printed; the bounds
# are generous, for slow machines.
#
# LUNFS_LONG=1: a million operations instead of 200,000.
. "${0%/*}/lib.sh"
require_fuse
require fio

operations=200000
[ -z "${LUNFS_LONG:-}" ] || operations=1000000

# rss: of lunfs, in KiB.
rss()
{
	awk '/^VmRSS:/ { print $2 }' "/proc/$(lunfs_pids)/status"
}

# mount_many COUNT SECONDS: our target with so many LUNs of 1 MiB, mounted
# within that time.
mount_many()
{
	local begin end

	own_options=(--lun "size=1M,count=$1")
	start_target own
	begin=$(date +%s%N)
	as_user timeout "$2" "$lunfs" mount "iscsi://$portal/$target" "$mnt" ||
		fail "$1 LUNs: no mount within $2 s"
	end=$(date +%s%N)
	mounts+=("$mnt")
	say "$1 LUNs: mounted after $(((end - begin) / 1000000)) ms," \
		"$(rss) KiB"
}

unmount_many()
{
	unmount_lunfs "$mnt"
	stop_target
}

say "1,000 LUNs"
mount_many 1000 60
as_user ls "$mnt/$target" | sort -V >"$state/have"
seq -f 'lun%.0f' 0 999 >"$state/want"
cmp "$state/want" "$state/have" || fail "ls does not show 1,000 LUNs"
for i in 0 255 256 999; do	# both ways of addressing, SAM-5 4.7.7
	file=$mnt/$target/lun$i
	head -c 1M /dev/urandom >"$state/data"
	as_user dd of="$file" bs=64k conv=notrunc,fsync status=none \
		<"$state/data"
	as_user cat "$file" | cmp - "$state/data" || fail "lun$i: other data"
done
say "after ls and I/O: $(rss) KiB"
unmount_many

say "64 LUNs"
mount_many 64 60
[ "$(rss)" -lt $((30 * 1024)) ] || fail "64 LUNs idle in $(rss) KiB"

# operate COUNT: of 4 KiB, reads and writes, several in flight.
operate()
{
	local file=$mnt/$target/lun0

	as_user fio --name=operate --filename="${file//:/\\:}" --size=1M \
		--rw=randrw --bs=4k --ioengine=libaio --iodepth=16 --direct=1 \
		--number_ios="$1" --io_size=1T --allow_file_create=0 \
		--fallocate=none --output="$state/user/fio.out" || {
		cat "$state/user/fio.out"
		fail "fio"
	}
}

say "$operations operations"
operate $((operations / 10))
before=$(rss)
operate $((operations - operations / 10))
after=$(rss)
say "after $((operations / 10)): $before KiB; after all: $after KiB"
[ "$after" -le $((before + 512)) ] || fail "memory grows with the operations"
unmount_many
