# SPDX-License-Identifier: GPL-2.0-or-later
# How each kind of target is started, in the background; called by start_target
# of lib.sh, which has set $port, $target, $targets, $chap, $mutual, $ro,
# $nocache, $block, $unit, ${images[]}, ${portals[]} (of tgt, the first), and $erl
# and $mended, of which only LIO knows. $window: so many commands of a session may
# be under way; not with LIO.
# shellcheck shell=bash disable=SC2154
window=''

# ----------------------------------------------------- tgt (Debian: tgt) --

# The control socket is in $state too, so any number of them run side by side.
tgtadm_()
{
	tgtadm -C "$port" --lld iscsi "$@"
}

tgt_answers()
{
	tgtadm_ --mode sys --op show >/dev/null 2>&1
}

start_tgt()
{
	local i

	require tgtd tgtadm
	require_root "tgtd"
	export TGT_IPC_SOCKET=$state/tgtd.socket
	background tgtd.log tgtd -f -C "$port" --iscsi "portal=$portal"
	wait_until 60 tgt_answers || fail "tgtd does not answer"

	tgtadm_ --mode target --op new --tid 1 -T "$target"
	for ((i = 0; i < ${#images[@]}; i++)); do
		tgtadm_ --mode logicalunit --op new --tid 1 --lun $((i + 1)) \
			-b "${images[i]}" ${block:+--blocksize "$block"}
		tgtadm_ --mode logicalunit --op update --tid 1 \
			--lun $((i + 1)) --params \
			"${ro:+readonly=1,}${unit:+scsi_id=$unit,scsi_sn=$unit,}vendor_id=TGT"
		[ -z "$nocache" ] || tgtadm_ --mode logicalunit --op update \
			--tid 1 --lun $((i + 1)) --params \
			mode_page=8:0:18:0x10:0:0xff:0xff:0:0:0xff:0xff:0xff:0xff:0x80:0x14:0:0:0:0:0:0
	done
	for i in HeaderDigest DataDigest; do	# it leaves the choice to us
		tgtadm_ --mode target --op update --tid 1 --name "$i" \
			--value CRC32C,None
	done
	[ -z "$window" ] || tgtadm_ --mode target --op update --tid 1 \
		--name MaxQueueCmd --value "$window"
	tgt_account "$chap"
	tgt_account "$mutual" --outgoing
	tgtadm_ --mode target --op bind --tid 1 -I ALL
	for ((i = 2; i <= targets; i++)); do
		tgtadm_ --mode target --op new --tid "$i" -T "$target-$i"
		tgtadm_ --mode target --op bind --tid "$i" -I ALL
	done
}

# tgt_account USER:SECRET [--outgoing]
tgt_account()
{
	[ -n "$1" ] || return 0
	tgtadm_ --mode account --op new --user "${1%%:*}" --password "${1#*:}"
	tgtadm_ --mode account --op bind --tid 1 --user "${1%%:*}" ${2:+"$2"}
}

# Logged in at the moment, as tgt sees it: one line for each session.
tgt_sessions()
{
	tgtadm_ --mode conn --op show --tid 1 | grep '^Session' || true
}

# --------------------------------------------------- istgt (Debian: istgt) --

istgt_unit()
{
	local name=$1 i auth=None group=None readonly=No

	shift
	[ -z "$chap" ] || auth=CHAP group=AuthGroup1
	[ -z "$ro" ] || readonly=Yes
	[ -z "$mutual" ] || auth="CHAP Mutual"
	cat <<-END
		  TargetName $name
		  Mapping PortalGroup1 InitiatorGroup1
		  AuthMethod $auth
		  AuthGroup $group
		  UseDigest Auto
		  ReadOnly $readonly
		  UnitType Disk
		  QueueDepth ${window:-32}
	END
	[ -z "$unit" ] || echo "  UnitInquiry FreeBSD Disk 0123 $unit"
	for ((i = 0; i < $#; i++)); do
		echo "  LUN$i Storage ${*:i+1:1} Auto"
		[ -z "$nocache" ] || echo "  LUN$i Option WriteCache Disable"
	done
	[ -z "$block" ] || echo "  BlockLength $block"
}

# (With more than MaxConnections + 1 old connections of an initiator that are not
# gone yet istgt ends their threads by force; then it has unlocked what another
# thread had locked, and may hang for ever.)
istgt_conf()
{
	local i

	cat <<-END
		[Global]
		  NodeBase "${target%:*}"
		  PidFile $state/istgt.pid
		  AuthFile $state/istgt-auth.conf
		  MediaDirectory $state
		  LogFacility "local7"
		  Timeout 30
		  NopInInterval 20
		  DiscoveryAuthMethod None
		  MaxSessions 32
		  MaxConnections 32
		  MaxR2T 32
		  MaxOutstandingR2T 16
		  DefaultTime2Wait 2
		  DefaultTime2Retain 60
		  FirstBurstLength 262144
		  MaxBurstLength 1048576
		  MaxRecvDataSegmentLength 262144
		[UnitControl]
		  AuthMethod None
		  AuthGroup None
		  Portal UC1 127.0.0.1:$(free_port)
		  Netmask 127.0.0.1
		[PortalGroup1]
		$(for i in "${!portals[@]}"; do
			echo "  Portal DA$((i + 1)) ${portals[i]}"
		done)
		[InitiatorGroup1]
		  InitiatorName "ALL"
		  Netmask ALL
		[LogicalUnit1]
	END
	istgt_unit "$target" "${images[@]}"
	for ((i = 2; i <= targets; i++)); do
		truncate -s 1M "$state/spare-$i"
		echo "[LogicalUnit$i]"
		chap='' mutual='' istgt_unit "$target-$i" "$state/spare-$i"
	done
}

start_istgt()
{
	require istgt
	istgt_conf >"$state/istgt.conf"
	: >"$state/istgt-auth.conf"
	if [ -n "$chap" ]; then
		cat >"$state/istgt-auth.conf" <<-END
			[AuthGroup1]
			  Auth "${chap%%:*}" "${chap#*:}" ${mutual:+"\"${mutual%%:*}\" \"${mutual#*:}\""}
		END
	fi
	chmod 600 "$state/istgt-auth.conf"
	background istgt.log istgt -D -c "$state/istgt.conf"
}

# --------------------------------------- LIO, in a machine of its own: lio/vm --

# The machine may lose the beginning of what is on its console.
lio_conf()
{
	local v

	[ -z "$ro" ] || ro=1
	echo "#################################"
	for v in target targets erl mended chap mutual ro unit; do
		printf '%s=%q\n' "${v^^}" "${!v}"
	done
	printf 'PORTALS=%q\nDISKS=%q\nend\n' "${portals[*]}" "${#images[@]}"
}

lio_is_up()
{
	! gone_pid "$started" || fail "the machine of LIO has ended"
	grep -q '^lio: ready' "$state/lio.log"
}

start_lio()
{
	local status=0 options=${nocache:+,write-cache=off}

	options+=${block:+,logical_block_size=$block,physical_block_size=$block}
	"$here/lio/vm" fetch ${mended:+mend} || status=$?
	[ "$status" != 77 ] || skip "no LIO"
	[ "$status" = 0 ] || fail "no LIO"
	lio_conf >"$state/lio.conf"
	background lio.log "$here/lio/vm" run "$state/lio.conf" \
		"${portals[@]}" -- "${images[@]/%/$options}"
	wait_until 180 lio_is_up || fail "the machine of LIO does not come up"
	! grep 'lio: FAILED' "$state/lio.log" || fail "LIO was not set up"
}

# ---------------------------------------------------------------- our own --

# ${own_options[@]}: more of the options of lunfs-target. $own_words: more words of
# its LUNs.
own_options=() own_words=''

start_own()
{
	local i args=()

	for i in "${portals[@]}"; do
		args+=(--listen "$i")
	done
	for ((i = 0; i < ${#images[@]}; i++)); do
		args+=(--lun \
			"file=${images[i]}${own_words:+,$own_words}${ro:+,ro}${nocache:+,wce=0}${block:+,block=$block}${unit:+,serial=$unit$i}")
	done
	[ -z "$window" ] || args+=(--window "$window")
	[ -z "$chap" ] || args+=(--chap "$chap")
	[ -z "$mutual" ] || args+=(--chap-mutual "$mutual")
	[ "$targets" = 1 ] || args+=(--targets "$((targets - 1))")
	background own.log "$state/bin/lunfs-target" \
		--target "$target" "${args[@]}" "${own_options[@]}"
}

# ------------------------------------------------ Open-iSNS, which has none --

# isnsd_conf ADDRESS:PORT 0|1 [LINE]: whether there is a domain for those in none.
isnsd_conf()
{
	require isnsd
	user_dir "$state/isnsd"
	cat >"$state/isnsd.conf" <<-END
		SourceName = iqn.2026-11.test:server
		BindAddress = $1
		ControlSocket = $state/isnsd/control
		PIDFile = $state/isnsd/pid
		Database = $state/isnsd/db
		Security = 0
		SLPRegister = 0
		DefaultDiscoveryDomain = $2
		RegistrationPeriod = 10h
		${3:-}
	END
}
