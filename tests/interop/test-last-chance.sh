#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A mount ends while its target is away, the next attempt to reconnect is far,
# and there is data that was not flushed: it is tried at once and then each
# second, so a target that comes back within the time that there is gets it all.
. "${0%/*}/lib.sh"
require_fuse

start_target "$1" nocache "$(image 16M image0)"
log=$state/lunfs.log

answers()
{
	mounted "$mnt" && as_user test -e "$(lun_file 0)"
}

mount_it()
{
	mounts+=("$mnt")
	as_user "$lunfs" mount -f --timeout 5 "iscsi://$portal/$target" "$mnt" \
		2>"$log" &
	mount_pid=$!
	wait_until 20 answers || fail "no mount"
}

far()
{
	grep -qE 'attempt [0-9]+ to reconnect, .* in (1[1-9]|2[0-9])\.' "$log"
}

mount_it
printf '%-8192s' early | as_user dd of="$(lun_file 0)" bs=8192 count=1 \
	conv=notrunc,fsync status=none
kill_target
# It waits in the page cache, then in flight.
printf '%-8192s' late | as_user dd of="$(lun_file 0)" bs=8192 count=1 \
	conv=notrunc,fsync status=none 2>/dev/null &
writer=$!
wait_until 60 far || fail "no back-off"
before=$(wc -l <"$log")
end=$((SECONDS + 15))
kill -TERM "$(lunfs_pids)"
sleep 3
restart_target
wait "$mount_pid" || fail "lunfs: exit status $?"
wait "$writer" || fail "the write has failed"
[ "$SECONDS" -le "$end" ] || fail "it took too long"
# what is told of waits is true now
tail -n "+$((before + 1))" "$log" >"$state/told"
[ "$(grep -c ': ends, but a target is away: .* for 15 s at most$' \
	"$state/told")" = 1 ] || fail "not told that it ends: $(cat "$state/told")"
! grep -E 'attempt [0-9]+ .* in ([2-9]|[0-9]{2,})\.' "$state/told" ||
	fail "another wait is told than it is"
[ "$(head -c 8192 "$state/image0" | tr -d ' ')" = late ] ||
	fail "what was written is lost"

stop_target
start_target "$1" "${images[@]}"
mount_it
printf '%-8192s' late | as_user dd of="$(lun_file 0)" bs=8192 count=1 \
	conv=notrunc status=none
kill_target
own_options=(--fault sense=2/04/0b)		# standby
restart_target
end=$((SECONDS + 20))
as_user fusermount3 -u "$mnt" || fail "fusermount3"
status=0
wait "$mount_pid" || status=$?
[ "$status" = 1 ] || fail "lunfs: exit status $status, without its LUN"
[ "$SECONDS" -le "$end" ] || fail "it took too long"
