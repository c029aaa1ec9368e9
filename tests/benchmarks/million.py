"""A download of a million targets: time, memory on the way, and starting again.

See README.md. Prints a Markdown table; each phase runs in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from origin import origin

PHASES = ("first", "again", "again, 1 % missing")


def positions(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the same positions at each call."""
    rng = np.random.default_rng(6)
    return rng.uniform(0, 360, count), rng.uniform(-5, 60, count)


def targets(count: int, *, named: bool):
    """Return a table as a user reads it."""
    from astropy.table import Table

    ra, dec = positions(count)
    table = Table({"ra": ra, "dec": dec})
    if named:
        table.add_column([f"g{number:07d}" for number in range(count)], name="id", index=0)
    return table


def in_chunks(count: int, size: int, *, named: bool) -> Iterator:
    """Yield the same targets bit by bit, as from a file that is too large to hold."""
    table = targets(count, named=named)
    for start in range(0, count, size):
        yield table[start : start + size]


def remove_one_percent(directory: Path) -> None:
    """Delete about every hundredth picture."""
    # Without holding all names: the next phase's peak memory begins with that of this process.
    with os.scandir(directory) as entries:
        chosen = [e.path for e in entries if e.name.endswith(".jpg") and not hash(e.name) % 100]
    for path in chosen:
        os.unlink(path)


def watch_memory(every: float) -> list[tuple[float, float]]:
    """Return a list that gets the time and the memory in MB now and then."""
    curve: list[tuple[float, float]] = []
    began = time.perf_counter()

    def look() -> None:
        while True:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            curve.append((time.perf_counter() - began, pages * resource.getpagesize() / 2**20))
            time.sleep(every)

    threading.Thread(target=look, daemon=True).start()
    return curve


def watch_requests() -> list[float]:
    """Return a list that gets the time of the first request."""
    from sdss_cutout._transfer.transport import HTTPTransport

    first: list[float] = []
    send = HTTPTransport.send

    def noted(self, *args):
        if not first:
            first.append(time.perf_counter())
        return send(self, *args)

    HTTPTransport.send = noted
    return first


def phase(options: argparse.Namespace) -> None:
    """Run one phase and print its row."""
    from sdss_cutout import SDSSCutouts

    client = SDSSCutouts(
        base_url=options.base_url, max_connections=options.connections, max_rate=100_000
    )
    given = (
        in_chunks(options.targets, 10_000, named=options.named)
        if options.stream
        else targets(options.targets, named=options.named)
    )
    curve, first = watch_memory(1.0), watch_requests()
    cpu, start = time.process_time(), time.perf_counter()
    report = client.download(given, options.directory, size=options.size)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    sent = f"{first[0] - start:.1f}" if first else "none"
    counts = ", ".join(f"{name} {count}" for name, count in report.counts.items() if count)
    quarters = [curve[int(part * (len(curve) - 1))][1] for part in (0, 0.25, 0.5, 0.75, 1)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"| {options.phase} | {counts} | {sent} | {seconds:.1f} | {cpu:.1f} | "
        f"{', '.join(f'{mb:.0f}' for mb in quarters)} | {peak:.0f} |",
        flush=True,
    )


def main() -> None:
    """Run all phases, or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=1_000_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--size", type=int, default=64, help="of a picture, in pixels")
    parser.add_argument("--named", action="store_true", help="with a column of names")
    parser.add_argument("--stream", action="store_true", help="in chunks of 10,000")
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--base-url", help=argparse.SUPPRESS)
    parser.add_argument("--phase", choices=PHASES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.phase:
        phase(options)
        return
    columns = ("run", "outcomes", "first request after s", "seconds", "CPU s")
    columns += ("MB at 0, 25, 50, 75, 100 %", "peak MB")
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|", flush=True)
    with origin(options.size) as urls, tempfile.TemporaryDirectory() as scratch:
        directory = options.directory or Path(scratch, "pictures")
        for name in PHASES:
            if "missing" in name:
                remove_one_percent(directory)
            command = [sys.executable, __file__, *sys.argv[1:], "--phase", name]
            command += ["--base-url", urls[0], "--directory", str(directory)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
