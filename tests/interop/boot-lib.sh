# SPDX-License-Identifier: GPL-2.0-or-later
# For test-boot.sh: a link of two hosts in network namespaces of their own. This
# shell is on ours (vc); "${there[@]}" runs on the other one (vs), where the
# servers are: 192.0.2.1 and 2001:db8::1. Nothing of the real /run, /var/lib
# and /sys/firmware is seen.
#
# To be sourced first of all: it starts the test again within the namespaces.
# shellcheck shell=bash disable=SC2034,SC2154

if [ -z "${LUNFS_BOOT_NAMESPACE:-}" ]; then
	root=()
	[ "$(id -u)" = 0 ] || root=(--user --map-root-user)
	export LUNFS_BOOT_NAMESPACE=1
	unshare "${root[@]}" --net --mount true 2>/dev/null || {
		echo "SKIPPED: ${0##*/}: no namespaces here" >&2
		exit 77
	}
	exec unshare "${root[@]}" --net --mount "$0" "$@"
fi

. "${0%/*}/lib.sh"
require ip nsenter python3 jq

mount --make-rprivate /
forget_mounts
for dir in /run /var/lib/dhcp /var/lib/dhcpcd /var/lib/NetworkManager \
	/sys/firmware; do
	[ ! -d "$dir" ] || mount -t tmpfs none "$dir"
done
as=(env)
initiator=iqn.2026-11.test.lunfs:boot
target=iqn.2026-11.test.lunfs:own

second_host vc vs
echo 0 >/proc/sys/net/ipv6/conf/vc/accept_dad
"${there[@]}" sysctl -q net.ipv6.conf.vs.accept_dad=0 2>/dev/null || true
"${there[@]}" ip address add 192.0.2.1/24 dev vs
"${there[@]}" ip address add 2001:db8::1/64 dev vs nodad
"${there[@]}" ip link set vs up
ip link set vc up

# serve LOG COMMAND...: a server, there.
serve()
{
	background "$1" "${there[@]}" "${@:2}"
	server=$started
}

says()
{
	grep -q "$2" "$state/$1"
}

# dhclient_lease OPTION...: a lease with these, which the server gives.
dhclient_lease()
{
	local IFS=,

	require dhclient
	echo "option isns code 83 = string; request subnet-mask,$*;" \
		>"$state/dhclient.conf"
	dhclient -1 -q -cf "$state/dhclient.conf" -sf /bin/true -lf "$lease" \
		-pf "$state/dhclient.pid" vc >/dev/null 2>&1 || fail "dhclient"
	kill "$(cat "$state/dhclient.pid")"
}
lease=/var/lib/dhcp/dhclient.vc.leases

networkd_has_a_lease()
{
	[ -n "$(ls /run/systemd/netif/leases)" ]
}

# networkd_lease: a lease with the root path. systemd-networkd waits for udev,
# which knows nothing of this network, unless /sys is as in a container.
networkd_lease()
{
	local networkd=/lib/systemd/systemd-networkd

	[ -x "$networkd" ] || skip "no systemd-networkd"
	mkdir -p /run/systemd/network /run/systemd/netif/{leases,links}
	chown -R systemd-network: /run/systemd/netif
	printf '[Match]\nName=vc\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\n[DHCPv4]\nRequestOptions=17\n' \
		>/run/systemd/network/vc.network
	export -f forget_mounts
	background networkd.log unshare --mount bash -c '
		forget_mounts
		mount -t sysfs -o ro none /sys && exec "$0"' "$networkd"
	networkd_pid=$started
	wait_until 30 networkd_has_a_lease || fail "networkd"
}

end_networkd()
{
	end_pid "$networkd_pid"
	rm -r /run/systemd
	ip address flush dev vc scope global
	ip link set vc up
}

