#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sources slp://: agents in a network namespace, over real multicast. What they
# saw is in their log, one line for each request.
#
# usage: test-slp.sh agents|answers|hostile|mount
if [ -z "${SLP_NAMESPACE:-}" ]; then
	[ "$(id -u)" = 0 ] || {
		echo "SKIPPED: ${0##*/}: needs root: network namespaces" >&2
		exit 77
	}
	SLP_NAMESPACE=1 exec unshare -n "$0" "$@"
fi
. "${0%/*}/lib.sh"
require ip nsenter python3

me=iqn.2026-11.test:me
log=$state/requests.log
asked=$state/asked

# ------------------------------------------------------------ two hosts --

second_host v0 v1
ip addr add 10.77.0.100/24 brd + dev v0
ip -6 addr add fd77::100/64 dev v0 nodad
ip link set v0 up
for i in 1 2 3 4; do
	"${there[@]}" ip addr add "10.77.0.$i/24" brd + dev v1
	"${there[@]}" ip -6 addr add "fd77::$i/64" dev v1 nodad
done
"${there[@]}" ip link set v1 up

link_is_up()
{
	ip -6 addr show dev v0 scope link | matches inet6 &&
		! ip -6 addr show dev v0 | matches tentative
}
wait_until 10 link_is_up || fail "v0 does not come up"

# ---------------------------------------------------------------- agents --

agent_pid=''

# agents <<JSON: those before are gone.
agents()
{
	end_agents
	: >"$log"
	cat >"$state/agents.json"
	background agents.log "${there[@]}" python3 "$here/slp-agent.py" \
		"$state/agents.json" "$log"
	agent_pid=$started
	wait_until 60 grep -q ready "$state/agents.log" || fail "no agents"
}

end_agents()
{
	[ -z "$agent_pid" ] || end_pid "$agent_pid"
	agent_pid=''
}

# service HOST NAME [ATTRIBUTES]
service()
{
	cat <<-END
	{"url": "service:iscsi:target://$1/iqn.2026-11.test:$2",
	 "attrs": "(iscsi-name=iqn.2026-11.test:$2),${3:-(auth-name=any)}"}
	END
}

# find_slp [OPTION...] URL: "name portal,tpgt ..." for each target, sorted. The
# targets are not there: what SLP says is all that counts.
find_slp()
{
	: >"$log"
	as_user timeout 60 "$lunfs" ls --json --initiator-name "$me" \
		--slp wait=1 "$@" >"$state/ls.json" 2>"$state/ls.err" || true
	python3 - "$state/ls.json" <<-'END'
	import json, sys
	try:
	    r = json.load(open(sys.argv[1]))
	except ValueError:
	    sys.exit()
	for t in r["targets"]:
	    tag = lambda p: "" if p["tpgt"] is None else f",{p['tpgt']}"
	    print(t["name"].removeprefix("iqn.2026-11.test:"),
	          *sorted(f"{p['address']}:{p['port']}{tag(p)}"
	                  for p in t["portals"]))
	for e in r["errors"]:
	    print("error:", e["error"])
	END
}

# expect WHAT WANT COMMAND...: its output, lines joined by "; ".
expect()
{
	local what=$1 want=$2 got

	shift 2
	say "$what"
	got=$("$@" | paste -sd ';' | sed 's/;/; /g')
	[ "$got" = "$want" ] ||
		fail "$what: '$got' instead of '$want': $(tail -n 3 "$state/ls.err")"
}

# requests [KEY...]: of each request that the agents saw.
requests()
{
	python3 - "$log" "$@" <<-'END'
	import json, sys
	for line in open(sys.argv[1]):
	    r = json.loads(line)
	    if "bad" in r:
	        print("BAD", r["bad"])
	        continue
	    r["subject"] = r["subject"].split(":")[-1] if r["function"] == 1 \
	        else "attributes"
	    print(*(r[k] for k in sys.argv[2:]))
	END
}

# saw PATTERN KEY...: did the agents see such a request?
saw()
{
	local pattern=$1

	shift
	requests "$@" >"$asked"
	grep -q -e "$pattern" "$asked"
}

# -------------------------------------------------------------- searches --

