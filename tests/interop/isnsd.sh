# SPDX-License-Identifier: GPL-2.0-or-later
# Open-iSNS on loopback, at $isns, and how it is told what it shows. "boss" may
# see and change everything.
# shellcheck shell=bash disable=SC2154,SC2034

boss=iqn.2026-11.test:boss
isns_port=$(free_port)
isns=127.0.0.1:$isns_port

# isnsd 0.101 may crash when a domain changes while it sends ESIs, and tells nobody
# of anything when it is started again: then the test begins anew, too.
crashed=76
if [ -z "${LUNFS_ISNSD:-}" ]; then
	for i in 1 2 3; do
		status=0
		LUNFS_ISNSD=$i "$0" "$@" || status=$?
		[ "$status" = "$crashed" ] || break
		say "isnsd has crashed in attempt $i"
	done
	exit "$status"
fi

ask()
{
	python3 "$here/isns.py" ask "$isns" "$@" && return
	! gone_pid "$isnsd_pid" || exit "$crashed"
	return 1
}

# What it uses after it has freed it is left as it was.
start_isnsd()
{
	background isnsd.log "$state/bin/as-user" env -u MALLOC_PERTURB_ \
		isnsd -f -d esi -c "$state/isnsd.conf"
	isnsd_pid=$started
	wait_until 30 listens "$isns_port" || fail "isnsd does not listen"
}

stop_isnsd()
{
	end_pid "$isnsd_pid"
	wait_until 30 gone_pid "$isnsd_pid" || fail "isnsd does not end"
}

# setup_isnsd 0|1 [LINE]: whether there is a domain for those that are in none
setup_isnsd()
{
	isnsd_conf "$isns" "$@"
	start_isnsd
	ask add "$boss" 127.0.0.1 1 4
}
