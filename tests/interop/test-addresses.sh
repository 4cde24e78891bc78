#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where a target is: at an address that it tells of and that is of no use here;
# at one of several of a name, old and new family; at another one after it has
# moved, with the name. The network, the names and the mounts are the test's own.
if [ "$(id -u)" = 0 ] && [ -z "${LUNFS_ADDRESSES:-}" ]; then
	LUNFS_ADDRESSES=1 exec unshare -m -n "$0" "$@"
fi
. "${0%/*}/lib.sh"
require_root "namespaces"
require unshare ip jq
require_fuse

forget_mounts
ip link set lo up
ip addr add fe80::5/64 dev lo nodad
hosts=$state/hosts
cat /etc/hosts >"$hosts"
mount --bind "$hosts" /etc/hosts
echo "hosts: files" >"$state/nsswitch.conf"	# there is nobody to be asked
mount --bind "$state/nsswitch.conf" /etc/nsswitch.conf
port=$(free_port)
target=iqn.2026-11.test.lunfs:own
img=$(image 16M image0)

# target_at ADDRESS [OPTION...]: at this address, port $port.
target_at()
{
	local at=$1

	shift
	background own.log "$state/bin/lunfs-target" --listen "$at:$port" \
		--target "$target" --lun "file=$img,wce=0" "$@"
	target_pid=$started
	wait_until 20 grep -q ^listening "$state/own.log" || fail "no target"
}

# names LINE...: what /etc/hosts has beside what it had.
names()
{
	{
		cat "$state/hosts.before"
		printf '%s\n' "$@"
	} >"$hosts"
}
cp "$hosts" "$state/hosts.before"

# portals: as ls --json has them.
portals()
{
	jq -r '.targets[].portals[] | "\(.address):\(.port)"' <<<"$out" | xargs
}

# shows: 3721-B.1-02 3721-2-01
translated()
{
	local file=$mnt/$target/lun0 old=127.0.0.1:$port new=127.0.0.9:$port

	say "an address that is of no use here"
	target_at 127.0.0.1 --announce "127.0.0.9:$port" \
		--announce "127.0.0.8:$port" --alias "Oracle 1"
	run 0 ls --json "iscsi://$old"
	[ "$(jq -r '.targets[0].alias' <<<"$out")" = "Oracle 1" ] ||
		fail "alias: $out"
	says "127.0.0.9:$port: Connection refused; next is 127.0.0.8:$port"
	says "127.0.0.8:$port: Connection refused; next is $old"
	says "used at $old, which was asked"
	[ "$(portals)" = "$new 127.0.0.8:$port $old" ] || fail "portals: $out"
	run 1 ls --json --portal-rewrite never "iscsi://$old"
	says "127.0.0.9:$port: Connection refused"
	says "127.0.0.8:$port/$target: Connection refused"
	silent "$old"
	run 0 ls --json --portal-rewrite always "iscsi://$old"
	[ ! -s "$log" ] || fail "messages: $(cat "$log")"
	[ "$(portals)" = "$old" ] || fail "portals: $out"

	say "it stays where it was reached"
	mounts+=("$mnt")
	as_user "$lunfs" mount -f --timeout 5 "iscsi://$old" "$mnt" 2>>"$log" &
	mount_pid=$!
	wait_until 20 as_user test -e "$file" || fail "no mount"
	[ "$(as_user readlink "$mnt/by-alias/Oracle 1")" = "../$target" ] ||
		fail "by-alias: $(as_user ls -l "$mnt/by-alias")"
	: >"$log"
	kill_target
	target_at 127.0.0.1
	as_user timeout 20 cmp -n 4096 "$file" /dev/zero || fail "no data"
	says "to reconnect, to $old"
	silent 127.0.0.9
	silent 127.0.0.8
	as_user fusermount3 -u "$mnt"
	wait "$mount_pid" || fail "lunfs: exit status $?"
	kill_target

	say "addresses of which the host is missing"
	target_at 127.0.0.1 --announce "0.0.0.0:$port" --announce "[::]:$port"
	run 0 ls --json "iscsi://$old"
	[ "$(portals)" = "$old" ] || fail "portals: $out"
	kill_target
}

# A name is looked up where the initiator is, whoever tells of it, each time.
# shows: 3721-B.1-01
moved()
{
	local file=$mnt/$target/lun0 name=san.lunfs.test

	say "a name that the target tells of"
	names "127.0.0.7 $name"
	target_at 127.0.0.1 --announce "$name:$port"
	local asked=$target_pid
	target_at 127.0.0.7 -v
	run 0 ls --json "iscsi://127.0.0.1:$port"
	[ "$(portals)" = "$name:$port" ] || fail "portals: $out"
	[ ! -s "$log" ] || fail "messages: $(cat "$log")"
	grep -q "scsi-command\|SCSI" "$state/own.log" ||
		fail "not logged in where the name leads: $(cat "$state/own.log")"
	kill "$asked"
	kill_target

	say "its name leads elsewhere after it has moved"
	names "127.0.0.1 $name"
	target_at 127.0.0.1
	as_user "$lunfs" mount -f --timeout 5 "iscsi://$name:$port/$target" \
		"$mnt" 2>>"$log" &
	mount_pid=$!
	wait_until 20 as_user test -e "$file" || fail "no mount"
	kill_target
	names "127.0.0.2 $name"
	target_at 127.0.0.2
	as_user timeout 20 cmp -n 4096 "$file" /dev/zero || fail "no data"
	says "to reconnect, to $name:$port"
	kill_target
	names "::1 $name"
	target_at "[::1]"
	as_user timeout 20 cmp -i 1M -n 4096 "$file" /dev/zero || fail "no data (IPv6)"
	as_user fusermount3 -u "$mnt"
	wait "$mount_pid" || fail "lunfs: exit status $?"
	kill_target
}

several()
{
	say "a name with several addresses, of which one is of use"
	names "::1 many.test" "127.0.0.3 many.test" "127.0.0.4 many.test"
	for at in 127.0.0.3 127.0.0.4 "[::1]"; do
		target_at "$at"
		run 0 ls "iscsi://many.test:$port/$target"
		[ ! -s "$log" ] || fail "messages: $(cat "$log")"
		kill_target
	done
	run 1 ls "iscsi://many.test:$port/$target"
	says "many.test:$port/$target: Connection refused"
}

# shows: 3986-3.2.2-02
forms()
{
	say "an international name"
	names "127.0.0.1 xn--gre-6ka8i.test"
	target_at 127.0.0.1
	run 0 ls "iscsi://größe.test:$port/$target"
	run 0 ls "iscsi://gr%C3%B6%C3%9Fe.test:$port/$target"
	run 1 ls "iscsi://grösse.test:$port/$target"
	says "xn--grsse-kua.test"
	run 1 ls "iscsi://256.1.1.1:$port/$target"
	says "256.1.1.1"
	kill_target

	say "IPv6, with a zone"
	target_at "[::1]"
	run 0 ls "iscsi://[::1]:$port"
	run 0 ls "iscsi://[0:0::0:1]:$port/$target"
	kill_target
	target_at "[fe80::5%lo]" --announce "[fe80::5]:$port"
	run 0 ls "iscsi://[fe80::5%lo]:$port/$target"
	run 0 ls "iscsi://[fe80::5%25lo]:$port"
	says "which was asked"
	run 1 ls "iscsi://[fe80::5%nowhere]:$port"
	says "fe80::5%nowhere"
	run 1 ls "iscsi://[fe80::5]:$port"
	says "without its interface"
	kill_target
}

translated
moved
several
forms
