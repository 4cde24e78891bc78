#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a portal says when it is asked for its targets, good and hostile; and when
# it is asked at all, and how.
. "${0%/*}/lib.sh"
require_fuse
require python3

answer=$state/answer
pcap=$state/user/pcap
image 16M image0 >/dev/null

# answers PYTHON: a target that answers with these bytes; N(), A() make records,
# p is its portal and t its name.
answers()
{
	python3 - "$answer" "$portal" "$target" <<-END
		import sys
		p, t = (s.encode() for s in sys.argv[2:])
		def N(name):
		    return b"TargetName=" + name + b"\0"
		def A(address):
		    return b"TargetAddress=" + address + b"\0"
		open(sys.argv[1], "wb").write($1)
	END
	restart "--answer" "$answer"
}

# restart OPTION...
restart()
{
	own_options=("$@")
	kill_target
	restart_target
}

# names: of what ls shows.
names()
{
	grep -oE '^[^ ]+' <<<"$out" | xargs
}

# Each piece of the answer comes in time, but there is no end of them. It is
# looked at when the rest is done.
drip_port=$(free_port)
python3 -c 'print("TargetName=iqn.2026-11.a:x\0" * 1000, end="")' \
	>"$state/drips"
background drip.log "$state/bin/lunfs-target" --listen "127.0.0.1:$drip_port" \
	--target iqn.2026-11.a:x --lun "file=$state/image0" \
	--answer "$state/drips" --fault delay=300ms,on=text-response
wait_until 30 listens "$drip_port" || fail "no second target"
as_user timeout 60 "$lunfs" ls --timeout 1 --key MaxRecvDataSegmentLength=512 \
	"iscsi://127.0.0.1:$drip_port" >"$state/drip.out" 2>"$state/drip.err" &
dripping=$!

start_target own "$state/image0"
good='N(t) + A(p + b",1")'

# shows: 3721-3-01 nd01-4.2-02 3721-B.4-01 3721-3-03
say "how a portal is asked"
run 0 ls --pcap "$pcap" "iscsi://$portal"
[ "$(names)" = "$target" ] || fail "ls: $out"
grep -qaF "SessionType=Discovery" "$pcap" || fail "no Discovery session"
grep -qaF "SendTargets=All" "$pcap" || fail "no SendTargets=All"
! grep -qaE "TargetName=iscsi|SendTargets=[^A]" "$pcap" || fail "as in 2001"
[ "$(grep -aoF "TargetAddress=" "$pcap" | wc -l)" = 1 ] ||
	fail "an address that is not the target's one"
run 0 ls --pcap "$pcap.2" "iscsi://$portal/$target"
! grep -qaE "SessionType=Discovery|SendTargets" "$pcap.2" ||
	fail "asked without need"

# shows: nd01-4.2-03
say "nothing to show, and no wish to say"
answers 'b""'
run 1 ls "iscsi://$portal"
says "shows no targets"
restart --no-discovery
run 1 ls "iscsi://$portal"
says "0202"

say "names that are no file names, and no names"
answers "N(b'../../../etc/passwd') + A(p + b',1') + N(b'iqn.2026-11.a:x/y') +
	N(b'iqn.2026-11.a:\x1b[31mred') + N(b'.') + N(b'..') + N(b'') +
	N(b'iqn.2026-11.a:\xff\xfe') + N(b'x' * 5000) + $good +
	N(b'IQN.2026-11.test.LUNFS:own') + A(p + b',1') + b'TargetAlias=/etc\0'"
run 0 ls "iscsi://$portal"
[ "$(names)" = "$target" ] || fail "ls: $out"
says 'TargetName=../../../etc/passwd: left out'
! grep -q "$(printf '\033')" "$log" || fail "raw: $(cat -v "$log")"
mount_lunfs "iscsi://$portal" "$mnt" 2>/dev/null
as_user test -e "$(lun_file 0)" || fail "the good one is missing"
! as_user ls -A "$mnt" | grep -vxE "by-id|by-alias|[.]lunfs|$target" ||
	fail "more than the good one: $(as_user ls -AR "$mnt")"
unmount_lunfs "$mnt"

say "10,000 records in small pieces, most of them no good"
answers "b''.join(N(b'iqn.2026-11.a:%d/' % i) + A(b'[::1') for i in
	range(5000)) + ($good) * 2500 + b''.join(N(t) + A(b'%d,70000' % i)
	for i in range(2500))"
run 0 ls --key MaxRecvDataSegmentLength=512 "iscsi://$portal"
[ "$(names)" = "$target" ] || fail "ls: $out"
[ "$(grep -o "$portal" <<<"$out" | wc -l)" = 1 ] || fail "ls: $out"
[ "$(wc -l <"$log")" -lt 20 ] || fail "$(wc -l <"$log") messages"
says "more values were left out"

say "no text at all, a null in a name, and no end"
answers "b'junk'"
run 1 ls "iscsi://$portal"
says "SendTargets: "
answers "N(b'iqn.2026-11.a:1\0/etc')"
run 1 ls "iscsi://$portal"
says "SendTargets: "
answers "$good + b'TargetName=iqn.2026-11.a:cut'"
run 1 ls "iscsi://$portal"
says "SendTargets: "

say "no end of a good answer"
! wait "$dripping" || fail "$(cat "$state/drip.out")"
grep -q "no complete answer within 10 s" "$state/drip.err" ||
	fail "$(cat "$state/drip.err")"
