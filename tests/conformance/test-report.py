#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The report finds what it must find, and believes only tests that passed."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

REPORT = pathlib.Path(__file__).resolve().parent / "report"

MATRIX = """id\tlevel\ttopic\trequirement\thow-to-show
7143-1-01\tMUST\tnop\tone "quoted\tx
7143-1-02\tMUST-NOT\tnop\ttwo\tx
7143-1-03\tMAY\tnop\tthree\tx
7143-2-01\tMUST\tsnack\tfour\tx
"""
EXCLUSIONS = "id\tstate\treason\n7143-1-02\tnot-applicable\tno such thing\n"


class Report(unittest.TestCase):
    def setUp(self):
        tmp = tempfile.TemporaryDirectory()
        self.addCleanup(tmp.cleanup)
        self.dir = pathlib.Path(tmp.name)
        (self.dir / "conformance").mkdir()
        (self.dir / "unit").mkdir()
        self.write("conformance/rfc.tsv", MATRIX)
        self.write("conformance/exclusions.tsv", EXCLUSIONS)
        self.write("conformance/closed-topics", "# comment\nnop\n")
        self.write("unit/test-a.c", "/* shows: 7143-1-01 */\n")
        self.log(a="OK")

    def write(self, name, text):
        (self.dir / name).write_text(text)

    def log(self, **results):
        self.write("log.json", "".join(json.dumps({
            "name": "lunfs:unit / " + name.replace("__", "@"),
            "result": result}) + "\n"
            for name, result in results.items()))

    def run_report(self, *args):
        r = subprocess.run(
            [REPORT, "--tests", self.dir, "--matrix", self.dir / "conformance",
             *args, self.dir / "log.json"], capture_output=True, text=True)
        return r.returncode, r.stdout + r.stderr

    def good(self, *args):
        code, out = self.run_report(*args)
        self.assertEqual(code, 0, out)
        return out

    def bad(self, word, *args):
        code, out = self.run_report(*args)
        self.assertEqual(code, 1, out)
        self.assertIn(word, out)

    def test_good(self):
        out = self.good()
        self.assertRegex(out, r"nop +MUST +1 +1 +\. +\. +\. +\.")
        self.assertRegex(out, r"nop +MUST-NOT +1 +\. +\. +1 +\. +\.")
        self.assertRegex(out, r"snack +together +1 +\. +\. +\. +\. +1")

    def test_unknown_mark(self):
        self.write("unit/test-a.c", "/* shows: 7143-1-01 7143-9-99 */\n")
        self.bad("7143-9-99: unknown id")

    def test_contradiction(self):
        self.write("unit/test-b.c", "/* shows: 7143-1-02 */\n")
        self.bad("7143-1-02: contradiction")

    def test_exclusions(self):
        for line, word in [("7143-9-99\tgap\tr\n", "unknown id"),
                           ("7143-1-02\tgap\tr\n", "twice"),
                           ("7143-1-03\topen\tr\n", "no state"),
                           ("7143-1-03\tgap\t \n", "no reason")]:
            with self.subTest(word):
                self.write("conformance/exclusions.tsv", EXCLUSIONS + line)
                self.bad(word)

    def test_failed_test_shows_nothing(self):
        for result in ["FAIL", "SKIP", "TIMEOUT", "ERROR"]:
            self.log(a=result)
            self.bad("7143-1-01: open MUST of closed topic nop")
        self.good("--partial")

    def test_all_variants_must_pass(self):
        self.log(a__tgt="OK", a__istgt="OK")
        self.good()
        self.log(a__tgt="FAIL", a__istgt="OK")
        self.bad("open MUST")

    def test_other_suite_does_not_count(self):
        (self.dir / "rfc").mkdir()
        (self.dir / "unit/test-a.c").rename(self.dir / "rfc/test-a.c")
        self.bad("open MUST")

    def test_marked_test_must_run(self):
        self.write("unit/test-b.c", "/* shows: 7143-1-03 */\n")
        self.bad("unit/test-b: has marks and did not run")
        self.good("--partial")

    def test_closed_topic_exists(self):
        self.write("conformance/closed-topics", "nop\nnope\n")
        self.bad("nope: no such topic")

    def test_marks_over_lines(self):
        self.write("unit/test-a.c", "/* shows: 7143-1-01\n *\t7143-1-03 */\n"
                   "/* 7143-2-01 is not shown */\n")
        self.assertEqual(self.listed("shown"), ["7143-1-01", "7143-1-03"])

    def test_list(self):
        self.assertEqual(self.listed("open"), ["7143-1-03", "7143-2-01"])
        self.assertEqual(self.listed("open", "snack"), ["7143-2-01"])
        self.assertEqual(self.listed("not-applicable"), ["7143-1-02"])

    def listed(self, *args):
        out = self.good("--list", *args)
        return [line.split("\t")[0] for line in out.splitlines()]


if __name__ == "__main__":
    sys.exit(unittest.main())
