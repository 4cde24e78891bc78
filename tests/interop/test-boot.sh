#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lunfs boot: root paths from real DHCP servers by INFORM and DISCOVER, from
# leases that real clients have got of them, and from the firmware's table; and
# the LUN mounted.
. "${0%/*}/boot-lib.sh"

variant=$1
path=iscsi:192.0.2.1:6:3260:0:$target
url=iscsi://192.0.2.1/$target/0

configuration()
{
	ip -o address show dev vc | grep -v ' fe80:' || true
	ip route show
	ip -6 route show | grep -v '^fe80:' || true
}

# ------------------------------------------------------------ the servers --

# RFC 4174: 192.0.2.1
isns_option=83,00:01:00:01:00:01:00:00:00:00:c0:00:02:01

# serve_dnsmasq CODE,VALUE...: with these options.
serve_dnsmasq()
{
	require dnsmasq
	serve dhcp.log dnsmasq --keep-in-foreground --log-facility=- --port=0 \
		--conf-file=/dev/null --interface=vs --bind-interfaces \
		--dhcp-range=192.0.2.100,192.0.2.110,1h --no-ping --log-dhcp \
		--dhcp-leasefile="$state/leases" --user=root --pid-file= \
		"${@/#/--dhcp-option=}"
	wait_until 30 says dhcp.log "sockets bound" || fail "no dnsmasq"
}

start_dnsmasq()
{
	serve_dnsmasq "17,$1"
}

start_isc()
{
	require dhcpd
	: >"$state/leases"
	cat >"$state/dhcpd.conf" <<-END
		authoritative;
		ping-check false;
		ddns-update-style none;
		option root-path "$1";
		subnet 192.0.2.0 netmask 255.255.255.0 {
			range 192.0.2.100 192.0.2.110;
		}
	END
	serve dhcp.log dhcpd -4 -d -f --no-pid -cf "$state/dhcpd.conf" \
		-lf "$state/leases" vs
	wait_until 30 says dhcp.log "^Sending on" || fail "no dhcpd"
}

stop_server()
{
	end_pid "$server"
}

# ----------------------------------------------------------- the variants --

# shows: 4173-5-17 4173-5-18 2131-3.5-01 2131-4.4.3-01 4173-2-01 4173-5-21
# 4173-8-02
dhcp()
{
	local before after dhcp

	say "$variant: without an address"
	"start_$variant" "$path"
	dhcp=$server
	before=$(configuration)
	finds "$url" "DHCP server 192.0.2.1 on vc" --dhcp vc
	for i in DISCOVER REQUEST RELEASE; do
		wait_until 5 says dhcp.log "DHCP$i" || fail "no DHCP$i"
	done
	after=$(configuration)
	[ "$before" = "$after" ] || fail "configured: $before / $after"

	say "$variant: with an address"
	ip address add 192.0.2.50/24 dev vc
	before=$(configuration)
	finds "$url" "DHCP server 192.0.2.1 on vc" --dhcp vc
	says dhcp.log DHCPINFORM || fail "no DHCPINFORM"
	after=$(configuration)
	[ "$before" = "$after" ] || fail "configured: $before / $after"
	boot --json --dhcp vc || fail "--json: $(cat "$state/err")"
	[ "$(jq -r .url <<<"$out")" = "$url" ] || fail "--json: $out"

	say "$variant: mounted"
	target_there
	mounts --dhcp vc

	say "$variant: what is not allowed"
	refuses "no server has answered\|timed\|DHCP" --dhcp vc \
		--dhcp-servers 192.0.2.9 --dhcp-tries 1
	refuses "not among those" --dhcp vc --allow iqn.2026-11.test:other
	refuses "not among those" --dhcp vc --allow 192.0.2.2
	finds "$url" DHCP --dhcp vc --allow "192.0.2.1,$target" --numeric \
		--dhcp-servers 192.0.2.1
	refuses "no such network" --dhcp nothere
	refuses "no Ethernet" --dhcp lo
	if [ "$(id -u)" = 0 ] && as_user true 2>/dev/null; then
		as=(as_user)
		! as_user "$lunfs" boot --dhcp vc 2>"$state/err" ||
			fail "DHCP without any right"
		grep -q "CAP_NET_RAW" "$state/err" || fail "$(cat "$state/err")"
		as=(env)
	fi
	end_pid "$dhcp"
}

