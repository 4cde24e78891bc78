#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Portals behind a SOCKS proxy: Debian's dante-server, which alone knows the name
# of the target and wants a password; and one of ours that fails in every way.
# shows: 3721-B.2-01 1928-3-02 1928-5-01 3721-B.1-03
. "${0%/*}/lib.sh"
variant=${1:-dante}
proxy_port=$(free_port)
proxy=127.0.0.1:$proxy_port
proxy_pid=''

# found: the target is what ls shows.
found()
{
	[[ $out = *"$target"* ]] || fail "no '$target' in: $out"
}

# ---------------------------------------------------------------- dante --

# dante_conf METHOD
dante_conf()
{
	cat >"$state/danted.conf" <<-END
		logoutput: $state/danted.log
		internal: 127.0.0.1 port = $proxy_port
		external: lo
		clientmethod: none
		socksmethod: $1
		user.privileged: root
		user.unprivileged: nobody
		client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
		socks block { from: 0.0.0.0/0 to: 127.0.0.3/32 }
		socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0
			log: connect error }
	END
}

# The name, the user and the password are there for the proxy only.
dante_world()
{
	{
		cat /etc/hosts
		echo "127.0.0.1 san.lunfs.test"
	} >"$state/hosts"
	{
		cat /etc/passwd
		echo "lunfs-proxy:x:65533:65534::/:/bin/false"
	} >"$state/passwd"
	install -m 600 /etc/shadow "$state/shadow"
	echo "lunfs-proxy:$(perl -e 'print crypt("s3cret:@", q($6$lunfs$))'):1::::::" \
		>>"$state/shadow"
}

start_dante()
{
	dante_conf "$1"
	export -f forget_mounts
	background dante.log unshare -m bash -c '
		forget_mounts
		for f in hosts passwd shadow; do
			mount --bind "$1/$f" /etc/$f || exit
		done
		exec danted -f "$1/danted.conf"' dante "$state"
	proxy_pid=$started
	wait_until 20 listens "$proxy_port" || fail "the proxy does not listen"
}

# Dante leaves children behind that go on; all of its group ends.
end_dante()
{
	local all=("$proxy_pid")

	mapfile -O 1 -t all < <(children "$proxy_pid")
	kill -9 "${all[@]}" 2>/dev/null || true
	while listens "$proxy_port"; do
		sleep 0.05
	done
}

children()
{
	local p

	for p in $(ps -o pid= --ppid "$1"); do
		echo "$p"
		children "$p"
	done
}

mounted_file()
{
	as_user test -e "$file"
}

