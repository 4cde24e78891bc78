#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""That the comparison compares: all its numbers are there, and nothing stays.

What the numbers are does not matter here. Exit: 77 if something is missing.
Programs: from the environment, $LUNFS $LUNFS_TARGET $CEILING $MEMFS.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True

import report                                               # noqa: E402

HERE = pathlib.Path(__file__).parent
JOB = "randread-4k-q32"
FIGURES = ("mb_s", "iops", "mean_us", "p99_us", "cpu_s_gib", "cpu_us_op",
           "machine_busy")


def missing():
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse cannot be opened"
    for program in "fio", "fusermount3":
        if not shutil.which(program):
            return f"no program '{program}'"
    return None


def compare(clients, *args):
    env = os.environ
    return subprocess.run(
        [HERE / "compare", "--rounds=1", "--seconds=1", "--size=64",
         "--targets=own", "--digests=on", f"--clients={','.join(clients)}",
         "--lunfs", env["LUNFS"], "--target", env["LUNFS_TARGET"],
         "--ceiling", env["CEILING"], "--memfs", env["MEMFS"], *args],
        stdout=subprocess.PIPE, text=True, check=True, timeout=100).stdout


def check_measured(clients):
    out = json.loads(compare(clients, f"--jobs={JOB}", "--json"))
    [config] = out["configs"]
    job = config["jobs"][JOB]
    assert list(job) == clients, list(job)
    for client in clients:
        for name in FIGURES:
            value = job[client]["median"][name]
            # one tick of CPU time may be more than all that was used
            assert value > 0 or name.startswith("cpu"), (client, name, value)
        for base in set(job[client]["ratio"]):
            assert job[client]["ratio"][base]["mb_s"] > 0, (client, base)
    assert set(job["lunfs"]["ratio"]) == set(clients) - {"lunfs"}


def check_verified():
    out = compare(["lunfs"], "--verify", "--jobs=verify-64k-q16")
    assert "all 1024 blocks are right" in out, out


def check_noise():
    assert report.noise([4, None, 1, 2, 5, 3]) == 1
    assert report.noise([1]) is None


def main():
    check_noise()
    if missing():
        print(f"SKIPPED: {missing()}", file=sys.stderr)
        return 77
    clients = ["lunfs", "ceiling", "memfs"]
    if shutil.which("qemu-storage-daemon"):
        clients.insert(1, "qemu")
    check_measured(clients)
    check_verified()
    return 0


if __name__ == "__main__":
    sys.exit(main())
