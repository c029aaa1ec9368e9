"""Pictures become a training set: what goes in, how it is divided, where it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._config import conf
from sdss_cutout._errors import RequestError
from sdss_cutout._export.card import dataset_card
from sdss_cutout._export.choose import Choice, choose_columns, choose_rows
from sdss_cutout._export.columns import ExportColumn
from sdss_cutout._export.divide import Division, divide
from sdss_cutout._export.format import Format, TrainingSet
from sdss_cutout._export.formats import FORMATS
from sdss_cutout._export.place import check_place, placed
from sdss_cutout._export.source import KEPT, OK, PictureSource, positions_of
from sdss_cutout._export.table import CompactTable
from sdss_cutout._image.sidecar import looks_simulated
from sdss_cutout._progress import Progress

__all__ = ["Export", "export"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A training set that was written.

    Attributes
    ----------
    path : `~pathlib.Path`
        The folder, or the file.
    format : str
        Its format.
    counts : dict
        The pictures in each split.
    skipped : dict
        The targets without a picture, by status.
    fractions : dict
        The part of the pictures that each split has: as near to what was asked for as whole groups
        allow.
    groups : int
        How many groups of several pictures were kept together, as they overlap on the sky or show
        the same object.
    renamed : dict
        Columns of the table that readers would misread, and what they are called in the set.

    Examples
    --------
    >>> import tempfile
    >>> from sdss_cutout import SDSSCutouts
    >>> from sdss_cutout.sandbox import Sandbox
    >>> sql = "SELECT TOP 20 objID, ra, dec, r FROM Galaxy WHERE r < 17 ORDER BY objID"
    >>> with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
    ...     client = SDSSCutouts(base_url=sandbox.base_url)
    ...     report = client.download_sql(sql, f"{folder}/pictures", size=64)
    ...     training_set = report.export(f"{folder}/set", split={"train": 0.8, "test": 0.2})
    >>> training_set.counts
    {'train': 16, 'test': 4}
    """

    path: Path
    format: str
    counts: dict[str, int]
    skipped: dict[str, int]
    fractions: dict[str, float] = field(default_factory=dict)
    groups: int = 0
    renamed: dict[str, str] = field(default_factory=dict)


Export.__module__ = "sdss_cutout"


def export(
    source: PictureSource,
    path: str | Path,
    format: str = "imagefolder",  # noqa: A002
    *,
    label: str | None = None,
    split: Mapping[str, float] | str | None = None,
    seed: int = 0,
    columns: Sequence[str] | None = None,
    overwrite: bool = False,
    show_progress: bool | None = None,
) -> Export:
    """Write pictures as a training set, whole or not at all.

    Parameters
    ----------
    source : PictureSource
        Pictures and their table.
    path, format, label, split, seed, columns, overwrite
        As of `CutoutList.export`.
    show_progress : bool, optional
        Whether to show a progress bar; by default as ``sdss_cutout.conf`` says.
    """
    form = _format_of(format)
    table = CompactTable(source)
    rows = choose_rows(table)
    files = (file for file in table.texts("path") if file)
    target = check_place(Path(path), files, overwrite=overwrite)
    positions = positions_of(source, table.texts("url"), rows)
    choice = choose_columns(table, rows, positions, form, label=label, columns=columns)
    look = _first_look(source, rows, form)
    wanted = _split_of(form, split)
    division = divide(table, rows, positions, choice, wanted, seed, turned=bool(look["bands"]))
    result = Export(
        path=target,
        format=form.name,
        counts=division.counts,
        skipped=_skipped(table.texts("status")),
        fractions={name: count / len(rows) for name, count in division.counts.items()},
        groups=division.groups,
        renamed=choice.renamed,
    )
    shown = conf.show_progress if show_progress is None else show_progress
    with Progress(len(rows), show=shown) as progress:
        training_set = TrainingSet(
            source=source, table=table, rows=rows, splits=division.splits,
            split_of=division.split_of, columns=_typed(choice, form, division, rows),
            label=label, progress=progress, **look,
        )  # fmt: skip
        _write(training_set, form, result, division, overwrite=overwrite)
    return result


def _write(
    training_set: TrainingSet, form: Format, result: Export, division: Division, *, overwrite: bool
) -> None:
    form.check(training_set)
    with placed(result.path, overwrite=overwrite) as part:
        form.write(training_set, part)
        if not form.is_file:
            card = dataset_card(training_set, form, result.path.name, _told(result, division))
            (part / "README.md").write_text(card, encoding="utf-8", newline="\n")


def _format_of(name: str) -> Format:
    if name not in FORMATS:
        raise RequestError(f"{name!r} is not a format: {', '.join(FORMATS)} are")
    return FORMATS[name]


def _split_of(form: Format, split: Any) -> Any:
    if split is not None and not form.has_splits:
        raise RequestError(f"the format {form.name!r} is not divided; leave split out")
    return split


def _skipped(statuses: Iterable[str]) -> Counter[str]:
    """Count the targets without a picture; a status that does not occur counts 0."""
    return Counter(status for status in statuses if status not in (OK, KEPT))


def _first_look(source: PictureSource, rows: NDArray[np.int64], form: Format) -> dict[str, Any]:
    """Return what holds for all pictures, from the first: bands, and whether it is simulated."""
    first = next(picture for row, picture in enumerate(source) if row == rows[0])
    bands = str(first.bands) if hasattr(first, "to_rgb") else ""
    if bands and not form.calibrated:
        raise RequestError(
            f"the format {form.name!r} holds colour pictures, and these are calibrated cutouts: "
            "use format='hdf5', or get pictures, without bands="
        )
    return {"bands": bands, "notes": {"simulated": looks_simulated(first)}}


def _typed(
    choice: Choice, form: Format, division: Division, rows: NDArray[np.int64]
) -> list[ExportColumn]:
    """Return the columns; where a reader would not know a column's type, missing values have it.

    Readers of JSON know the type by the first rows of a split. Where all of these are missing they
    take the column for one of nulls, and fail at the first value. Lists of nulls are worse: pyarrow
    26 reads ``[null, null], [1.0, 2.0]`` as ``[null, 1.0], [2.0, ...]``.
    """
    if not form.head:
        return choice.columns
    heads = [rows[division.split_of == n][: form.head] for n in range(len(division.splits))]

    def needs_type(column: ExportColumn) -> bool:
        if column.values.ndim > 1:
            return column.has_gaps(rows)
        known = all(column.present(head).any() for head in heads)
        return not known and bool(column.present(rows).any())

    return [replace(c, typed=True) if needs_type(c) else c for c in choice.columns]


def _told(result: Export, division: Division) -> list[str]:
    """Return how the set was made, a sentence each, for the dataset card."""
    told = [division.how]
    if len(result.counts) > 1:
        reached = ", ".join(f"{name} {part:.4g}" for name, part in result.fractions.items())
        told.append(f"The parts are: {reached}.")
    if result.skipped:
        skipped = ", ".join(f"{count} {status}" for status, count in result.skipped.items())
        told.append(f"Targets without a picture, which were left out: {skipped}.")
    if result.renamed:
        renamed = ", ".join(f"{old} is {new}" for old, new in result.renamed.items())
        told.append(f"Columns that readers would misread were renamed: {renamed}.")
    return told
