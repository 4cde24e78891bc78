#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The target against initiators that nobody here wrote: libiscsi's test suite
# in all families that the target claims, and QEMU. Skipped (77) without them.
#
# usage: test-target-libiscsi.sh LUNFS-TARGET

set -eu

TARGET=$1
NAME=iqn.2026-01.net.lunfs:disk

# One process for each family: "-t ALL" in one sends 16-byte CDBs whose transfer
# length stays 1, and fails. GetLBAStatus.UnmapSingle asks for the block after
# the first one that it has not unmapped, and expects to be told of that one: it
# passes only where a physical block is a logical one.
FAMILIES='
	CompareAndWrite GetLBAStatus.Simple GetLBAStatus.BeyondEol Inquiry Mandatory ModeSense6
	PrinReadKeys PrinServiceactionRange PrinReportCapabilities
	ProutRegister ProutReserve ProutClear ProutPreempt
	Read6 Read10 Read12 Read16 ReadCapacity10 ReadCapacity16
	ReportSupportedOpcodes StartStopUnit TestUnitReady Unmap
	Verify10 Verify12 Verify16
	Write10 Write12 Write16 WriteSame10 WriteSame16
	WriteVerify10 WriteVerify12 WriteVerify16
	iSCSIResiduals iSCSITMF iSCSIcmdsn iSCSIdatasn'

# What a suite may skip, and why:
# a disk is no removable medium;
SKIPS='Media is not removable'
# WSNZ says that 0 blocks are none, not all to the end;
SKIPS="$SKIPS|WRITESAME1[06] does not support 0-blocks"
# a disk that is not thin has nothing to unmap (for that there is a thin one);
FULL='Logical unit is fully provisioned|UNMAP is not implemented'
# nobody is known who writes with OR.
ORWRITE='ORWRITE is not implemented'

LUNS=4			# each has a part of the families, at the same time

for tool in iscsi-test-cu iscsi-ls qemu-io; do
	if ! command -v $tool >/dev/null; then
		echo "SKIPPED: $tool is not installed" >&2
		exit 77
	fi
done

dir=$(mktemp -d)
pid=
cleanup()
{
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || :
	[ -z "$pid" ] || wait "$pid" || :
	rm -rf "$dir"
}
trap cleanup EXIT

die()
{
	echo "FAILED: $*" >&2
	exit 1
}

# start OPTIONS...: sets $portals, as many as are $wanted (1), and $portal, the first
start()
{
	stop
	: >"$dir/out"			# now: nothing of the one before is read
	"$TARGET" "$@" >"$dir/out" 2>"$dir/err" &
	pid=$!
	for _ in $(seq 100); do
		portals=$(sed -n 's/^listening //p' "$dir/out" | xargs)
		portal=${portals%% *}
		[ "$(echo "$portals" | wc -w)" -lt "${wanted:-1}" ] || return 0
		sleep 0.1
	done
	die "the target does not start: $(cat "$dir/err")"
}

# The target must end well: sanitizers speak through its exit code.
stop()
{
	[ -n "$pid" ] || return 0
	kill "$pid"
	wait "$pid" || die "the target ended with $?: $(cat "$dir/err")"
	pid=
}

# family NAME LUN LOG: all of its tests ran and passed; $portals may be two
family()
{
	urls=
	for p in $portals; do
		urls="$urls iscsi://$p/$NAME/$2"
	done
	iscsi-test-cu --dataloss -t "ALL.$1" $urls >"$3" 2>&1 || :
	# tests, total, ran, passed, failed
	awk '$1 == "tests" { seen = 1; bad = $5; ran = $3 }
	     END { exit !(seen && ran > 0 && bad == 0) }' "$3" &&
		! grep -F '[SKIPPED]' "$3" | grep -Evq "$may_skip"
}

