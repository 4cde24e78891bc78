#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Faults as a stranger meets them: each kind, on the command line and in a
# scenario file, with the clients of libiscsi and QEMU. The fault has happened,
# and is counted, and the client fares as it must: what is late, comes twice or is
# asked for again does no harm; what is lost or refused is waited for or told.
#
# test-target-clients.sh LUNFS-TARGET
set -eu -o pipefail

target=$1
iqn=iqn.2026-01.net.lunfs:disk
for c in iscsi-inq iscsi-ls qemu-io qemu-img; do
	command -v "$c" >/dev/null || {
		echo "SKIPPED: no $c" >&2
		exit 77
	}
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# client NAME PORTAL NUMBER: becomes that client.
client()
{
	local url=iscsi://$2/$iqn/0

	case $1 in
	inq)	exec iscsi-inq "$url" ;;
	ls)	exec iscsi-ls -s "iscsi://$2" ;;
	read)	exec qemu-img dd -f raw -O raw bs=64k count=16 if="$url" \
			of="$dir/$3.img" ;;
	write)	exec qemu-io -f raw -c 'write -P 5 0 256k' "$url" ;;
	esac
}

# until_in FILE PATTERN: within a minute.
until_in()
{
	local i

	for ((i = 0; i < 600; i++)); do
		! grep -q "$2" "$1" || return 0
		sleep 0.1
	done
	return 1
}

# fares HOW PID STATE: the client, as it must.
fares()
{
	local status=0

	if [ "$1" = waits ]; then
		until_in "$3.err" ' ! ' || return 1
		sleep 1
		kill "$2" || return 1		# it was there still
		wait "$2" || true
		return 0
	fi
	wait "$2" || status=$?
	case $1 in
	ok)	[ "$status" = 0 ] ;;
	fails)	[ "$status" != 0 ] && [ "$status" -lt 124 ] ;;
	esac
}

# meet HOW CLIENT RULE STATE OPTION...: what is wrong.
meet()
{
	local state=$4 pid them times

	touch "$state.out" "$state.err"		# now: they are looked into
	timeout 120 "$target" -v --key InitialR2T=Yes --key ImmediateData=No \
		"${@:5}" >"$state.out" 2>"$state.err" &
	pid=$!
	until_in "$state.out" listening || echo "the target does not listen"
	(client "$2" "$(sed 's/listening //' "$state.out")" "${state##*/}") \
		>"$state.log" 2>&1 &
	them=$!
	fares "$1" "$them" "$state" || tail -n 3 "$state.log"
	kill "$pid"
	wait "$pid" || echo "the target has ended with $?"
	times=$(sed -n 's/^fault .*: \([0-9]*\) times$/\1/p' "$state.err")
	[ "${times:-0}" -gt 0 ] || echo "it did not happen"
	echo met
}

n=0
while read -r how who rule; do
	n=$((n + 1))
	if ((n % 2)); then
		fault=(--fault "$rule")
	else
		printf '# as on a command line\n%s\n' "${rule//,/$'\t'}" \
			>"$dir/$n.txt"
		fault=(--scenario "$dir/$n.txt")
	fi
	echo "$how $who $rule" >"$dir/$n.rule"
	meet "$how" "$who" "$rule" "$dir/$n" "${fault[@]}" \
		>"$dir/$n.result" 2>&1 &
	((n % 6)) || wait
done <<-'END'
	waits	inq	drop,on=scsi-response,nth=2
	waits	inq	stall,on=scsi-command,nth=2
	waits	write	drop,on=data-out,once
	waits	read	length=+4,on=data-in,once
	ok	inq	delay=100ms,on=scsi-response,once
	ok	read	stall=100ms,on=data-in,once
	ok	read	reorder,on=data-in,once
	ok	write	duplicate,on=scsi-response,once
	ok	read	set=residual:+512,status,once
	ok	read	byte=0:0x3e,on=data-in,once
	ok	read	cut,on=data-in,nth=3
	ok	read	cut=20,on=data-in,nth=3
	ok	read	corrupt=data,on=data-in,nth=3
	ok	read	window=1,on=scsi-response
	ok	read	async=scsi:6/2a/09,on=scsi-response,once
	ok	read	async=logout:0:0:3,on=scsi-response,once
	ok	read	async=vendor,on=scsi-response,once
	fails	inq	reject=invalid-field,on=scsi-command,nth=3
	fails	ls	reject=protocol-error,on=text-request
	fails	inq	status=busy
	fails	inq	sense=6/29/00
	ok	read	sense=6/29/00,nth=2
	ok	inq	hold=100ms,once
	ok	write	zombie=100ms,write,once
	fails	inq	refuse=3/1
	fails	inq	redirect=127.0.0.1:1
	ok	inq	tpgt=7,once
END
wait
failed=0
for ((i = 1; i <= n; i++)); do
	[ "$(cat "$dir/$i.result")" != met ] || continue
	echo "FAILED: $(cat "$dir/$i.rule"):"
	cat "$dir/$i.result"
	failed=1
done
exit $failed