# A root path of more than 255 bytes comes in parts.
# shows: 2131-4.1-02
long_path()
{
	local name

	name=iqn.2026-11.test.lunfs:$(printf 'x%.0s' {1..200})
	say "$variant: a root path of more than 255 bytes"
	start_isc "iscsi:a-host-with-a-long-name.storage.test::::$name"
	finds "iscsi://a-host-with-a-long-name.storage.test/$name/0" DHCP \
		--dhcp vc
	refuses "not named by its address" --dhcp vc --numeric
	stop_server
}

# shows: 4173-5-20 4173-2-01
ipv6_only()
{
	say "IPv6 only: there is no DHCP stage"
	ip address flush dev vc scope global
	ip address add 2001:db8::50/64 dev vc nodad
	finds "iscsi://[2001:db8::1]/$target/0" "IPv6 only" --dhcp vc \
		"iscsi://[2001:db8::1]"
	ip address flush dev vc scope global
}

# Every packet of ours would be counted.
# shows: 4173-5-16 4173-5-13 4173-2-01 4173-8-03
root_paths()
{
	local before after

	say "root paths: nothing is asked, nothing is sent"
	echo 1 >/proc/sys/net/ipv6/conf/vc/disable_ipv6	# it talks by itself
	ip address add 192.0.2.50/24 dev vc
	before=$(ip -s -j link show vc | jq '.[0].stats64.tx.packets')
	finds "$url" "root path" --root-path "$path"
	refuses "target" --root-path "iscsi:192.0.2.1::::iqn.2026-11.test: x"
	refuses "no root path of iSCSI" --root-path /export/root
	refuses "not named by its address" --numeric \
		--root-path "iscsi:host::::$target"
	refuses "no server is named" --numeric --root-path "iscsi:::::$target"
	after=$(ip -s -j link show vc | jq '.[0].stats64.tx.packets')
	[ "$before" = "$after" ] || fail "$((after - before)) packets were sent"

	say "a server that is given by option"
	target_there
	finds "$url" "SendTargets of 192.0.2.1" \
		--root-path "iscsi:::::$target" iscsi://192.0.2.1
	refuses "found nowhere" --root-path "iscsi:::::$target-2" \
		iscsi://192.0.2.1
	mounts --root-path "iscsi:::::$target" iscsi://192.0.2.1

	say "another port than the service has: both are tried"
	finds "$url" "found by" --root-path "iscsi:::3261::$target" \
		iscsi://192.0.2.1
	end_pid "$target_pid"
	ip address flush dev vc scope global
}

# ------------------------------------------------------ leases, firmware --

# shows: 4173-5-19
leases()
{
	local dhcp

	start_dnsmasq "$path"
	dhcp=$server
	if [ -x /usr/lib/klibc/bin/ipconfig ]; then
		say "a lease of klibc's ipconfig"
		/usr/lib/klibc/bin/ipconfig -t 5 -c dhcp vc >/dev/null 2>&1 ||
			fail "ipconfig"
		finds "$url" "lease of ipconfig" --lease /run/net-vc.conf
		as_anybody "$url" "lease of ipconfig"
		ip address flush dev vc scope global
		rm /run/net-vc.conf
	else
		skip "no klibc ipconfig"
	fi
	if [ "$(id -u)" = 0 ]; then
		say "a lease of systemd-networkd"
		networkd_lease
		finds "$url" "lease of systemd-networkd, /run/systemd"
		as_anybody "$url" "lease of systemd-networkd"
		end_networkd
		say "a lease of NetworkManager"
		networkmanager_lease
		finds "$url" "lease of NetworkManager, /run/NetworkManager"
		as_anybody "$url" "lease of NetworkManager"
		end_networkmanager
	fi
	say "a lease of dhclient"
	dhclient_lease root-path
	finds "$url" "lease of dhclient" --lease "$lease"
	as_anybody "$url" "lease of dhclient"
	end_pid "$dhcp"

	say "the order: the kernel, the firmware, then leases"
	mkdir -p /run/systemd/netif/leases /run/NetworkManager/devices
	printf '# This is private data. Do not parse.\nADDRESS=192.0.2.50\nROOT_PATH=%s\n' \
		"${path/:0:/:1:}" >/run/systemd/netif/leases/2
	finds "${url%0}1" "systemd-networkd"
	printf '[device]\nroot-path=%s\n' "${path/:0:/:2:}" \
		>/run/NetworkManager/devices/2
	finds "${url%0}2" "lease of NetworkManager"
	python3 "$here/ibft.py" directory /sys/firmware/ibft 192.0.2.3 \
		"$target" 3
	finds "iscsi://192.0.2.3/$target/3" "iBFT, /sys/firmware/ibft"
	mkdir -p /sys/firmware/acpi/tables
	python3 "$here/ibft.py" table /sys/firmware/acpi/tables/iBFT \
		192.0.2.4 "$target" 4
	finds "iscsi://192.0.2.4/$target/4" "iBFT, .*/iBFT"
	echo "quiet netroot=iscsi:192.0.2.5:::5:$target" >"$state/cmdline"
	mount --bind "$state/cmdline" /proc/cmdline
	finds "iscsi://192.0.2.5/$target/5" "kernel command line"
}