test_dante()
{
	require_fuse
	require_root "a mount namespace for danted"
	require danted unshare perl fio ps
	dante_world
	own_options=(--key MaxConnections=2)
	start_target own nocache "$(image 64M image0)"
	local name=san.lunfs.test:$port load

	say "without a user: a name that the proxy alone knows"
	start_dante none
	run 1 ls "iscsi://$name"
	says "san.lunfs.test"
	run 0 ls --proxy "socks5://$proxy" "iscsi://$name"
	found
	grep -q "san.lunfs.test.$port\|127.0.0.1.$port" "$state/danted.log" ||
		fail "danted did not see it"
	run 1 ls --proxy "socks5://$proxy" "iscsi://127.0.0.3:$port"
	says "proxy $proxy: 127.0.0.3:$port: not allowed by the rules"
	run 1 ls --proxy "socks5://$proxy" "iscsi://127.0.0.1:$(free_port)"
	says "connection refused (reply 5)"

	say "mounted while the proxy goes and comes"
	file=$mnt/$target/lun0
	mounts+=("$mnt")
	as_user "$lunfs" mount -f --timeout 5 --outage wait:60 --connections 2 \
		--header-digest crc32c --data-digest crc32c \
		--proxy "socks5://$proxy" "iscsi://$name/$target" "$mnt" \
		2>"$state/lunfs.log" &
	mount_pid=$!
	wait_until 20 mounted_file || fail "no mount"
	as_user fio --name=load --filename="${file//:/\\:}" --size=24M \
		--rw=randwrite --bs=64k --ioengine=libaio --iodepth=8 \
		--direct=1 --rate=8m --verify=crc32c --verify_fatal=1 \
		--verify_state_save=0 --allow_file_create=0 --fallocate=none \
		--output="$state/user/fio.out" &
	load=$!
	sleep 0.7
	end_dante
	sleep 0.5
	start_dante none
	wait "$load" || fail "$(cat "$state/user/fio.out")"
	wait_until 20 grep -q "the session is back" "$state/lunfs.log" ||
		fail "the session was not made again"
	grep -q "no session: proxy $proxy: " "$state/lunfs.log" ||
		fail "the log does not say that the proxy was away"
	as_user fusermount3 -u "$mnt"
	wait "$mount_pid" || fail "lunfs: exit status $?"
	end_dante

	say "with a user"
	start_dante username
	run 1 ls --proxy "socks5://$proxy" "iscsi://$name"
	says "proxy $proxy: $name: it wants to know who we are"
	run 1 ls --proxy "socks5://lunfs-proxy:wrong@$proxy" "iscsi://$name"
	says "it does not accept user name and password"
	says "a password on the command line"
	silent wrong
	LUNFS_PROXY="socks5://lunfs-proxy:s3cret%3a%40@$proxy" \
		run 0 ls "iscsi://$name"
	found

	say "the password is not in the list of processes"
	as_user "$lunfs" mount -f -o "proxy=socks5://lunfs-proxy:s3cret%3a@@$proxy" \
		"iscsi://$name/$target" "$mnt" 2>>"$state/lunfs.log" &
	mount_pid=$!
	wait_until 20 mounted_file || fail "no mount"
	for p in $(lunfs_pids); do
		! grep -qa s3cret "/proc/$p/cmdline" || fail "it is"
		! grep -qa s3cret "/proc/$p/environ" || fail "it is"
	done
	as_user fusermount3 -u "$mnt"
	wait "$mount_pid" || fail "lunfs: exit status $?"
	end_dante
}

# ------------------------------------------------------------- scripted --

# scripted MODE [TEXT]: it says so, or finds the target.
scripted()
{
	proxy=127.0.0.1:$(sed -n "s/^$1 //p" "$state/socks.log")
	run $(($# > 1)) ls --timeout 1 --proxy "socks5://$user$proxy" \
		iscsi://san.test
	if [ $# -gt 1 ]; then
		says "$2"
	else
		found
	fi
}

# shows: 1928-3-01 1928-6-01
test_scripted()
{
	local n user='' modes words=("general failure" "not allowed by the rules"
		"network unreachable" "host unreachable" "connection refused"
		"TTL expired" "command not supported" "address type")

	require python3
	start_target own "$(image 16M image0)"
	modes=(ok split name version4 no-method user reply={1..8} reply=200
		silent={1,2} close={1,2})
	background socks.log python3 "$here/socks.py" "san.test=$portal" \
		"${modes[@]}"
	wait_until 60 all_listen ${#modes[@]} || fail "the proxy does not start"
	scripted ok
	grep -qx "3 san.test 3260" "$state/socks.log" || fail "not by its name"
	run 1 ls --timeout 1 --proxy "socks5://$proxy" isns://san.test
	grep -qx "3 san.test 3205" "$state/socks.log" ||
		fail "iSNS does not go by it"
	run 1 ls --slp wait=1 --proxy "socks5://$proxy" slp://127.0.0.1
	says "do not go through the proxy"
	scripted split
	scripted name
	scripted version4 "no SOCKS 5 proxy (version 4)"
	scripted no-method "it wants to know who we are"
	user=me:word@ scripted user "it does not accept user name"
	for n in "${!words[@]}"; do
		scripted reply=$((n + 1)) "san.test:3260: ${words[n]}"
		says "proxy $proxy"
	done
	scripted reply=200 "an unknown reply (reply 200)"
	for n in 1 2; do
		scripted silent=$n "not answered within 1 s"
		says "the TCP connection by proxy $proxy was"
		scripted close=$n "closed the connection instead of an answer"
	done
	run 1 ls --proxy "socks5://127.0.0.1:$proxy_port" "iscsi://san.test"
	says "proxy 127.0.0.1:$proxy_port: Connection refused"
}

all_listen()
{
	[ "$(wc -l <"$state/socks.log")" = "$1" ]
}

"test_$variant"
