#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# However a mount ends, it ends cleanly: the process exits with status 0,
# nothing stays mounted, and the target sees a logout.
. "${0%/*}/lib.sh"
require_fuse

start_target "$1" "$(image 4M image)"

no_sessions()
{
	case $kind in
	tgt)	[ -z "$(tgt_sessions)" ] ;;
	istgt)	[ "$(grep -c '^Login from' "$state/istgt.log")" = \
			"$(grep -c '^Logout from' "$state/istgt.log")" ] ;;
	*)	true ;;
	esac
}

answers()
{
	mounted "$mnt" && as_user test -e "$(lun_file 0)"
}

# ends HOW COMMAND...: mount in the foreground, then the command ends it.
ends()
{
	local how=$1 status=0 pid

	shift
	say "$how"
	mounts+=("$mnt")
	as_user "$lunfs" mount -f "iscsi://$portal/$target" "$mnt" &
	pid=$!
	wait_until 60 answers || fail "$how: no mount"
	as_user dd if=/dev/urandom of="$(lun_file 0)" bs=64k count=3 \
		conv=notrunc status=none
	"$@"
	wait "$pid" || status=$?
	[ $status = 0 ] || fail "$how: exit status $status"
	! mounted "$mnt" || fail "$how: still mounted"
	wait_until 30 no_lunfs || fail "$how: still runs"
	wait_until 30 no_sessions || fail "$how: the target still has a session"
}

signal()
{
	# shellcheck disable=SC2046
	kill "-$1" $(lunfs_pids)
}

ends SIGTERM signal TERM
ends SIGINT signal INT
ends "fusermount3 -u" as_user fusermount3 -u "$mnt"
ends "fusermount3 -u -z" as_user fusermount3 -u -z "$mnt"
if [ "$(id -u)" = 0 ]; then
	control=/sys/fs/fuse/connections
	abort()
	{
		local dev

		dev=$(awk -v m="$mnt" '$5 == m { print $3 }' \
			/proc/self/mountinfo)
		if [ ! -e "$control/${dev#*:}/abort" ]; then
			control=$state/connections	# on a bare machine
			mkdir "$control"
			mount -t fusectl none "$control"
			mounts+=("$control")
		fi
		echo 1 >"$control/${dev#*:}/abort"
	}
	ends "umount by root" umount "$mnt"
	ends "connection aborted" abort
fi

say "background: SIGTERM"
mount_lunfs "iscsi://$portal/$target" "$mnt"
answers || fail "the mount did not answer when the command came back"
signal TERM
wait_until 30 no_lunfs || fail "still runs"
! mounted "$mnt" || fail "still mounted"

# The session is up, but nothing is answered: a second signal ends that.
if [ "$kind" = own ]; then
	say "SIGTERM twice, while the target is silent"
	mounts+=("$mnt")
	as_user "$lunfs" mount -f "iscsi://$portal/$target" "$mnt" &
	pid=$! status=0
	wait_until 60 answers || fail "silent: no mount"
	kill -STOP "$target_pid"
	as_user dd if=/dev/urandom of="$(lun_file 0)" bs=64k count=3 \
		oflag=direct conv=notrunc 2>"$state/dd" &
	dd=$!
	sleep 1
	signal TERM
	sleep 1
	signal TERM
	wait_until 10 no_lunfs || fail "silent: it goes on"
	kill -CONT "$target_pid"
	wait "$pid" || status=$?
	[ $status = 1 ] || fail "silent: exit status $status"
	! wait "$dd" || fail "silent: written?"
	grep -q 'Input/output error' "$state/dd" || fail "$(cat "$state/dd")"
	! mounted "$mnt" || fail "silent: still mounted"
fi

say "a file of one LUN: fusermount3 -u"
as_user touch "$state/user/disk"
mount_lunfs "$(lun_url 0)" "$state/user/disk"
[ "$(as_user stat -c %s "$state/user/disk")" = $((4 * 1024 * 1024)) ] ||
	fail "single file: wrong size"
as_user cat "$state/user/disk" | cmp - "$state/image" || fail "single file"
unmount_lunfs "$state/user/disk"