# Nobody needs a privilege for what is readable by all.
as_anybody()
{
	[ "$(id -u)" = 0 ] && as_user true 2>/dev/null || return 0
	out=$(as_user "$lunfs" boot -v 2>"$state/err") ||
		fail "as a user: $(cat "$state/err")"
	[ "$out" = "$1" ] || fail "as a user: $out"
	grep -q "$2" "$state/err" || fail "as a user: $(cat "$state/err")"
}

# Secrets are used, and shown nowhere.
secrets()
{
	ip address add 192.0.2.50/24 dev vc 2>/dev/null || true
	say "CHAP secrets of the firmware"
	target_there --chap me:s3cret-of-firmware \
		--chap-mutual you:s3cret-of-the-target
	python3 "$here/ibft.py" table "$state/table" 192.0.2.1 "$target" 0 \
		me s3cret-of-firmware you s3cret-of-the-target "$initiator"
	mounts -vv --ibft="$state/table"
	! grep -q s3cret "$state/err" || fail "a secret is shown"
	python3 "$here/ibft.py" directory "$state/ibft" 192.0.2.1 "$target" 0 \
		me s3cret-of-firmware you s3cret-of-the-target "$initiator"
	mounts --ibft="$state/ibft"
	boot --json --ibft="$state/ibft" || fail "$(cat "$state/err")"
	[ "$(jq -r .initiator_name <<<"$out")" = "$initiator" ] || fail "$out"
	[[ $out != *s3cret* ]] || fail "a secret is shown"

	say "CHAP secrets of the command line"
	echo "netroot=iscsi:me:s3cret-of-firmware:you:s3cret-of-the-target@192.0.2.1::::$target" \
		>"$state/cmdline"
	mounts --cmdline="$state/cmdline"
	python3 "$here/ibft.py" table "$state/table" 192.0.2.1 "$target" 0 \
		me s3cret-that-is-wrong you s3cret-of-the-target
	! "$lunfs" boot --ibft="$state/table" --mount "$mnt" 2>"$state/err" ||
		fail "mounted with a wrong secret"
	! grep -q s3cret "$state/err" || fail "a secret is shown"
	end_pid "$target_pid"
}

# --------------------------------------------------------- authentication --

# server_with MODE...: the scripted server of RFC 3118.
server_with()
{
	serve dhcp.log python3 "$here/dhcp-auth.py" vs "$path" "$@"
	wait_until 30 says dhcp.log ready || fail "no server"
}

