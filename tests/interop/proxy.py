#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A TCP proxy that cuts.

usage: proxy.py PORT TO_PORT [--modes rst,fin,half,hole] [--bytes N] [--seed N]

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
"""
import argparse
import random
import signal
import socket
import struct
import sys
import threading

RST = struct.pack("ii", 1, 0)
CHUNK = 256 * 1024


class Connection:
    def __init__(self, client, server, mode, budget):
        self.client, self.server = client, server
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
                if self.mode == "rst":
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
                    s.shutdown(socket.SHUT_RD)	# wakes the pumps
                elif self.mode == "fin":
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
            return passed

    def pump(self, source, to):
        try:
            while data := source.recv(CHUNK):
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
        self.ended()

    def ended(self):
        """A direction that has ended; half and hole end with the first, so
        that a client that gives up is not waited for by the server."""
        with self.lock:
            self.open -= 1
            if self.open == 1 and self.cut_at in ("half", "hole"):
                for s in (self.client, self.server):
                    try:
                        s.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass
            if self.open == 0:
                self.client.close()
                self.server.close()


class Proxy:
    def __init__(self, o):
        self.o = o
        self.modes = o.modes.split(",")
        self.random = random.Random(o.seed)
        self.cutting = o.bytes > 0
        self.all = []

    def on_signal(self, number, frame):
        if number == signal.SIGUSR2:
            self.cutting = False
        for c in self.all:
            with c.lock:
                if number == signal.SIGUSR1:
                    c.cut()
                else:
                    c.left = None
        if number == signal.SIGUSR2:
            self.release()

    def release(self):
        for c in self.all:
            if c.cut_at in ("half", "hole"):
                for s in (c.client, c.server):
                    try:
                        s.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass

    def serve(self, client):
        server = socket.socket()
        try:
            server.connect(("127.0.0.1", self.o.to))
        except OSError:
            client.close()
            server.close()
            return
        for s in (client, server):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        budget = self.random.randint(1, self.o.bytes) if self.cutting else None
        self.all = [c for c in self.all if c.open > 0]
        self.all.append(Connection(client, server,
                                   self.random.choice(self.modes), budget))

    def run(self):
        # Signal handlers take locks that the main thread never holds.
        accepted = socket.create_server(("127.0.0.1", self.o.port))
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, self.on_signal)
        print("ready", flush=True)
        while True:
            client, _ = accepted.accept()
            self.serve(client)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("port", type=int)
    p.add_argument("to", type=int)
    p.add_argument("--modes", default="rst")
    p.add_argument("--bytes", type=int, default=0)
    p.add_argument("--seed", type=int, default=1)
    Proxy(p.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
