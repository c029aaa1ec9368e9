"""A table per split with the paths of the pictures: galaxy-datasets and Zoobot."""

from __future__ import annotations

import csv
import json
import math
import os
from pathlib import Path
from typing import Any

from sdss_cutout._export.format import Format, TrainingSet, refuse_without_files

__all__ = ["FORMAT"]


def write(training_set: TrainingSet, path: Path) -> None:
    """Write ``{split}.csv``; the pictures stay where they are."""
    path.mkdir(parents=True)
    files = {
        split: (path / f"{split}.csv").open("w", encoding="utf-8", newline="")
        for split in training_set.splits
    }
    header = ["id_str", "file_loc", *(column.name for column in training_set.columns), "wcs"]
    writers = {
        split: csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        for split, file in files.items()
    }
    try:
        for writer in writers.values():
            writer.writerow(header)
        for sample in training_set.samples(values=True):
            _, _, wcs = training_set.content(sample)
            row = [sample.name, os.path.abspath(sample.picture.path)]
            row += [cell(value) for value in sample.values.values()]
            writers[sample.split].writerow([*row, wcs])
    finally:
        for file in files.values():
            file.close()


def cell(value: Any) -> Any:
    """Return a value as a CSV file holds it: what is missing is empty, lists are JSON."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return json.dumps(value) if isinstance(value, list) else value


def check(training_set: TrainingSet) -> None:
    """Refuse pictures that are not in files."""
    refuse_without_files(training_set, "zoobot")


FORMAT = Format(
    name="zoobot",
    write=write,
    check=check,
    own_columns=("id_str", "file_loc"),
    opened_by=(
        "import pandas as pd\n"
        "from galaxy_datasets.pytorch.galaxy_dataset import CatalogDataset\n\n"
        "# str also for each column of identifiers\n"
        'catalog = pd.read_csv("train.csv", dtype={"id_str": str})\n'
        'CatalogDataset(catalog, label_cols=["label"])'
    ),
)