# shows: 2608-6.1-01 2608-6.1-03 2608-8.1-01 2608-8.1-02 2608-6.3-02
# shows: 4018-5.2-04 4018-5.2-05 4018-5.2-06 4018-5.2-07 2608-6-01 2608-6-02
# shows: 2608-11.1-01 2608-11.2-01 2608-8.5-01 4018-4.1.3-01 2608-12.3-01
test_agents()
{
	agents <<-END
	[{"address": "10.77.0.1", "role": "sa", "services": [
	  $(service 10.77.0.1 mine "(auth-name=$me,iqn.2026-11.test:x),(portal-group=1)"),
	  $(service 10.77.0.2:3261 mine "(auth-name=$me),(portal-group=2)"),
	  $(service 10.77.0.1 other "(auth-name=iqn.2026-11.test:you)")]},
	 {"address": "10.77.0.2", "role": "sa", "services": [
	  $(service 10.77.0.2 Any "(auth-name=any),(boot-list=$me)")]},
	 {"address": "10.77.0.3", "role": "sa", "mute": 1, "services": [
	  $(service 10.77.0.3 late "(auth-name=ANY),(auth-cred=chap/A\\\\28b\\\\29)"),
	  $(service 10.77.0.3 sctp "(auth-name=any),(transports=sctp)")]},
	 {"address": "10.77.0.4", "role": "sa", "scopes": ["LAB", "a,b"],
	  "services": [$(service 10.77.0.4 lab)]}]
	END
	expect "by multicast" \
		"any 10.77.0.2:3260; late 10.77.0.3:3260; mine 10.77.0.1:3260,1 10.77.0.2:3261,2" \
		find_slp slp://
	requests how ttl flags lang spi subject | grep multicast | sort -u \
		>"$asked"
	[ "$(cat "$asked")" = "multicast 255 8192 en  target" ] ||
		[ "$(grep -v directory "$asked")" = \
			"multicast 255 8192 en  target" ] ||
		fail "multicast requests: $(cat "$asked")"
	saw '^10.77.0.3 10.77.0.[12],10.77.0.[12] target' agent prlist subject ||
		fail "no previous responders"
	! saw '^427$' port || fail "requests come from port 427"
	saw "^(|(auth-name=$me)(auth-name=any))\$" what ||
		fail "the query: $(cat "$asked")"

	expect "a time to live, an interface" "any 10.77.0.2:3260; late 10.77.0.3:3260; mine 10.77.0.1:3260,1 10.77.0.2:3261,2" \
		find_slp --slp ttl=3 --slp interfaces=v0 slp://
	requests how ttl | grep multicast | sort -u >"$asked"
	[ "$(cat "$asked")" = "multicast 3" ] || fail "ttl: $(cat "$asked")"

	expect "another scope" "lab 10.77.0.4:3260" find_slp "slp://?scope=lab"
	expect "an escaped scope" "lab 10.77.0.4:3260" \
		find_slp "slp://?scope=a%2cb"
	saw '^a\\2cb$' scopes || fail "scopes: $(cat "$asked")"
	expect "to boot from" "any 10.77.0.2:3260" \
		find_slp --slp query=boot slp://
	expect "all of them, asked of one" \
		"mine 10.77.0.1:3260,1 10.77.0.2:3261,2; other 10.77.0.1:3260" \
		find_slp --slp query=all slp://10.77.0.1
	! saw multicast how || fail "multicast in spite of an agent"
	printf 'username=a(b)\npassword=aaaaaaaaaaaa\n' >"$state/cred"
	chmod 600 "$state/cred"
	chown 65534:65534 "$state/cred"
	expect "by credentials" "late 10.77.0.3:3260" find_slp \
		--credentials "$state/cred" --slp query=credentials \
		slp://10.77.0.3
	saw 'auth-cred=chap/a\\28b\\29)' what || fail "$(cat "$asked")"

	agents <<-END
	[{"address": "10.77.0.1", "role": "da", "scopes": ["default", "x"],
	  "services": [$(service 10.77.0.1 one), $(service 10.77.0.2 one),
		{"url": "service:iscsi:sms://10.77.0.1", "attrs": "(auth-name=any)"}]},
	 {"address": "10.77.0.2", "role": "da", "scopes": ["LAB"],
	  "services": [$(service 10.77.0.1 lab)]},
	 {"address": "10.77.0.3", "role": "da", "boot": 0,
	  "services": [$(service 10.77.0.1 down)]},
	 {"address": "10.77.0.4", "role": "sa",
	  "services": [$(service 10.77.0.4 four)]}]
	END
	expect "a directory agent" "one 10.77.0.1:3260 10.77.0.2:3260" \
		find_slp slp://
	! saw '10.77.0.4 multicast target' agent how subject ||
		fail "everybody is asked in spite of a directory agent"
	! saw '10.77.0.[23] unicast' agent how ||
		fail "a directory agent without the scope, or going down"
	expect "whatever scopes there are" \
		"lab 10.77.0.1:3260; one 10.77.0.1:3260 10.77.0.2:3260" \
		find_slp "slp://?scope=*"
	expect "the second agent" "lab 10.77.0.1:3260" find_slp \
		--slp agents=10.77.0.99,10.77.0.2 --slp search=none \
		"slp://?scope=LAB"
	! saw multicast how || fail "multicast in spite of none"
	expect "a scope that is not there" \
		"error: SLP agent 10.77.0.1:427: SCOPE_NOT_SUPPORTED (4): scope LAB" \
		find_slp "slp://10.77.0.1?scope=LAB"
	end_agents
	expect "nobody" "error: SLP: no agent has answered for scope DEFAULT" \
		find_slp slp://
}

