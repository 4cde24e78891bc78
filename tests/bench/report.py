# SPDX-License-Identifier: GPL-2.0-or-later
"""From samples to medians, ratios and tables.

A sample is one client in one job of one round. Ratios are taken within a
round, where all ran on the same machine at the same time, and then their
median: the rounds differ by more than the clients do.
"""
from statistics import median

GIB, MB = 1 << 30, 1e6
BASES = "qemu", "ceiling", "memfs", "lunfs"
RATIOS = "mb_s", "iops", "mean_us", "cpu_s_gib", "cpu_us_op"


def figures(sample, target_cpu):
    """What is reported of a sample."""
    size, ops, seconds = sample["bytes"], sample["ops"], sample["seconds"]
    if not (size and ops and seconds):
        raise ValueError(f"nothing was done: {sample}")
    return {
        "mb_s": size / seconds / MB,
        "iops": ops / seconds,
        "mean_us": sample["mean_us"],
        "p99_us": sample["p99_us"],
        "cpu_s_gib": sample["cpu_s"] * GIB / size,
        "cpu_us_op": sample["cpu_s"] * 1e6 / ops,
        "target_busy": target_cpu / seconds,
    }


def middle(values):
    """The median of those that are there; None without any."""
    there = [v for v in values if v is not None]
    return median(there) if there else None


def medians(rounds):
    return {k: middle(r[k] for r in rounds) for k in rounds[0]}


def ratio(mine, other):
    return mine / other if mine is not None and other else None


def ratios(mine, base):
    """Round by round; None where a base is 0 or not measured."""
    return {k: middle(ratio(a[k], b[k]) for a, b in zip(mine, base))
            for k in RATIOS}


def summary(samples):
    """{client: [figures of each round]} -> medians and ratios."""
    out = {}
    for client, rounds in samples.items():
        out[client] = {"median": medians(rounds), "rounds": rounds}
        out[client]["ratio"] = {
            base: ratios(rounds, samples[base]) for base in BASES
            if base in samples and base != client}
    return out


COLUMNS = [     # title, width, decimals, where it is
    ("MB/s", 7, 0, ("median", "mb_s")),
    ("IOPS", 7, 0, ("median", "iops")),
    ("mean us", 8, 0, ("median", "mean_us")),
    ("p99 us", 8, 0, ("median", "p99_us")),
    ("CPU s/GiB", 9, 3, ("median", "cpu_s_gib")),
    ("CPU us/op", 9, 2, ("median", "cpu_us_op")),
    ("target", 6, 2, ("median", "target_busy")),
    ("xQEMU", 6, 2, ("ratio", "qemu", "mb_s")),
    ("xceil.", 6, 2, ("ratio", "ceiling", "mb_s")),
    ("xmemfs", 6, 2, ("ratio", "memfs", "mb_s")),
    ("CPU/QEMU", 8, 2, ("ratio", "qemu", "cpu_us_op")),
    ("CPU/memfs", 9, 2, ("ratio", "memfs", "cpu_us_op")),
    ("xlunfs", 6, 2, ("ratio", "lunfs", "mb_s")),
    ("CPU/lunfs", 9, 2, ("ratio", "lunfs", "cpu_us_op")),
]


def cell(entry, width, decimals, where):
    value = entry
    for key in where:
        value = value.get(key) if value is not None else None
    text = "-" if value is None else f"{value:.{decimals}f}"
    return text.rjust(width)


def table(jobs):
    """{job: summary} as lines."""
    yield " ".join([f"{'job':16} {'client':8}"] +
                   [title.rjust(width) for title, width, _, _ in COLUMNS])
    for job, clients in jobs.items():
        for client, entry in clients.items():
            yield " ".join([f"{job:16} {client:8}"] +
                           [cell(entry, *c[1:]) for c in COLUMNS])
            job = ""


def verify_table(jobs):
    for job, clients in jobs.items():
        for client, result in clients.items():
            wrong, blocks = result["wrong"], result["blocks"]
            what = f"{wrong} of {blocks} blocks are WRONG" if wrong else \
                f"all {blocks} blocks are right"
            yield f"{job:16} {client:8} {what}"
            job = ""


def title(config, options):
    digests = "on" if config["digests"] else "off"
    text = f"{config['target']}, digests {digests}"
    if "jobs" in config:
        text += (f": {options.rounds} rounds of {options.seconds} s, medians"
                 "; target: its CPU s/s; ratios of MB/s and of CPU us/op")
    if config["digests"]:
        text += " (QEMU: header digest only)"
    return text


def print_table(config, options):
    print(f"\n{title(config, options)}\n")
    for line in table(config.get("jobs", {})) if "jobs" in config else ():
        print(line)
    for line in verify_table(config.get("verify", {})):
        print(line)
