"""Pictures in folders, with their table beside them: Hugging Face's imagefolder.

``datasets`` has these rules, each of which makes it drop files or columns silently:

- A folder or file whose name has a word such as ``test`` in it belongs to that split. Within a
  folder that is called as a split, file names do not matter, but names of folders do.
- ``metadata.csv`` has no types: digits become numbers, whatever the quotes.
- The types of ``metadata.jsonl`` are those of its first 10 MB, in each split, and must agree.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from sdss_cutout._errors import RequestError
from sdss_cutout._export.columns import looks_like_dates
from sdss_cutout._export.format import Format, TrainingSet
from sdss_cutout._export.place import link_or_write

__all__ = ["FORMAT", "label_folders"]

_DATES_IN = 2_000  # rows, about 10 MB


def write(training_set: TrainingSet, path: Path) -> None:
    """Write ``{split}/[{label}/]NAME.jpg`` and ``{split}/metadata.jsonl``."""
    folders = _make_folders(training_set, path)
    files = {
        split: (path / split / "metadata.jsonl").open("w", encoding="utf-8", newline="\n")
        for split in training_set.splits
    }
    try:
        for sample in training_set.samples(values=True):
            content, _, wcs = training_set.content(sample)
            folder = folders[_label_text(sample.values)]
            name = f"{folder}{sample.name}.jpg"
            link_or_write(sample.picture.path, content, f"{path}/{sample.split}/{name}")
            _write_line(files[sample.split], {"file_name": name, **sample.values, "wcs": wcs})
    finally:
        for file in files.values():
            file.close()


def _write_line(file: IO[str], values: Mapping[str, Any]) -> None:
    file.write(json.dumps(values, ensure_ascii=False) + "\n")


def _make_folders(training_set: TrainingSet, path: Path) -> dict[str, str]:
    """Make the folders; return the one of each label, with a slash, or nothing without labels."""
    names = {"": ""}
    if training_set.label is not None:
        labels = training_set.column("label").jsonable(training_set.rows)
        names = {k: f"{v}/" for k, v in label_folders([str(label) for label in labels]).items()}
    for split in training_set.splits:
        for name in names.values():
            (path / split / name).mkdir(parents=True, exist_ok=True)
    return names


def _label_text(values: Mapping[str, Any]) -> str:
    return str(values["label"]) if "label" in values else ""


# What `datasets` takes for the name of a split, alone or between two of its separators.
_SPLIT_WORD = re.compile(
    r"(^|[-._ 0-9])(?=(?:train|training|validation|valid|dev|val|test|testing|eval|evaluation)"
    r"(?:[-._ 0-9]|$))"
)
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", re.IGNORECASE)
_LONGEST = 150  # bytes of a folder's name


def label_folders(labels: list[str]) -> dict[str, str]:
    """Return the folder of each label: safe on every platform, and no two the same."""
    folders: dict[str, str] = {}
    taken: set[str] = set()
    for label in dict.fromkeys(labels):
        safe = folder = _safe_folder(label)
        number = 1
        while _folded(folder) in taken:
            number += 1
            folder = f"{safe}_{number}"
        taken.add(_folded(folder))
        folders[label] = folder
    return folders


def _safe_folder(label: str) -> str:
    name = _UNSAFE.sub("_", unicodedata.normalize("NFC", label))
    name = name.encode("utf-8", "replace")[:_LONGEST].decode("utf-8", "ignore")
    name = _SPLIT_WORD.sub("=", _DEVICE.sub(r"=\g<0>", name))
    name = re.sub(r"^[ .]|[ .]$", "_", name)
    return name or "_"


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


def check(training_set: TrainingSet) -> None:
    """Refuse a column of text that some splits' readers would take for dates, others for text."""
    rows = {split: training_set.rows_of(split)[:_DATES_IN] for split in training_set.splits}
    for column in training_set.columns:
        filled = {s: r for s, r in rows.items() if column.is_text and column.present(r).any()}
        dates = {split: looks_like_dates(column, r) for split, r in filled.items()}
        if len(set(dates.values())) > 1:
            split = next(split for split, are in dates.items() if are)
            raise RequestError(
                f"imagefolder cannot hold the column {column.source!r}: its texts in the split "
                f"{split!r} all look like dates, which its readers take for dates, and in others "
                "they do not. Leave it out with columns=, or use the format 'parquet'"
            )


FORMAT = Format(
    name="imagefolder",
    write=write,
    check=check,
    head=200,
    data_files="{split}/**",
    opened_by='from datasets import load_dataset\nload_dataset("imagefolder", data_dir=FOLDER)',
)