# 60 targets do not fit into a datagram; nor do attributes. shows: 2608-6.1-02
# shows: 4018-4.1-01 2608-6.2-01 2608-7-01 2608-6.3-01 2608-9.1-01 4018-6-01
test_answers()
{
	local i many='' want=''

	for i in {10..69}; do
		many+="${many:+,}$(service 10.77.0.1 "t$i")"
		want+="${want:+; }t$i 10.77.0.1:3260"
	done
	agents <<-END
	[{"address": "10.77.0.1", "role": "sa", "services": [$many]},
	 {"address": "10.77.0.2", "role": "sa", "overflow": true,
	  "dribble": true, "scopes": ["TWO"], "services": [$many]},
	 {"address": "10.77.0.3", "role": "sa", "tcp": false,
	  "scopes": ["THREE"], "attributes": false, "services": [$many]},
	 {"address": "fd77::1", "role": "sa", "scopes": ["SIX"],
	  "services": [$(service '[fd77::1]' six)]},
	 {"address": "fd77::2", "role": "da", "scopes": ["SIXDA"],
	  "services": [$(service '[fd77::2]:99' sixda)]},
	 {"address": "10.77.0.4", "role": "sa", "scopes": ["FOUR"], "mute": 1,
	  "broadcast": true, "busy": 1, "services": [$(service 10.77.0.4 four)]}]
	END
	expect "all over TCP" "$want" find_slp slp://10.77.0.1
	[ "$(requests how xid subject | grep -v attributes | cut -d' ' -f2 |
		sort -u | wc -l)" = 1 ] || fail "another XID over TCP"
	expect "all over TCP, found by multicast" "$want" find_slp slp://
	saw 'tcp 0 target' how flags subject || fail "no TCP"
	expect "over TCP in single bytes" "$want" find_slp "slp://?scope=two"

	say "a part of it, without TCP"
	i=$(find_slp "slp://10.77.0.3?scope=three" | wc -l)
	[ "$i" -ge 5 ] && [ "$i" -lt 30 ] || fail "$i targets"
	grep -q "does not give it over TCP: only a part is used" \
		"$state/ls.err" || fail "nothing said: $(cat "$state/ls.err")"

	expect "IPv6" "six fd77::1:3260" find_slp "slp://?scope=SIX"
	expect "IPv6, one agent" "six fd77::1:3260" \
		find_slp "slp://[fd77::1]?scope=SIX"
	expect "IPv6, a directory agent" "sixda fd77::2:99" \
		find_slp "slp://?scope=SIXDA"
	expect "deaf and busy at first" "four 10.77.0.4:3260" \
		find_slp --slp wait=2 "slp://10.77.0.4?scope=FOUR"
	[ "$(requests subject | grep -c target)" = 3 ] ||
		fail "$(requests subject)"
	expect "by broadcast" "four 10.77.0.4:3260" \
		find_slp --slp search=broadcast "slp://?scope=FOUR"
	saw broadcast how || fail "no broadcast"

	agents <<-END
	[{"address": "10.77.0.1", "role": "sa", "services": [
	  $(service 10.77.0.1 in), $(service 10.77.99.1 out),
	  $(service 10.77.99.2 in), $(service evil.example out)]}]
	END
	expect "only where we may go" "in 10.77.0.1:3260" find_slp \
		--discovery-allow 10.77.0.0/24,good.example slp://10.77.0.1
	grep -q '10.77.99.1: left out: discovery-allow' "$state/ls.err" ||
		fail "no reason: $(cat "$state/ls.err")"
}

