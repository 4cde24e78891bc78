#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The n-th allocation, or the n-th system call, fails: n = 1, 2, 3...

usage: test-fail.py JOURNEY [KIND[:N[+]]]

until the journey (see journeys.py) passes without any having failed. Kinds and
how they fail: failnth.c. Without LUNFS_FAIL=full in the environment, a sample
is tried: the first ones, then evenly. One KIND:N shows what happens there.

A program that was built with a sanitizer runs the journey with no failure: it
finds what leaks. Exit: 77 if something is missing.
Programs: from the environment, $LUNFS $LUNFS_TARGET $FAILNTH_LIB.
"""
import multiprocessing
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from journeys import JOURNEYS  # noqa: E402
from world import FUSECTL, World, adopt_orphans  # noqa: E402

# kind -> for ever, too. A call that is interrupted for ever makes no sense.
KINDS = {"alloc": (False, True), "crypto": (False,), "sys0": (False,),
         "sys1": (False,), "sys2": (False,), "fd": (True,),
         "sendmsg/1": (True,), "readv/2": (True,), "connect/0": (True,),
         "nofile": (False,)}
NOFILE_MOST = 24	# file descriptors that every journey can do with
# Of the calls of a kind: the first ones; of the others.
SAMPLE = {"ls": (6, 8), "ls-json": (2, 5), "info": (2, 5),
          "chap": (2, 5), "status": (2, 4), "retry": (2, 3),
          "mount": (1, 3), "restart": (1, 2), "portal": (1, 2), "pcap": (1, 2),
          "background": (1, 2)}
SAMPLE_OF_ENDINGS = 1, 2
WORKERS = 2
NOBODY = 65534


def leave_root(state):
    """Ordinary users mount through fusermount3; root sees less."""
    if os.getuid() == 0 and "LUNFS_FAIL_ROOT" not in os.environ:
        os.chmod(state, 0o1777)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.environ["HOME"] = str(state)
    os.environ["XDG_RUNTIME_DIR"] = str(state)


def programs(state):
    """Copies that every user may run."""
    copies = []
    for name in "LUNFS", "LUNFS_TARGET", "FAILNTH_LIB":
        copy = state / pathlib.Path(os.environ[name]).name
        shutil.copy(os.environ[name], copy)
        copy.chmod(0o755)
        copies.append(copy)
    return copies


def missing(journey):
    if journey in ("ls", "ls-json", "info", "chap", "term-login"):
        return None
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse cannot be opened"
    if not shutil.which("fusermount3"):
        return "no program 'fusermount3'"
    if journey == "abort" and not os.path.ismount(FUSECTL):
        return f"no fusectl on {FUSECTL}"
    return None


class Worker:
    """One in each process of the pool; it is made with the first attempt."""
    world = None

    @classmethod
    def begin(cls, *setting):
        cls.setting = setting

    @classmethod
    def look(cls):
        state, lunfs, target, cls.preload, journey = cls.setting
        leave_root(state)
        adopt_orphans()
        cls.journey = JOURNEYS[journey]
        cls.world = World(state, lunfs, target, cls.journey.target)
        wrong, message = cls.journey(cls.world, dict(os.environ))
        if wrong:
            raise RuntimeError(f"{journey}, nothing fails: {wrong} {message}")


def attempt(what):
    """Returns (what, report if something failed, calls, wrong, message)."""
    if not Worker.world:
        Worker.look()
    if not what:
        return None			# there is nothing to preload
    report = Worker.world.dir / "report"
    report.unlink(missing_ok=True)
    env = dict(os.environ, LD_PRELOAD=str(Worker.preload), FAILNTH=what,
               FAILNTH_REPORT=str(report))
    wrong, message = Worker.journey(Worker.world, env)
    text = report.read_text() if report.exists() else ""
    calls = max(map(int, re.findall(r"(?m)^calls (\d+)$", text)), default=0)
    return what, text if "hit " in text else None, calls, wrong, message


def points(calls, journey):
    first, more = SAMPLE.get(journey, SAMPLE_OF_ENDINGS)
    if os.environ.get("LUNFS_FAIL") == "full" or calls <= first + more:
        return range(1, calls + 1)
    step = (calls - first) / more
    return [*range(1, first + 1),
            *(first + round(step * (i + 1)) for i in range(more))]


def stack(report, kind):
    """The frames under a line of the report: (file, what, line)."""
    part = re.search(rf"(?ms)^{kind} .*?\n(.*?)(?=^hit|^crash|^calls|\Z)",
                     report or "")
    frames = re.findall(r"(?m)^(?:\S*/)?(\S+?)\((.*?)\)", part[1] if part
                        else "")
    return [f for f in frames if f[0] != "failnth.so"]


def ours(frames):
    """The innermost frame of the program itself: a return address, unless it
    is where the program crashed."""
    return next((f for f in frames if f[0] == "lunfs"), None)


def crash_of_library(report):
    """A library that dies of its own failed call, before it returns to us
    (glibc's getaddrinfo); or later, OpenSSL 3.0, whose initialization has
    failed half-way."""
    hit, crash = stack(report, "hit"), stack(report, "crash")
    if not hit or not crash:
        return False
    if ours(hit) and ours(hit) == ours(crash):
        return True
    return all(f[0][0].startswith("libcrypto") for f in
               ([g for g in frames if not g[0].startswith("libc.so")]
                for frames in (hit, crash)) if f)


def lines_of(report, program):
    """The report, with source lines in place of addresses."""
    for kind in "hit", "crash":
        frames = stack(report, kind)
        if not frames:
            continue
        head = re.search(rf"(?m)^{kind} .*", report)[0]
        yield f"  {head}"
        for file, what in frames:
            if file == "lunfs":
                what = subprocess.run(
                    ["addr2line", "-sfpe", program, what.split("+")[-1]],
                    stdout=subprocess.PIPE, text=True,
                    check=False).stdout.strip() or what
            yield f"    {file} {what}"
            if what.startswith("main "):
                break


class Sweep:
    def __init__(self, pool, journey):
        self.pool, self.journey = pool, journey
        self.tried = self.failed = self.excluded = 0

    def show(self, what, report, wrong, message):
        print(f"FAILED: {self.journey} {what}", *wrong, sep="\n  ")
        print(message)
        print(*lines_of(report, os.environ["LUNFS"]), sep="\n", flush=True)

    def judge(self, what, report, calls, wrong, message):
        self.tried += report is not None
        if wrong and "died" in wrong[0] and crash_of_library(report):
            self.excluded += 1
            if "LUNFS_FAIL_EXCLUDED" in os.environ:
                self.show(what, report, ["excluded"], message)
        elif wrong:
            self.failed += 1
            self.show(what, report, wrong, message)

    def kind(self, kind, forever):
        plus = "+" if forever else ""
        calls = NOFILE_MOST if kind == "nofile" else \
            self.pool.apply(attempt, (f"{kind}:1000000000",))[2]
        if not calls and kind == "sys0":
            raise RuntimeError(f"{self.journey}: no call of the kind {kind}")
        before = self.failed
        tries = [f"{kind}:{n}{plus}"
                 for n in points(calls, self.journey)]
        for result in self.pool.imap(attempt, tries):
            self.judge(*result)
        if os.environ.get("LUNFS_FAIL") == "full" and kind != "nofile":
            self.beyond(kind, plus, calls)
        print(f"{self.journey} {kind}{plus}: {calls} calls, {len(tries)} "
              f"tried, {self.failed - before} wrong", flush=True)

    def beyond(self, kind, plus, n):
        """The number of calls is not always the same: on to the end."""
        hit = True
        while hit:
            n += 1
            result = self.pool.apply(attempt, (f"{kind}:{n}{plus}",))
            hit = result[1]
            self.judge(*result)


def sweep(pool, journey, only):
    s = Sweep(pool, journey)
    if only and ":" in only:
        what, report, _, wrong, message = pool.apply(attempt, (only,))
        s.show(what, report, wrong, message)
        return len(wrong)
    for kind, modes in KINDS.items():
        for forever in modes:
            if only in (None, kind):
                s.kind(kind, forever)
    print(f"{journey}: {s.tried} failures, {s.failed} wrong, in {s.excluded} "
          "a library died")
    return s.failed


def main():
    journey, only = sys.argv[1], (sys.argv[2:] or [None])[0]
    reason = missing(journey)
    if reason:
        print(f"SKIPPED: {reason}", file=sys.stderr)
        return 77
    room = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    state = pathlib.Path(tempfile.mkdtemp(prefix="lunfs-fail.", dir=room))
    try:
        lunfs, target, failnth = programs(state)
        setting = state, lunfs, target, failnth, journey
        with multiprocessing.get_context("fork").Pool(
                WORKERS, Worker.begin, setting) as pool:
            if b"__asan_init" in lunfs.read_bytes():
                pool.apply(attempt, (None,))
                return 0
            return 1 if sweep(pool, journey, only) else 0
    finally:
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
