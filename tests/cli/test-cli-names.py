#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Names, as lunfs takes them from users, files and targets; and our own.

usage: test-cli-names.py LUNFS
"""
import json
import os
import pty
import socket
import subprocess
import sys
import threading
import unittest

from cli import LUNFS, TARGET, Case, dead_portal, run


class Names(Case):
    def test_prepared(self):
        code, out, err = run("name", "IQN.2026-11.test.Lunfs:X")
        self.assertEqual((code, out, err),
                         (0, "iqn.2026-11.test.lunfs:x\n", ""))

    def test_wrong(self):
        for name, why in [
                ("", "begins with"), ("disk", "begins with"),
                ("iqn.2026-11", "reversed domain"),
                ("iqn.2026-11.a b", r"U\+0020 is not allowed in a name: "
                 r"character 14 \(U\+0020\), byte 14; table C\.1\.1"),
                ("iqn.2026-11.\u00fc\u202e", r"character 14 \(U\+202E\), "
                 r"byte 15; table C\.8"),
                ("iqn.2026-11.a\x1b[2J", r"table C\.2\.1"),
                ("iqn.2026-11.a:" + 220 * "x", "234 bytes: .* at most 223"),
                ("eui.1", "16 hexadecimal digits, not 1"),
                ("eui.02004567a425678g", "'g' is none"),
                ("naa.02004567a425678", "16 or 32 hexadecimal digits, not 15"),
                ("fqn.com.acme", "iqn.yyyy-mm"), ("iscsi", "obsolete")]:
            with self.subTest(name=name):
                err = self.fails(1, why, "name", name)
                self.assertNotRegex(err, "[\x1b\u202e]")

    def test_name_of_later_unicode(self):
        """It can be looked for, with a word of warning."""
        code, out, err = run("name", "iqn.2026-11.test:\u0221")
        self.assertEqual((code, out), (0, "iqn.2026-11.test:\u0221\n"))
        self.assertRegex(err, r"U\+0221 .*table A\.1.*looked for")


class Peer(threading.Thread):
    """A target for discovery that says what it is told to. It has no other
    sessions: logins to its targets are refused."""

    def __init__(self, answer):
        super().__init__(daemon=True)
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.portal = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            peer = self.listener.accept()[0]
            threading.Thread(target=self.serve, args=[peer],
                             daemon=True).start()

    def serve(self, peer):
        self.stat_sn = 1
        while (bhs := peer.recv(48, socket.MSG_WAITALL)):
            size = int.from_bytes(bhs[5:8], "big")
            keys = peer.recv((size + 3) & ~3, socket.MSG_WAITALL)
            self.reply(peer, bhs, keys)

    def reply(self, peer, request, keys):
        out = bytearray(48)
        out[16:20] = request[16:20]                     # ITT
        out[28:32] = request[24:28]                     # ExpCmdSN
        out[32:36] = (int.from_bytes(request[24:28], "big") + 9
                      ).to_bytes(4, "big")
        out[24:28] = self.stat_sn.to_bytes(4, "big")
        data = b""
        match request[0] & 0x3f:
            case 0x03:                                  # Login
                out[0:2] = 0x23, request[1]
                out[8:16] = request[8:14] + b"\0\1"
                if b"TargetName=" in keys:
                    out[36:38] = 2, 3                   # not found
                data = b"AuthMethod=None\0" * (request[1] & 12 == 0)
            case 0x04:                                  # Text
                out[0:2] = 0x24, 0x80
                out[20:24] = b"\xff" * 4
                data = self.answer
            case 0x06:                                  # Logout
                out[0:2] = 0x26, 0x80
        self.stat_sn += 1
        out[5:8] = len(data).to_bytes(3, "big")
        peer.sendall(bytes(out) + data + bytes(-len(data) % 4))


class Discovery(Case):
    """What a portal may say of its targets."""

    def targets(self, *pairs):
        peer = Peer(b"".join(p.encode("utf-8", "surrogateescape") + b"\0"
                             for p in pairs))
        before = sorted(self.dir.rglob("*"))
        code, out, err = run("ls", "--json", f"iscsi://{peer.portal}")
        text = run("ls", f"iscsi://{peer.portal}")
        self.assertEqual(sorted(self.dir.rglob("*")), before)
        for line in (text[1] + text[2] + err).split("\n"):
            self.assertNotRegex(line, "[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]")
        names = [line for line in text[1].splitlines()
                 if not line.startswith(" ")]
        found = json.loads(out)["targets"]
        self.assertEqual(names, [t["name"] for t in found])
        return {t["name"]: [(p["address"], p["port"]) for p in t["portals"]]
                for t in found}, err

    # shows: 3722-6-07 3722-1-01 3722-9-01 3721-1.1-02
    def test_hostile_names(self):
        """Prepared, or left out with a word; one line for each, no path."""
        iqn = "iqn.2026-11.test"
        found, err = self.targets(
            f"TargetName={iqn.upper()}:STRASSE",
            f"TargetName={iqn}:stra\u00dfe",
            f"TargetName={iqn}:a", f"TargetName={iqn}:\u0430",
            f"TargetName={iqn}.a:b", f"TargetName={iqn}:a.b",
            "TargetName=../../../etc/passwd", f"TargetName={iqn}:a/../b",
            f"TargetName={iqn}:a\nTargetName=iqn.2026-11.evil:x",
            f"TargetName={iqn}:a\x1b[2J", f"TargetName={iqn}:\u202eb",
            f"TargetName={iqn}:\udcff", "TargetName=" + 300 * "a",
            "TargetName=")
        self.assertEqual(set(found), {
            f"{iqn}:strasse", f"{iqn}:a", f"{iqn}:\u0430", f"{iqn}.a:b",
            f"{iqn}:a.b"})
        self.assertEqual(err.count("left out"), 8, err)

    # shows: 3721-1-02 nd01-4.2-01
    def test_one_target_at_two_addresses(self):
        found, err = self.targets(
            f"TargetName={TARGET}", "TargetAddress=127.0.0.1:1,1",
            "TargetAlias=iqn.2026-11.test:alias",
            "TargetAddress=[::1]:2,1", f"TargetName={TARGET}-2",
            "TargetAddress=127.0.0.1:3,1")
        # behind them, the portal that was asked: --portal-rewrite
        self.assertEqual({name: p[:-1] for name, p in found.items()}, {
            TARGET: [("127.0.0.1", 1), ("::1", 2)],
            TARGET + "-2": [("127.0.0.1", 3)]})


class Terminal(Case):
    # shows: nd01-3.1-01
    def test_of_another_charset(self):
        """What it cannot show comes out as a URL would take it."""
        name, shown = "iqn.2026-11.test:\u00fc", "iqn.2026-11.test:%C3%BC"
        for locale, want in [("C", shown), ("C.UTF-8", name)]:
            with self.subTest(locale=locale):
                ours, theirs = pty.openpty()
                subprocess.run([LUNFS, "name", name], stdout=theirs, check=True,
                               env={**os.environ, "LC_ALL": locale})
                os.close(theirs)
                self.assertEqual(os.read(ours, 100).decode().strip(), want)
                os.close(ours)
        # to a file or a pipe it is the name itself
        self.assertEqual(run("name", name, LC_ALL="C.UTF-8")[1], name + "\n")
        out = run("ls", f"iscsi://{dead_portal()}/{shown}/0")[1]
        self.assertEqual(out.splitlines()[0], name)


class Lists(Case):
    """Static lists, as far as that goes without a target."""

    def setUp(self):
        super().setUp()
        self.portal = dead_portal()
        self.list = self.dir / "config" / "lunfs" / "lunfs.conf"
        self.list.parent.mkdir(parents=True)

    def ls(self, text, *args):
        self.list.write_text(text)
        code, out, err = run("ls", "--json", *args,
                             XDG_CONFIG_HOME=str(self.dir / "config"))
        return code, out and json.loads(out), err

    def test_merged(self):
        """What names a target several times makes one, by its name."""
        text = (f"[portal]\naddress = {self.portal}\n"
                f"[target {TARGET.upper()}]\naddress = {self.portal}\n"
                "lun = 0, 1\n")
        for args in [[], [f"file:{self.list}"],
                     [f"file:{self.list}", f"iscsi://{self.portal}/{TARGET}"]]:
            with self.subTest(args=args):
                code, out, err = self.ls(text, *args)
                self.assertEqual(code, 1)
                self.assertEqual([t["name"] for t in out["targets"]],
                                 [TARGET])
                self.assertEqual(len(out["targets"][0]["portals"]), 1)
                self.assertEqual([e["source"] for e in out["errors"]],
                                 [f"iscsi://{self.portal}"])

    def test_mistakes(self):
        for where, why, text in [
                ("2:11", "is no host", "[portal]\naddress = a b/\n"),
                ("1:9", "is not allowed", "[target iqn.2026-11.a:a/b]\n"),
                ("3:13", "must be 1 to 3600",
                 "[portal]\naddress = h\ntimeout   = 0\n"),
                ("1:1", "no password", "[portal]\naddress=h\nusername=me\n"),
                ("1:2", "no section", "[\x1b[2J]\n")]:
            with self.subTest(text=text):
                code, out, err = self.ls(text)
                self.assertEqual((code, out), (1, ""))
                self.assertIn(f"lunfs.conf:{where}: ", err)
                self.assertIn(why, err)
                self.assertNotIn("\x1b", err)

    def test_no_list(self):
        self.fails(1, "absent: No such file", "ls", f"file:{self.dir}/absent")
        self.fails(2, "path", "ls", "file:")
        self.fails(2, "names no LUN", "info", f"file:{self.dir}/absent")


class Own(Case):
    """Our own name: made once, kept, shown, sent."""

    PREFIX = "iqn.2026-11.io.github.lunfs:"

    def setUp(self):
        super().setUp()
        self.config = self.dir / "config"
        self.file = self.config / "lunfs" / "initiator-name"

    def name(self, *prefix):
        r = subprocess.run([*prefix, LUNFS, "name"], capture_output=True,
                           text=True, timeout=60, check=True, env={
                               **os.environ, "XDG_CONFIG_HOME":
                               str(self.config)})
        self.assertEqual(r.stderr, "")
        return r.stdout.rstrip("\n")

    def login(self, *args, source="iscsi://%s"):
        """The keys of the first Login Request."""
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            s.settimeout(30)
            portal = "127.0.0.1:%d" % s.getsockname()[1]
            p = subprocess.Popen(
                [LUNFS, "ls", *args, source % portal],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={**os.environ, "XDG_CONFIG_HOME": str(self.config)})
            with s.accept()[0] as peer:
                bhs = peer.recv(48, socket.MSG_WAITALL)
                data = peer.recv(int.from_bytes(bhs[5:8], "big"),
                                 socket.MSG_WAITALL)
            s.close()
            self.assertEqual(p.wait(60), 1)
        pairs = data.decode().rstrip("\0").split("\0")
        return dict(x.split("=", 1) for x in pairs)

    # shows: 3721-1.1-03 3721-1-01 7143-4.2.7.1-06 7143-4.2.7.2-04
    def test_made_and_kept(self):
        first = self.name()
        self.assertRegex(first, f"^{self.PREFIX}[0-9a-f]+$")
        self.assertIn(first, self.file.read_text().splitlines())
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o644)
        self.assertEqual(self.name(), first)
        self.assertEqual(run("name", first)[1], first + "\n")

    # shows: 3721-1.1-03
    def test_other_machine(self):
        """Another machine has another name; but one that moved keeps its."""
        other = self.dir / "machine-id"
        other.write_text("0123456789abcdef" * 2 + "\n")
        elsewhere = ["unshare", "-rm", "sh", "-c",
                     f"mount --bind {other} /etc/machine-id; exec \"$@\"",
                     "sh"]
        try:
            subprocess.run([*elsewhere, "true"], check=True, timeout=60,
                           capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            self.skipTest("no user namespaces, or no machine id")
        first = self.name()
        self.assertEqual(self.name(*elsewhere), first)
        self.file.unlink()
        second = self.name(*elsewhere)
        self.assertNotEqual(second, first)
        self.assertEqual(self.name(), second)

    # shows: 7143-10.1.2-01 3722-1-01
    def test_sent(self):
        name = self.name()
        self.assertEqual(self.login()["InitiatorName"], name)
        self.file.write_text("IQN.2026-11.Test.Lunfs:Me\n")
        keys = self.login(source=f"iscsi://%s/{TARGET.upper()}/0")
        self.assertEqual(keys["InitiatorName"], "iqn.2026-11.test.lunfs:me")
        self.assertEqual(keys["TargetName"], TARGET)
        keys = self.login("--initiator-name", "iqn.2026-11.test.lunfs:you")
        self.assertEqual(keys["InitiatorName"], "iqn.2026-11.test.lunfs:you")

    # shows: 3721-2.3-01
    def test_alias(self):
        host = socket.gethostname()
        self.assertEqual(self.login()["InitiatorAlias"], host)
        self.assertEqual(self.login("--initiator-alias", "Web Server 4")
                         ["InitiatorAlias"], "Web Server 4")
        self.assertNotIn("InitiatorAlias",
                         self.login("--initiator-alias", ""))
        self.fails(2, "no control characters", "ls", "--initiator-alias",
                   "a\nb", "iscsi://127.0.0.1")

    def test_wrong_file(self):
        self.file.parent.mkdir(parents=True)
        self.file.write_text("\niqn.2026-11.a b\n")
        env = {"XDG_CONFIG_HOME": str(self.config)}
        for args in [["name"], ["ls", f"iscsi://{dead_portal()}"]]:
            self.fails(1, r"initiator-name: line 2: .* U\+0020 is not allowed",
                       *args, **env)

    def test_nowhere_to_keep_it(self):
        """No folder of our own: the same name each time, and no complaint."""
        for env in [{"XDG_CONFIG_HOME": "", "HOME": "/dev/null"},
                    {"XDG_CONFIG_HOME": "/proc/x"}]:
            with self.subTest(**env):
                names = {run("name", **env) for _ in range(2)}
                self.assertEqual(len(names), 1)
                code, out, err = names.pop()
                self.assertEqual((code, err), (0, ""))
                self.assertTrue(out.startswith(self.PREFIX), out)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