# some FAMILIES LUN WHAT: every LUNSth of them
some()
{
	n=0
	for f in $1; do
		n=$((n + 1))
		[ $((n % LUNS)) = "$2" ] || continue
		family "$f" "$2" "$dir/log.$2" || {
			cat "$dir/log.$2"
			echo "FAILED: $f $3"
			return 1
		}
		echo "ok $f $3"
	done
}

# suite FAMILIES WHAT [SKIPS]: WHAT is for the eye
suite()
{
	may_skip="$SKIPS${3:+|$3}"
	jobs=
	for lun in $(seq 0 $((LUNS - 1))); do
		some "$1" "$lun" "$2" &
		jobs="$jobs $!"
	done
	for job in $jobs; do
		wait "$job" || die "$2"
	done
}

# A pattern of every size and place reads back, through qemu's initiator.
qemu_pattern()
{
	url="iscsi://$1$portal/$NAME/0"
	qemu-io -f raw \
		-c 'write -P 0xa5 0 4M' -c 'write -P 0x3c 1234432 512' \
		-c 'write -P 0x11 8M 16M' -c 'aio_write -P 0x22 32M 1M' \
		-c 'aio_write -P 0x33 33M 1M' -c 'aio_flush' -c 'flush' \
		-c 'read -P 0xa5 0 1234432' -c 'read -P 0x3c 1234432 512' \
		-c 'read -P 0xa5 1234944 2959360' -c 'read -P 0x11 8M 16M' \
		-c 'read -P 0x22 32M 1M' -c 'read -P 0x33 33M 1M' \
		-c 'write -z 9M 2M' -c 'read -P 0 9M 2M' \
		-c 'discard 10M 4M' -c 'read -P 0x11 14M 10M' \
		"$url" >"$dir/log" 2>&1 || { cat "$dir/log"; die "qemu $*"; }
	! grep -Ei 'failed|error' "$dir/log" || die "qemu $*"
	echo "ok qemu $*"
}

start --lun size=64M,thin,count=$LUNS
suite "$FAMILIES" 'on thin disks'
qemu_pattern ''

start --lun size=64M,thin,count=$LUNS --separate-status --key InitialR2T=Yes \
	--key ImmediateData=No --key MaxBurstLength=16384 \
	--key MaxRecvDataSegmentLength=8192 --window 4
# iSCSITMF aborts a write that has just got an R2T: when that and the response
# come together, libiscsi connects anew and then frees a task twice.
suite "${FAMILIES%iSCSITMF*}${FAMILIES#*iSCSITMF}" 'with small limits'
qemu_pattern '' with small limits

start --alias 'files' $(for n in $(seq 0 $((LUNS - 1))); do
	echo "--lun file=$dir/disk.$n,size=64M,block=4096"; done)
suite "$FAMILIES" 'on files of 4096-byte blocks' "$FULL"
qemu_pattern '' on a file

start --lun size=64M,thin,block=4096,count=$LUNS
suite GetLBAStatus 'on thin blocks of 4096 bytes'

start --lun size=64M,thin,ro,count=$LUNS
suite ReadOnly 'on read-only disks' "$ORWRITE"

wanted=2
start --listen 127.0.0.1:0 --listen 127.0.0.2:0 \
	--lun size=64M,thin,count=$LUNS
suite 'MultipathIO' 'over two portals'
wanted=1

start --chap user:secretsecret12 --chap-mutual target:othersecret12 --lun size=64M
qemu_pattern 'user%secretsecret12@' with CHAP
! iscsi-ls -s "iscsi://user%wrongwrong12@$portal" >"$dir/log" 2>&1 ||
	die "a wrong secret is accepted"
! iscsi-ls -s "iscsi://$portal" >"$dir/log" 2>&1 ||
	die "no secret is accepted"
echo "ok wrong secrets"

start --targets 3000
[ "$(iscsi-ls "iscsi://$portal" | sort -u | grep -c '^Target:')" = 3000 ] ||
	die "discovery of 3000 targets"
echo "ok discovery"

stop
