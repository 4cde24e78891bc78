#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An iBFT with one target, as ACPI has it, or as the kernel shows it.

usage: ibft.py table|directory PATH ADDRESS TARGET LUN
               [USER SECRET USER_IN SECRET_IN [INITIATOR]]
"""
import ipaddress
import pathlib
import struct
import sys

CONTROL, INITIATOR, TARGET, HEAP = 48, 72, 152, 208


def mapped(address):
    a = ipaddress.ip_address(address)
    return a.packed if a.version == 6 else b"\0" * 10 + b"\xff\xff" + a.packed


def table(address, target, lun, login, initiator):
    heap = bytearray()

    def string(text):
        if not text:
            return struct.pack("<HH", 0, 0)
        at = HEAP + len(heap)
        heap.extend(text.encode() + b"\0")
        return struct.pack("<HH", len(text), at)

    control = struct.pack("<BBHBB6H", 1, 1, 18, 0, 0, 0, INITIATOR, 0, TARGET,
                          0, 0)
    me = struct.pack("<BBHBB", 2, 1, 74, 0, 3) + bytes(64) + string(initiator)
    chap = 2 if login[2] else 1 if login[0] else 0
    t = struct.pack("<BBHBB", 4, 1, 54, 0, 3) + mapped(address) + \
        struct.pack("<H", 3260) + struct.pack(">H6x", lun) + \
        bytes([chap, 0]) + string(target) + b"".join(map(string, login))
    body = bytearray(HEAP - CONTROL)
    for at, part in (CONTROL, control), (INITIATOR, me), (TARGET, t):
        body[at - CONTROL:at - CONTROL + len(part)] = part
    length = HEAP + len(heap)
    head = bytearray(struct.pack("<4sIBB6s8s24x", b"iBFT", length, 1, 0,
                                 b"lunfs ", b"test    "))
    head[9] = -sum(head + body + heap) & 0xff
    return bytes(head + body + heap)


def directory(path, address, target, lun, login, initiator):
    """Each byte of a LUN is printed by %x, as the kernel does."""
    files = {
        "target0/target-name": target, "target0/ip-addr": address,
        "target0/port": "3260", "target0/flags": "3", "target0/index": "0",
        "target0/lun": "".join("%x" % b for b in struct.pack(">H6x", lun)),
    }
    names = ["chap-name", "chap-secret", "rev-chap-name",
             "rev-chap-name-secret"]
    files.update({f"target0/{n}": v for n, v in zip(names, login) if v})
    if initiator:
        files["initiator/initiator-name"] = initiator
    for name, value in files.items():
        file = pathlib.Path(path) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value + "\n")


def main():
    kind, path, address, target, lun, *rest = sys.argv[1:]
    rest += [""] * (5 - len(rest))
    what = (address, target, int(lun), rest[:4], rest[4])
    if kind == "table":
        pathlib.Path(path).write_bytes(table(*what))
    else:
        directory(path, *what)


main()
