#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Peers that are no iSCSI target.

Prints "ready" when it is.

usage: peers.py PORT http     answers whatever comes with an HTTP error
       peers.py PORT silent   accepts, reads, never answers
       peers.py PORT close    accepts and closes at once
       peers.py PORT full     does not even accept: its backlog is full
"""
import socket
import sys
import time

ANSWER = (b"HTTP/1.1 400 Bad Request\r\nServer: test\r\nContent-Length: 0\r\n"
          b"Connection: close\r\n\r\n")


def fill_backlog(address):
    """Connections that nobody accepts, until the kernel takes no more."""
    held = []
    for _ in range(16):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(address)
        held.append(s)
    return held


def main():
    address, mode = ("127.0.0.1", int(sys.argv[1])), sys.argv[2]
    listener = socket.create_server(address, backlog=0 if mode == "full" else 9)
    if mode == "full":
        held = fill_backlog(address)
        print("ready", flush=True)
        time.sleep(3600)
        return len(held)
    print("ready", flush=True)
    keep = []
    while True:
        conn, _ = listener.accept()
        if mode == "silent":
            keep.append(conn)
            continue
        if mode == "http":
            conn.recv(4096)
            conn.sendall(ANSWER)
        conn.close()


if __name__ == "__main__":
    sys.exit(main())
