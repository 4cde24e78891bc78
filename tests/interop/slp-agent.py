#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Agents of the Service Location Protocol for tests, written from RFC 2608.

usage: slp-agent.py CONFIG LOG

CONFIG is JSON, a list of agents:

  {"address": "10.77.0.1",      where it listens, at port 427
   "role": "sa" or "da",
   "scopes": ["DEFAULT"],
   "services": [{"url", "attrs", "scopes", "lifetime", "type"}],
   "interface": "v1",           that of multicast
   "boot": 1,                   of a directory agent; 0: it is going down
   ... and what it does wrong: see faults}

Faults: "mute": N requests for services are not answered; "error": code of each answer to a
unicast; "busy": N times DA_BUSY_NOW first; "mtu": of datagrams; "overflow":
answers over UDP have no entries; "tcp": false; "dribble": TCP in single bytes,
behind a message of another XID; "attributes": false; "raw": [hex...] sent for
each SrvRqst, with XXXX for the XID; "unlistening": no multicast; "slow": seconds
for each answer about attributes.

Each request is a line of JSON in LOG. "ready" is printed when all listen.
"""
import json
import re
import selectors
import socket
import struct
import sys
import time

IP_RECVTTL = 12                         # linux/in.h; Python does not have it
PORT = 427
GROUP = "239.255.255.253"
SRV_RQST, SRV_RPLY, ATTR_RQST, ATTR_RPLY, DA_ADVERT, SA_ADVERT = 1, 2, 6, 7, 8, 11
OVERFLOW, MCAST = 0x8000, 0x2000
SCOPE_NOT_SUPPORTED, PARSE_ERROR, BUSY, MSG_NOT_SUPPORTED = 4, 2, 11, 14
DA, SA = "service:directory-agent", "service:service-agent"


# ------------------------------------------------------------ strings --

def fold(text):
    """RFC 2608 6.4: no case, white space folded."""
    return re.sub(r"[ \t\r\n]+", " ", text.strip(" \t\r\n")).lower()


def unescape(text):
    return re.sub(rb"\\([0-9a-fA-F]{2})",
                  lambda m: bytes([int(m[1], 16)]),
                  text.encode()).decode("utf-8", "replace")


def scope_set(text):
    return {fold(unescape(s)) for s in text.split(",") if s}


def attributes(text):
    """{tag: [values]} of an attribute list."""
    out = {}
    for keyword, tag, values in re.findall(
            r"(?:^|,)(?:([^(),=]+)|\(([^(),=]+)=([^()]*)\))", text):
        name = fold(unescape(tag or keyword))
        out[name] = [fold(unescape(v)) for v in values.split(",")] if tag \
            else []
    return out


class Filter:
    """An LDAPv3 filter (RFC 2254), as far as SLP has them: & | ! = with *."""

    def __init__(self, text):
        self.text, self.at = text, 0
        self.test = self.parse()
        if self.at != len(text):
            raise ValueError("something behind the filter")

    def need(self, char):
        if self.text[self.at:self.at + 1] != char:
            raise ValueError(f"no {char} at {self.at} of {self.text}")
        self.at += 1

    def parse(self):
        self.need("(")
        op = self.text[self.at:self.at + 1]
        if op in ("&", "|"):
            self.at += 1
            parts = []
            while self.text[self.at:self.at + 1] == "(":
                parts.append(self.parse())
            if not parts:
                raise ValueError("an empty list")
            what = all if op == "&" else any
            test = lambda a: what(p(a) for p in parts)      # noqa: E731
        elif op == "!":
            self.at += 1
            inner = self.parse()
            test = lambda a: not inner(a)                   # noqa: E731
        else:
            m = re.compile(r"([^()=~<>\\*,!]+)=([^()]*)").match(self.text,
                                                                 self.at)
            if not m:
                raise ValueError(f"no item at {self.at} of {self.text}")
            self.at = m.end()
            test = self.item(fold(unescape(m[1])), m[2])
        self.need(")")
        return test

    @staticmethod
    def item(tag, value):
        if value == "*":
            return lambda a: tag in a
        pattern = re.compile(".*".join(re.escape(fold(unescape(part)))
                                       for part in value.split("*")))
        return lambda a: any(pattern.fullmatch(v) for v in a.get(tag, []))


# ------------------------------------------------------------ messages --

def text(s):
    s = s if isinstance(s, bytes) else s.encode()
    return struct.pack(">H", len(s)) + s


def message(function, xid, body, flags=0, lang="en"):
    lang = text(lang)
    length = 12 + len(lang) + len(body)
    return struct.pack(">BB", 2, function) + length.to_bytes(3, "big") + \
        struct.pack(">H", flags) + b"\0\0\0" + struct.pack(">H", xid) + \
        lang + body


class Request:
    def __init__(self, data):
        if len(data) < 14 or data[0] != 2:
            raise ValueError("no SLPv2 header")
        self.function = data[1]
        if int.from_bytes(data[2:5], "big") != len(data):
            raise ValueError("length")
        self.flags, = struct.unpack(">H", data[5:7])
        if data[7:10] != b"\0\0\0":
            raise ValueError("an extension")
        self.xid, = struct.unpack(">H", data[10:12])
        self.data, self.at = data, 12
        self.lang = self.text()
        self.prlist, self.subject, self.scopes, self.what, self.spi = (
            self.text() for _ in range(5))
        if self.at != len(data):
            raise ValueError("bytes behind the request")

    def text(self):
        n, = struct.unpack_from(">H", self.data, self.at)
        s = self.data[self.at + 2:self.at + 2 + n]
        if len(s) != n:
            raise ValueError("a text that does not fit")
        self.at += 2 + n
        return s.decode()


def slp_hash(service_type):
    """RFC 3111 4.1"""
    h = 0
    for c in service_type.encode():
        h = h * 33 + c
    return h & 0x3ff


# -------------------------------------------------------------- agents --

class Agent:
    def __init__(self, config, log):
        self.c, self.log = config, log
        self.address = config["address"]
        self.scopes = config.get("scopes", ["DEFAULT"])
        self.mute = config.get("mute", 0)
        self.busy = config.get("busy", 0)
        self.services = config.get("services", [])
        for s in self.services:
            s["parsed"] = attributes(s.get("attrs", ""))

    def own_url(self, kind):
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{kind}://{host}"

    def matches(self, rq, s, wanted):
        kind = s.get("type") or s["url"].split("://")[0]
        scopes = {fold(x) for x in s.get("scopes", self.scopes)}
        if not fold(kind) == fold(rq.subject) and \
           not fold(kind).startswith(fold(rq.subject) + ":"):
            return False
        if not scopes & scope_set(rq.scopes):
            return False
        return wanted(s["parsed"])

    def service_reply(self, rq, mtu):
        wanted = Filter(rq.what).test if rq.what else lambda a: True
        found = [s for s in self.services if self.matches(rq, s, wanted)]
        if not found and rq.flags & MCAST:
            return None
        entries, flags = [], 0
        size = 12 + 4 + 4
        for s in found:
            e = struct.pack(">BH", 0, s.get("lifetime", 300)) + \
                text(s["url"]) + b"\0"
            if mtu and (size + len(e) > mtu or self.c.get("overflow")):
                flags = OVERFLOW
                break
            size += len(e)
            entries.append(e)
        return message(SRV_RPLY, rq.xid, struct.pack(
            ">HH", 0, len(entries)) + b"".join(entries), flags)

    def attribute_reply(self, rq, mtu):
        time.sleep(self.c.get("slow", 0))
        if not self.c.get("attributes", True):
            return self.failure(rq, MSG_NOT_SUPPORTED)
        found = [s for s in self.services if s["url"] == rq.subject]
        wanted = [fold(t) for t in rq.what.split(",") if t]
        raw = found[0].get("attrs", "") if found else ""
        if wanted:
            raw = ",".join(
                a for a in re.findall(r"\([^()]*\)|[^(),]+", raw)
                if fold(a.strip("()").split("=")[0]) in wanted)
        m = message(ATTR_RPLY, rq.xid, b"\0\0" + text(raw) + b"\0")
        if mtu and len(m) > mtu:
            m = message(ATTR_RPLY, rq.xid, b"\0\0" + text(""), OVERFLOW)
        return m

    def failure(self, rq, code):
        reply = DA_ADVERT if rq.subject == DA else rq.function + 1
        return message(reply, rq.xid, struct.pack(">H", code))

    def advert(self, rq, function):
        if rq.scopes and not {fold(s) for s in self.scopes} & \
                scope_set(rq.scopes):
            return None
        scopes = text(",".join(s.replace(",", r"\2c") for s in self.scopes))
        if function == SA_ADVERT:
            return message(SA_ADVERT, rq.xid, text(self.own_url(SA)) + scopes +
                           text("") + b"\0")
        return message(DA_ADVERT, rq.xid, struct.pack(
            ">HI", 0, self.c.get("boot", 1)) + text(self.own_url(DA)) +
            scopes + text("") + text("") + b"\0")

    def addressed(self, rq):
        """Are we asked? RFC 2608 8.1: not those on the list."""
        return self.address not in rq.prlist.split(",")

    def answer(self, rq, mtu):
        unicast = not rq.flags & MCAST
        is_da = self.c["role"] == "da"
        if not self.addressed(rq):
            return None
        if unicast and self.busy > 0:
            self.busy -= 1
            return self.failure(rq, BUSY)
        if unicast and self.c.get("error"):
            return self.failure(rq, self.c["error"])
        if rq.subject == DA:
            return self.advert(rq, DA_ADVERT) if is_da else None
        if rq.subject == SA:
            return self.advert(rq, SA_ADVERT) if not is_da and not unicast \
                else None
        if is_da and not unicast:
            return None
        if not {fold(s) for s in self.scopes} & scope_set(rq.scopes):
            return self.failure(rq, SCOPE_NOT_SUPPORTED) if unicast else None
        try:
            if rq.function == SRV_RQST:
                return self.service_reply(rq, mtu)
            return self.attribute_reply(rq, mtu)
        except ValueError:
            return self.failure(rq, PARSE_ERROR) if unicast else None

    def take(self, data, peer, how, ttl=None):
        """All answers to the message, in order."""
        try:
            rq = Request(data)
        except ValueError as e:
            self.log.write(json.dumps({"agent": self.address,
                                       "bad": str(e)}) + "\n")
            self.log.flush()
            return []
        self.log.write(json.dumps({
            "agent": self.address, "how": how, "from": peer[0],
            "port": peer[1], "ttl": ttl, "function": rq.function,
            "flags": rq.flags, "xid": rq.xid, "lang": rq.lang,
            "prlist": rq.prlist, "subject": rq.subject, "scopes": rq.scopes,
            "what": rq.what, "spi": rq.spi}) + "\n")
        self.log.flush()
        if self.mute > 0 and rq.subject not in (DA, SA) and \
                {fold(x) for x in self.scopes} & scope_set(rq.scopes):
            self.mute -= 1
            return []
        if self.c.get("raw") and rq.subject not in (DA, SA) and \
                rq.function == SRV_RQST:
            return [bytes.fromhex(r.replace("XXXX", f"{rq.xid:04x}"))
                    for r in self.c["raw"]]
        mtu = self.c.get("mtu", 1400) if how != "tcp" else None
        m = self.answer(rq, mtu)
        return [m] if m else []


# ------------------------------------------------------------- sockets --

class Sockets:
    def __init__(self, agent, selector):
        self.agent, self.selector = agent, selector
        address = agent.address
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.udp = self.bound(socket.SOCK_DGRAM, address)
        selector.register(self.udp, selectors.EVENT_READ,
                          lambda: self.datagram(self.udp, "unicast"))
        if not agent.c.get("unlistening"):
            self.listen_to_groups()
        if agent.c.get("tcp", True):
            self.tcp = self.bound(socket.SOCK_STREAM, address)
            self.tcp.listen(20)
            selector.register(self.tcp, selectors.EVENT_READ, self.accept)

    def bound(self, kind, address):
        s = socket.socket(self.family, kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, PORT))
        return s

    def groups(self):
        if self.family == socket.AF_INET:
            return [GROUP] + (["255.255.255.255"]
                              if self.agent.c.get("broadcast") else [])
        if self.agent.c["role"] == "da":
            return ["ff02::123", "ff05::123"]
        types = [SA, "service:iscsi:target", "service:iscsi:sms"]
        return [f"ff0{scope}::1:{0x1000 + slp_hash(t):x}"
                for t in types for scope in (2, 5)]

    def listen_to_groups(self):
        index = socket.if_nametoindex(self.agent.c.get("interface", "v1"))
        for group in self.groups():
            s = socket.socket(self.family, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self.family == socket.AF_INET6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                s.bind((group, PORT, 0, index))
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                             socket.inet_pton(self.family, group) +
                             struct.pack("@I", index))
            else:
                s.bind((group, PORT))
                s.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
                if group == GROUP:
                    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                                 socket.inet_aton(group) + b"\0\0\0\0" +
                                 struct.pack("@i", index))
            how = "broadcast" if group == "255.255.255.255" else "multicast"
            self.selector.register(
                s, selectors.EVENT_READ,
                lambda s=s, how=how: self.datagram(s, how))

    def datagram(self, s, how):
        data, extra, _, peer = s.recvmsg(65536, 256)
        ttl = next((struct.unpack("@i", d[:4])[0] for level, kind, d in extra
                    if level == socket.IPPROTO_IP and kind == socket.IP_TTL),
                   None)
        for m in self.agent.take(data, peer, how, ttl):
            try:
                self.udp.sendto(m[:65000], peer)
            except OSError as e:
                print(e, file=sys.stderr)

    def accept(self):
        s, peer = self.tcp.accept()
        s.settimeout(10)
        with s:
            try:
                self.serve(s, peer)
            except OSError as e:
                print(e, file=sys.stderr)

    def serve(self, s, peer):
        """Requests of one connection, until the peer closes it."""
        have = b""
        while True:
            while len(have) >= 5:
                n = int.from_bytes(have[2:5], "big")
                if len(have) < n:
                    break
                for m in self.agent.take(have[:n], peer, "tcp"):
                    self.send(s, m)
                have = have[n:]
            more = s.recv(65536)
            if not more:
                return
            have += more

    def send(self, s, m):
        if not self.agent.c.get("dribble"):
            s.sendall(m)
            return
        # two messages, of which the first is somebody else's
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        other = bytearray(m)
        other[10] ^= 0xff
        s.sendall(bytes(other) + m[:7])
        for i in range(7, min(len(m), 300)):
            s.sendall(m[i:i + 1])
        s.sendall(m[300:])


def main():
    config, log = sys.argv[1:]
    selector = selectors.DefaultSelector()
    with open(config, encoding="utf-8") as f, \
            open(log, "a", encoding="utf-8") as out:
        sockets = [Sockets(Agent(c, out), selector) for c in json.load(f)]
        print("ready", flush=True)
        while sockets:
            for key, _ in selector.select():
                key.data()


if __name__ == "__main__":
    main()
