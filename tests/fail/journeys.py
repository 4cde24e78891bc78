# SPDX-License-Identifier: GPL-2.0-or-later
"""The journeys of test-fail.py: what lunfs is made to do, and what must hold.

A journey is run in a World, with the environment that makes a call fail. It
returns what was wrong (a list of sentences, empty if all is well) and what was
said on stderr. What must hold, whatever failed:

- lunfs ends in time, by itself, with 0 or with 1 and a message;
- 0 from a command that prints: the output is the one without failures;
- what was read is what is there; what was written and fsynced is on the
  image; nothing else on the image has changed;
- nothing is left: no mount, no session on the target.
"""
import json
import re
import select
import socket
import subprocess

from mounts import MOUNTS, Mount
from world import BOUND, LIMITS, die_with_parent, exit_of, within

# Differs from one session to the next.
VOLATILE = re.compile(rb'"(isid|tsih|bytes_in|bytes_out|commands)": *[^,}]*')
SECRETS = "joe:secret-of-joe", "target:secret-of-target"


class Command:
    """One that prints, and ends by itself."""
    target = ()

    def __init__(self, *args):
        self.args = args

    def arguments(self, world):
        return self.args

    def shown(self, out):
        """Of the output, what is always the same."""
        out = VOLATILE.sub(rb'"\1": 0', out)
        # however indented
        return json.dumps(json.loads(out)).encode() if "--json" in self.args \
            else out

    def judge(self, world, env, out):
        """The output of a success."""
        out = self.shown(out)
        if "FAILNTH" not in env:
            world.wanted = out
        return [] if out == world.wanted else \
            [f"exit code 0, but the output is {out.decode()!r}"]

    def __call__(self, world, env):
        try:
            p = subprocess.run([world.lunfs, *self.arguments(world)], env=env,
                               stdin=subprocess.DEVNULL, capture_output=True,
                               timeout=BOUND["ls"], check=False)
        except subprocess.TimeoutExpired as e:
            return [f"hangs: {(e.stderr or b'').decode()}"], ""
        message = p.stderr.decode(errors="replace")
        wrong = exit_of(p.returncode, message)
        if "FAILNTH" not in env and p.returncode != 0:
            wrong.append(f"nothing fails: {message}")
        if p.returncode == 0:
            wrong += self.judge(world, env, p.stdout)
        return wrong + world.left_on_target(), message


class List(Command):
    def arguments(self, world):
        return [*self.args, *LIMITS, world.portal()]


class Info(Command):
    def arguments(self, world):
        return [*self.args, *LIMITS, world.url("/0", "localhost")]


class Chap(Info):
    """Both sides prove that they know a secret."""
    target = ("--chap", SECRETS[0], "--chap-mutual", SECRETS[1])

    def arguments(self, world):
        file = world.dir / "credentials"
        if not file.exists():
            file.touch(0o600)
            (user, secret), (peer, proof) = (s.split(":") for s in SECRETS)
            file.write_text(f"username={user}\npassword={secret}\n"
                            f"username_in={peer}\npassword_in={proof}\n")
        return [*super().arguments(world), "--credentials", file]

    def __call__(self, world, env):
        wrong, message = super().__call__(world, env)
        if "secret" in message.replace(str(world.dir), ""):
            wrong.append("a message tells a secret")
        return wrong, message


class Served(Command):
    """Asks a mount something, in which nothing fails."""

    def arguments(self, world):
        return [*self.args, world.mnt]

    def __call__(self, world, env):
        sane = {k: v for k, v in env.items() if not k.startswith("FAILNTH")
                and k != "LD_PRELOAD"}
        mount = Mount()
        with (world.dir / "mount-stderr").open("w+b") as self.said:
            p = mount.start(world, sane, self.said)
            try:
                within(BOUND["ls"], world.mounted)
                self.idle = world.idle_fds
                world.idle_fds = len(world.target_fds())
                wrong, message = super().__call__(world, env)
                world.idle_fds = self.idle
                mount.end(world, p)
                if not within(BOUND["mount"], lambda: p.poll() is not None):
                    wrong.append("the mount hangs at its end")
            finally:
                world.abort()
                p.kill()
            if p.wait() != 0:
                wrong.append(f"the mount ended with {p.returncode}")
        return wrong + world.left_on_target(), message


class Status(Served):
    def shown(self, out):
        return re.sub(rb"[\d.]+", b"0", b" ".join(out.split()))


class Retry(Served):
    """Success is that the mount was told."""

    def judge(self, world, env, out):
        self.said.seek(0)
        return [] if b"told to reconnect" in self.said.read() else \
            ["exit code 0, but the mount was not told"]


def connected(listener):
    """Somebody waits to be accepted."""
    return select.select([listener], [], [], 0)[0]


class TerminatedLogin:
    """SIGTERM while nobody answers the login."""
    target = ()

    def __call__(self, world, env):
        world.trigger.unlink(missing_ok=True)
        if "FAILNTH" in env:
            env["FAILNTH_AFTER"] = str(world.trigger)
        silent = socket.create_server(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        p = subprocess.Popen([world.lunfs, "mount", "-f",
                              f"iscsi://127.0.0.1:{port}", world.mnt], env=env,
                             stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                             preexec_fn=die_with_parent)
        ended = lambda: p.poll() is not None
        with silent:
            within(BOUND["ls"], lambda: ended() or connected(silent))
            world.trigger.touch()
            p.terminate()
            wrong = [] if within(10, ended) else ["hangs in the login"]
            p.kill()
        message = p.communicate()[1].decode(errors="replace")
        if not wrong and p.returncode != 1:
            wrong = [f"exit code {p.returncode}: {message}"]
        return wrong, message


JOURNEYS = {
    "ls": List("ls"), "ls-json": List("ls", "--json"),
    "info": Info("info", "--json"), "chap": Chap("info", "--json"),
    "status": Status("status"), "retry": Retry("retry"),
    "term-login": TerminatedLogin(), **MOUNTS,
}
