#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every code point from 1 to 10FFFF through the profile of RFC 3722, held
against the tables of RFC 3454 and the normalization of Unicode 3.2.

shows: 3722-3-01 3722-4-02 3722-4-03 3722-5-01 3454-3-01 3722-1-02
shows: 3722-6-02 3722-6-03 3722-6-04 3722-6-05 3722-6-06 3722-6.1-01
shows: 3722-6.2-01 3722-7-01 3722-8-01 3722-8-02

usage: test-names-points.py PROFILE-POINTS RFC3454.txt
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import unicodedata

DRIVER, TABLES = sys.argv[1:3]
LAST = 0x10ffff
SURROGATES = range(0xd800, 0xe000)
PROHIBITED = ["C.1.1", "C.1.2", "C.2.1", "C.2.2", "C.3", "C.4", "C.5", "C.6",
              "C.7", "C.8", "C.9"]
OWN = [(0, 0x2c), (0x2f, 0x2f), (0x3b, 0x40), (0x5b, 0x60), (0x7b, 0x7f),
       (0x3002, 0x3002)]                # RFC 3722 6.1, 6.2
nfkc = unicodedata.ucd_3_2_0.normalize


def read_tables(path):
    """{name: {code point: what it maps to, or None}}"""
    tables = {}
    for line in open(path, encoding="ascii"):
        if line.startswith("#"):
            continue
        if not line.startswith(" "):
            table = tables[line.strip(":\n")] = {}
            continue
        for word in line.split():
            lo, hi, step, delta, to = re.fullmatch(
                r"(\w+)(?:-(\w+))?(/2)?(?::([-+]\d+))?(?:=(.*))?",
                word).groups()
            for c in range(int(lo, 16), int(hi or lo, 16) + 1,
                           2 if step else 1):
                table[c] = None
                if delta:
                    table[c] = chr(c + int(delta))
                elif to:
                    table[c] = "".join(chr(int(x, 16)) for x in to.split("+"))
    return tables


tables = read_tables(TABLES)
unassigned = tables["A.1"]
fold = {**{c: "" for c in tables["B.1"]}, **tables["B.2"]}
forbidden = {c: "the list of RFC 3722 6"
             for lo, hi in OWN for c in range(lo, hi + 1)}
for name in reversed(PROHIBITED):       # the first one is named
    forbidden.update(dict.fromkeys(tables[name],
                                   f"table {name} of RFC 3454"))


def prepared(text):
    """The string, or the table that forbids it (RFC 3454 3)."""
    text = nfkc("NFKC", "".join(fold.get(ord(c), c) for c in text))
    for c in text:
        if ord(c) in forbidden:
            return None, forbidden[ord(c)]
    if any(ord(c) in tables["D.1"] for c in text):
        ends = text[0], text[-1]
        if any(ord(c) in tables["D.2"] for c in text) or \
           any(ord(c) not in tables["D.1"] for c in ends):
            return None, "table D.1 of RFC 3454"
    return text, None


def plain(c):
    """Is it mapped and normalized to itself, and of no direction?"""
    return c in unassigned or 0xe000 <= c <= 0xf8ff or c >= 0xf0000


def expected(mode, before, after, first, last):
    for c in range(first, last + 1):
        if c in unassigned and mode == "stored":
            yield c, "table A.1 of RFC 3454"
        elif plain(c):
            yield c, forbidden.get(c, "same")
        else:
            text = before + chr(c) + after
            out, table = prepared(text)
            yield c, (table or "same" if out in (None, text)
                      else out.encode().hex())


def runs(outcomes):
    first = last = what = None
    for c, outcome in outcomes:
        if outcome != what:
            if what is not None:
                yield f"{first:04X} {last:04X} {what}"
            first, what = c, outcome
        last = c
    yield f"{first:04X} {last:04X} {what}"


def check(mode, before, after, first, last):
    """How many runs there are; raises on the first that differs."""
    got = subprocess.run([DRIVER, mode, before, after, f"{first:X}",
                          f"{last:X}"], check=True, capture_output=True,
                         text=True).stdout.splitlines()
    want = list(runs(expected(mode, before, after, first, last)))
    for g, w in zip(got, want):
        if g != w:
            raise AssertionError(f"{mode} '{before}' '{after}': {g}: should "
                                 f"be {w}")
    assert len(got) == len(want), (mode, first, last)
    return len(got)


def check_surrogates():
    """RFC 3629 3: they are not UTF-8 at all."""
    r = subprocess.run([DRIVER, "query", "", "", f"{SURROGATES[0]:X}",
                        f"{SURROGATES[-1]:X}"], check=True,
                       capture_output=True).stdout.splitlines()
    assert len(r) > 0 and all(b"not well-formed UTF-8" in x for x in r), r


def main():
    jobs = [(mode, before, after, first, last)
            for mode in ("query", "stored")
            for before, after in (("", ""), ("a", "b"))
            for first, last in ((1, SURROGATES[0] - 1),
                                (SURROGATES[-1] + 1, 0x4ffff),
                                (0x50000, 0x9ffff), (0xa0000, LAST))]
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        n = sum(pool.map(check, *zip(*jobs)))
    check_surrogates()
    print(f"{n} runs of code points in {len(jobs)} passes")
    assert n > 10000


if __name__ == "__main__":
    main()
