#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A DHCP server that knows RFC 3118: no other does.

usage: dhcp-auth.py INTERFACE ROOTPATH plain | key=ID:SECRET | token=TEXT

It answers DISCOVER, REQUEST and INFORM. With a key, it wants to be asked for
authentication, and REQUEST and RELEASE to be signed: what is not, is told and
not answered. Written from the RFCs, not from our client.
"""
import hashlib
import hmac
import socket
import struct
import sys
import time

ME = socket.inet_aton("192.0.2.1")
OFFERED = socket.inet_aton("192.0.2.100")
DISCOVER, OFFER, REQUEST, ACK, RELEASE, INFORM = 1, 2, 3, 5, 7, 8
NAMES = {1: "DISCOVER", 3: "REQUEST", 7: "RELEASE", 8: "INFORM"}


def say(text):
    print(text, flush=True)


def options_of(message):
    """{code: (value, where it is)}"""
    found, at = {}, 240
    while at < len(message) and message[at] != 255:
        if message[at] == 0:
            at += 1
            continue
        length = message[at + 1]
        found[message[at]] = (message[at + 2:at + 2 + length], at + 2)
        at += 2 + length
    return found


def mac_of(message, at, secret):
    copy = bytearray(message)
    copy[3] = 0
    copy[24:28] = bytes(4)
    copy[at + 15:at + 31] = bytes(16)
    return hmac.new(secret, copy, hashlib.md5).digest()


class Server:
    def __init__(self, mode):
        kind, _, value = mode.partition("=")
        self.kind = kind
        self.token = value.encode()
        self.replay = int(time.time()) << 32
        self.theirs = 0
        if kind == "key":
            number, _, secret = value.partition(":")
            self.id, self.secret = int(number), secret.encode()

    def is_good(self, kind, message, options):
        """Is it what a client of RFC 3118 sends?"""
        if self.kind == "plain":
            return True
        if 90 not in options or 61 not in options:
            say(f"{kind} without authentication or client identifier")
            return False
        value, at = options[90]
        counter = struct.unpack(">Q", value[3:11])[0]
        if counter <= self.theirs:
            say(f"{kind} is a replay")
            return False
        self.theirs = counter
        if self.kind == "token":
            if value[:3] != bytes(3):
                say(f"{kind} is not of protocol 0")
            return value[:3] == bytes(3)
        if value[:3] != b"\1\1\0":
            say(f"{kind} is not of protocol 1")
            return False
        if kind in ("DISCOVER", "INFORM"):
            return len(value) == 11
        good = len(value) == 31 and \
            struct.unpack(">I", value[11:15])[0] == self.id and \
            value[15:] == mac_of(message, at, self.secret)
        say(f"{kind} {'signed' if good else 'with a wrong MAC'}")
        return good

    def authenticated(self, reply):
        """The reply with option 90 and its end."""
        self.replay += 1
        head = struct.pack(">Q", self.replay)
        if self.kind == "token":
            value = bytes(3) + head + self.token
            return reply + bytes([90, len(value)]) + value + b"\xff"
        value = b"\1\1\0" + head + struct.pack(">I", self.id) + bytes(16)
        at = len(reply) + 2
        whole = bytearray(reply + bytes([90, len(value)]) + value + b"\xff")
        whole[at + 15:at + 31] = mac_of(whole, at, self.secret)
        return bytes(whole)

    def reply(self, message, path):
        options = options_of(message)
        code = options[53][0][0]
        kind = NAMES.get(code, str(code))
        say(kind)
        if not self.is_good(kind, message, options) or code == RELEASE:
            return None
        answer = OFFER if code == DISCOVER else ACK
        yiaddr = bytes(4) if code == INFORM else OFFERED
        reply = bytes([2, 1, 6, 0]) + message[4:8] + bytes(4) + \
            message[12:16] + yiaddr + ME + bytes(4) + message[28:44] + \
            bytes(192) + bytes([99, 130, 83, 99]) + \
            bytes([53, 1, answer, 54, 4]) + ME + \
            bytes([17, len(path)]) + path
        if self.kind == "plain":
            return reply + b"\xff"
        return self.authenticated(reply)


def main():
    interface, path, mode = sys.argv[1:]
    server = Server(mode)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    s.bind(("", 67))
    say("ready")
    while True:
        message = s.recv(4096)
        reply = server.reply(message, path.encode())
        if reply:
            s.sendto(reply, ("255.255.255.255", 68))


main()
