"""The small costs: sidecar, requests, memory a target, imports. See README.md."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from compare import scratch

TARGETS = 1_000_000
REPEAT = 7


def requests_for_a_million() -> str:
    """From SkyCoord to URLs."""
    import astropy.units as u
    from astropy.coordinates import SkyCoord

    from sdss_cutout import SDSSCutouts

    rng = np.random.default_rng(6)
    targets = SkyCoord(rng.uniform(0, 360, TARGETS) * u.deg, rng.uniform(-5, 60, TARGETS) * u.deg)
    seconds = [_cpu(lambda: SDSSCutouts().url(targets)) for _ in range(3)]
    return f"{statistics.median(seconds):.1f} s of CPU"


def sidecar() -> str:
    """Making and placing a sidecar, beyond writing a file of its size: in memory and on disk."""
    from sdss_cutout._image.header import Provenance, make_sidecar
    from sdss_cutout._request.request import CutoutRequest
    from sdss_cutout._service.skyserver import SKYSERVER

    request = CutoutRequest(
        ra=19.023342, dec=-0.014911, scale=0.396127, width=200, height=200, overlays="",
        release=17, url="https://skyserver.sdss.org/dr17/SkyServerWS/ImgCutout/getjpeg?ra=19.023342"
        "&dec=-0.014911&scale=0.396127&width=200&height=200",
        service=SKYSERVER,
    )  # fmt: skip
    told = Provenance(
        name="J011605.60-000053.6", origin="nginx/1.22.1", date="2026-01-01T00:00:00",
        sha256="a" * 64, creator="sdss_cutout 1.0.0",
    )  # fmt: skip
    cards = make_sidecar(request, told)
    in_memory = _beyond(lambda: make_sidecar(request, told), cards, scratch())
    on_disk = _beyond(lambda: make_sidecar(request, told), cards, None)
    return f"{in_memory:.0f} us in memory, {on_disk:.0f} us on disk"


def _beyond(make: Callable[[], bytes], cards: bytes, folder: str | None) -> float:
    """Return the microseconds that making, writing and moving takes beyond writing."""
    count, differences = 1000, []
    for _ in range(REPEAT):
        with tempfile.TemporaryDirectory(dir=folder) as there:
            Path(there, "scratch").mkdir()

            def plain(there: str = there) -> None:
                for number in range(count):
                    _write(f"{there}/{number}.x", cards)

            def placed(there: str = there) -> None:
                for number in range(count):
                    _write(f"{there}/scratch/{number}.wcs", make())
                    os.replace(f"{there}/scratch/{number}.wcs", f"{there}/{number}.wcs")

            differences.append((-_cpu(plain) + _cpu(placed)) / count * 1e6)
    return statistics.median(differences)


def _write(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.write(descriptor, content)
    os.close(descriptor)


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def memory() -> str:
    """Bytes a further target: names, requests and outcomes, beyond the table that was given."""
    from million import targets

    from sdss_cutout import SDSSCutouts
    from sdss_cutout._results.outcome import Outcomes
    from sdss_cutout._targets.targets import read_targets

    table = targets(TARGETS, named=False)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    held = list(SDSSCutouts()._parts(read_targets(table), {})), Outcomes(TARGETS)
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    del held
    return f"{more * 1024 / TARGETS:.0f} bytes per target, {before / 1024:.0f} MB for the table"


def imports() -> str:
    """`import sdss_cutout`, in terms of astropy's own."""
    astropy = [sys.executable, "-c", "import astropy.coordinates, astropy.table"]
    ours = [sys.executable, "-c", "import sdss_cutout; sdss_cutout.SDSSCutouts"]
    ratios = [_process(ours) / _process(astropy) for _ in range(REPEAT)]
    return f"{statistics.median(ratios):.2f} x"


def command_help() -> str:
    """`sdss-cutout --help`, beyond Python's own start."""
    python = [sys.executable, "-c", "pass"]
    ours = [sys.executable, "-m", "sdss_cutout", "--help"]
    beyond = [_process(ours) - _process(python) for _ in range(REPEAT)]
    return f"{statistics.median(beyond):.2f} s"


def _process(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


MEASURES = {
    "requests for 1,000,000 targets, SkyCoord to URL": (requests_for_a_million, "5 s"),
    "sidecar beyond writing a file of its size": (sidecar, "50 us"),
    "memory": (memory, "500 bytes"),
    "import, against astropy.coordinates and astropy.table": (imports, "1.3 x"),
    "sdss-cutout --help beyond Python's start": (command_help, "0.3 s"),
}


def main() -> None:
    """Print all, each from a process of its own."""
    if len(sys.argv) > 1:
        print(MEASURES[sys.argv[1]][0]())
        return
    print("| what | measured | goal |\n|---|---|---|")
    for name, (_, goal) in MEASURES.items():
        found = subprocess.run(
            [sys.executable, __file__, name], check=True, capture_output=True, text=True
        ).stdout.strip()
        print(f"| {name} | {found} | {goal} |", flush=True)


if __name__ == "__main__":
    main()
