"""Where a training set comes from: its dataset card, ``README.md``."""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._export.columns import ExportColumn
from sdss_cutout._export.format import Format, TrainingSet
from sdss_cutout._export.place import MARK

__all__ = ["dataset_card", "provenance"]

_ACKNOWLEDGEMENT = "https://www.sdss.org/collaboration/citing-sdss/"
_LICENCE = "https://www.sdss.org/collaboration/image-use-policy/"
_MOST_LABELS = 100
_SIMULATED = (
    "SIMULATED: the pictures come from the sandbox of sdss_cutout, a synthetic sky. They are not "
    "SDSS data and must not be called so."
)


def provenance(training_set: TrainingSet) -> dict[str, str]:
    """Return what the set is and where it comes from, as short texts by name."""
    table, rows = training_set.table, training_set.rows
    server = re.match(r"https?://[^/]+(?:.*?(?=/dr\d+/))?", table.text("url", int(rows[0])))
    releases = np.unique(training_set.column("release").values[rows])
    facts = {
        "source": f"SDSS data release {', '.join(map(str, releases))}, "
        f"from {server[0] if server else 'SkyServer'}",
        "request": _request(training_set),
        "targets": _list_of(table.meta),
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "creator": f"sdss_cutout {importlib.metadata.version('sdss_cutout')}",
    }
    if training_set.is_simulated:
        return {"simulated": _SIMULATED, **facts, "source": f"simulated, {server and server[0]}"}
    return {
        **facts,
        "licence": f"SDSS's pictures are free to use with credit (CC BY): {_LICENCE}",
        "acknowledgement": "Whoever uses the pictures is asked to acknowledge SDSS with the text "
        f"and the paper of the data release at {_ACKNOWLEDGEMENT}",
    }


def _request(training_set: TrainingSet) -> str:
    table, rows = training_set.table, training_set.rows
    sizes = [_span(table.numbers(name, rows)) for name in ("width", "height")]
    scale = _span(table.numbers("scale", rows))
    bands = f"bands {training_set.bands}, " if training_set.bands else ""
    return f"{bands}{sizes[0]} x {sizes[1]} pixels, {scale} arcsec per pixel"


def _span(values: NDArray[np.float64]) -> str:
    """Return numbers as text: one, or the smallest and the largest."""
    low, high = np.min(values), np.max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _list_of(meta: dict[str, Any]) -> str:
    """Return the query or the file that the targets come from, as far as the table tells."""
    if meta.get("query"):
        return str(meta["query"])
    return f"the table {Path(str(meta['source'])).name}" if meta.get("source") else "a list"


# ---------------------------------------------------------------------------------- the card


def dataset_card(training_set: TrainingSet, form: Format, title: str, how: Sequence[str]) -> str:
    """Return the dataset card, in Markdown with a header that Hugging Face reads.

    Parameters
    ----------
    training_set : TrainingSet
        What was written.
    form : Format
        How it was written.
    title : str
        What the set is called.
    how : sequence of str
        How it was divided and what was left out, a sentence each.
    """
    facts = provenance(training_set)
    parts = [
        _front_matter(training_set, form, title),
        f"# {_plain(title)}",
        *([f"**{facts.pop('simulated')}**"] if "simulated" in facts else []),
        f"Pictures of the sky, each with its place in the sky, {MARK}"
        "(https://pypi.org/project/sdss_cutout/).",
        "\n".join(f"- **{name}**: {_plain(text)}" for name, text in facts.items()),
        "## How it was made",
        "\n".join(f"- {_plain(sentence)}" for sentence in how),
        "\n".join(_counts(training_set)),
        "## How to read it",
        f"```\n{form.opened_by}\n```",
        "The header in the column `wcs` tells where a picture lies on the sky:",
        "```python\nfrom astropy.io.fits import Header\nfrom astropy.wcs import WCS\n\n"
        'WCS(Header.fromstring(wcs, sep="\\n"))\n```',
        "## Columns",
        "\n".join(_columns(training_set)),
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(training_set: TrainingSet, form: Format, title: str) -> str:
    """Return the header: YAML, in which JSON's strings are strings."""
    lines = ["---", f"pretty_name: {json.dumps(title, ensure_ascii=False)}"]
    if not training_set.is_simulated:
        lines += [
            "license: other",
            "license_name: sdss-image-use-policy",
            f"license_link: {_LICENCE}",
        ]
    lines += ["tags:", "- astronomy", f"- {'simulated' if training_set.is_simulated else 'sdss'}"]
    if training_set.label is not None:
        lines += ["task_categories:", "- image-classification"]
    if form.data_files:
        lines += ["configs:", "- config_name: default", "  data_files:"]
        for split in training_set.splits:
            pattern = form.data_files.format(split=split)
            lines += [f"  - split: {split}", f"    path: {json.dumps(pattern)}"]
    return "\n".join([*lines, "---"])


def _counts(training_set: TrainingSet) -> Iterator[str]:
    """Yield a table of the pictures by split, and by label where there are labels."""
    counts = {split: len(training_set.rows_of(split)) for split in training_set.splits}
    yield f"|  | {' | '.join(counts)} |"
    yield f"|---|{'---|' * len(counts)}"
    yield f"| pictures | {' | '.join(map(str, counts.values()))} |"
    if training_set.label is None:
        return
    label = training_set.column("label")
    by_split = [
        Counter(map(str, label.exact(training_set.rows_of(split)))) for split in training_set.splits
    ]
    labels = sorted(set().union(*by_split))
    for name in labels[:_MOST_LABELS]:
        yield f"| `{_cell(name)}` | {' | '.join(str(counter[name]) for counter in by_split)} |"
    if len(labels) > _MOST_LABELS:
        yield f"| and {len(labels) - _MOST_LABELS} labels more |{' |' * len(counts)}"


def _columns(training_set: TrainingSet) -> Iterator[str]:
    yield "| column | type | unit | missing | what it is |"
    yield "|---|---|---|---|---|"
    for column in training_set.columns:
        missing = int((~column.present(training_set.rows)).sum())
        described = column.description
        if column.source and column.source != column.name:
            described = f"the column `{column.source}`; {described}".rstrip("; ")
        cells = (
            f"`{_cell(column.name)}`",
            _type(column),
            column.unit,
            str(missing or ""),
            described,
        )
        yield f"| {' | '.join(map(_cell, cells))} |"
    yield "| `wcs` | text |  |  | the FITS header of the picture, a card per line |"


def _type(column: ExportColumn) -> str:
    kind = "text" if column.is_text else str(column.values.dtype)
    return kind + "".join(f"[{length}]" for length in column.values.shape[1:])


def _cell(text: str) -> str:
    """Return text that fits in a cell of a table."""
    return _plain(text).replace("|", "\\|")


def _plain(text: str) -> str:
    """Return text on one line, that is text in Markdown too."""
    return " ".join(text.replace("<", "&lt;").split())
