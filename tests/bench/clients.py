# SPDX-License-Identifier: GPL-2.0-or-later
"""The four that are compared:

lunfs     the mount of one LUN as a file
qemu      qemu-storage-daemon: its iSCSI driver, exported by FUSE
ceiling   the ceiling of the target: a client that throws data away
memfs     the ceiling of FUSE: a file that is answered from memory

or, to see what more of them brings: lunfs with 1, 2 and 4 connections, and with
2 sessions; and once more with 1 ("again"), which shows what chance does.

Each measures a job with its own CPU time: of the process that serves the
file, with all its threads, and not of fio; of the ceiling, which is its own
load, all but its setup.
"""
import os
import pathlib

import jobs
from servers import (Failed, cpu_seconds, find, mounted, unmount, wait_until)

NAME = "iqn.2026-11.test.lunfs:bench-client-"


class FileClient:
    """A process that serves the LUN as a file."""

    def __init__(self, place, target, digests, options):
        self.place, self.size = place, options.size
        self.path = place.path / f"file-{self.name}"
        self.path.touch()
        place.callback(self.path.unlink)
        command = self.command(target, digests, options)
        self.process = place.start(self.name, *command)
        place.callback(unmount, self.path)
        try:
            wait_until(lambda: mounted(self.path), 20, self.name, self.process)
        except Failed as e:
            raise Failed(f"{e}\n{place.log(self.name)}") from None
        wait_until(lambda: self.path.stat().st_size == self.size, 20,
                   f"{self.name}: size", self.process)
        if options.rounds > 1 and not options.verify:  # else no figure counts
            self.measure(jobs.WARM_UP, jobs.WARM_UP_SECONDS)

    def measure(self, job, seconds):
        before = cpu_seconds(self.process.pid)
        result = jobs.run_fio(job, self.path, self.size, seconds,
                              self.place.path)
        result["cpu_s"] = cpu_seconds(self.process.pid) - before
        if job.buffered:
            self.drop_cache()
        return result

    def drop_cache(self):
        """So that the next client gets these pages, not untouched ones: in a
        virtual machine the first touch of a page is slow."""
        fd = os.open(self.path, os.O_RDONLY)
        try:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(fd)

    def verify(self, job):
        return jobs.run_verify(job, self.path, self.size, self.place.path)


class Lunfs(FileClient):
    name = "lunfs"
    spread = ()                 # over what the I/O is spread

    def command(self, target, digests, options):
        digest = "crc32c" if digests else "none"
        return [options.lunfs, "mount", "-f", "--initiator-name",
                NAME + self.name, "--header-digest", digest, "--data-digest",
                digest, *self.spread, *options.mount_option, target.url,
                self.path]


class Again(Lunfs):
    name = "again"


class TwoConnections(Lunfs):
    name = "2-conns"
    spread = "--connections", "2"


class FourConnections(Lunfs):
    name = "4-conns"
    spread = "--connections", "4"


class TwoSessions(Lunfs):
    name = "2-sess"
    spread = "--sessions", "2"


class Qemu(FileClient):
    """Its iSCSI driver knows no data digest."""

    name = "qemu"

    def command(self, target, digests, options):
        blockdev = {
            "driver": "iscsi", "node-name": "disk", "transport": "tcp",
            "portal": "{}:{}".format(*target.portal), "target": target.name,
            "lun": target.lun, "initiator-name": NAME + self.name,
            "header-digest": "crc32c" if digests else "none",
        }
        export = {"type": "fuse", "id": "file", "node-name": "disk",
                  "mountpoint": self.path, "writable": "on"}
        return [find("qemu-storage-daemon"), "--blockdev", keyval(blockdev),
                "--export", keyval(export)]


def keyval(values):
    """QEMU's k=v,k=v; a comma within a value is doubled."""
    return ",".join(f"{k}={str(v).replace(',', ',,')}"
                    for k, v in values.items())


class Memfs(FileClient):
    name = "memfs"
    verify = None               # it keeps nothing

    def command(self, target, digests, options):
        return [options.memfs, str(options.size), self.path]


class Ceiling:
    name = "ceiling"
    verify = None

    def __init__(self, place, target, digests, options):
        self.program = pathlib.Path(options.ceiling)
        self.target, self.digests = target, digests

    def measure(self, job, seconds):
        t = self.target
        return jobs.run_ceiling(job, self.program, t.portal, t.name, t.lun,
                                self.digests, seconds)


CLIENTS = {c.name: c for c in (Lunfs, Qemu, Ceiling, Memfs)}
SCALING = {c.name: c for c in (Lunfs, Again, TwoConnections, FourConnections,
                               TwoSessions)}
