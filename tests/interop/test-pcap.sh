#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tshark finds no malformed PDU: neither in what lunfs --pcap wrote, nor in what
# dumpcap saw on the wire while everything was done that lunfs can do.
. "${0%/*}/lib.sh"
require_fuse
require tshark dumpcap

user=reader:secret-of-reader peer=server:secret-of-server
image=$(image 32M image)

# dissect FILE FIELD FILTER: one line for each frame that matches.
dissect()
{
	tshark -r "$1" -d "tcp.port==$port,iscsi" -Y "$3" -T fields \
		-e frame.number -e "$2" 2>"$state/tshark.log"
}

check_capture()
{
	local what

	dissect "$1" iscsi.opcode iscsi >"$state/pdus"
	say "$1: $(wc -l <"$state/pdus") frames with PDUs"
	for what in 0x03 0x23 0x01 0x21 0x25 0x05 0x06 0x26; do
		grep -q "$what" "$state/pdus" || fail "$1: no PDU $what"
	done
	dissect "$1" _ws.col.Info '_ws.malformed || _ws.expert.severity ==
		"Error" && iscsi' >"$state/bad"
	[ ! -s "$state/bad" ] || fail "$1: $(head -n 20 "$state/bad")"
}

# capture NAME: what goes to the target and comes from it. (Not what tests beside
# this one do: they damage what they send.)
capture()
{
	wire=$state/$1.wire.pcapng
	markers=("$(free_port)" "$(free_port)")
	background dumpcap.log dumpcap -q -i lo -s 262144 -B 64 -w "$wire" -f \
		"tcp port $port or tcp port ${markers[0]} or tcp port ${markers[1]}"
	dumpcap_pid=$started
	wait_until 60 seen "${markers[0]}" ||
		skip "cannot capture on lo: $(tail -n 1 "$state/dumpcap.log")"
}

# seen MARKER: dumpcap is at work, and has written all that came before this.
seen()
{
	listens "$1" || true
	dissect "$wire" frame.number "tcp.dstport == $1" | grep . >/dev/null
}

check_wire()
{
	wait_until 60 seen "${markers[1]}" || fail "dumpcap does not keep up"
	end_pid "$dumpcap_pid"
	check_capture "$wire"
}

# converse NAME OPTION...: everything, on a target that runs.
converse()
{
	local pcap=$state/user/$1.pcapng

	say "$1"
	shift
	mount_lunfs --pcap "$pcap" "$@" "iscsi://$portal/$target" "$mnt"
	as_user "$fsx" --ops 1000 --processes 2 "$(lun_file 0)"
	as_user dd if=/dev/zero of="$(lun_file 0)" bs=1M count=4 \
		conv=notrunc,fsync oflag=direct status=none
	unmount_lunfs "$mnt"
	check_capture "$pcap"
	! grep -q "${user#*:}" "$pcap" || fail "a secret is in the capture"
}

start_target "$1" "$image"
capture plain
as_user "$lunfs" ls --pcap "$state/user/ls.pcapng" "iscsi://$portal"
dissect "$state/user/ls.pcapng" iscsi.opcode iscsi | matches 0x24 ||
	fail "no Text Response in the capture of ls"
converse plain
check_wire
stop_target

start_target "$1" chap=$user mutual=$peer "$image"
capture chap
credentials "$state/credentials" $user $peer
converse chap --credentials "$state/credentials" \
	--header-digest crc32c --data-digest crc32c
check_wire
