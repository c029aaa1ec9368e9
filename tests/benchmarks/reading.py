"""How long it takes to read a million rows into targets, beside what reads the file alone.

    python tests/benchmarks/reading.py

Writes a catalogue with an identifier of 64 bits, positions, a magnitude and a class as CSV, FITS
and Parquet, reads each with astropy (and Parquet with pandas, too) and into targets, names and all
checks included, in turn; prints the best of several runs.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.table import Table

from sdss_cutout._targets.targets import read_targets

ROWS = 1_000_000
RUNS = 5
GOAL = 1.5


def catalogue(rows=ROWS):
    rng = np.random.default_rng(1)
    return Table(
        {
            "objid": 1237646648345000000 + np.arange(rows),
            "ra": np.round(rng.uniform(0, 360, rows), 6),
            "dec": np.round(rng.uniform(-90, 90, rows), 6),
            "r": np.round(rng.uniform(14, 20, rows), 3),
            "class": rng.choice(["GALAXY", "STAR", "QSO"], rows),
        }
    )


def seconds(function, path):
    start = time.perf_counter()
    function(path)
    return time.perf_counter() - start


def compare(path, name, read):
    """Print the best time of each, taken in turn so that both meet the same machine."""
    pairs = [(seconds(read, path), seconds(read_targets, path)) for _ in range(RUNS)]
    theirs, ours = map(min, zip(*pairs, strict=True))
    print(
        f"{path.suffix:10} {name:16} {theirs:6.2f} s   targets {ours:6.2f} s   {ours / theirs:.2f}"
    )
    return ours / theirs


def main():
    warnings.simplefilter("ignore")
    table = catalogue()
    with tempfile.TemporaryDirectory() as folder:
        csv, fits, parquet = (Path(folder, f"catalogue.{s}") for s in ("csv", "fits", "parquet"))
        table.write(csv)
        table.write(fits)
        table.to_pandas().to_parquet(parquet)
        ratios = [
            compare(csv, "Table.read", lambda path: Table.read(path, format="ascii.csv")),
            compare(fits, "Table.read", Table.read),
            compare(parquet, "Table.read", Table.read),
        ]
        compare(parquet, "pandas", pd.read_parquet)
    return int(max(ratios) > GOAL)


if __name__ == "__main__":
    sys.exit(main())
