#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A TCP proxy that reads iSCSI PDUs, and damages or loses some.

usage: damage.py PORT TO_PORT [--digests header,data] [--data N] [--drop N]
                 [--header N] [--only commands|unsolicited]
                 [--towards initiator|target|both] [--seed N]

Listens on 127.0.0.1:PORT, passes on to 127.0.0.1:TO_PORT, prints "ready". Of the
PDUs of the full feature phase one in N (on the average; one in 2 N at least;
0: none)

    --data      gets a wrong byte in its data segment, if it has one
    --drop      is lost
    --header    gets a wrong byte in its header

--only: other PDUs than SCSI Commands, or Data-Outs nobody asked for, don't count.
--digests says which digests the two ends agree on: PDUs have them then. Each
that was changed is a line on stdout. It begins at SIGUSR1, and ends at SIGUSR2.
"""
import argparse
import random
import signal
import socket
import sys
import threading

from relay import connections

LOGIN = (0x03, 0x23)
NAMES = {0x00: "NOP-Out", 0x01: "SCSI Command", 0x02: "TMF Request",
         0x05: "Data-Out", 0x10: "SNACK", 0x20: "NOP-In",
         0x21: "SCSI Response", 0x22: "TMF Response", 0x25: "Data-In",
         0x31: "R2T", 0x32: "Async Message", 0x3f: "Reject"}


KINDS = {
    "all": lambda opcode, pdu: True,
    "commands": lambda opcode, pdu: opcode == 0x01,
    "unsolicited": lambda opcode, pdu: opcode == 0x05 and
    pdu[20:24] == b"\xff\xff\xff\xff",
}


class Stream:
    """One direction: PDUs out of bytes."""

    def __init__(self, source, digests):
        self.source = source.makefile("rb")
        self.header = 4 if "header" in digests else 0
        self.data = 4 if "data" in digests else 0

    def pdu(self):
        """(opcode, the bytes, where its data begins, how long it is)"""
        bhs = self.source.read(48)
        if len(bhs) < 48:
            return None
        opcode = bhs[0] & 0x3f
        digest = 0 if opcode in LOGIN else self.header
        length = int.from_bytes(bhs[5:8], "big")
        rest = bhs[4] * 4 + digest
        if length:
            rest += (length + 3 & ~3) + (0 if opcode in LOGIN else self.data)
        body = self.source.read(rest)
        if len(body) < rest:
            return None
        return opcode, bytearray(bhs + body), 48 + bhs[4] * 4 + digest, length


class Proxy:
    def __init__(self, o):
        self.o = o
        self.random = random.Random(o.seed)
        self.lock = threading.Lock()
        self.quiet = True
        self.left = {kind: self.next(kind) for kind in ("data", "drop",
                                                        "header")}

    def next(self, kind):
        """So many PDUs from now on; 0: never."""
        n = getattr(self.o, kind)
        return self.random.randint(1, 2 * n) if n else 0

    def due(self, kind):
        if self.quiet or self.left[kind] == 0:
            return False
        self.left[kind] -= 1
        if self.left[kind]:
            return False
        self.left[kind] = self.next(kind)
        return True

    def change(self, opcode, pdu, start, length):
        """The PDU as it arrives; None: it does not."""
        with self.lock:
            what = None
            if self.due("drop"):
                what, pdu = "lost", None
            elif length and self.due("data"):
                what = "data"
                pdu[start + self.random.randrange(length)] ^= 0x10
            elif self.due("header"):
                what = "header"
                pdu[self.random.randrange(8, 48)] ^= 0x10
            if what:
                print(what, NAMES.get(opcode, hex(opcode)), length, flush=True)
        return pdu

    def pump(self, source, to, touched):
        stream = Stream(source, self.o.digests)
        try:
            while got := stream.pdu():
                pdu = got[1]
                if (touched and got[0] not in LOGIN and
                        KINDS[self.o.only](got[0], pdu)):
                    pdu = self.change(*got)
                if pdu:
                    to.sendall(pdu)
        except OSError:
            pass
        for s in (source, to):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def serve(self, client, server):
        for args in ((client, server, self.o.towards != "initiator"),
                     (server, client, self.o.towards != "target")):
            threading.Thread(target=self.pump, args=args, daemon=True).start()

    def run(self):
        def turn(number, frame):
            self.quiet = number == signal.SIGUSR2
        signal.signal(signal.SIGUSR1, turn)
        signal.signal(signal.SIGUSR2, turn)
        for ends in connections(self.o.port, self.o.to):
            self.serve(*ends)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("port", type=int)
    p.add_argument("to", type=int)
    p.add_argument("--digests", default="data")
    p.add_argument("--data", type=int, default=0)
    p.add_argument("--drop", type=int, default=0)
    p.add_argument("--header", type=int, default=0)
    p.add_argument("--only", default="all", choices=KINDS)
    p.add_argument("--towards", default="both",
                   choices=["initiator", "target", "both"])
    p.add_argument("--seed", type=int, default=1)
    Proxy(p.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