# shows: 3118-5.5.1-01 3118-5.5.1-02 3118-5.3-01 3118-2-01 3118-4-01 4173-8-04
authentication()
{
	local keys=$state/keys

	echo 'key=5:s3cret' >"$keys"
	chmod 600 "$keys"
	say "authentic: DISCOVER, then INFORM"
	server_with key=5:s3cret
	finds "$url" "authentic by key 5" --dhcp vc --dhcp-keys "$keys"
	says dhcp.log "RELEASE signed" || fail "$(cat "$state/dhcp.log")"
	ip address add 192.0.2.50/24 dev vc
	finds "$url" "authentic by key 5" --dhcp vc --dhcp-keys "$keys"
	stop_server

	say "not authentic: a wrong MAC, a replay, nothing at all"
	server_with key=5:other
	refuses "none of . answers is authentic" --dhcp vc --dhcp-tries 1 \
		--dhcp-keys "$keys" --dhcp-unauthentic
	stop_server
	server_with plain
	refuses "none of . answers is authentic" --dhcp vc --dhcp-tries 1 \
		--dhcp-keys "$keys"
	finds "$url" "NOT AUTHENTIC" --dhcp vc --dhcp-keys "$keys" \
		--dhcp-unauthentic
	stop_server

	say "a token"
	echo 'token=our token' >"$keys"
	server_with "token=our token"
	finds "$url" "with our token" --dhcp vc --dhcp-keys "$keys"
	echo 'token=other token' >"$keys"
	refuses "authentic" --dhcp vc --dhcp-tries 1 --dhcp-keys "$keys"
	stop_server
	chmod 644 "$keys"
	refuses "others can get at it" --dhcp vc --dhcp-keys "$keys"
}

# ------------------------------------------------------ discovery services --

ask()
{
	"${there[@]}" python3 "$here/isns.py" ask 192.0.2.1:3205 "$@"
}

isns_listens()
{
	(: <>/dev/tcp/192.0.2.1/3205) 2>/dev/null
}

start_isnsd()
{
	isnsd_conf 192.0.2.1:3205 0
	serve isnsd.log isnsd -f -c "$state/isnsd.conf"
	wait_until 30 isns_listens || fail "no isnsd"
}

# Open-iSNS takes a node into one domain only: this one becomes a boot list.
fill_isnsd()
{
	ask add iqn.2026-11.test:boss 192.0.2.1 1 4
	ask add "$target" 192.0.2.1 3260
	domain=$(ask domain "$target" "$initiator")
}

me=(--initiator-name "$initiator" --timeout 5 --slp wait=1)

# lists SOURCE PATTERN [OPTION...]: the target is there; the log tells how.
lists()
{
	"$lunfs" ls -v --json "${me[@]}" "${@:3}" "$1" >"$state/ls.json" \
		2>"$state/err" || fail "ls $1: $(cat "$state/err")"
	jq -e "any(.targets[]; .name == \"$target\")" "$state/ls.json" \
		>"$state/found" || fail "ls $1: $(cat "$state/ls.json")"
	grep -q "$2" "$state/err" || fail "ls $1: $(cat "$state/err")"
}

# lists_nothing SOURCE PATTERN
lists_nothing()
{
	! "$lunfs" ls "${me[@]}" "$1" 2>"$state/err" >"$state/out" ||
		fail "ls $1: $(cat "$state/out")"
	grep -q "$2" "$state/err" || fail "ls $1: $(cat "$state/err")"
}

