# SPDX-License-Identifier: GPL-2.0-or-later
"""The journeys of test-fail.py: what lunfs is made to do, and what must hold.

A World is a target with an image, in a folder of its own. A journey is run in
it with the environment that makes a call fail, and says what was wrong: a list
of sentences, empty if all is well. What must hold, whatever failed:

- lunfs ends in time, by itself, with 0 or with 1 and a message;
- 0 from ls and info: the output is the one that they give without failures;
- what was read is what is there; what was written and fsynced is on the
  image; nothing else on the image has changed;
- nothing is left: no mount, no session on the target.
"""
import ctypes
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

IQN = "iqn.2026-11.test.lunfs:fail"
SIZE = 4 << 20
BLOCK = 4096
WRITES = (2 << 20, 16 * BLOCK), (3 << 20, BLOCK)	# where, how much
BOUND = {"ls": 20, "mount": 60}		# seconds
LIMITS = ["--timeout", "3"]
SHORT_OUTAGE = ["--outage", "wait:5"]
# Differs from one session to the next.
VOLATILE = re.compile(rb'"(isid|tsih|bytes_in|bytes_out|commands)": *[^,}]*')


def pattern(seed, size):
    return random.Random(seed).randbytes(size)


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def within(seconds, done):
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.003)
    return True


