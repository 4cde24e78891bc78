#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lunfs ls and info: the JSON that programs rely on, what it says of the LUNs,
# tables for people, and a list of targets that needs many PDUs.
. "${0%/*}/lib.sh"
require jq

lun_schema='def lun:
	(.lun | type == "number" or type == "string") and
	(.url | test("^iscsi://")) and (.size | type == "number") and
	(.block_size | type == "number") and
	([.vendor, .product, .revision, .serial] | all(type == "string")) and
	(.designators | type == "array" and all(type == "string")) and
	([.read_only, .thin] | all(type == "boolean")) and
	(.state | type == "string");'
ls_schema=$lun_schema'.targets | type == "array" and all(
	(.name | type == "string") and has("alias") and
	(.portals | type == "array" and length > 0 and all(
		(.address | type == "string") and (.port | type == "number") and
		(.tpgt | type == "number"))) and
	(.luns | type == "array" and all(lun)))'
info_schema=$lun_schema'lun and (.session |
	(.target | type == "string") and
	(.isid | type == "string") and has("tsih") and
	(.erl == 0) and (.state | type == "string") and
	(.negotiated | (.MaxBurstLength | type == "number") and
		has("InitialR2T") and has("ImmediateData") and
		has("FirstBurstLength") and has("HeaderDigest")) and
	(.connections | length == 1 and all(
		has("cid") and has("portal") and (.state | type == "string") and
		([.commands, .bytes_in, .bytes_out] | all(type == "number")))) and
	(.counters as $c | ["session_recoveries", "connection_recoveries",
		"tasks_reassigned", "tasks_retried", "snacks_sent",
		"header_digest_errors", "data_digest_errors", "task_timeouts",
		"nop_timeouts", "rejects", "async_messages"] |
		all($c[.] == 0)))'

# json SCHEMA COMMAND...: runs lunfs as a user; its answer stays in $state/out.
json()
{
	local schema=$1

	shift
	as_user "$lunfs" "$@" >"$state/out" || fail "lunfs $*: exit status $?"
	jq -e "$schema" "$state/out" >/dev/null ||
		fail "lunfs $*: not as DESIGN.md has it: $(cat "$state/out")"
}

holds()
{
	jq -e --arg t "$target" --argjson p "$port" "$1" "$state/out" \
		>/dev/null || fail "not true: $1: $(cat "$state/out")"
}

start_target "$1" "$(image 64M first)" "$(image 5M second)"

say "ls --json"
json "$ls_schema" ls --json "iscsi://$portal"
holds '.targets | length == 1 and .[0].name == $t'
holds '.targets[0].portals | any(.address == "127.0.0.1" and .port == $p)'
holds '[.targets[0].luns[] | select(.size > 0).size] == [67108864, 5242880]'
holds '.targets[0].luns | map(select(.size > 0).block_size) | all(. == 512)'

say "ls --json of one target"
json "$ls_schema" ls --json "iscsi://$portal/$target"
holds '.targets | length == 1 and .[0].name == $t'

say "info --json"
json "$info_schema" info --json "$(lun_url 1)"
holds '.size == 5242880 and .read_only == false and .session.target == $t'
holds '.lun == '"$(lun 1)"
url=$(jq -r .url "$state/out")
json "$info_schema" info --json "$url"

say "tables"
as_user "$lunfs" ls "iscsi://$portal" | tee "$state/out"
grep -q "$target" "$state/out" || fail "ls: no target name"
as_user "$lunfs" info "$(lun_url 0)" | tee "$state/out"
grep -q MaxBurstLength "$state/out" || fail "info: no negotiated keys"
stop_target

say "read-only"
start_target "$1" ro "$state/first"
json "$info_schema" info --json "$(lun_url 0)"
holds '.read_only == true'
stop_target

case $1 in
tgt)	many=300 ;;
lio)	many=5 ;;
istgt)	many=12 ;;
*)	many=5000 ;;
esac
say "$many targets"
start_target "$1" targets=$many "$state/first"
json "$ls_schema" ls --json "iscsi://$portal"
holds '.targets | length == '$many' and (map(.name) | unique | length) == '$many