# The iSNS server is up and gives us the target; so is DHCP with option 83.
# shows: 4171-2.5.1-01 4018-5.3-01 nd01-4.4-01
unnamed_isns()
{
	say "isns://: the server that a lease tells of"
	dhclient_lease isns
	lists isns:// "iSNS server 192.0.2.1:3205: found by DHCP option 83 in the lease of dhclient, $lease"
	mount_lunfs "${me[@]}" isns:// "$mnt"
	cmp "$img" "$mnt/$target/lun0" || fail "the image differs"
	unmount_lunfs "$mnt"

	say "a lease with no root path, but with a server"
	finds "$url" "lease of dhclient, $lease; found by iSNS at 192.0.2.1:3205" \
		"${me[@]}" --lease "$lease"
	finds "$url" "lease of dhclient, $lease; found by iSNS at 192.0.2.1:3205" \
		"${me[@]}"
	mkdir -p /run/systemd/netif/leases
	printf 'ADDRESS=192.0.2.50\nROOT_PATH=%s\n' "$path" \
		>/run/systemd/netif/leases/2
	finds "$url" "lease of systemd-networkd, /run/systemd/netif/leases/2\$" \
		"${me[@]}"
	rm -r /run/systemd
	say "what one lease tells of does not count for another one"
	mv "$lease" /var/lib/dhcp/dhclient.a.leases
	printf 'lease {\n option root-path "iscsi:::::%s";\n}\n' "$target" \
		>"$lease"
	refuses "$target: found nowhere: SLP" "${me[@]}"
	rm "$lease" /var/lib/dhcp/dhclient.a.leases

	say "isns://: the server that SLP tells of"
	ip route add 224.0.0.0/4 dev vc
	agents_there '{"url": "service:iscsi:sms://192.0.2.9", "attrs": "(protocols=isns),(transports=tcp),(server-priority=2)"}' \
		'{"url": "service:iscsi:sms://192.0.2.1", "attrs": "(protocols=isns),(transports=tcp),(server-priority=1)"}' \
		'{"url": "service:iscsi:sms://192.0.2.8", "attrs": "(protocols=snmp),(transports=udp)"}'
	lists isns:// "iSNS server 192.0.2.1:3205: found by SLP"
	! grep -q 192.0.2.8 "$state/err" || fail "$(cat "$state/err")"
	! grep -q iscsi:target "$state/requests.log" ||
		fail "SLP is asked for targets, too"
	lists isns:// "192.0.2.9: left out: discovery-allow\|192.0.2.9:3205: left out: discovery-allow" \
		--discovery-allow 192.0.2.1
	finds "$url" "found by iSNS" "${me[@]}" --root-path "iscsi:::::$target" \
		isns://
	stop_server

	say "isns://: nobody tells of one"
	echo "DEVICE='x'" >/run/net-x.conf
	lists_nothing isns:// "no server is named, and none was found: DHCP option 83 (leases: lease of ipconfig, /run/net-x.conf); SLP: no agent has answered"
	rm /run/net-x.conf
	ip route del 224.0.0.0/4 dev vc
}

# shows: 4173-5-21 4173-6-01 4173-6-02 4173-6-03 4173-6-04 4173-6-05
# 4171-6.11.2.9-01 4173-2-01
services()
{
	local dhcp

	ip address add 192.0.2.50/24 dev vc
	start_isnsd
	fill_isnsd
	target_there

	say "a target without a server, by its name"
	finds "$url" "found by iSNS at 192.0.2.1:3205" "${me[@]}" \
		--root-path "iscsi:::::$target" isns://192.0.2.1
	mounts "${me[@]}" --root-path "iscsi:::::$target" isns://192.0.2.1

	say "one service is silent: the next one is asked"
	finds "$url" "found by iSNS" "${me[@]}" --timeout 1 \
		--root-path "iscsi:::::$target" isns://192.0.2.99 \
		isns://192.0.2.1
	refuses "found nowhere: iSNS at 192.0.2.1:3206: .*; iSNS at 192.0.2.1:3205" \
		"${me[@]}" --root-path "iscsi:::::$target-nobody" \
		isns://192.0.2.1:3206 isns://192.0.2.1

	say "no root path, but an iSNS server, by DHCP: its boot list"
	serve_dnsmasq "$isns_option"
	refuses "a target to boot from: found nowhere" "${me[@]}" --dhcp vc
	ask features "$initiator" "$domain" 1
	finds "$url" "found by iSNS at 192.0.2.1:3205" "${me[@]}" --dhcp vc
	dhcp=$server
	unnamed_isns
	end_pid "$dhcp"

	say "another port than the service knows: the target is there"
	end_pid "$target_pid"
	serve own.log "$state/bin/lunfs-target" --listen 192.0.2.1:3261 \
		--target "$target" --lun "file=$img"
	wait_until 30 says own.log "^listening" || fail "no target"
	finds "${url/192.0.2.1/192.0.2.1:3261}" "found by iSNS" "${me[@]}" \
		--root-path "iscsi:::3261::$target" isns://192.0.2.1
	grep -q "192.0.2.1/.*refused" "$state/err" || fail "$(cat "$state/err")"
}

