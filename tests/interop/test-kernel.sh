#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the kernel asks of a mount: one request for each buffered write, not two
# (the other would be for security.capability), and read-ahead in requests of
# full size. Mounted by root, since it takes root to have more read-ahead.
. "${0%/*}/lib.sh"
require_root "read-ahead is set through /sys/class/bdi"
require fusermount3
[ -r /proc/self/io ] || skip "no /proc/PID/io: this kernel does not count system calls"
as=(env)
writes=1000

start_target "$1" "$(image 64M image)"
mount_lunfs "iscsi://$portal/$target" "$mnt"
daemon=$(lunfs_pids)

# Answers of lunfs to the kernel so far: each is a writev (to the target it
# sends with sendmsg, which is not among these).
answers()
{
	awk '$1 == "syscw:" { print $2 }' "/proc/$daemon/io"
}

say "buffered writes"
exec 3<>"$(lun_file 0)"
before=$(answers)
dd if=/dev/zero bs=4096 count=$writes status=none >&3
took=$(($(answers) - before))
exec 3>&-
echo "$took answers for $writes writes"
[ $took -ge $writes ] || fail "the answers are not counted"
[ $took -lt $((writes + writes / 5)) ] || fail "more than one request each"

say "read-ahead"
bdi=/sys/class/bdi/$(mountpoint -d "$mnt")/read_ahead_kb
if [ -w "$bdi" ]; then
	[ "$(cat "$bdi")" = 1024 ] || fail "$bdi: $(cat "$bdi"), not 1024"
else
	skip "$bdi cannot be written here"
fi
unmount_lunfs "$mnt"
