"""Compare `SDSSCutouts.download` with other ways to get the same pictures.

See README.md. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import peers
from origin import origin

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Measured:
    """One run of one peer."""

    cpu: float
    wall: float
    peak_mb: float
    files: int


@dataclass(frozen=True)
class Setting:
    """What is varied between the tables."""

    delay_ms: int
    connections: int
    pictures: int

    @property
    def limit(self) -> float:
        """The shortest time in seconds that the origin's delay allows."""
        return math.ceil(self.pictures / self.connections) * self.delay_ms / 1000


def write_targets(path: Path, count: int) -> None:
    """Write a list of positions."""
    rng = random.Random(6)
    lines = ["id,ra,dec"]
    lines += [
        f"t{n:07d},{rng.uniform(120, 240):.6f},{rng.uniform(0, 60):.6f}" for n in range(count)
    ]
    path.write_text("\n".join(lines) + "\n")


def run(peer: str, setting: Setting, base_url: str, size: int, python: str) -> Measured:
    """Run a peer in a process of its own and return what it took."""
    with tempfile.TemporaryDirectory(dir=scratch()) as folder:
        targets, directory = Path(folder, "targets.csv"), Path(folder, "pictures")
        directory.mkdir()
        write_targets(targets, setting.pictures)
        command = [
            python, str(HERE / "peers.py"), peer, str(targets), str(directory),
            "--connections", str(setting.connections), "--base-url", base_url,
            "--size", str(size),
        ]  # fmt: skip
        with Path(folder, "out").open("wb") as out, Path(folder, "err").open("wb") as err:
            child = subprocess.Popen(command, stdout=out, stderr=err)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise RuntimeError(f"{peer}: {Path(folder, 'err').read_text()[-2000:]}")
        return Measured(
            cpu=usage.ru_utime + usage.ru_stime,
            wall=float(Path(folder, "out").read_text().split()[-1]),
            peak_mb=usage.ru_maxrss / 1024,
            files=sum(1 for path in directory.rglob("*.jpg")),
        )


def scratch() -> str | None:
    """Prefer memory to the disk, so that its speed is not what is compared."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def measure(
    names: list[str],
    setting: Setting,
    base_url: str,
    size: int,
    repeat: int,
    pythons: dict[str, str],
) -> dict[str, list[Measured]]:
    """Run all peers in turn, several times, each time in another order; start-up taken off."""
    nothing = Setting(setting.delay_ms, setting.connections, 0)
    runs: dict[str, list[Measured]] = defaultdict(list)
    for _ in range(repeat):
        for peer in random.sample(names, len(names)):
            python = pythons.get(peer, sys.executable)
            start = run(peer, nothing, base_url, size, python)
            full = run(peer, setting, base_url, size, python)
            if full.files != setting.pictures:
                raise RuntimeError(f"{peer} brought {full.files} of {setting.pictures}")
            runs[peer].append(Measured(full.cpu - start.cpu, full.wall, full.peak_mb, full.files))
    return runs


def table(setting: Setting, runs: dict[str, list[Measured]]) -> str:
    """Return the medians, with the lowest and highest run, as Markdown."""
    base = "session"
    lines = [
        f"### {setting.delay_ms} ms, {setting.connections} connections, "
        f"{setting.pictures} pictures",
        "",
        "| peer | CPU ms/picture | x session | wall s | wall / limit | peak MB |",
        "|---|---|---|---|---|---|",
    ]
    for peer, found in sorted(runs.items(), key=lambda item: _median(item[1], "cpu")):
        cpus = [1000 * one.cpu / setting.pictures for one in found]
        walls = [one.wall for one in found]
        # Within one round, as the machine's speed drifts from round to round.
        ratios = [
            one.cpu / other.cpu for one, other in zip(found, runs.get(base, []), strict=False)
        ]
        over = [wall / setting.limit for wall in walls] if setting.limit else []
        lines.append(
            f"| {peer} | {_spread(cpus)} | {_spread(ratios)} | {statistics.median(walls):.2f} | "
            f"{_spread(over)} | {_median(found, 'peak_mb'):.0f} |"
        )
    return "\n".join([*lines, ""])


def _median(found: list[Measured], what: str) -> float:
    return statistics.median(getattr(one, what) for one in found)


def _spread(values: list[float]) -> str:
    if not values:
        return "-"
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", nargs="*", default=list(peers.PEERS), choices=peers.PEERS)
    parser.add_argument("--delays", nargs="*", type=int, default=[0, 50, 200])
    parser.add_argument("--connections", nargs="*", type=int, default=[1, 8, 16])
    parser.add_argument("--pictures", type=int, default=2000, help="where there is no delay")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--size", type=int, default=200, help="of a picture, in pixels")
    parser.add_argument("--img2dataset-python", help="an interpreter that has img2dataset")
    options = parser.parse_args()
    names = [peer for peer in options.peers if peer != "curl" or shutil.which("curl")]
    if not options.img2dataset_python:
        names = [peer for peer in names if peer != "img2dataset"]
    pythons = {"img2dataset": options.img2dataset_python}
    with origin(options.size) as base_urls:
        for delay in options.delays:
            for connections in options.connections:
                if delay and connections == 1:
                    continue  # the wall time is the origin's, whoever asks
                setting = Setting(delay, connections, 600 if delay else options.pictures)
                # One after the other says nothing where the origin waits.
                chosen = [p for p in names if p != "article-loop" or connections == 1]
                runs = measure(
                    chosen, setting, base_urls[delay], options.size, options.repeat, pythons
                )
                print(table(setting, runs), flush=True)


if __name__ == "__main__":
    main()