# agents_there SERVICE...: an agent, there, that knows these: $role, of $scope.
role=sa scope=DEFAULT
agents_there()
{
	local IFS=,

	echo "[{\"address\": \"192.0.2.1\", \"role\": \"$role\", \"interface\": \"vs\",
		\"scopes\": [\"$scope\"], \"services\": [$*]}]" >"$state/agents.json"
	: >"$state/requests.log"
	serve slp.log python3 "$here/slp-agent.py" "$state/agents.json" \
		"$state/requests.log"
	wait_until 30 says slp.log ready || fail "no agent"
}

# service NAME ATTRIBUTES
service()
{
	printf '{"url": "service:iscsi:target://192.0.2.1:3260/%s", "attrs": "(iscsi-name=%s),%s"}' \
		"$1" "$1" "$2"
}

# RFC 2610: options 78 and 79, both mandatory, with the scopes LAB and OTHER.
# shows: 2608-6-01 2608-6-02
agents_of_lease()
{
	say "slp://: agent and scopes that a lease tells of"
	serve_dnsmasq 78,01:c0:00:02:01 79,01:4c:41:42:2c:4f:54:48:45:52
	dhclient_lease slp-directory-agent slp-service-scope
	end_pid "$server"
	role=da scope=LAB agents_there "$(service "$target" '(auth-name=any)')"
	lists slp:// "SLP directory agent 192.0.2.1:427: found by DHCP option 78 in the lease of dhclient, $lease"
	grep -q "SLP scope LAB,OTHER: by DHCP option 79" "$state/err" ||
		fail "$(cat "$state/err")"
	grep -q '"scopes": "LAB,OTHER"' "$state/requests.log" ||
		fail "other scopes: $(cat "$state/requests.log")"
	lists "slp://?scope=lab" "option 78"
	lists_nothing "slp://?scope=DEFAULT" \
		"scope DEFAULT: a DHCP lease of this host allows LAB,OTHER only"
	say "an agent that is named: no lease counts"
	lists_nothing slp://192.0.2.1 "SCOPE_NOT_SUPPORTED"
	end_pid "$server"

	say "no others are looked for where that is forbidden"
	sed -i 's/\(slp-directory-agent true\) .*;/\1 192.0.2.9;/' "$lease"
	scope=LAB agents_there "$(service "$target" '(auth-name=any)')"
	lists_nothing slp:// "192.0.2.9:427: no answer"
	! grep -q multicast "$state/requests.log" || fail "multicast"
	sed -i 's/slp-directory-agent true/slp-directory-agent false/' "$lease"
	lists slp:// "192.0.2.9:427: found by DHCP option 78"
	grep -q multicast "$state/requests.log" || fail "no multicast"
	rm "$lease"
}

# shows: 4173-6-01 4173-6-03 4173-6-05
slp()
{
	local agents

	ip address add 192.0.2.50/24 dev vc
	ip route add 224.0.0.0/4 dev vc
	target_there
	agents_there "$(service "$target" "(auth-name=any),(boot-list=$initiator)")" \
		"$(service "$target-other" '(auth-name=any)')"

	say "a target without a server, by its name"
	finds "$url" "found by SLP of 192.0.2.1" "${me[@]}" \
		--root-path "iscsi:::::$target" slp://192.0.2.1
	grep -q "iscsi-name=$target" "$state/requests.log" || fail "no query 1"
	say "by multicast, which needs no server to be named; and mounted"
	mounts "${me[@]}" --root-path "iscsi:::::$target"
	agents=$server

	say "no root path by DHCP: the boot list, and iSNS that does not answer"
	serve_dnsmasq "$isns_option"
	finds "$url" "found by SLP" "${me[@]}" --dhcp vc
	grep -q "boot-list=$initiator" "$state/requests.log" || fail "no query 7"
	end_pid "$server"
	end_pid "$agents"
	agents_of_lease
}

case $variant in
slp)
	slp
	;;
isns)
	services
	;;
dnsmasq)
	dhcp
	ipv6_only
	end_pid "$target_pid"
	root_paths
	;;
isc)
	dhcp
	long_path
	;;
files)
	secrets
	ip address flush dev vc scope global
	leases
	;;
auth)
	authentication
	;;
esac
