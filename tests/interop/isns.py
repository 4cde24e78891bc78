#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Both sides of iSNS (RFC 4171) for tests, made without lunfs's code.

usage: isns.py ask HOST:PORT add NAME ADDRESS PORT [TYPE]   register a node
       isns.py ask HOST:PORT add-many NAME COUNT ADDRESS PORT   NAME, NAME-2 ...
       isns.py ask HOST:PORT drop NAME ADDRESS PORT         deregister it
       isns.py ask HOST:PORT domain NAME...    a new domain of these: its id
       isns.py ask HOST:PORT domain-add ID NAME...
       isns.py ask HOST:PORT features SOURCE ID NUMBER   1: a boot list
       isns.py ask HOST:PORT nodes SOURCE      what SOURCE may see, one a line
       isns.py ask HOST:PORT members SOURCE ID
       isns.py beat GROUP PORT SERVERPORT...
               heartbeats: the active server, and those that stand in for it
       isns.py serve PORT SCENARIO NAME TARGETPORT
               a server that shows the target NAME at 127.0.0.1:TARGETPORT, and
               does it in a way of its own; logs each request as a line
"""
import socket
import struct
import sys
import time

from relay import receive

REG, QRY, NEXT, DEREG, SCNREG, SCN, DDREG, ESI = 1, 2, 3, 4, 5, 8, 9, 13
CLIENT, SERVER, AUTH, LAST, FIRST = 0x8000, 0x4000, 0x2000, 0x800, 0x400


def tlv(tag, value=b""):
    if isinstance(value, int):
        value = struct.pack(">I", value)
    if isinstance(value, str):
        value = value.encode() + b"\0"
    value += b"\0" * (-len(value) % 4)
    return struct.pack(">II", tag, len(value)) + value


def mapped(address):
    return b"\0" * 10 + b"\xff\xff" + socket.inet_aton(address)


def portal(address, port):
    return tlv(16, mapped(address)) + tlv(17, port)


def text(value):
    return value.split(b"\0")[0].decode(errors="replace")


def attributes(data):
    while data:
        tag, length = struct.unpack(">II", data[:8])
        yield tag, data[8:8 + length]
        data = data[8 + length:]


def pdu(function, transaction, payload, flags=SERVER | FIRST | LAST, sequence=0,
        version=1):
    return struct.pack(">HHHHHH", version, function, len(payload), flags,
                       transaction, sequence) + payload


# ---------------------------------------------------------------- client --

class Server:
    def __init__(self, where):
        host, port = where.rsplit(":", 1)
        self.conn = socket.create_connection((host, int(port)), timeout=10)
        self.transaction = 0

    def ask(self, function, source, keys, rest):
        self.transaction += 1
        self.conn.sendall(pdu(function, self.transaction, tlv(32, source) +
                              keys + tlv(0) + rest, CLIENT | FIRST | LAST))
        length = struct.unpack(">HHHHHH", receive(self.conn, 12))[2]
        data = receive(self.conn, length)
        status = struct.unpack(">I", data[:4])[0]
        if status:
            raise SystemExit(f"isns.py: function {function}: status {status}")
        return list(attributes(data[4:]))

    def add(self, name, address, port, kind="1"):
        self.ask(REG, name, b"", tlv(1) + tlv(2, 2) +
                 portal(address, int(port)) +
                 tlv(32, name) + tlv(33, int(kind)))

    def add_many(self, name, count, address, port):
        """One entity; a node at a time, since servers have their limits."""
        self.add(name, address, port)
        eid = self.ask(QRY, name, tlv(32, name), tlv(1))[-1][1]
        for i in range(2, int(count) + 1):
            one = f"{name}-{i}"
            self.ask(REG, name, tlv(1, eid), tlv(1, eid) + tlv(32, one) +
                     tlv(33, 1) + tlv(34, "alias of " + one))

    def drop(self, name, address, port):
        self.ask(DEREG, name, b"",
                 tlv(32, name) + portal(address, int(port)))

    def domain(self, *names):
        found = self.ask(DDREG, names[0], b"", tlv(2066, "domain " + names[0]) +
                         b"".join(tlv(2068, n) for n in names))
        print([struct.unpack(">I", v)[0] for t, v in found if t == 2065][0])

    def domain_add(self, number, *names):
        self.ask(DDREG, names[0], tlv(2065, int(number)),
                 tlv(2065, int(number)) +
                 b"".join(tlv(2068, n) for n in names))

    def features(self, source, number, features):
        self.ask(DDREG, source, tlv(2065, int(number)),
                 tlv(2065, int(number)) + tlv(2078, int(features)))

    def nodes(self, source):
        for tag, value in self.ask(QRY, source, tlv(32), tlv(32))[2:]:
            print(text(value) if tag == 32 else "")

    def members(self, source, number):
        for tag, value in self.ask(QRY, source, tlv(2065, int(number)), b""):
            if tag == 2068:
                print(text(value))


# ---------------------------------------------------------------- server --

def node(name, port, kind=1):
    return tlv(32, name) + tlv(33, kind) + portal("127.0.0.1", port)


def good(name, port):
    return struct.pack(">I", 0) + tlv(32) + tlv(0) + node(name, port)


def cut(function, transaction, payload, size, flags=0, tail=b""):
    """As many PDUs as it takes."""
    pieces = [payload[i:i + size] for i in range(0, len(payload), size)]
    for i, piece in enumerate(pieces):
        yield pdu(function, transaction, piece, SERVER | flags |
                  (FIRST if i == 0 else 0) |
                  (LAST if i == len(pieces) - 1 else 0), i) + tail


def hostile(name, port):
    return good(name, port) + b"".join(
        tlv(32, bad) + tlv(33, 1) + portal("127.0.0.9", port) for bad in [
            b"../../../etc/passwd\0", b"..\0", b"iqn.2026-11.x:a/b\0",
            b"iqn.2026-11.x:\x1b[2J\0", b"iqn.2026-11.x:\n\0", b"\0\0\0\0",
            b"iqn.2026-11.x:\xff\xfe\0", b"iqn." + b"x" * 3000])


def records(name, port):
    """10,000 of them, most of which are no targets."""
    return struct.pack(">I", 0) + tlv(32) + tlv(0) + b"".join(
        node(f"iqn.2026-11.x:{i}", 1, 2) for i in range(5000)) + \
        node(name, port) + b"".join(
        node(name, port) for i in range(4999))


AUTH_BLOCK = struct.pack(">IIQI", 2, 44, 0, 4) + b"spi\0" + b"sig." * 5

# What comes back for a query: function, transaction, name, port -> messages
SCENARIOS = {
    "good": lambda f, t, n, p: [pdu(f, t, good(n, p))],
    "foreign": lambda f, t, n, p: [pdu(f, t ^ 1, good("iqn.2026-11.x:no", 1)),
                                   pdu(f, t, good(n, p))],
    "pieces": lambda f, t, n, p: cut(f, t, good(n, p), 8),
    "authentication": lambda f, t, n, p: cut(f, t, good(n, p), 40, AUTH,
                                             AUTH_BLOCK),
    "hostile": lambda f, t, n, p: cut(f, t, hostile(n, p), 2000),
    "records": lambda f, t, n, p: cut(f, t, records(n, p), 32000),
    "notices": lambda f, t, n, p: [
        pdu(ESI, 0, tlv(1, "entity") + portal("127.0.0.1", 9),
            CLIENT | FIRST | LAST),
        pdu(SCN, 7, tlv(32, "iqn.2026-11.test:me") + tlv(4, b"12345678") +
            tlv(35, 8) + tlv(32, n), CLIENT | FIRST | LAST),
        pdu(f, t, good(n, p))],
    # from here on it is an error
    "lies": lambda f, t, n, p: [pdu(f, t, good(n, p) + struct.pack(
        ">II", 32, 0xffffff00))],
    "odd": lambda f, t, n, p: [pdu(f, t, good(n, p) + b"abc")],
    "version": lambda f, t, n, p: [pdu(f, t, good(n, p), version=2)],
    "gap": lambda f, t, n, p: [pdu(f, t, good(n, p), SERVER | FIRST),
                               pdu(f, t, b"", SERVER | LAST, 2)],
    "half": lambda f, t, n, p: [pdu(f, t, good(n, p), SERVER | FIRST)],
    "endless": lambda f, t, n, p: (
        pdu(f, t, b"\0" * 65532, SERVER | (0 if i else FIRST), i)
        for i in range(65536)),
    "slow": lambda f, t, n, p: [pdu(f, t, struct.pack(">I", 11))],
    "circles": lambda f, t, n, p: [pdu(f, t, struct.pack(">I", 11))],
    "empty": lambda f, t, n, p: [pdu(f, t, struct.pack(">I", 0) + tlv(32) +
                                     tlv(0))],
    "close": lambda f, t, n, p: [],
}
for code in range(1, 26):
    SCENARIOS[f"status-{code}"] = lambda f, t, n, p, c=code: [
        pdu(f, t, struct.pack(">I", c))]


def other_answer(scenario, function, transaction):
    """To what is no query."""
    body = struct.pack(">I", 0)
    if function == NEXT:
        again = "again"
        if scenario == "slow":      # each in time, but they have no end
            time.sleep(0.5)
            again = f"{transaction:05}"
        one = tlv(32, f"iqn.2026-11.x:{again}")
        body += one + tlv(0) + one + tlv(33, 1)
    if function == REG:
        body = struct.pack(">I", 8 if "status" in scenario else 0)
        body += tlv(1, "entity") + tlv(0) + tlv(1, "entity")
    return [pdu(function | 0x8000, transaction, body)]


def serve_one(conn, scenario, name, port):
    while True:
        header = receive(conn, 12)
        _, function, length, flags, transaction, _ = struct.unpack(
            ">HHHHHH", header)
        receive(conn, length)
        print(f"function {function:#06x} flags {flags:#06x}", flush=True)
        if function & 0x8000:
            continue
        if function == QRY:
            answer = SCENARIOS[scenario](function | 0x8000, transaction, name,
                                         port)
        else:
            answer = other_answer(scenario, function, transaction)
        for message in answer:
            conn.sendall(message)
        if scenario == "close":
            return


def beat(group, port, *servers):
    one = [mapped("127.0.0.1") + struct.pack(">HH", int(p), 0)
           for p in servers]
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                      socket.inet_aton("127.0.0.1"))
    count = 0
    while True:
        payload = one[0] + struct.pack(">IIHH", 1, count, 0, len(one)) + \
            b"".join(one)
        sender.sendto(b"no heartbeat", (group, int(port)))
        sender.sendto(pdu(14, 0, payload, SERVER | FIRST | LAST | AUTH) +
                      AUTH_BLOCK, (group, int(port)))
        count += 1
        time.sleep(0.2)


def serve(port, scenario, name, target_port):
    listener = socket.create_server(("127.0.0.1", int(port)))
    print("ready", flush=True)
    while True:
        conn, _ = listener.accept()
        try:
            serve_one(conn, scenario, name, int(target_port))
        except (EOFError, ConnectionError):
            pass
        conn.close()


def main():
    if sys.argv[1] != "ask":
        {"serve": serve, "beat": beat}[sys.argv[1]](*sys.argv[2:])
        return
    server = Server(sys.argv[2])
    getattr(server, sys.argv[3].replace("-", "_"))(*sys.argv[4:])


if __name__ == "__main__":
    main()
