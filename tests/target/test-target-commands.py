#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""SCSI commands as libiscsi's suite does not send them. The initiator is a few lines
of our own: those of others do not let their ISID be chosen.

Persistent reservations and the end of the target: what was registered with APTPL
is there again, however it ended, and what was not is gone. REPORT SUPPORTED
OPERATION CODES with each of its reporting options (SPC-4 6.35). When faults begin and
end.

usage: test-target-commands.py LUNFS-TARGET
"""
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = os.path.abspath(sys.argv[1])
TARGET = "iqn.2026-01.net.lunfs:disk"
KEY, OTHER_KEY = 0x0123456789abcdef, 0xfedcba9876543210

GOOD, CHECK_CONDITION, BUSY, CONFLICT = 0, 2, 8, 0x18
REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT = range(5)
READ_KEYS, READ_RESERVATION = range(2)
WRITE_EXCLUSIVE, EXCLUSIVE_ALL = 1, 8


class Initiator:
    """A session with one connection and one command at a time."""

    def __init__(self, portal, number):
        host, port = portal.rsplit(":", 1)
        self.sock = socket.create_connection((host, int(port)), timeout=30)
        self.cmd_sn, self.exp_stat_sn, self.itt = 1, 0, 0
        self.login(bytes([0x80, 0, 0, number, 0, 0]))
        while self.command(bytes(6))[0] == CHECK_CONDITION:
            pass                        # unit attentions

    def login(self, isid):
        text = (f"InitiatorName=iqn.2026-01.net.lunfs:i\0TargetName={TARGET}\0"
                "SessionType=Normal\0").encode()
        while True:
            self.send(struct.pack(">BBHI6sHIHHII16x", 0x43, 0x87, 0, len(text),
                                  isid, 0, 0, 1, 0, self.cmd_sn,
                                  self.exp_stat_sn), text)
            bhs, _ = self.receive()
            assert bhs[0] == 0x23 and bhs[36] == 0, bhs.hex()
            if bhs[1] & 0x80:
                return
            text = b""

    def send(self, bhs, data):
        assert len(bhs) == 48
        self.sock.sendall(bhs + data + bytes(-len(data) % 4))

    def exactly(self, n):
        got = b""
        while len(got) < n:
            more = self.sock.recv(n - len(got))
            assert more, "the target closed the connection"
            got += more
        return got

    def receive(self):
        bhs = self.exactly(48)
        n = int.from_bytes(bhs[5:8], "big")
        data = self.exactly(n + -n % 4)[:n]
        if bhs[0] != 0x25 or bhs[1] & 1:
            self.exp_stat_sn = (int.from_bytes(bhs[24:28], "big") + 1) % 2**32
        self.max_cmd_sn = int.from_bytes(bhs[32:36], "big")
        return bhs, data

    def answer_ping(self):
        bhs, _ = self.receive()
        assert bhs[0] == 0x20, bhs.hex()
        self.send(struct.pack(">BB6s8sI4sII16x", 0x40, 0x80, bytes(6), bhs[8:16],
                              0xffffffff, bhs[20:24], self.cmd_sn,
                              self.exp_stat_sn), b"")

    def invited(self):
        """Is there room for a command?"""
        return (self.max_cmd_sn - self.cmd_sn) % 2**32 < 2**31

    def command(self, cdb, out=b"", in_len=0):
        """(status, data)."""
        flags = 0x81 | (0x20 if out else 0) | (0x40 if in_len else 0)
        self.itt += 1
        self.send(struct.pack(">BBHI8xIIII16s", 0x01, flags, 0, len(out),
                              self.itt, len(out) or in_len, self.cmd_sn,
                              self.exp_stat_sn, cdb), out)
        self.cmd_sn += 1
        got = b""
        while True:
            bhs, data = self.receive()
            if bhs[0] == 0x25 or bhs[3]:
                got += data             # or the sense, with its length
            if bhs[0] == 0x21 or bhs[0] == 0x25 and bhs[1] & 1:
                return bhs[3], got
            assert bhs[0] == 0x25, bhs.hex()

    def reserve_out(self, action, key=0, new=0, kind=0, aptpl=False):
        cdb = struct.pack(">BBBxxIx", 0x5f, action, kind, 24)
        return self.command(cdb, struct.pack(">QQ4xB3x", key, new, aptpl))[0]

    def reserve_in(self, action):
        cdb = struct.pack(">BB5xHx", 0x5e, action, 512)
        status, data = self.command(cdb, in_len=512)
        assert status == GOOD
        return data[8:8 + int.from_bytes(data[4:8], "big")]

    def keys(self):
        data = self.reserve_in(READ_KEYS)
        return [k for k, in struct.iter_unpack(">Q", data)]

    def reservation(self):
        """(key, type) or None."""
        data = self.reserve_in(READ_RESERVATION)
        return struct.unpack(">Q5xBxx", data) if data else None

    def write(self):
        return self.command(struct.pack(">BxIxHx", 0x2a, 0, 1), bytes(512))[0]


class Times(unittest.TestCase):
    """from= and to= count from the start of the program."""

    def start(self, *args):
        self.began = time.monotonic()
        target = subprocess.Popen([PROGRAM, *args], text=True,
                                  stdout=subprocess.PIPE)
        self.addCleanup(target.wait)
        self.addCleanup(target.kill)
        self.addCleanup(target.stdout.close)
        s = Initiator(target.stdout.readline().split()[1], 1)
        self.addCleanup(s.sock.close)
        return s

    def age(self):
        return time.monotonic() - self.began

    def test_a_fault_begins_and_ends(self):
        s = self.start("--fault", "status=busy,from=2s,to=4s")
        busy = []
        while self.age() < 6:
            status = s.command(bytes(6))[0]
            if status == BUSY:
                busy.append(self.age())
            time.sleep(0.1)
        self.assertTrue(busy)
        self.assertGreaterEqual(busy[0], 2)
        self.assertEqual(status, GOOD)

    def test_the_window_closes_and_opens(self):
        """Also for who says nothing while it is closed."""
        s = self.start("--window", "1", "--nop", "1", "--fault",
                       "window=0,from=2s,to=4s")
        while s.invited() and self.age() < 6:
            s.command(bytes(6))
            time.sleep(0.1)
        self.assertFalse(s.invited())
        self.assertGreaterEqual(self.age(), 2)
        while not s.invited():
            s.answer_ping()
        self.assertEqual(s.command(bytes(6))[0], GOOD)


class Served(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.disk = folder.name + "/disk"
        self.target = None
        self.addCleanup(lambda: self.target and self.end(signal.SIGKILL))

    def start(self):
        """Two initiator ports, 1 and 2."""
        self.target = subprocess.Popen(
            [PROGRAM, "--lun", f"file={self.disk},size=1M"], text=True,
            stdout=subprocess.PIPE)
        portal = self.target.stdout.readline().split()[1]
        self.sessions = [Initiator(portal, n) for n in (1, 2)]
        return self.sessions

    def end(self, how):
        self.target.send_signal(how)
        self.target.stdout.close()
        code = self.target.wait(30)
        self.target = None
        for s in self.sessions:
            s.sock.close()
        self.assertEqual(code, 0 if how == signal.SIGTERM else -how)

    def restart(self, how):
        self.end(how)
        return self.start()


class Aptpl(Served):
    def test_what_was_to_stay_stays(self):
        for kind in WRITE_EXCLUSIVE, EXCLUSIVE_ALL:
            one, two = self.start()
            self.assertEqual(one.reserve_out(REGISTER, 0, KEY, aptpl=True), GOOD)
            self.assertEqual(one.reserve_out(RESERVE, KEY, kind=kind), GOOD)
            self.assertEqual(two.write(), CONFLICT)
            for how in signal.SIGTERM, signal.SIGKILL, signal.SIGTERM:
                one, two = self.restart(how)
                self.assertEqual(two.keys(), [KEY])
                held = 0 if kind == EXCLUSIVE_ALL else KEY
                self.assertEqual(two.reservation(), (held, kind))
                self.assertEqual(two.write(), CONFLICT)
                self.assertEqual(one.write(), GOOD)
            # and it is no dead letter: it is released, and the key stays
            self.assertEqual(one.reserve_out(RELEASE, KEY, kind=kind), GOOD)
            one, two = self.restart(signal.SIGKILL)
            self.assertEqual((two.keys(), two.reservation()), ([KEY], None))
            self.assertEqual(two.write(), GOOD)
            self.assertEqual(one.reserve_out(CLEAR, KEY), GOOD)
            one, two = self.restart(signal.SIGKILL)
            self.assertEqual(two.keys(), [])
            self.end(signal.SIGTERM)

    def test_what_another_one_took_is_his(self):
        one, two = self.start()
        one.reserve_out(REGISTER, 0, KEY, aptpl=True)
        one.reserve_out(RESERVE, KEY, kind=WRITE_EXCLUSIVE)
        two.reserve_out(REGISTER, 0, OTHER_KEY, aptpl=True)
        self.assertEqual(two.reserve_out(PREEMPT, OTHER_KEY, KEY,
                                         kind=WRITE_EXCLUSIVE), GOOD)
        one, two = self.restart(signal.SIGKILL)
        self.assertEqual(one.keys(), [OTHER_KEY])
        self.assertEqual(one.reservation(), (OTHER_KEY, WRITE_EXCLUSIVE))
        self.assertEqual((one.write(), two.write()), (CONFLICT, GOOD))

    def test_what_was_not_to_stay_goes(self):
        for how in signal.SIGTERM, signal.SIGKILL:
            one, two = self.start()
            one.reserve_out(REGISTER, 0, KEY, aptpl=True)
            self.assertEqual(one.reserve_out(REGISTER, KEY, KEY), GOOD)
            one.reserve_out(RESERVE, KEY, kind=WRITE_EXCLUSIVE)
            self.assertEqual(two.write(), CONFLICT)
            one, two = self.restart(how)
            self.assertEqual((two.keys(), two.reservation()), ([], None))
            self.assertEqual(two.write(), GOOD)
            self.end(signal.SIGTERM)


class Opcodes(Served):
    READ, LBA_STATUS = 0x28, (0x9e, 0x12)
    UNKNOWN = 0x29

    def ask(self, options, opcode=0, action=0, timeouts=False):
        """(status, data)"""
        cdb = struct.pack(">BBBBHI2x", 0xa3, 0x0c, options | timeouts << 7,
                          opcode, action, 4096)
        return self.one.command(cdb, in_len=4096)

    def supported(self, options, opcode, action, timeouts=False):
        """Is it? If so the CDB usage data must be right."""
        status, data = self.ask(options, opcode, action, timeouts)
        self.assertEqual(status, GOOD)
        support, length = data[1] & 7, int.from_bytes(data[2:4], "big")
        self.assertIn(support, (1, 3))
        if support == 1:
            return False
        self.assertEqual(bool(data[1] & 0x80), timeouts)
        self.assertEqual(len(data), 4 + length + (12 if timeouts else 0))
        self.assertEqual(data[4], opcode)
        return True

    def refused(self, options, opcode, action=0):
        """Invalid field in CDB, which is that of the options."""
        status, sense = self.ask(options, opcode, action)
        self.assertEqual(status, CHECK_CONDITION)
        self.assertEqual((sense[2 + 2], sense[2 + 12:2 + 14]),
                         (5, b"\x24\x00"))
        self.assertEqual(sense[2 + 15:2 + 18], b"\xc0\x00\x02")

    def test_each_option(self):
        self.one, _ = self.start()
        status, data = self.ask(0)
        self.assertEqual(status, GOOD)
        self.assertEqual(int.from_bytes(data[:4], "big"), len(data) - 4)
        listed = [(d[0], int.from_bytes(d[2:4], "big"), d[5] & 1)
                  for d in (data[i:i + 8] for i in range(4, len(data), 8))]
        self.assertIn((self.READ, 0, 0), listed)
        self.assertIn((*self.LBA_STATUS, 1), listed)
        for opcode, action, has_actions in listed:
            for timeouts in False, True:
                if has_actions:
                    self.refused(1, opcode, action)
                    self.assertTrue(self.supported(2, opcode, action, timeouts))
                else:
                    self.assertTrue(self.supported(1, opcode, 0, timeouts))
                    # without actions the field is not looked at
                    self.assertTrue(self.supported(1, opcode, 7, timeouts))
                    self.refused(2, opcode)
                    self.assertFalse(self.supported(3, opcode, 1, timeouts))
                self.assertTrue(self.supported(3, opcode, action, timeouts))
        for options in 1, 3:
            self.assertFalse(self.supported(options, self.UNKNOWN, 0))
        for options in 2, 3:
            for action in 0x1f, 0xff, 0x100 | self.LBA_STATUS[1], 0xffff:
                self.assertFalse(self.supported(options, 0x9e, action))
        for options in range(4, 8):
            self.refused(options, self.READ)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
