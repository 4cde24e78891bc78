# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the program share. The first argument is the program."""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

LUNFS = os.path.abspath(sys.argv[1])
TARGET = "iqn.2026-11.test.lunfs:x"
os.environ["XDG_CONFIG_HOME"] = "/dev/null"     # no name is kept: see Own


def run(*args, program=LUNFS, **env):
    r = subprocess.run([program, *args], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, timeout=60,
                       env={**os.environ, **env})
    return r.returncode, r.stdout, r.stderr


def dead_portal():
    """A port on loopback that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % s.getsockname()[1]


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.dir)
        self.mnt = self.dir / "mnt"
        self.mnt.mkdir()

    def fails(self, status, pattern, *args, **kwargs):
        """Exit status; one message of our form; nothing on stdout."""
        code, out, err = run(*args, **kwargs)
        self.assertEqual(code, status, (args, err))
        self.assertEqual(out, "", args)
        self.assertRegex(err, r"\Alunfs: [^:]+", args)
        self.assertRegex(err, pattern, args)
        for line in err.splitlines():
            self.assertTrue(line.startswith("lunfs: "), line)
        return err
