"""Pictures with a manifest, as Zooniverse's project builder and its Panoptes tools upload them."""

from __future__ import annotations

import csv
from pathlib import Path

from sdss_cutout._errors import RequestError
from sdss_cutout._export.format import Format, TrainingSet
from sdss_cutout._export.formats.zoobot import cell
from sdss_cutout._export.place import link_or_write

__all__ = ["FORMAT"]

_MOST_BYTES = 1_000_000  # what Zooniverse takes of one picture


def write(training_set: TrainingSet, path: Path) -> None:
    """Write ``NAME.jpg`` and ``manifest.csv``.

    Volunteers see the columns whose names do not begin with ``#``: none but the name.
    """
    path.mkdir(parents=True)
    columns = [column.name for column in training_set.columns if column.name != "name"]
    with (path / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["filename", "name", *(f"#{name}" for name in columns)])
        for sample in training_set.samples(values=True):
            content, _, _ = training_set.content(sample)
            name = f"{sample.name}.jpg"
            link_or_write(sample.picture.path, content, f"{path}/{name}")
            values = [cell(sample.values[column]) for column in columns]
            writer.writerow([name, sample.name, *values])


def check(training_set: TrainingSet) -> None:
    """Refuse pictures that are larger than Zooniverse takes."""
    nbytes = training_set.table["nbytes"].values
    for row in training_set.rows.tolist():
        if nbytes[row] > _MOST_BYTES:
            raise RequestError(
                f"target {row}: the picture has {nbytes[row]} bytes, and Zooniverse takes at most "
                f"{_MOST_BYTES}; ask for smaller pictures"
            )


FORMAT = Format(
    name="zooniverse",
    write=write,
    check=check,
    has_splits=False,
    own_columns=("filename",),
    opened_by="panoptes subject-set upload-subjects ID manifest.csv",
)
