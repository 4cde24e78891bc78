# SPDX-License-Identifier: GPL-2.0-or-later
# Open-iSNS on loopback, at $isns, and how it is told what it shows. "boss" may
# see and change everything.
# shellcheck shell=bash disable=SC2154,SC2034

boss=iqn.2026-11.test:boss
isns_port=$(free_port)
isns=127.0.0.1:$isns_port

ask()
{
	python3 "$here/isns.py" ask "$isns" "$@"
}

start_isnsd()
{
	background isnsd.log "$state/bin/as-user" isnsd -f -d esi \
		-c "$state/isnsd.conf"
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
