# SPDX-License-Identifier: GPL-2.0-or-later
"""The journeys of test-fail.py on which something is mounted and written."""
import json
import os
import pathlib
import signal
import subprocess
import time

from world import (BLOCK, BOUND, IQN, LIMITS, die_with_parent, exit_of,
                   pattern, within)

WRITES = (2 << 20, 16 * BLOCK), (3 << 20, BLOCK)	# where, how much
SHORT_OUTAGE = ["--outage", "wait:5"]


class Client:
    """Uses the mount, in a process that may be lost to a hang."""

    def __init__(self, world, seed, waits):
        self.world, self.seed = world, seed
        self.results = world.dir / "results"
        self.results.write_text("")
        self.pid = os.fork()
        if self.pid == 0:
            try:
                die_with_parent()
                self.work(waits)
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

    def work(self, waits):
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
        if waits:
            self.note("ready")
            within(20, world.trigger.exists)
        wrote = True
        for at, size in WRITES:
            data = pattern(self.seed + at, size)
            self.step("write", self.write, fd, at, data)
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


class Mount:
    """Mounted, used, unmounted. Others say what is different with them."""
    target = ()			# options of the target
    options = ()
    foreground = ("-f",)
    waits = False		# calls count, and the client writes, from when
    				# the trigger is there
    stable, code = True, 0	# how it ends if nothing fails

    def source(self, world):
        return world.url()

    def start(self, world, env, err):
        return subprocess.Popen(
            [world.lunfs, "mount", *self.foreground, *LIMITS, *SHORT_OUTAGE,
             *self.options, self.source(world), world.mnt], env=env,
            stdin=subprocess.DEVNULL, stderr=err, stdout=subprocess.DEVNULL,
            preexec_fn=self.in_child)

    def in_child(self):
        die_with_parent()

    def meanwhile(self, world, p):
        """What happens while the client waits; it has to pull the trigger."""

    def end(self, world, p):
        within(5, lambda: p.poll() is not None or
               world.unmount().returncode == 0)

    def served(self, world, p, client):
        """From the mount to the end; what is wrong."""
        if self.waits:
            within(20, lambda: client.has_said("ready") or client.ended())
            self.meanwhile(world, p)
            world.trigger.touch()
        if not within(BOUND["mount"], client.ended):
            return [f"the client hangs after {client.said()}"]
        self.end(world, p)
        if not within(BOUND["mount"], lambda: p.poll() is not None):
            return [f"hangs at the end, after {client.said()}"]
        return [f"{what}: {result}" for what, result in client.said()
                if result.startswith("WRONG")]

    def serve(self, world, p):
        ended = lambda: p.poll() is not None
        if not within(BOUND["ls"], lambda: ended() or world.mounted()):
            p.kill()
            return ["hangs before the mount"], []
        if ended():
            return [], []
        seed = time.monotonic_ns() << 24
        client = Client(world, seed, self.waits)
        try:
            wrong = self.served(world, p, client)
        finally:
            if not ended():
                world.abort()
                p.kill()
            client.end()
        wrong += world.left_on_target()
        return wrong + on_image(world, seed, client.has_said("stable")), \
            client.said()

    def __call__(self, world, env):
        world.trigger.unlink(missing_ok=True)
        if self.waits and "FAILNTH" in env:
            env["FAILNTH_AFTER"] = str(world.trigger)
        with (world.dir / "stderr").open("w+b") as err:
            p = self.start(world, env, err)
            wrong, said = self.serve(world, p)
            code = p.wait()
            err.seek(0)
            message = err.read().decode(errors="replace")
        if not wrong:
            wrong = exit_of(code, None if isinstance(p, Daemon) else message)
        if "FAILNTH" not in env and \
           (code, ["stable", "ok"] in said) != (self.code, self.stable):
            wrong.append(f"nothing fails: {code}, {said}, {message}")
        if world.mounted():
            if "is left mounted" not in message:
                wrong.append("the mount is left")
            world.unmount("-l" if os.getuid() == 0 else "-z")
        return wrong + world.left_on_target(), message


