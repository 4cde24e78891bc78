#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What lunfs-target says of itself: its help and manual know the same words, the
examples are right, and of a mistake it is said what it is.

usage: test-target-usage.py LUNFS-TARGET MANUAL.pod
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.abspath(sys.argv[1])
MANUAL = pathlib.Path(sys.argv[2]).read_text()


def run(*args, cwd=None):
    """(code, stdout, stderr)."""
    r = subprocess.run([PROGRAM, *args], cwd=cwd, text=True, timeout=60,
                       stdin=subprocess.DEVNULL, capture_output=True)
    return r.returncode, r.stdout, r.stderr


def section(name):
    return re.search(rf"^=head\d {name}\n(.*?)(?=^=head|\Z)", MANUAL,
                     re.M | re.S).group(1)


def literal(text):
    """Its verbatim lines, joined where they are continued."""
    lines = [l[1:] for l in text.splitlines() if l.startswith(" ")]
    return re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        code, cls.help, err = run("--help")
        assert (code, err) == (0, "")
        cls.code = set(re.findall(r"C<([^<>]+)>", MANUAL))
        cls.words = {re.split("[=[]", c)[0] for c in cls.code}

    def words_of(self, name):
        """Those that the help lists under a name."""
        text = re.search(rf"^  {name} +(.*?)(?: or an? |\n  \S|\n\n)",
                         self.help, re.M | re.S).group(1)
        words = text.split()
        self.assertGreater(len(words), 4)
        return words

    def test_options(self):
        helps = set(re.findall(r"^  (?:-\w, |    )?--([a-z-]+)", self.help,
                               re.M))
        items = re.findall(r"^=item (.*)$", section("OPTIONS"), re.M)
        manual = {n for i in items for n in re.findall(r"B<--([a-z-]+)>", i)}
        self.assertGreater(len(helps), 20)
        self.assertEqual(manual, helps)

    def test_kinds_and_words(self):
        part = self.help.split("Faults are layers")[1]
        left = [l[2:24] for l in part.splitlines()
                if re.match("  [a-z]", l) and "lunfs-target" not in l]
        words = {w for l in left
                 for w in re.findall(r"(?<!\S)[a-z]+(?=[=[,]| |$)", l)}
        self.assertLess({"drop", "async", "tpgt", "on", "portal", "once"}, words)
        self.assertEqual(words - self.words, set())

    def test_lists(self):
        for name in ["FIELD is", "EVENT is", "REASON is", "STATUS is",
                     r"on=PDU\|PDU\.\.\."]:
            with self.subTest(name=name):
                self.assertEqual(set(self.words_of(name)) - self.code, set())

    def test_keys(self):
        rows = [l.split() for l in literal(section("KEYS"))]
        self.assertGreater(len(rows), 10)
        for *names, value in rows:
            names = [n.rstrip(",") for n in names]
            values = [value] * len(names)
            if names[0] == "InitialR2T":
                names, values = ["InitialR2T", "ImmediateData"], ["No", "Yes"]
            for name, value in zip(names, values):
                code, _, err = run("--key", f"{name}={value}", "--help")
                self.assertEqual((code, err), (0, ""))

    def test_examples(self):
        lines = [l.split("&")[0] for l in literal(section("EXAMPLES"))
                 if l.startswith("lunfs-target")]
        self.assertGreater(len(lines), 5)
        with tempfile.TemporaryDirectory() as dir:
            flaky = "\n".join(literal(section("SCENARIO FILES")))
            pathlib.Path(dir, "flaky.txt").write_text(flaky + "\n")
            for line in lines:
                with self.subTest(line=line):
                    args = shlex.split(line)[1:]
                    code, _, err = run(*args, "--help", cwd=dir)
                    self.assertEqual((code, err), (0, ""))


class Mistakes(unittest.TestCase):
    def test_mistakes(self):
        for code, what, *args in [
            (2, "fault explode: no such kind", "--fault", "explode"),
            (2, r"fault set=x:1,status: not set=FIELD:VALUE: see --help",
             "--fault", "set=x:1,status"),
            (2, "fault corrupt=x: not corrupt=PART", "--fault", "corrupt=x"),
            (2, r"fault stall=x: not stall\[=TIME\]", "--fault", "stall=x"),
            (2, "fault drop=1: not drop", "--fault", "drop=1"),
            (2, r"fault drop,on=x: not on=PDU\|PDU", "--fault", "drop,on=x"),
            (2, "fault drop,on: not on=PDU", "--fault", "drop,on"),
            (2, "fault drop,chance=5: not chance=P%",
             "--fault", "drop,chance=5"),
            (2, "fault drop,x: x: no such word", "--fault", "drop,x"),
            (2, "fault drop,x=1: x=: no such word", "--fault", "drop,x=1"),
            (2, "fault length=5,in: not for PDUs of this direction",
             "--fault", "length=5,in"),
            (2, "s: line 2: fault drop explode: explode: no such word",
             "--scenario", "s"),
            (1, "absent: No such file", "--scenario", "absent"),
            (1, "absent: .*No such file", "--answer", "absent"),
            (1, "absent: .*No such file", "--lun", "file=absent"),
            (2, "--lun: x: see --help", "--lun", "x"),
            (2, "--lun: block=100: see", "--lun", "block=100"),
            (2, "no such key: Foo", "--key", "Foo=1"),
            (2, "MaxBurstLength=1: not a value", "--key", "MaxBurstLength=1"),
            (2, "--key: not NAME=VALUE", "--key", "x"),
            (2, "--chap: not USER:SECRET", "--chap", "x"),
            (2, "--tpgt 65536: not in 0..65535", "--tpgt", "65536"),
            (2, "--listen 127.0.0.1:x: not a port", "--listen", "127.0.0.1:x"),
            (2, "--listen 127.0.0.1:65536: not a port from 0 to 65535",
             "--listen", "127.0.0.1:65536"),
            (1, r"\[::1: ", "--listen", "[::1"),
            (2, "x: not an option", "x"),
            (2, "see --help", "--bogus"),
        ]:
            with self.subTest(args=args), \
                    tempfile.TemporaryDirectory() as dir:
                pathlib.Path(dir, "s").write_text("drop\n drop explode \t# no\n")
                got, out, err = run(*args, cwd=dir)
                self.assertEqual((got, out), (code, ""))
                self.assertRegex(err, "lunfs-target: (.*)" + what)
                self.assertEqual(os.listdir(dir), ["s"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
