# SPDX-License-Identifier: GPL-2.0-or-later
"""A target with an image, in a folder of its own, in which journeys are made."""
import ctypes
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import time

IQN = "iqn.2026-11.test.lunfs:fail"
SIZE = 4 << 20
BLOCK = 4096
FUSECTL = pathlib.Path("/sys/fs/fuse/connections")
BOUND = {"ls": 20, "mount": 60}		# seconds
LIMITS = ["--timeout", "3"]
SET_PDEATHSIG, SET_CHILD_SUBREAPER = 1, 36	# prctl(2)


def pattern(seed, size):
    return random.Random(seed).randbytes(size)


def die_with_parent():
    ctypes.CDLL(None).prctl(SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans():
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1)


def within(seconds, done):
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.003)
    return True


class World:
    def __init__(self, state, lunfs, target, target_options=()):
        self.lunfs, self.program = lunfs, target
        self.target_options = target_options
        self.dir = pathlib.Path(state, f"world-{os.getpid()}")
        self.mnt = self.dir / "mnt"
        self.mnt.mkdir(parents=True)
        self.image = self.dir / "image"
        self.base = pattern(0, SIZE)
        self.image.write_bytes(self.base)
        self.trigger = self.dir / "trigger"
        self.target, self.port = None, 0
        self.start_target()
        self.wanted = {}		# what commands print

    def start_target(self):
        self.target = subprocess.Popen(
            [self.program, "--listen", f"127.0.0.1:{self.port}", "--target",
             IQN, "--lun", f"file={self.image},serial=fail0",
             *self.target_options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
        line = self.target.stdout.readline().decode()
        self.port = int(line.rsplit(":", 1)[1])
        self.idle_fds = len(self.target_fds())

    def kill_target(self):
        self.target.kill()
        self.target.wait()
        self.target.stdout.close()

    def freeze(self):
        self.target.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.target.send_signal(signal.SIGCONT)

    def target_fds(self):
        return os.listdir(f"/proc/{self.target.pid}/fd")

    def portal(self):
        return f"iscsi://127.0.0.1:{self.port}"

    def url(self, lun="", host="127.0.0.1"):
        return f"iscsi://{host}:{self.port}/{IQN}{lun}"

    def left_on_target(self):
        if within(5, lambda: len(self.target_fds()) <= self.idle_fds):
            return []
        return ["a session is left on the target"]

    def mount_number(self):
        """Of the device that is mounted; None if there is none."""
        with open("/proc/self/mountinfo", "rb") as f:
            m = re.search(rb"(?m)^\d+ \d+ 0:(\d+) \S+ %s " %
                          re.escape(bytes(self.mnt)), f.read())
        return m and int(m[1])

    def mounted(self):
        return self.mount_number() is not None

    def unmount(self, *how):
        fuse = shutil.which("fusermount3")
        umount = [fuse, "-u"] if os.getuid() else ["umount"]
        return subprocess.run([*umount, *how, self.mnt], timeout=20,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False)

    def abort(self):
        """Ends the mount from outside: nobody stays stuck on it."""
        number = self.mount_number()
        try:
            if number is not None:
                (FUSECTL / f"{number}/abort").write_text("1")
        except OSError:
            pass


def exit_of(code, message, kind="lunfs"):
    """What is wrong with an exit code, given what was said on stderr; None if
    nobody could hear it."""
    if code < 0:
        return [f"{kind} died of {signal.Signals(-code).name}: {message}"]
    if code not in (0, 1):
        return [f"exit code {code}: {message}"]
    if message is None:
        return []
    if code == 1 and not re.search(r"(?m)^(lunfs|fusermount3): .", message):
        return [f"exit code 1 without a message: {message!r}"]
    if re.search(r"Sanitizer", message):
        return [message]
    return []
