#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A TCP proxy that cuts, and corrupts.

usage: proxy.py PORT TO_PORT [--modes rst,fin,half,hole] [--bytes N] [--seed N]
                [--gentle] [--corrupt header,data] [--pdus N] [--spare OPCODE]...

Listens on 127.0.0.1:PORT, passes on to 127.0.0.1:TO_PORT, prints "ready". Of
each connection 1..N bytes pass, both directions counted; then it is cut, in one
of the modes:

    rst     both ends get a RST
    fin     both ends get a FIN, at the end of what was passed on
    half    nothing comes from TO_PORT any more, the other direction goes on
    hole    nothing passes in any direction, and nobody is told

--bytes 0 cuts on a signal only. SIGUSR1: all connections are cut now; SIGUSR2:
no more cuts from now on, and those in half and hole are closed. Each cut is a
line on stdout.

--gentle: TO_PORT never gets a RST, and what it sends is read to the end. (QEMU's
user networking dies of a RST while its buffers are full.)

--corrupt: from SIGUSR1 on, which cuts nothing then, after 1..N PDUs of a direction
a bit of the next header or data segment is flipped; and so on, until SIGUSR2. Each
is a line on stdout. It takes for granted that both digests are on. Data of PDUs
with an OPCODE to --spare is left alone.
"""
import argparse
import random
import signal
import socket
import struct
import sys
import threading

from relay import connections

LOGIN = 0x03, 0x23	# opcodes: these PDUs have no digests
BHS = 48
DIGEST = 4
RST = struct.pack("ii", 1, 0)
CHUNK = 256 * 1024


class Corrupter:
    """One direction of a connection: follows its PDUs as they pass."""

    def __init__(self, proxy):
        self.proxy, self.random = proxy, proxy.random
        self.rest = self.random.randint(1, proxy.o.pdus)
        self.begin()

    def begin(self):
        """At the first byte of a PDU."""
        self.header = bytearray()
        self.at, self.end = 0, BHS
        self.victim = None		# the byte that is hit
        self.rest -= 1
        self.kind = None
        if self.rest < 0 and self.proxy.corrupting:
            self.kind = self.random.choice(self.proxy.kinds)

    def plan(self):
        """The header is there."""
        ahs = 4 * self.header[4]
        data = int.from_bytes(self.header[5:8], "big")
        opcode = self.header[0] & 0x3f
        login = opcode in LOGIN
        digest = 0 if login else DIGEST
        begin = BHS + ahs + digest
        self.end = begin + (data + 3 & ~3) + (digest if data else 0)
        if login:
            return
        if self.kind == "data" and data and opcode not in self.proxy.o.spare:
            self.victim = begin + self.random.randrange(data)
        elif self.kind == "header":
            self.victim = self.random.randrange(begin)

    def hit(self, piece, at):
        """If it has the victim: it begins at this byte of the PDU."""
        if self.victim is None or not 0 <= self.victim - at < len(piece):
            return piece
        piece[self.victim - at] ^= 1 << self.random.randrange(8)
        print(f"corrupt: {self.kind} of opcode {self.header[0] & 0x3f:#04x}",
              flush=True)
        self.rest = self.random.randint(1, self.proxy.o.pdus)
        return piece

    def through(self, data):
        """What of it passes now: a header is held until all of it is there."""
        out = bytearray()
        while data:
            n = min(len(data), self.end - self.at)
            piece, data = data[:n], data[n:]
            self.at += n
            if self.at > BHS:
                out += self.hit(bytearray(piece), self.at - n)
            else:
                self.header += piece
                if self.at == BHS:
                    self.plan()
                    out += self.hit(bytearray(self.header), 0)
            if self.at == self.end:
                self.begin()
        return out


class Connection:
    def __init__(self, client, server, mode, budget, gentle, corrupters):
        self.gentle = gentle
        self.client, self.server = client, server
        self.corrupters = corrupters	# by where the bytes come from
        self.mode, self.left = mode, budget
        self.cut_at = None
        self.lock = threading.Lock()
        self.open = 2
        for ends in [(client, server), (server, client)]:
            threading.Thread(target=self.pump, args=ends, daemon=True).start()

    def cut(self):
        """With the lock held."""
        if self.cut_at is not None:
            return
        self.cut_at = self.mode
        print("cut:", self.mode, flush=True)
        for s in (self.client, self.server):
            try:
                if self.mode == "rst" and not (self.gentle and
                                               s is self.server):
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
                    s.shutdown(socket.SHUT_RD)	# wakes the pumps
                elif self.mode in ("rst", "fin"):
                    s.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    def take(self, data, to):
        """What of it passes; in half and hole the rest is thrown away."""
        with self.lock:
            if self.cut_at == "half" and to is self.server:
                return data
            if self.cut_at is not None:
                return b""
            if self.left is None:
                return data
            passed = data[:self.left]
            self.left -= len(passed)
            if self.mode == "half" and to is self.server:
                return data		# it goes on without a gap
            return passed

    def part(self, source):
        """An end that went away parts from the target."""
        if source is self.client:
            self.server.shutdown(socket.SHUT_WR)
        else:
            while source.recv(CHUNK):
                pass

    def pump(self, source, to):
        try:
            corrupter = self.corrupters.get(source)
            while data := source.recv(CHUNK):
                if corrupter:
                    data = corrupter.through(data)
                passed = self.take(data, to)
                if passed:
                    to.sendall(passed)
                with self.lock:
                    if self.left == 0:
                        self.cut()
            if self.cut_at is None:
                to.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        try:
            if self.gentle:
                self.part(source)
        except OSError:
            pass
        self.ended()

    def release(self):
        """What was kept open; the pumps end with it."""
        if self.cut_at not in ("half", "hole"):
            return
        for s in (self.client, self.server):
            try:
                s.shutdown(socket.SHUT_WR if self.gentle and s is self.server
                           else socket.SHUT_RDWR)
            except OSError:
                pass

    def ended(self):
        """A direction that has ended; half and hole end with the first, so
        that a client that gives up is not waited for by the server."""
        with self.lock:
            self.open -= 1
            if self.open == 1:
                self.release()
            if self.open == 0:
                self.client.close()
                self.server.close()


class Proxy:
    def __init__(self, o):
        self.o = o
        self.modes = o.modes.split(",")
        self.kinds = o.corrupt.split(",") if o.corrupt else []
        self.corrupting = False
        self.random = random.Random(o.seed)
        self.cutting = o.bytes > 0
        self.all = []

    def on_signal(self, number, frame):
        if number == signal.SIGUSR1 and self.kinds:
            self.corrupting = True
            return
        if number == signal.SIGUSR2:
            self.cutting = self.corrupting = False
        for c in self.all:
            with c.lock:
                if number == signal.SIGUSR1:
                    c.cut()
                else:
                    c.left = None
                    c.release()

    def serve(self, client, server):
        budget = self.random.randint(1, self.o.bytes) if self.cutting else None
        self.all = [c for c in self.all if c.open > 0]
        corrupters = {end: Corrupter(self) for end in (client, server)
                      if self.kinds}
        self.all.append(Connection(client, server,
                                   self.random.choice(self.modes), budget,
                                   self.o.gentle, corrupters))

    def run(self):
        # Signal handlers take locks that the main thread never holds.
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, self.on_signal)
        for ends in connections(self.o.port, self.o.to):
            self.serve(*ends)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("port", type=int)
    p.add_argument("to", type=int)
    p.add_argument("--modes", default="rst")
    p.add_argument("--bytes", type=int, default=0)
    p.add_argument("--gentle", action="store_true")
    p.add_argument("--corrupt", default="")
    p.add_argument("--pdus", type=int, default=300)
    p.add_argument("--spare", type=lambda s: int(s, 0), action="append",
                   default=[])
    p.add_argument("--seed", type=int, default=1)
    Proxy(p.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