# hex FUNCTION FLAGS BODY: a message with the XID of the request.
hex()
{
	printf '02%02x%06x%04x000000XXXX0002656e%s' "$1" \
		$((16 + ${#3} / 2)) "$2" "$3"
}

# url_hex TEXT...: a SrvRply's body, escapes as of printf.
url_hex()
{
	local u len

	printf '0000%04x' $#
	for u; do
		u=$(printf "$u" | od -An -v -tx1 | tr -d ' \n')
		len=$((${#u} / 2))
		printf '00012c%04x%s00' "$len" "$u"
	done
}

# Whatever agents say becomes an error or is left out, and never a path.
test_hostile()
{
	local good=service:iscsi:target://10.77.0.1/iqn.2026-11.test:good
	local base=service:iscsi:target://10.77.0.1 i

	agents <<-END
	[{"address": "10.77.0.1", "role": "sa", "raw": [
	  "$(hex 2 0 "$(url_hex "$base/../../../etc/passwd" "$base/.." "$base/" \
		"$base/iqn.2026-11.test:a\\\\2fb" "$base/iqn.2026-11.test:a\\\\00" \
		"$base/iqn.2026-11.test:a\\000/x" "$base/iqn.2026-11.test:\\033[2J" \
		"$base/iqn.2026-11.test:a\\nb" "$good" "http://10.77.0.1/" \
		"service:iscsi:sms://10.77.0.1" "$base:0/iqn.2026-11.test:p" \
		"service:iscsi:target://-o/iqn.2026-11.test:h" "" "$good")")"]},
	 {"address": "10.77.0.2", "role": "sa", "raw": [
	  "", "02", "0202", "$(hex 2 0 '')", "$(hex 2 0 0000ffff)",
	  "$(hex 2 0 "0000000100012cffff41")", "$(hex 2 0 000000010001)",
	  "01020000", "$(hex 2 0 "$(url_hex "$good")" | sed s/^02/01/)",
	  "$(hex 2 0 "000000010001000001410100020fff")",
	  "$(hex 2 0 "0000000040010000000000" | sed 's/000000XXXX/000014XXXX/')",
	  "$(hex 77 0 00000000)", "$(hex 8 0 00000000)",
	  "$(hex 2 0 "$(url_hex "$good")" | sed s/XXXX/0000/)"]},
	 {"address": "10.77.0.3", "role": "sa", "raw": [
	  "$(hex 2 32768 00000000 | sed 's/^0202....../0202ffffff/')"]}]
	END
	expect "names that are none" "good 10.77.0.1:3260" \
		find_slp slp://10.77.0.1
	[ "$(grep -c 'left out' "$state/ls.err")" = 10 ] ||
		fail "$(cat "$state/ls.err")"
	LC_ALL=C grep -q $'[\001-\010\013-\037]' "$state/ls.err" &&
		fail "control characters in messages"
	expect "messages that are none" \
		"error: SLP agent 10.77.0.2:427: no answer in 1 s" \
		find_slp slp://10.77.0.2
	say "a length that lies, over TCP"
	find_slp slp://10.77.0.3 >"$asked"
	grep -q "only a part is used: .*a length of 16777215" "$state/ls.err" ||
		fail "$(cat "$asked" "$state/ls.err")"

	say "10,000 targets"
	python3 - >"$state/many.json" <<-END
	import json
	print(json.dumps([{"address": "10.77.0.1", "role": "sa",
	    "attributes": False, "services": [
	        {"url": f"service:iscsi:target://10.77.0.1/iqn.2026-11.test:{i}",
	         "attrs": "(auth-name=any)"} for i in range(10000)]}]))
	END
	agents <"$state/many.json"
	i=$(find_slp --slp wait=20 slp://10.77.0.1 | wc -l)
	[ "$i" = 10000 ] || fail "$i targets of 10000"
}

# own_target NAME OPTION...: one of ours, there.
own_target()
{
	background "own-$1.log" "${there[@]}" "$state/bin/lunfs-target" \
		--target "iqn.2026-11.test:$1" --lun "file=$state/image0" \
		"${@:2}"
	wait_until 60 grep -q listening "$state/own-$1.log" || fail "no target"
}

# An agent of many targets, for each of which it takes its time: not so long that
# a question would not be answered, but all of them together are too much.
ask_slow_agent()
{
	as_user timeout 60 "$lunfs" ls --timeout 1 --slp wait=3 \
		slp://10.77.0.4 >"$state/slow.out" 2>"$state/slow.err" || true
	grep -q "slp://10.77.0.4: no complete answer within 10 s" \
		"$state/slow.err" || fail "$(cat "$state/slow.err")"
}

attempts()
{
	[ "$(grep -c 'secret: conn 1: IN_LOGIN' "$state/mount.log")" = "$1" ]
}

# A target that SLP tells of, mounted; and one that wants to know who we are: it
# is shown twice and at two portals, and asked once, until the user says so.
# shows: 4018-6-01 4018-6.1-01 4018-5.2-01 7143-4.2.7-90
test_mount()
{
	local data=$state/data secret many slow

	require_fuse
	image 16M image0 >/dev/null
	dd if=/dev/urandom of="$state/image0" bs=1M count=16 status=none
	own_target disk --listen 10.77.0.1:3260
	own_target secret --chap user:aaaaaaaaaaaa --listen 10.77.0.1:3270 \
		--listen 10.77.0.2:3270
	secret=$(service 10.77.0.1:3270 secret "(auth-name=any),(auth-cred=any,chap/x)")
	secret+=,$(service 10.77.0.2:3270 secret "(auth-name=any)")
	many=$(python3 -c 'import json
print(json.dumps([{"url": f"service:iscsi:target://10.77.0.4/iqn.2026-11.test:{i}",
    "attrs": "(auth-name=any)"} for i in range(400)]))')
	agents <<-END
	[{"address": "10.77.0.1", "role": "da", "services": [$secret,
	  $(service 10.77.0.1 disk "(auth-name=any),(alias=Of SLP),(portal-group=1)"),
	  $(service 10.77.0.1:3270/x secret "(auth-name=any)")]},
	 {"address": "10.77.0.2", "role": "sa", "services": [$secret]},
	 {"address": "10.77.0.4", "role": "sa", "unlistening": true,
	  "slow": 0.06, "services": $many}]
	END
	say "no agent is asked unless SLP is a source"
	"$lunfs" ls iscsi://10.77.0.1 >"$state/out" || fail "ls"
	! "$lunfs" ls --timeout 1 isns://10.77.0.1 2>"$state/err" ||
		fail "an iSNS server"
	[ ! -s "$log" ] || fail "$(cat "$log")"

	ask_slow_agent &
	slow=$!

	say "mount"
	mounts+=("$mnt")
	as_user timeout 60 "$lunfs" mount -f -v --slp wait=3 slp:// \
		slp://10.77.0.2 "$mnt" 2>"$state/mount.log" &
	wait_until 30 as_user test -e "$mnt/iqn.2026-11.test:disk/lun0" ||
		fail "$(cat "$state/mount.log")"
	as_user cat "$mnt/iqn.2026-11.test:disk/lun0" >"$data"
	cmp "$data" "$state/image0" || fail "other data"

	say "a target that refuses us is left alone"
	attempts 1 || fail "$(grep IN_LOGIN "$state/mount.log")"
	as_user "$lunfs" retry "$mnt" || fail "lunfs retry"
	wait_until 30 attempts 2 || fail "not even when the user says so"
	unmount_lunfs "$mnt"
	wait "$slow" || fail "$(cat "$state/slow.err")"
}

case $1 in
agents | answers | hostile | mount)	"test_$1" ;;
*)	fail "usage: $0 agents|answers|hostile|mount" ;;
esac