class World:
    def __init__(self, state, lunfs, target):
        self.lunfs, self.program = lunfs, target
        self.dir = pathlib.Path(state, f"world-{os.getpid()}")
        self.mnt = self.dir / "mnt"
        self.mnt.mkdir(parents=True)
        self.image = self.dir / "image"
        self.base = pattern(0, SIZE)
        self.image.write_bytes(self.base)
        self.trigger = self.dir / "trigger"
        self.target, self.port = None, 0
        self.start_target()
        self.wanted = {}		# what ls and info print

    def start_target(self):
        self.target = subprocess.Popen(
            [self.program, "--listen", f"127.0.0.1:{self.port}", "--target",
             IQN, "--lun", f"file={self.image},serial=fail0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
        line = self.target.stdout.readline().decode()
        self.port = int(line.rsplit(":", 1)[1])
        self.idle_fds = len(self.target_fds())

    def kill_target(self):
        self.target.kill()
        self.target.wait()
        self.target.stdout.close()

    def target_fds(self):
        return os.listdir(f"/proc/{self.target.pid}/fd")

    def url(self, lun="", host="127.0.0.1"):
        return f"iscsi://{host}:{self.port}/{IQN}{lun}"

    def left_on_target(self):
        if within(5, lambda: len(self.target_fds()) <= self.idle_fds):
            return []
        return ["a session is left on the target"]

    def mounted(self):
        with open("/proc/self/mountinfo", "rb") as f:
            return b" %s " % bytes(self.mnt) in f.read()

    def unmount(self, *how):
        fuse = shutil.which("fusermount3")
        umount = [fuse, "-u"] if os.getuid() else ["umount"]
        return subprocess.run([*umount, *how, self.mnt], timeout=20,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False)


def exit_of(code, message, kind="lunfs"):
    """What is wrong with an exit code, given what was said on stderr."""
    if code < 0:
        return [f"{kind} died of {signal.Signals(-code).name}: {message}"]
    if code not in (0, 1):
        return [f"exit code {code}: {message}"]
    if code == 1 and not re.search(r"(?m)^(lunfs|fusermount3): .", message):
        return [f"exit code 1 without a message: {message!r}"]
    if re.search(r"Sanitizer", message):
        return [message]
    return []


# ---------------------------------------------------------------- ls, info --

def one_shot(world, env, name, args):
    try:
        p = subprocess.run([world.lunfs, *args, *LIMITS], env=env,
                           stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=BOUND["ls"], check=False)
    except subprocess.TimeoutExpired as e:
        return [f"hangs: {(e.stderr or b'').decode()}"], ""
    message = p.stderr.decode(errors="replace")
    wrong = exit_of(p.returncode, message)
    out = VOLATILE.sub(rb'"\1": 0', p.stdout)
    if "--json" in args and p.returncode == 0:
        out = json.dumps(json.loads(out)).encode()	# however indented
    if "FAILNTH" not in env:
        world.wanted[name] = out
    if p.returncode == 0 and out != world.wanted[name]:
        wrong.append(f"exit code 0, but the output is {out.decode()!r}")
    return wrong + world.left_on_target(), message


def ls(world, env):
    return one_shot(world, env, "ls",
                    ["ls", f"iscsi://127.0.0.1:{world.port}"])


def ls_json(world, env):
    return one_shot(world, env, "ls-json",
                    ["ls", "--json", f"iscsi://127.0.0.1:{world.port}"])


def info(world, env):
    return one_shot(world, env, "info",
                    ["info", "--json", world.url("/0", "localhost")])


# ------------------------------------------------------------------- mount --

class Client:
    """Uses the mount, in a process that may be lost to a hang."""

    def __init__(self, world, seed, restart):
        self.world, self.seed = world, seed
        self.results = world.dir / "results"
        self.results.write_text("")
        self.pid = os.fork()
        if self.pid == 0:
            try:
                die_with_parent()
                self.work(restart)
            finally:
                os._exit(0)

    def note(self, what, result="ok"):
        with self.results.open("a") as f:
            print(json.dumps([what, result]), file=f)

    def step(self, what, fn, *args):
        try:
            result = fn(*args)
        except OSError as e:
            self.note(what, os.strerror(e.errno))
            return None
        except ValueError as e:
            self.note(what, f"WRONG {e}")
            return None
        self.note(what)
        return result

    def read(self, fd, at, want):
        got = os.pread(fd, len(want), at)
        if got != want:
            raise ValueError(f"data at {at}, {len(got)} bytes")

    def write(self, fd, at, data):
        if os.pwrite(fd, data, at) != len(data):
            raise OSError(5, "short write")

    def work(self, restart):
        world = self.world
        name = world.mnt / IQN / "lun0"
        self.step("list", os.listdir, world.mnt)
        self.step("status", lambda: json.loads(
            (world.mnt / ".lunfs/status.json").read_text()))
        fd = self.step("open", os.open, name, os.O_RDWR)
        if fd is None:
            return
        self.step("read", self.read, fd, 1 << 20,
                  world.base[1 << 20:(1 << 20) + 16 * BLOCK])
        if restart:
            self.note("ready")
            within(20, world.trigger.exists)
        wrote = True
        for at, size in WRITES:
            data = pattern(self.seed + at, size)
            done = self.step("write", self.write, fd, at, data)
            wrote &= self.last() == "ok"
            if wrote:
                self.step("read back", self.read, fd, at, data)
        self.step("fsync", os.fsync, fd)
        if wrote and self.last() == "ok":
            self.note("stable")
        self.step("close", os.close, fd)

    def last(self):
        return self.said()[-1][1]

    def said(self):
        return [json.loads(line) for line in
                self.results.read_text().splitlines()]

    def has_said(self, what):
        return any(w == what for w, _ in self.said())

    def ended(self):
        if self.pid and os.waitpid(self.pid, os.WNOHANG)[0]:
            self.pid = 0
        return not self.pid

    def end(self):
        """The connection is aborted already, if it hung."""
        if not self.ended():
            os.kill(self.pid, signal.SIGKILL)
            within(10, self.ended)


def on_image(world, seed, stable):
    """What is wrong with the image; then it is as it was."""
    have = world.image.read_bytes()
    want = bytearray(world.base)
    wrong = []
    for at, size in WRITES:
        data = pattern(seed + at, size)
        for i in range(0, size, BLOCK):
            new = have[at + i:at + i + BLOCK]
            if new == data[i:i + BLOCK]:
                want[at + i:at + i + BLOCK] = new
            elif stable:
                wrong.append(f"lost: written and fsynced at {at + i}")
    if have != want:
        wrong.append("the image has changed where nothing was written")
    world.image.write_bytes(world.base)
    return wrong


def abort_fuse():
    """Ends our hung mount from outside, so that nobody stays stuck on it."""
    for c in pathlib.Path("/sys/fs/fuse/connections").glob("*/abort"):
        try:
            if c.stat().st_uid == os.getuid() != 0:
                c.write_text("1")
        except OSError:
            pass


def serve(world, p, seed, restart):
    """From the mount to the unmount; what is wrong."""
    ended = lambda: p.poll() is not None
    if not within(BOUND["ls"], lambda: ended() or world.mounted()):
        return ["hangs before the mount"]
    if ended():
        return []
    client = Client(world, seed, restart)
    try:
        if restart:
            within(20, lambda: client.has_said("ready") or client.ended())
            world.kill_target()
            world.trigger.touch()
            time.sleep(0.02)
            world.start_target()
        if not within(BOUND["mount"], client.ended):
            return [f"the client hangs after {client.said()}"]
        wrong = [f"{what}: {result}" for what, result in client.said()
                 if result.startswith("WRONG")]
        wrong += on_image(world, seed, client.has_said("stable"))
        if "FAILNTH" not in os.environ and not client.has_said("stable"):
            world.complaint = client.said()
        within(5, lambda: ended() or world.unmount().returncode == 0)
        if not within(BOUND["mount"], ended):
            wrong.append("hangs after the unmount")
        return wrong
    finally:
        if p.poll() is None:
            p.kill()
            abort_fuse()
        client.end()


def mount(world, env, restart=False):
    world.trigger.unlink(missing_ok=True)
    world.complaint = None
    seed = time.monotonic_ns() << 24
    if restart and "FAILNTH" in env:
        env["FAILNTH_AFTER"] = str(world.trigger)
    said = world.dir / "stderr"
    with said.open("wb") as err:
        p = subprocess.Popen([world.lunfs, "mount", "-f", *LIMITS,
                              *SHORT_OUTAGE, world.url(), world.mnt], env=env,
                             stdin=subprocess.DEVNULL, stderr=err,
                             stdout=subprocess.DEVNULL,
                             preexec_fn=die_with_parent)
        wrong = serve(world, p, seed, restart)
        code = p.wait()
    message = said.read_text(errors="replace")
    if not wrong:
        wrong = exit_of(code, message)
    if "FAILNTH" not in env and (world.complaint or code):
        wrong.append(f"without a failure: {code}, {world.complaint}, {message}")
    if world.mounted():
        wrong.append("the mount is left")
        world.unmount("-l" if os.getuid() == 0 else "-z")
    return wrong + world.left_on_target(), message


def restart(world, env):
    return mount(world, env, True)


JOURNEYS = {"ls": ls, "ls-json": ls_json, "info": info, "mount": mount,
            "restart": restart}
