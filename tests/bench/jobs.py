# SPDX-License-Identifier: GPL-2.0-or-later
"""The jobs of the comparison, and fio.

A job is what fio does on a file. The ceiling of the target has no file, so
that each job names what the ceiling does in its place: the same if the job is
direct I/O; 1 MiB at depth 8, thus the best that the target can stream, if the
page cache is between (then there is no latency to compare).
"""
import json
import subprocess

KIB, MIB = 1 << 10, 1 << 20
STREAM_BS, STREAM_DEPTH = MIB, 8


class Job:
    def __init__(self, name, rw, bs, depth, buffered=False, once=False):
        self.name, self.rw, self.bs, self.depth = name, rw, bs, depth
        self.buffered = buffered
        # all of it, if there is time; a buffered read: then it is cached
        self.once = once or (buffered and not self.writes)

    @property
    def writes(self):
        return "write" in self.rw

    @property
    def ceiling(self):
        """rw, bs, depth of the ceiling."""
        if self.buffered:
            return self.rw, STREAM_BS, STREAM_DEPTH
        return self.rw, self.bs, self.depth

    def fio_options(self, size, seconds):
        engine = "psync" if self.depth == 1 else "libaio"
        options = [f"--name={self.name}", f"--rw={self.rw}", f"--bs={self.bs}",
                   f"--ioengine={engine}", f"--iodepth={self.depth}",
                   f"--direct={int(not self.buffered)}", f"--size={size}",
                   f"--runtime={seconds}"]
        if self.rw.startswith("rand"):
            options += ["--norandommap=1"]
        if self.buffered and self.writes:
            options += ["--end_fsync=1"]
        if not self.once:
            options += ["--time_based=1"]
        return options


JOBS = [
    Job("read-1m-q1", "read", MIB, 1),
    Job("read-1m-q8", "read", MIB, 8),
    Job("bufread-1m", "read", MIB, 1, buffered=True),
    Job("write-1m-q8", "write", MIB, 8),
    Job("randread-4k-q1", "randread", 4 * KIB, 1),
    Job("randread-4k-q32", "randread", 4 * KIB, 32),
    Job("randwrite-4k-q32", "randwrite", 4 * KIB, 32),
    Job("bufwrite-4k", "write", 4 * KIB, 1, buffered=True),
]

# In a virtual machine the first touch of memory is slow: the client's, and all
# that the kernel and the target have for it. It is not measured.
WARM_UP = Job("warm-up", "read", MIB, 32, once=True)
WARM_UP_SECONDS = 10

# The first has one write in flight, for comparison; the others several.
VERIFY_JOBS = [
    Job("verify-64k-q1", "randwrite", 64 * KIB, 1),
    Job("verify-4k-q32", "randwrite", 4 * KIB, 32),
    Job("verify-64k-q16", "randwrite", 64 * KIB, 16),
    Job("verify-1m-q8", "write", MIB, 8),
]
VERIFY_SIZE_MAX = 128 * MIB


class JobFailed(Exception):
    pass


def fio(path, options, cwd, timeout):
    """The first job of fio's JSON, and what fio said on stderr."""
    escaped = str(path).replace(":", "\\:")
    run = subprocess.run(
        ["fio", f"--filename={escaped}", "--output-format=json", "--eta=never",
         "--thread=1", "--allow_file_create=0", "--fallocate=none", *options],
        cwd=cwd, capture_output=True, text=True, timeout=timeout)
    start = run.stdout.find("{\n")      # notes come first
    if start < 0:
        raise JobFailed(f"fio: {run.stdout}{run.stderr}")
    jobs = json.loads(run.stdout[start:])["jobs"]
    if not jobs:
        raise JobFailed(f"fio: {run.stderr}")
    return jobs[0], run.stderr


def run_fio(job, path, size, seconds, cwd):
    """What a client does in a job, without its CPU time."""
    result, text = fio(path, job.fio_options(size, seconds), cwd,
                       timeout=seconds * 5 + 120)
    if result["error"]:
        raise JobFailed(f"{job.name}: error {result['error']}: {text}")
    io = result["write" if job.writes else "read"]
    clat = io["clat_ns"]
    return {
        "bytes": io["io_bytes"],
        "ops": io["total_ios"],
        "seconds": io["runtime"] / 1e3,
        "mean_us": clat["mean"] / 1e3,
        "p99_us": clat["percentile"]["99.000000"] / 1e3,
    }


def run_verify(job, path, size, cwd):
    """Writes, reads back. How many blocks are there, and are wrong."""
    size = min(size, VERIFY_SIZE_MAX)
    engine = ["--ioengine=libaio", f"--iodepth={job.depth}", "--direct=1"]
    result, text = fio(
        path, [f"--name={job.name}", f"--rw={job.rw}", f"--bs={job.bs}",
               f"--size={size}", *engine, "--verify=crc32c", "--do_verify=1",
               "--verify_fatal=0", "--continue_on_error=verify",
               "--verify_dump=0", "--verify_state_save=0"],
        cwd, timeout=600)
    if result["error"] and not result.get("total_err"):
        raise JobFailed(f"{job.name}: error {result['error']}: {text}")
    return {"blocks": size // job.bs, "wrong": result.get("total_err", 0)}


def run_ceiling(job, program, portal, target, lun, digests, seconds):
    """The same for the ceiling; operations are counted in the job's size."""
    rw, bs, depth = job.ceiling
    flags = ["--header-digest", "--data-digest"] if digests else []
    host, port = portal
    run = subprocess.run(
        [program, "--rw", rw, "--bs", str(bs), "--depth", str(depth),
         "--seconds", str(seconds), *flags, host, str(port), target, str(lun)],
        capture_output=True, text=True, timeout=seconds * 5 + 60)
    if run.returncode:
        raise JobFailed(run.stderr.strip())
    result = json.loads(run.stdout)
    if job.buffered:
        result["ops"] = result["bytes"] // job.bs
        result["mean_us"] = result["p99_us"] = None
    return result