networkmanager_has_a_lease()
{
	grep -qs root-path /run/NetworkManager/devices/*
}

# networkmanager_lease: the same of NetworkManager, with a message bus of its
# own. That of the host, if there is one, and its configuration are not seen.
networkmanager_lease()
{
	local dir=$state/nm

	require NetworkManager dbus-daemon
	mkdir -p "$dir/conf.d" "$dir/connections" /run/dbus /run/NetworkManager
	cat >"$dir/bus.conf" <<-END
		<busconfig>
		<type>system</type>
		<listen>unix:path=/run/dbus/system_bus_socket</listen>
		<auth>EXTERNAL</auth>
		<policy context="default">
		<allow user="*"/> <allow own="*"/>
		<allow send_destination="*"/> <allow receive_sender="*"/>
		</policy>
		</busconfig>
	END
	printf '[main]\nplugins=keyfile\ndhcp=internal\ndns=none\nauth-polkit=false\n[keyfile]\npath=%s\n' \
		"$dir/connections" >"$dir/conf"
	printf '[connection]\nid=vc\ntype=ethernet\ninterface-name=vc\n[ipv4]\nmethod=auto\nnever-default=true\n[ipv6]\nmethod=disabled\n' \
		>"$dir/connections/vc.nmconnection"
	chmod 600 "$dir/connections/vc.nmconnection"
	background bus.log dbus-daemon --config-file="$dir/bus.conf" --nofork \
		--nopidfile
	bus_pid=$started
	wait_until 30 test -S /run/dbus/system_bus_socket || fail "no bus"
	export -f forget_mounts
	background networkmanager.log unshare --mount bash -c '
		forget_mounts
		mount -t sysfs -o ro none /sys && exec NetworkManager "$@"' - \
		--no-daemon --config="$dir/conf" --config-dir="$dir/conf.d" \
		--system-config-dir="$dir/conf.d" --log-level=INFO
	networkmanager_pid=$started
	wait_until 30 networkmanager_has_a_lease || fail "NetworkManager"
}

# What it leaves behind, too: it keeps what it has configured.
end_networkmanager()
{
	end_pid "$networkmanager_pid"
	end_pid "$bus_pid"
	rm -r /run/NetworkManager /run/dbus
	ip address flush dev vc scope global
	ip link set vc up
}

# target_there [OPTION...]: our target, with an image, at 192.0.2.1 and ::1.
target_there()
{
	serve own.log "$state/bin/lunfs-target" --listen 192.0.2.1:3260 \
		--listen "[2001:db8::1]:3260" --target "$target" \
		--lun "file=$img" "$@"
	target_pid=$server
	wait_until 30 says own.log "^listening" || fail "no target"
}

# boot [OPTION...]: its standard output is in $out, its errors in $state/err.
boot()
{
	local status=0

	out=$("$lunfs" boot "$@" 2>"$state/err") || status=$?
	return $status
}

# finds URL PATTERN OPTION...: that URL; PATTERN tells how.
finds()
{
	local url=$1 how=$2

	shift 2
	boot -v "$@" || fail "boot $*: $(cat "$state/err")"
	[ "$out" = "$url" ] || fail "boot $*: $out instead of $url"
	grep -q "$how" "$state/err" || fail "boot $*: $(cat "$state/err")"
}

# refuses PATTERN OPTION...: with such a message, and no URL.
refuses()
{
	local why=$1

	shift
	! boot "$@" || fail "boot $*: $out"
	[ -z "$out" ] || fail "boot $*: prints $out"
	grep -q "$why" "$state/err" || fail "boot $*: $(cat "$state/err")"
}

# mounts OPTION...: it mounts the image, all of it.
mounts()
{
	mounts+=("$mnt")
	"$lunfs" boot "$@" --mount "$mnt" 2>"$state/err" ||
		fail "boot $* --mount: $(cat "$state/err")"
	cmp "$img" "$mnt/$target/lun0" || fail "boot $*: the image differs"
	unmount_lunfs "$mnt"
}

img=$(image 1M image0)
head -c 1M /dev/urandom >"$img"
