"""Prints what each declared dependency weighs on the disk, in MB: itself, and what it alone brings.

Run it in an environment that has the extras: ``pip install ".[all]"``, then
``python tests/benchmarks/weights.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

OWN = "sdss_cutout"


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(name: str) -> Iterable[str]:
    """Yield what a distribution requires and is installed, without its extras."""
    try:
        required = distribution(name).requires or []
    except PackageNotFoundError:
        return
    for requirement in required:
        if "extra ==" not in requirement:
            yield normalised(re.match(r"[\w.-]+", requirement)[0])


def closure(names: Iterable[str]) -> set[str]:
    """Return the names with all that they require, directly or not."""
    found, left = set(), list(names)
    while left:
        name = left.pop()
        if name not in found and is_installed(name):
            found.add(name)
            left.extend(requirements(name))
    return found


def is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def megabytes(names: Iterable[str]) -> float:
    paths = (Path(file.locate()) for name in names for file in distribution(name).files or [])
    return sum(path.stat().st_size for path in set(paths) if path.is_file()) / 1e6


def declared() -> dict[str, list[str]]:
    """Return the direct dependencies by extra; "" is the package itself."""
    groups: dict[str, list[str]] = {"": []}
    for requirement in distribution(OWN).requires or []:
        extra = re.search(r"extra == ['\"](\w+)['\"]", requirement)
        name = normalised(re.match(r"[\w.-]+", requirement)[0])
        if name != normalised(OWN):
            groups.setdefault(extra[1] if extra else "", []).append(name)
    return groups


def main() -> None:
    groups = declared()
    core = groups[""]
    everything = closure(core)
    print(f"{'package':20} {'itself':>8} {'alone brings':>13}")
    for name in core:
        alone = everything - closure(other for other in core if other != name)
        print(f"{name:20} {megabytes([name]):8.1f} {megabytes(alone):13.1f}")
    print(f"{'all of these':20} {'':8} {megabytes(everything):13.1f}  ({len(everything)} packages)")
    print(f"{OWN:20} {megabytes([OWN]):8.1f}")
    for extra in ("tables", "parquet", "hdf5", "dask", "calibrated"):
        added = closure(groups[extra]) - everything
        print(f"[{extra}]: {', '.join(groups[extra])}: {megabytes(added):.1f} MB more")


if __name__ == "__main__":
    main()
