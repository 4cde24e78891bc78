#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Static lists: file:PATH, and the list of the user. The credentials stand in a
# file beside the list, and are for one target only; a portal that is dead is
# tried first; other sources are mixed in. The name of CHAP is not the
# initiator's.
# shows: 3721-C-01
. "${0%/*}/lib.sh"
require jq

start_target "$1" chap=joe:secretsecret12 "$(image 16M first)" "$(image 5M second)"
dir=$state/user
cat >"$dir/list" <<END
# of a test
[options]
timeout = 10

[target ${target^^}]
address = 127.0.0.1:1, $portal
lun = $(lun 0)
credentials = secret
END
printf 'username=joe\npassword=secretsecret12\n' >"$dir/secret"
chmod 600 "$dir/secret"
user_dir "$dir"
[ "$(id -u)" != 0 ] || chown 65534:65534 "$dir/list" "$dir/secret"

# holds FILTER: of the JSON in $state/out
holds()
{
	jq -e --arg t "$target" --argjson p "$port" "$1" "$state/out" \
		>/dev/null || fail "not true: $1: $(cat "$state/out")"
}

say "ls, by the second portal, with the credentials beside the list"
as_user "$lunfs" ls --json "file:$dir/list" >"$state/out" ||
	fail "ls: exit status $?"
holds '.targets | length == 1 and .[0].name == $t'
holds '.targets[0].portals[1].port == $p'
holds '.targets[0].luns | length == 1 and .[0].size == 16777216'

say "the same as the list of the user"
mkdir -p "$state/config/lunfs"
cp "$dir/list" "$state/config/lunfs/lunfs.conf"
cp "$dir/secret" "$state/config/lunfs/"
"$lunfs" ls --json >"$state/out" || fail "ls: exit status $?"
holds '.targets[0].luns | length == 1'

say "with another source, which has no credentials"
status=0
as_user "$lunfs" ls --json "file:$dir/list" "iscsi://127.0.0.1:1" \
	>"$state/out" 2>"$state/err" || status=$?
[ "$status" = 1 ] || fail "ls: exit status $status"
holds '.targets[0].luns | length == 1'
holds '.errors[0].source == "iscsi://127.0.0.1:1"'

say "a mount"
mount_lunfs "file:$dir/list" "$mnt"
head -c 1M /dev/urandom >"$state/data"
as_user dd if="$state/data" of="$(lun_file 0)" bs=64k conv=notrunc,fsync \
	2>/dev/null || fail "write"
cmp -n 1048576 "$state/data" "$state/first" || fail "not what was written"
unmount_lunfs "$mnt"

say "mistakes"
chmod 644 "$dir/secret"
! as_user "$lunfs" ls "file:$dir/list" 2>"$state/err" ||
	fail "a secret that all can read"
grep -q "^lunfs: $dir/list:8:15: $dir/secret: others can get at it" \
	"$state/err" || fail "$(cat "$state/err")"
