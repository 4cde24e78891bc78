#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The target takes a LUN away while it is mounted. If something was written there
# and not flushed, nobody can tell any more what became of it: the mount says so,
# and ends with exit status 1. What was flushed, or needs no flush, is no loss.
. "${0%/*}/lib.sh"
. "$here/user.sh"
require_fuse

# Somebody has to ask for something, for the target to tell of changes.
there()
{
	! as_user test -e "$(lun_file 0)" || as_user dd if="$(lun_file 0)" \
		of=/dev/null bs=4k count=1 iflag=direct status=none
	as_user test -e "$(lun_file 1)"
}

not_there()
{
	! there
}

# mount_it [OPTION...]: and somebody has the LUN open.
mount_it()
{
	mounts+=("$mnt")
	as_user "$lunfs" mount -f "$@" "iscsi://$portal/$target" "$mnt" \
		2>"$log" &
	mount_pid=$!
	wait_until 60 there || fail "no LUN: $(cat "$log")"
	open_lun "$(lun_file 1)"
}

take_away()
{
	tgtadm_ --mode logicalunit --op delete --tid 1 --lun "$(lun 1)"
	wait_until 60 not_there || fail "it stays"
}

give_back()
{
	tgtadm_ --mode logicalunit --op new --tid 1 --lun "$(lun 1)" \
		-b "$state/image1"
}

# ends STATUS: the mount, as it is unmounted.
ends()
{
	local status=0

	as_user fusermount3 -u "$mnt" || fail "fusermount3"
	wait "$mount_pid" || status=$?
	[ "$status" = "$1" ] ||
		fail "exit status $status, not $1: $(cat "$log")"
}

ends_lost()
{
	ends 1
	says "$mnt: ends: not all that was written could be flushed, it may be lost"
}

ends_well()
{
	ends 0
	silent "may be lost"
}

vanished="not in the inventory of the target any more"
start_target "$1" "$(image 4M image0)" "$(image 4M image1)"

say "what was written is flushed; what is written later is told at once"
mount_it
expect write ok
expect fsync ok
take_away
expect write ESTALE
close_lun
ends_well

say "what was written is not flushed"
give_back
mount_it
expect write ok
expect write ok
close_lun
take_away
says "LUN $(lun 1): $vanished: 2 writes were not flushed and may be lost"
ends_lost
says "$target/lun$(lun 1): flush: $vanished"

say "the same, while it is in use, and another LUN has its number now"
give_back
mount_it
expect write ok
take_away
give_back
wait_until 60 there || fail "no other LUN: $(cat "$log")"
expect write ESTALE
expect fsync ESTALE
close_lun
ends_lost
says "$vanished: 1 write was not flushed and may be lost"

say "several sessions"
mount_it --sessions 3
expect write ok
close_lun
take_away
ends_lost

say "there is no cache"
start_target "$1" nocache "$state/image0" "$state/image1"
mount_it
expect write ok
close_lun
take_away
ends_well
