# SPDX-License-Identifier: GPL-2.0-or-later
# Somebody who has a LUN open, and does there what he is told.
# shellcheck shell=bash disable=SC2154
require python3

# open_lun FILE
open_lun()
{
	coproc user { as_user python3 -u -c '
import errno, mmap, os, sys

fd = os.open(sys.argv[1], os.O_RDWR)
dsync = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT | os.O_DSYNC)
page = mmap.mmap(-1, 4096)
for line in sys.stdin:
    try:
        if line == "write\n":
            os.pwrite(fd, b"x" * 4096, 8192)
        elif line == "fsync\n":
            os.fsync(fd)
        else:
            page[:] = line[0].encode() * 4096
            os.pwrite(dsync, page, 0)
        print("ok")
    except OSError as e:
        print(errno.errorcode[e.errno])
' "$1"; }
}

# ask COMMAND: write, fsync, or a character, to be written with O_DSYNC. Sets
# $answer: ok, or the error.
ask()
{
	echo "$1" >&"${user[1]}"
	read -r answer <&"${user[0]}"
}

# expect COMMAND ANSWER
expect()
{
	ask "$1"
	[ "$answer" = "$2" ] || fail "$1: $answer, not $2"
}

close_lun()
{
	local pid=$user_PID	# bash forgets it with its end

	exec {user[1]}>&-
	wait_until 30 gone_pid "$pid" || fail "who has it open does not end"
}
