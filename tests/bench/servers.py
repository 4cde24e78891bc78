# SPDX-License-Identifier: GPL-2.0-or-later
"""What the comparison starts: processes, targets. All of it ends with Place.

Place is a private folder on a tmpfs, for LUNs, logs, sockets and mounts.
Whatever was started in it is ended in reverse order, by process id.
"""
import contextlib
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HOST = "127.0.0.1"
TICKS = os.sysconf("SC_CLK_TCK")
CHUNK = 1 << 20

# tgtd allocates a buffer for each command. With glibc's defaults one of 1 MiB
# is mapped and unmapped each time, and its page faults cost more than all the
# rest; what is compared then is the target's allocator. Targets only.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30),
               "MALLOC_TRIM_THRESHOLD_": str(1 << 32)}


class Failed(Exception):
    pass


def find(program):
    """The path of a program; tgt's are in sbin."""
    path = shutil.which(program, path=os.environ.get("PATH", os.defpath) +
                        ":/usr/sbin:/sbin")
    if not path:
        raise Failed(f"no program '{program}'")
    return path


def wait_until(done, seconds, what, process=None):
    end = time.monotonic() + seconds
    while not done():
        if process and process.poll() is not None:
            raise Failed(f"{what}: exit status {process.returncode}")
        if time.monotonic() > end:
            raise Failed(f"{what}: not in {seconds} s")
        time.sleep(0.02)


def cpu_seconds(pid):
    """User and system time of all threads, also of those that ended."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Machine:
    """How many of its processors work, for whomever, since this was made."""

    def __init__(self):
        self.start = self.times()

    @staticmethod
    def times():
        line = pathlib.Path("/proc/stat").read_text().splitlines()[0]
        user, nice, system, idle, wait, irq, softirq, steal = \
            map(int, line.split()[1:9])
        busy = user + nice + system + irq + softirq
        return busy, busy + idle + wait + steal

    def busy(self):
        busy, total = (b - a for a, b in zip(self.start, self.times()))
        return os.cpu_count() * busy / total if total else 0.0


def end(process, sig=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(sig)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def mounted(path):
    mounts = pathlib.Path("/proc/self/mountinfo").read_text()
    return f" {path} " in mounts


def unmount(path):
    """Politely; else out of everybody's sight."""
    for command in ["fusermount3", "-u"], ["fusermount3", "-u", "-z"]:
        if not mounted(path):
            return
        subprocess.run([*command, str(path)], stderr=subprocess.DEVNULL)


class Place(contextlib.ExitStack):
    def __init__(self):
        super().__init__()
        on = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="lunfs-bench.",
                                                  dir=on))
        self.callback(shutil.rmtree, self.path, ignore_errors=True)

    def start(self, name, *command, sig=signal.SIGTERM, env=()):
        """A process with a log of its own, which ends before Place does."""
        with open(self.path / f"{name}.log", "wb") as log:
            process = subprocess.Popen(
                [str(c) for c in command], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, env=dict(os.environ, **dict(env)))
        self.callback(end, process, sig)
        return process

    def log(self, name):
        return (self.path / f"{name}.log").read_text(errors="replace")[-2000:]

    def image(self, size):
        """A LUN: a file that holds something everywhere."""
        path = self.path / "lun.raw"
        data = random.Random(1).randbytes(CHUNK)
        with open(path, "wb") as f:
            for at in range(0, size, CHUNK):
                f.write(data[:size - at])
        return path


def free_port():
    """Below those that the kernel gives to clients."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as s:
            with contextlib.suppress(OSError):
                s.bind((HOST, port))
                return port


def listens(port):
    with socket.socket() as s:
        return s.connect_ex((HOST, port)) == 0


class Target:
    """A running target with one LUN: portal, name, lun."""

    def __init__(self, kind):
        self.kind = kind
        self.name = f"iqn.2026-11.test.lunfs:bench-{kind}"
        self.portal = HOST, free_port()

    @property
    def url(self):
        return f"iscsi://{HOST}:{self.portal[1]}/{self.name}/{self.lun}"

    def cpu(self):
        return cpu_seconds(self.process.pid)


def start_tgt(place, image, options):
    target = Target("tgt")
    target.lun = 1              # tgt has its controller at LUN 0
    port = target.portal[1]
    env = {"TGT_IPC_SOCKET": str(place.path / "tgtd.socket"), **KEEP_MEMORY}

    def admin(*args):
        return subprocess.run(
            [find("tgtadm"), "-C", str(port), "--lld", "iscsi", *args],
            env=dict(os.environ, **env), capture_output=True, text=True)

    def must(*args):
        run = admin(*args)
        if run.returncode:
            raise Failed(f"tgtadm {' '.join(args)}: {run.stderr}")

    # It does not end on SIGTERM while it has targets.
    target.process = place.start(
        "tgt", find("tgtd"), "-f", "-C", port, "--iscsi",
        f"portal={HOST}:{port}", sig=signal.SIGKILL, env=env)
    wait_until(lambda: admin("--mode", "sys", "--op", "show").returncode == 0,
               20, "tgtd", target.process)
    must("--mode", "target", "--op", "new", "--tid", "1", "-T", target.name)
    must("--mode", "logicalunit", "--op", "new", "--tid", "1", "--lun", "1",
         "-b", str(image))
    for key in "HeaderDigest", "DataDigest":    # it leaves the choice to us
        must("--mode", "target", "--op", "update", "--tid", "1", "--name", key,
             "--value", "CRC32C,None")
    must("--mode", "target", "--op", "bind", "--tid", "1", "-I", "ALL")
    wait_until(lambda: listens(port), 20, "tgtd", target.process)
    return target


def start_own(place, image, options):
    target = Target("own")
    target.lun = 0
    port = target.portal[1]
    target.process = place.start(
        "own", options.target, "--listen", f"{HOST}:{port}", "--target",
        target.name, "--lun", f"file={image}", "--key", "MaxConnections=4",
        env=KEEP_MEMORY)
    wait_until(lambda: listens(port), 20, "lunfs-target", target.process)
    return target


TARGETS = {"tgt": start_tgt, "own": start_own}
