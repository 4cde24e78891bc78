#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A SOCKS 5 proxy that does as it is told.

usage: socks.py NAME=HOST:PORT MODE...

Listens on a port of its own for each MODE, and prints "MODE PORT"; then a line
for each request: its address type and its address. The name stands for that
portal and nobody else knows it. MODE:

    ok              an honest one, for clients without user
    split           the same, its answers byte by byte
    name            the same, its bound address is a name
    version4        answers like another version of SOCKS
    no-method       accepts no method (0xff)
    user            wants user name and password, and then refuses them
    reply=N         refuses each request with this code
    silent=STEP     stops before its STEPth answer (1 method, 2 request)
    close=STEP      closes the connection there instead
"""
import contextlib
import socket
import struct
import sys
import threading
import time

from relay import receive

NAME, PORTAL = sys.argv[1].split("=")


def say(c, mode, step, data):
    if mode == f"silent={step}":
        time.sleep(60)
    if mode in (f"silent={step}", f"close={step}"):
        raise EOFError
    if mode != "split":
        c.sendall(data)
        return
    for i in range(len(data)):
        c.sendall(data[i:i + 1])
        time.sleep(0.01)


def method(c, mode):
    version, n = receive(c, 2)
    offered = receive(c, n)
    assert version == 5 and n > 0, (version, n)
    if mode == "version4":
        c.sendall(b"\x04\x00")
    elif mode == "no-method":
        c.sendall(b"\x05\xff")
    elif mode == "user":
        assert 2 in offered, offered
        c.sendall(b"\x05\x02")
        receive(c, receive(c, 2)[1])
        receive(c, receive(c, 1)[0])
        c.sendall(b"\x01\x01")
    else:
        assert 0 in offered, offered
        say(c, mode, 1, b"\x05\x00")
        return
    c.recv(1)               # the client must close
    raise EOFError


def request(c):
    version, command, reserved, kind = receive(c, 4)
    assert (version, command, reserved) == (5, 1, 0)
    if kind == 1:
        host = socket.inet_ntop(socket.AF_INET, receive(c, 4))
    elif kind == 4:
        host = socket.inet_ntop(socket.AF_INET6, receive(c, 16))
    else:
        host = receive(c, receive(c, 1)[0]).decode()
    port = struct.unpack(">H", receive(c, 2))[0]
    print(kind, host, port, flush=True)
    return host, port


def relay(a, b):
    with contextlib.suppress(OSError):
        while data := a.recv(65536):
            b.sendall(data)
    with contextlib.suppress(OSError):
        b.shutdown(socket.SHUT_WR)


def serve(c, mode):
    with contextlib.suppress(EOFError, OSError), c:
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        method(c, mode)
        host, port = request(c)
        if mode.startswith("reply="):
            c.sendall(bytes([5, int(mode[6:]), 0, 1, 0, 0, 0, 0, 0, 0]))
            return
        if host == NAME:
            host, port = PORTAL.rsplit(":", 1)
        to = socket.create_connection((host, int(port)))
        bound = b"\x01\x7f\x00\x00\x01"
        if mode == "name":
            bound = b"\x03\x05proxy"
        say(c, mode, 2, b"\x05\x00\x00" + bound + b"\x12\x34")
        with to:
            back = threading.Thread(target=relay, args=(to, c), daemon=True)
            back.start()
            relay(c, to)
            back.join()


def listen(s, mode):
    while True:
        threading.Thread(target=serve, args=(s.accept()[0], mode),
                         daemon=True).start()


for m in sys.argv[2:]:
    server = socket.create_server(("127.0.0.1", 0))
    print(m, server.getsockname()[1], flush=True)
    last = threading.Thread(target=listen, args=(server, m))
    last.start()
last.join()
