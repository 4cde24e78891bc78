#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# CHAP one-way and mutual, from a file and from the environment; wrong secrets
# on either side end the login, and wanted authentication is not given up.
. "${0%/*}/lib.sh"
require_fuse

user=reader:secret-of-reader peer=server:secret-of-server
head -c 1M /dev/urandom >"$state/image"

# works FILE: mount with these credentials and read.
works()
{
	mount_lunfs --credentials "$1" "iscsi://$portal/$target" "$mnt"
	as_user cat "$(lun_file 0)" | cmp - "$state/image" || fail "read"
	unmount_lunfs "$mnt"
}

# refused WHAT OPTION...: exit status 1, and the message is about the login.
refused()
{
	local status=0 what=$1

	shift
	say "refused: $what"
	as_user timeout 120 "$lunfs" mount --timeout 30 "$@" \
		"iscsi://$portal/$target" "$mnt" 2>"$state/err" || status=$?
	cat "$state/err"
	[ $status = 1 ] || fail "$what: exit status $status instead of 1"
	grep -qiE 'auth|CHAP|secret' "$state/err" ||
		fail "$what: unclear message"
	! grep -q 'secret-of\|wrong-of' "$state/err" ||
		fail "$what: a secret is in the message"
	! mounted "$mnt" || fail "$what: mounted"
}

say "one-way"
start_target "$1" chap=$user "$state/image"
credentials "$state/good" $user
works "$state/good"

say "-vv shows what was negotiated, but no challenge and no response"
as_user "$lunfs" ls -vv --credentials "$state/good" "iscsi://$portal/$target" \
	>/dev/null 2>"$state/err" || fail "ls -vv"
for text in "> AuthMethod=CHAP" "> CHAP_N=${user%%:*}" "< CHAP_C=\.\.\.$" \
	"> CHAP_R=\.\.\.$" "> MaxBurstLength=" "connecting to $portal$"; do
	grep -q -- "$text" "$state/err" || fail "-vv: no '$text'"
done
! grep -q "secret-of\|CHAP_[CR]=0" "$state/err" || fail "-vv: a secret"

say "one-way, from the environment"
mounts+=("$mnt")
as_user env LUNFS_USERNAME="${user%%:*}" LUNFS_PASSWORD="${user#*:}" \
	"$lunfs" mount "iscsi://$portal/$target" "$mnt" || fail "environment"
unmount_lunfs "$mnt"

credentials "$state/wrong" reader:wrong-of-reader1
refused "wrong secret" --credentials "$state/wrong"
credentials "$state/nobody" nobody:secret-of-reader
refused "unknown user" --credentials "$state/nobody"
refused "no credentials"

say "credentials that others can read"
cp "$state/good" "$state/open"
chmod 644 "$state/open"
status=0
as_user "$lunfs" mount --credentials "$state/open" \
	"iscsi://$portal/$target" "$mnt" 2>"$state/err" || status=$?
[ $status != 0 ] || fail "a credentials file that all can read was taken"
cat "$state/err"

credentials "$state/wants-mutual" $user $peer
refused "mutual wanted, target has no secret" \
	--credentials "$state/wants-mutual"
stop_target

say "mutual"
start_target "$1" chap=$user mutual=$peer "$state/image"
works "$state/wants-mutual"
credentials "$state/wrong-peer" $user server:wrong-of-server1
refused "wrong secret of the target" --credentials "$state/wrong-peer"
stop_target

say "a target that asks for nothing, though authentication is wanted"
start_target "$1" "$state/image"
refused "--auth chap" --credentials "$state/good" --auth chap