class Restart(Mount):
    """The target is killed and is back at once."""
    waits = True

    def meanwhile(self, world, p):
        world.kill_target()
        world.trigger.touch()
        time.sleep(0.02)
        world.start_target()


class Portal(Mount):
    """All targets of a portal."""
    target = ("--targets", "3")

    def source(self, world):
        return world.portal()


class Pcap(Mount):
    """A capture that fails costs the capture, and nothing else."""

    def start(self, world, env, err):
        self.options = ("--pcap", world.dir / "pcap")
        return super().start(world, env, err)


class Terminated(Mount):
    """SIGTERM instead of an unmount."""

    def end(self, world, p):
        p.terminate()


class TerminatedBusy(Terminated):
    """SIGTERM with a write in flight, to a target that is slow."""
    waits = True

    def meanwhile(self, world, p):
        world.freeze()
        world.trigger.touch()
        time.sleep(0.05)
        p.terminate()
        time.sleep(0.1)
        world.thaw()

    def end(self, world, p):
        """It ends by itself."""


class TerminatedLost(Mount):
    """SIGTERM, twice, while a write waits for a target that is gone."""
    waits = True
    stable, code = False, 1

    def meanwhile(self, world, p):
        world.kill_target()
        world.trigger.touch()
        time.sleep(0.05)
        p.terminate()
        time.sleep(0.1)
        p.terminate()

    def end(self, world, p):
        within(BOUND["mount"], lambda: p.poll() is not None)
        world.start_target()


class TerminatedLogout(Mount):
    """SIGTERM, as often as it takes, while a target does not answer a logout."""

    def end(self, world, p):
        world.freeze()
        super().end(world, p)
        for _ in range(3):
            time.sleep(0.03)
            p.terminate()
        within(BOUND["mount"], lambda: p.poll() is not None)
        world.thaw()


class TerminatedUnmounting(Mount):
    """SIGTERM right after the unmount."""

    def end(self, world, p):
        super().end(world, p)
        p.terminate()


class Aborted(Mount):
    """The connection of FUSE is aborted while the client writes."""
    waits = True
    stable, code = False, 0

    def meanwhile(self, world, p):
        world.freeze()
        world.trigger.touch()
        time.sleep(0.03)
        world.abort()
        world.thaw()

    def end(self, world, p):
        """It ends by itself."""


class Daemon:
    """What the program has left in the background; it is our child now. Like a
    Popen."""

    def __init__(self, pid):
        self.pid, self.code = pid, None

    def poll(self):
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def wait(self):
        within(BOUND["mount"], lambda: self.poll() is not None)
        return self.code

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)


def orphan(but):
    """A child of ours with the name of the program: not this one."""
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, name, _, parent = stat.read_text().split()[:4]
        except OSError:
            continue
        if name == "(lunfs)" and int(pid) != but and \
           int(parent) == os.getpid():
            return int(pid)
    return None


class Background(Mount):
    """It goes to the background; and it is started without a stdin."""
    foreground = ()

    def in_child(self):
        super().in_child()
        os.close(0)

    def start(self, world, env, err):
        p = super().start(world, env, err)
        if not within(BOUND["ls"], lambda: p.poll() is not None):
            p.kill()
        p.wait()
        within(5, lambda: p.returncode != 0 or orphan(p.pid))
        pid = orphan(p.pid)
        if pid and p.returncode == 0:
            return Daemon(pid)
        if pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            p.returncode = p.returncode or -signal.SIGKILL
        return p


MOUNTS = {
    "mount": Mount(), "restart": Restart(), "portal": Portal(),
    "pcap": Pcap(), "background": Background(), "abort": Aborted(),
    "term-up": Terminated(), "term-busy": TerminatedBusy(),
    "term-lost": TerminatedLost(), "term-logout": TerminatedLogout(),
    "term-unmount": TerminatedUnmounting(),
}
