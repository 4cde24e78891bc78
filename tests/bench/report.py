# SPDX-License-Identifier: GPL-2.0-or-later
"""From samples to medians, ratios and tables.

A sample is one client in one job of one round. Ratios are taken within a
round, where all ran on the same machine at the same time, and then their
median: the rounds differ by more than the clients do.
"""
from statistics import median, quantiles

GIB, MB = 1 << 30, 1e6
BASES = "qemu", "ceiling", "memfs", "lunfs"
RATIOS = "mb_s", "iops", "mean_us", "cpu_s_gib", "cpu_us_op"


def figures(sample, target_cpu, machine_busy):
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
        "target_us_op": target_cpu * 1e6 / ops,
        "machine_busy": machine_busy,
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
    return {k: [ratio(a[k], b[k]) for a, b in zip(mine, base)]
            for k in RATIOS}


def noise(values):
    """Half of what is between the quartiles; None if there are none."""
    there = [v for v in values if v is not None]
    if len(there) < 2:
        return None
    low, _, high = quantiles(there, n=4, method="inclusive")
    return (high - low) / 2


def summary(samples):
    """{client: [figures of each round]} -> medians and ratios."""
    out = {}
    for client, rounds in samples.items():
        all_ratios = {base: ratios(rounds, samples[base]) for base in BASES
                      if base in samples and base != client}
        out[client] = {
            "median": medians(rounds), "rounds": rounds,
            "ratio": {base: {k: middle(v) for k, v in by_name.items()}
                      for base, by_name in all_ratios.items()},
            "noise": {base: {k: noise(v) for k, v in by_name.items()}
                      for base, by_name in all_ratios.items()}}
    return out


COLUMNS = [     # title, width, decimals, where it is
    ("MB/s", 7, 0, ("median", "mb_s")),
    ("IOPS", 7, 0, ("median", "iops")),
    ("mean us", 8, 0, ("median", "mean_us")),
    ("p99 us", 8, 0, ("median", "p99_us")),
    ("CPU s/GiB", 9, 3, ("median", "cpu_s_gib")),
    ("CPU us/op", 9, 2, ("median", "cpu_us_op")),
    ("target", 6, 2, ("median", "target_busy")),
    ("us/op", 6, 2, ("median", "target_us_op")),
    ("all CPU", 7, 2, ("median", "machine_busy")),
    ("xQEMU", 6, 2, ("ratio", "qemu", "mb_s")),
    ("xceil.", 6, 2, ("ratio", "ceiling", "mb_s")),
    ("xmemfs", 6, 2, ("ratio", "memfs", "mb_s")),
    ("CPU/QEMU", 8, 2, ("ratio", "qemu", "cpu_us_op")),
    ("CPU/memfs", 9, 2, ("ratio", "memfs", "cpu_us_op")),
    ("xlunfs", 6, 2, ("ratio", "lunfs", "mb_s")),
    ("+-", 4, 2, ("noise", "lunfs", "mb_s")),
    ("CPU/lunfs", 9, 2, ("ratio", "lunfs", "cpu_us_op")),
    ("+-", 4, 2, ("noise", "lunfs", "cpu_us_op")),
]


def value(entry, where):
    for key in where:
        entry = entry.get(key) if entry is not None else None
    return entry


def cell(entry, width, decimals, where):
    v = value(entry, where)
    text = "-" if v is None else f"{v:.{decimals}f}"
    return text.rjust(width)


def table(jobs):
    """{job: summary} as lines; a column that nobody has is left out."""
    columns = [c for c in COLUMNS if any(
        value(entry, c[3]) is not None for clients in jobs.values()
        for entry in clients.values())]
    yield " ".join([f"{'job':16} {'client':8}"] +
                   [title.rjust(width) for title, width, _, _ in columns])
    for job, clients in jobs.items():
        for client, entry in clients.items():
            yield " ".join([f"{job:16} {client:8}"] +
                           [cell(entry, *c[1:]) for c in columns])
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
                 "; target: its CPU s/s and us/op; all CPU: of the"
                 " machine; ratios of MB/s and of CPU us/op")
    if config["digests"]:
        text += " (QEMU: header digest only)"
    return text


def print_table(config, options):
    print(f"\n{title(config, options)}\n")
    for line in table(config.get("jobs", {})) if "jobs" in config else ():
        print(line)
    for line in verify_table(config.get("verify", {})):
        print(line)
