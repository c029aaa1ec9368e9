"""A region per picture, for DS9 and what else reads its regions."""

from __future__ import annotations

from pathlib import Path

from sdss_cutout._export.format import Format, TrainingSet

__all__ = ["FORMAT"]


def write(training_set: TrainingSet, path: Path) -> None:
    """Write a file with the outlines of the pictures, named."""
    table = training_set.table
    ra, dec = training_set.column("ra").values, training_set.column("dec").values
    sizes = table["width"] * table["scale"], table["height"] * table["scale"]
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("# Region file format: DS9 version 4.1\n")
        file.write("# SIMULATED: not SDSS data\n" * training_set.is_simulated + "icrs\n")
        for sample in training_set.samples(None):
            row = sample.row
            box = f'{ra[row]:.8f},{dec[row]:.8f},{sizes[0][row]:.3f}",{sizes[1][row]:.3f}",0'
            file.write(f"box({box}) # text={{{sample.name}}}\n")


FORMAT = Format(
    name="ds9",
    write=write,
    is_file=True,
    has_splits=False,
)
