#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Wrong usage is exit status 2 and a message on stderr; help is neither.
. "${0%/*}/lib.sh"

usage_error()
{
	local status=0

	"$lunfs" "$@" >"$state/out" 2>"$state/err" </dev/null || status=$?
	[ $status = 2 ] || fail "lunfs $*: exit status $status instead of 2"
	[ -s "$state/err" ] || fail "lunfs $*: no message"
	[ ! -s "$state/out" ] || fail "lunfs $*: writes to stdout"
}

usage_error
usage_error frobnicate
usage_error mount
usage_error mount iscsi://127.0.0.1
usage_error mount --no-such-option iscsi://127.0.0.1 "$mnt"
usage_error mount --timeout never iscsi://127.0.0.1 "$mnt"
usage_error ls --header-digest md5 iscsi://127.0.0.1
usage_error ls http://127.0.0.1
usage_error ls "iscsi://[::1/x"
usage_error ls iscsi://127.0.0.1:99999

"$lunfs" --help >"$state/out" 2>"$state/err" || fail "--help: exit status"
[ -s "$state/out" ] || fail "--help: nothing on stdout"
