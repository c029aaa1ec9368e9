"""A long run with faults: every target accounted for, memory flat, nothing left behind.

Run ``python tests/benchmarks/soak.py [targets]`` (100,000 by default, some minutes). The sandbox
runs in its own process, in its fast mode, on 127.0.0.1; two targets of a hundred meet a fault
once, one of a thousand for ever.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import requests
from astropy.coordinates import SkyCoord

from sdss_cutout import SDSSCutouts
from sdss_cutout.sandbox import serve

ONCE = (
    "service_unavailable", "error_json", "error_jpeg", "reset_before_answer", "reset_in_body",
    "short_body", "broken_chunking", "html", "empty", "truncated", "corrupt", "other_size",
    "blank", "gzip_bomb",
)  # fmt: skip


def serve_fast(ready_file: str) -> None:
    """Be a fast sandbox until told to end."""
    serve(0, ready_file, fast=True)


def faults() -> list[dict[str, object]]:
    """Return the faults, each of which hits its own part of the targets.

    The last two digits of a right ascension are as good as random: one target of a hundred ends
    in 07, and of these the fault hits its share.
    """
    each = 100 * 0.02 / len(ONCE)
    once = [
        {"name": name, "times": 1, "share": each, "match": f"{number:02d}&dec"}
        for number, name in enumerate(ONCE)
    ]
    return [*once, {"name": "html", "share": 0.1, "match": "99&dec"}]


def memory() -> float:
    """Return the memory that is in use, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def soak(count: int) -> None:
    """Download, and print the outcomes."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder, "ready.json")
        server = multiprocessing.get_context("spawn").Process(target=serve_fast, args=(str(ready),))
        server.start()
        while not ready.exists():
            time.sleep(0.05)
        base_url = json.loads(ready.read_text())["base_url"]
        requests.post(f"{base_url}/sandbox/faults", json=faults(), timeout=10)
        try:
            download(base_url, Path(folder, "out"), count)
            print("requests:", requests.get(f"{base_url}/sandbox/requests", timeout=10).json())
        finally:
            server.terminate()
            server.join()


def download(base_url: str, out: Path, count: int) -> None:
    """Download and print memory on the way, then what is left behind."""
    step = count // 10
    seen = 0

    def watch(_cutout: object) -> None:
        nonlocal seen
        seen += 1
        if seen % step == 0:
            print(f"{seen:>9,} targets {time.monotonic() - started:7.1f} s {memory():7.1f} MB")

    rng = np.random.default_rng(7)
    coords = SkyCoord(rng.uniform(120, 240, count), rng.uniform(0, 60, count), unit="deg")
    client = SDSSCutouts(base_url=base_url, max_rate=100_000, max_attempts=4, show_progress=False)
    client.get(coords[:1], size=64)
    client.close()
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))
    started = time.monotonic()
    print(f"{0:>9,} targets {0:7.1f} s {memory():7.1f} MB")
    report = client.download(coords, out, size=64, on_result=watch)
    client.close()
    print(report.counts, "of", len(report))
    names = os.listdir(out)
    pictures = sum(name.endswith(".jpg") for name in names)
    sidecars = sum(name.endswith(".wcs") for name in names)
    print(
        f"pictures {pictures}, sidecars {sidecars}, other files {len(names) - pictures - sidecars}"
    )
    print(f"threads left behind: {threading.active_count() - threads}")
    print(f"files and sockets left open: {len(os.listdir('/proc/self/fd')) - files}")
    assert sum(report.counts.values()) == count
    assert pictures == sidecars == report.counts["ok"]


if __name__ == "__main__":
    soak(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
