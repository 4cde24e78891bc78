#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What lunfs says and returns without a target: usage, help, credentials.

usage: test-cli.py LUNFS MANUAL.pod
"""
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import unittest

from cli import LUNFS, TARGET, Case, dead_portal, run

MANUAL = os.path.abspath(sys.argv[2])
COMMANDS = ["mount", "ls", "info", "status", "retry", "boot", "name"]


def help_of(command):
    code, out, err = run(command, "--help")
    assert (code, err) == (0, ""), (code, err)
    return out


def options_of(command):
    """{name: argument or ""} from its help."""
    rows = re.findall(r"^  (?:-\w, |    )--([a-z-]+) ?(\[?[A-Z=]*)",
                      help_of(command), re.M)
    return dict(rows)


class Usage(Case):
    def test_mistakes(self):
        portal = "iscsi://127.0.0.1"
        mnt = str(self.mnt)
        for pattern, *args in [
            ("see lunfs --help",),
            ("frobnicate: no such command", "frobnicate"),
            ("needs SOURCE", "ls"),
            ("too few arguments", "mount", portal),
            ("too many arguments", "name", TARGET, TARGET),
            ("too few arguments", "status"),
            ("too few arguments", "retry"),
            ("too many arguments", "status", mnt, mnt),
            ("--json: no such option", "retry", "--json", mnt),
            ("too many arguments", "info", portal, portal),
            ("--bogus: no such option", "ls", "--bogus", portal),
            ("--bogus=1: no such option", "ls", "--bogus=1", portal),
            ("-Z: no such option", "ls", "-Z", portal),
            ("-o: needs an argument", "mount", portal, mnt, "-o"),
            ("--json=1: takes no value", "ls", "--json=1", portal),
            ("--json: no such option", "mount", "--json", portal, mnt),
            ("--foreground: no such option", "ls", "--foreground", portal),
            ("--key x", "ls", "--key", "x", portal),
            ("--key auth=none", "ls", "--key", "auth=none", portal),
            ("--sessions 9", "ls", "--sessions", "9", portal),
            ("names no LUN", "info", portal),
            ("names no LUN", "info", f"{portal}/{TARGET}"),
            ("99999", "ls", "isns://127.0.0.1:99999"),
            ("timeout", "ls", "--timeout", "soon", portal),
            ("timeout", "mount", "-o", "timeout=soon", portal, mnt),
            ("timeout: needs =", "mount", "-o", "timeout", portal, mnt),
            ("read-only: takes no", "mount", "-o", "read-only=1", portal, mnt),
            ("no-such-word", "mount", "-o", "no-such-word", portal, mnt),
            ("allow: the list is empty", "boot", "--allow", "", portal),
            ("allow: the list is empty", "boot", "--allow", ",,", portal),
            (".", "ls", "http://127.0.0.1"),
            (".", "ls", "iscsi://127.0.0.1:99999"),
        ]:
            with self.subTest(args=args):
                self.fails(2, pattern, *args)

    def test_mountpoints(self):
        file = self.dir / "file"
        file.touch()
        target = f"iscsi://127.0.0.1/{TARGET}"
        self.fails(1, "absent: No such file", "mount", target,
                   str(self.dir / "absent"))
        self.fails(2, "only one LUN", "mount", target, str(file))
        self.fails(2, "only one LUN", "mount", target + "/0", target + "/1",
                   str(file))
        self.fails(2, "neither a directory nor", "mount", target, "/dev/null")

    def test_mount_helper(self):
        """mount(8) calls mount.TYPE SPEC DIR -o ..., and mount.fuse lunfs."""
        helper = self.dir / "mount.lunfs"
        helper.symlink_to(LUNFS)
        target = f"iscsi://{dead_portal()}/{TARGET}"
        words = "rw,_netdev,nofail,x-systemd.automount,timeout=3,allow_other"
        for program in [LUNFS, str(helper)]:
            self.assertEqual(
                run(target, str(self.mnt), "-n", "-f", "-o", words,
                    program=program), (0, "", ""))
            self.fails(1, "refused", target, str(self.mnt), "-o", words,
                       program=program)


class Options(Case):
    def test_contract(self):
        """Those that every session command has to have."""
        for command in ["mount", "ls", "info"]:
            self.assertLessEqual(
                {"initiator-name", "credentials", "auth", "chap-algorithms",
                 "header-digest", "data-digest", "connections", "sessions",
                 "erl", "timeout", "outage", "key", "pcap", "verbose",
                 "help", "version"}, set(options_of(command)), command)
        self.assertLessEqual({"read-only", "foreground"},
                             set(options_of("mount")))
        for command in ["ls", "info", "status"]:
            self.assertIn("json", options_of(command))

    def test_help_tells_the_truth(self):
        """Options with an argument in the help need one, others refuse it."""
        for command in COMMANDS:
            for name, arg in options_of(command).items():
                with self.subTest(command=command, name=name):
                    if arg.startswith("["):     # may have one
                        continue
                    if arg:
                        self.fails(2, "needs an argument", command,
                                   "--" + name)
                    else:
                        self.fails(2, "takes no value", command,
                                   f"--{name}=x")

    def test_manual(self):
        """The manual and the help know the same options."""
        text = pathlib.Path(MANUAL).read_text()
        items = re.findall(r"^=item (.*)$", text, re.M)
        manual = {n for i in items for n in re.findall(r"B<--([a-z-]+)>", i)}
        helps = {n for c in COMMANDS for n in options_of(c)}
        self.assertEqual(manual, helps)

    def test_version(self):
        for args in [["--version"], ["ls", "--version"]]:
            code, out, err = run(*args)
            self.assertEqual((code, err), (0, ""))
            self.assertRegex(out, r"\Alunfs \d+\.\d+\.\d+\n\Z")

    def test_help_to_a_full_disk(self):
        with open("/dev/full", "w") as full:
            r = subprocess.run([LUNFS, "--help"], stdout=full,
                               stderr=subprocess.PIPE, text=True)
        self.assertEqual(r.returncode, 1)
        self.assertRegex(r.stderr, "lunfs: stdout: No space")


# Secrets come from where others cannot read them, and are seen nowhere: not in
# messages, not in the process list. What is logged: test-rfc-auth.c.
# shows: 3723-5.8.3-01
class Credentials(Case):
    def setUp(self):
        super().setUp()
        self.file = self.dir / "secret"
        self.source = f"iscsi://{dead_portal()}"

    def write(self, text, mode=0o600):
        self.file.write_text(text)
        self.file.chmod(mode)

    def ls(self, status, pattern):
        return self.fails(status, pattern, "ls", "--credentials",
                          str(self.file), self.source)

    def test_good(self):
        self.write("# ours\n\nusername=joe\npassword=a =b # c\n"
                   "username_in=disk\npassword_in=other secret\n")
        self.ls(1, "refused")		# by the portal, so it was taken

    def test_modes(self):
        for mode in [0o640, 0o604, 0o620, 0o602, 0o644, 0o666]:
            with self.subTest(mode=oct(mode)):
                self.write("username=joe\npassword=secret secret\n", mode)
                self.ls(1, "0%o" % mode)

    def test_bad(self):
        for pattern, text in [
            ("line 2", "username=joe\npasswort=hidden-hidden\n"),
            ("line 1", "hidden-hidden\n"),
            ("line 1", " username=hidden-hidden\n"),
            ("longer than", "#" + "hidden-hidden" * 400),
            ("line 2: holds a control",
             "username=joe\npassword=hidden-hidden\x1b\n"),
            ("NUL", "username=joe\0\npassword=hidden-hidden\n"),
        ]:
            with self.subTest(text=text):
                self.write(text)
                self.assertNotIn("hidden-hidden", self.ls(1, pattern))
        self.file.write_bytes(b"username=joe\r\npassword=hidden-hidden\r\n")
        self.assertNotIn("hidden-hidden", self.ls(1, "line 1: .*CR LF"))
        self.file.unlink()
        self.ls(1, "No such file")

    def test_owner(self):
        self.write("username=joe\npassword=secret secret\n")
        if os.geteuid() != 0:
            self.skipTest("only root can give a file away")
        os.chown(self.file, 12345, -1)
        self.ls(1, "somebody else")

    def test_no_file(self):
        """A pipe is as good as a file, if somebody writes to it."""
        os.mkfifo(self.file, 0o600)
        self.ls(1, "timed out")
        r, w = os.pipe()
        os.write(w, b"username=joe\npassword=secret secret\n")
        os.close(w)
        p = subprocess.run([LUNFS, "ls", "--credentials", f"/dev/fd/{r}",
                            self.source], pass_fds=[r], timeout=60,
                           capture_output=True, text=True)
        os.close(r)
        self.assertIn("refused", p.stderr)
        self.file = self.dir
        self.ls(1, "neither a file nor a pipe")

    def test_environment(self):
        """Half of a pair is a mistake, from wherever it comes."""
        self.fails(1, "refused", "ls", self.source, LUNFS_USERNAME="joe",
                   LUNFS_PASSWORD="hidden-hidden")
        self.assertNotIn("hidden-hidden", self.fails(
            2, ".", "ls", self.source, LUNFS_PASSWORD="hidden-hidden"))

    def test_password_in_url(self):
        """It is taken, with a warning, and the process list has it not.
        shows: 3986-3.2.1-01
        """
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()			# and never answers
            portal = "127.0.0.1:%d" % s.getsockname()[1]
            p = subprocess.Popen(
                [LUNFS, "ls", "--timeout", "3",
                 f"iscsi://joe%hidden-hidden@{portal}"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            peer = s.accept()[0]
            peer.recv(1)		# the login is under way
            line = pathlib.Path(f"/proc/{p.pid}/cmdline").read_text()
            out, err = p.communicate(timeout=30)
            peer.close()
        self.assertEqual((p.returncode, out), (1, ""))
        self.assertNotIn("hidden-hidden", line + err)
        self.assertIn("can be seen by others", err)


class Control(Case):
    """What is no mount cannot be asked for anything."""

    def test_no_mount(self):
        file = self.dir / "file"
        file.touch()
        for command in ["status", "retry"]:
            for pattern, path in [("absent: No such file", "absent"),
                                  ("mnt: is no mount", "mnt"),
                                  ("file: is no mount", "file")]:
                with self.subTest(command=command, path=path):
                    self.fails(1, pattern, command, str(self.dir / path))


class Outcome(Case):
    """The outcome of a mount that cannot work comes back to the shell."""

    def test_dead_portal(self):
        for source in [f"iscsi://{dead_portal()}",
                       f"iscsi://{dead_portal()}/{TARGET}/0"]:
            for more in [[], ["-f"]]:
                with self.subTest(source=source, more=more):
                    self.fails(1, "refused", "mount", *more, source,
                               str(self.mnt))

    def interrupted(self, number, path, more):
        """A mount of path that is ended while the target does not answer: no
        wait for it, and one line that says what it was about."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.settimeout(20)
            url = "iscsi://127.0.0.1:%d%s" % (silent.getsockname()[1], path)
            p = subprocess.Popen([LUNFS, "mount", "-f", *more, url, self.mnt],
                                 stdin=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True)
            with silent.accept()[0] as login:
                login.recv(1)
                start = time.monotonic()
                p.send_signal(number)
                err = p.communicate(timeout=20)[1]
        self.assertEqual(p.returncode, 1)
        self.assertLess(time.monotonic() - start, 5)
        return err.replace(url, "URL")

    def test_interrupted_login(self):
        for number, word in [(signal.SIGINT, "Interrupt"),
                             (signal.SIGTERM, "Terminated"),
                             (signal.SIGHUP, "Hangup")]:
            for path, what in [("", "asking URL for its targets"),
                               ("/" + TARGET, "logging in to URL"),
                               ("/" + TARGET + "/0", "logging in to URL")]:
                with self.subTest(word=word, path=path):
                    line = f"lunfs: {self.mnt}: not mounted: {word} while {what}\n"
                    self.assertEqual(self.interrupted(number, path, []), line)

    def test_interrupted_login_verbose(self):
        err = self.interrupted(signal.SIGTERM, "", ["-v"])
        self.assertEqual(err.count("Terminated"), 1, err)

    def test_a_mount_that_is_killed_before_it_is_ready(self):
        """What it has begun in the background ends with it."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.settimeout(20)
            url = "iscsi://127.0.0.1:%d/%s" % (silent.getsockname()[1], TARGET)
            p = subprocess.Popen([LUNFS, "mount", url, self.mnt],
                                 stdin=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True)
            with silent.accept()[0] as login:
                login.settimeout(20)        # shorter than a login may take
                p.kill()
                while login.recv(4096):
                    pass
        self.assertEqual(
            p.communicate(timeout=20)[1].replace(url, "URL"),
            f"lunfs: {self.mnt}: not mounted: Terminated while logging in to URL\n")

    def test_pcap_cannot_be_written(self):
        self.fails(1, "No such file", "ls", "--pcap",
                   str(self.dir / "absent" / "x"), f"iscsi://{dead_portal()}")

    def test_pcap_of_which_kind(self):
        """A file of ours becomes private; a pipe or a link is refused."""
        def ls(pattern, path):
            self.fails(1, pattern, "ls", "--pcap", str(path),
                       f"iscsi://{dead_portal()}")
        old, link, fifo = (self.dir / n for n in ["old", "link", "fifo"])
        old.write_text("x" * 9999)
        old.chmod(0o644)
        link.symlink_to(old)
        os.mkfifo(fifo)
        ls("link: is a symbolic link", link)
        self.assertEqual(old.stat().st_size, 9999)
        ls("fifo: is neither", fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        ls("fifo: is neither", fifo)
        os.close(reader)
        ls("refused", "/dev/null")
        ls("refused", old)
        self.assertEqual(old.stat().st_mode & 0o777, 0o600)
        self.assertLess(old.stat().st_size, 9999)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
