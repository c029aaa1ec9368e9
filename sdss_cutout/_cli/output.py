"""Prints the results of a run: paths, JSON lines, a closing summary and the commonest errors."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sdss_cutout._cli.messages import say

if TYPE_CHECKING:
    from sdss_cutout import CalibratedCutout, Cutout, DownloadReport
    from sdss_cutout._targets.targets import Targets

__all__ = ["Printer", "json_line", "print_paths"]

_ERRORS_SHOWN = 3


def json_line(cutout: Cutout | CalibratedCutout, input_values: dict[str, Any]) -> str:
    """Return one target's row as a JSON object in one line."""
    from sdss_cutout._results.columns import json_row

    return json.dumps(json_row(input_values, cutout.row()), ensure_ascii=False, allow_nan=False)


def print_paths(paths: dict[str, Path], *, as_json: bool) -> None:
    """Print the files that were written."""
    if as_json:
        click.echo(json.dumps({key: str(path) for key, path in paths.items()}))
    else:
        click.echo("\n".join(map(str, paths.values())))


class Printer:
    """Prints the outcomes of a download as they come, and a summary.

    Where the standard output is not a terminal it gets the path of each picture, for the next
    program to read; a person gets a summary at the end instead.
    """

    def __init__(self, targets: Targets, directory: Path, *, as_json: bool) -> None:
        self._targets = targets
        self._directory = directory
        self._as_json = as_json
        self._for_a_person = not as_json and sys.stdout.isatty()
        self._began = time.monotonic()
        self._rows: dict[str, int] = {}
        self._input_values: list[dict[str, Any]] = []
        self._errors: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def __call__(self, cutout: Cutout) -> None:
        if cutout.status == "failed":
            self._errors[cutout.error] += 1
            self._examples.setdefault(cutout.error, cutout.name)
        if self._as_json:
            click.echo(json_line(cutout, self._input_of(cutout.name)))
        elif cutout.path and not self._for_a_person:
            click.echo(str(self._directory / cutout.path.name))

    def _input_of(self, name: str) -> dict[str, Any]:
        """Return the input columns of a target."""
        from sdss_cutout._results.columns import beside_ours
        from sdss_cutout._results.input_columns import row_dicts

        if not self._targets.table.colnames:
            return {}
        if not self._rows:
            self._rows = {name: row for row, name in enumerate(self._targets.names())}
            self._input_values = row_dicts(beside_ours(self._targets.table))
        return self._input_values[self._rows[name]]

    def finish(self, report: DownloadReport) -> None:
        """Print the summary, and the commonest errors with an example each."""
        failed = report.counts["failed"]
        if self._for_a_person:
            click.echo(self._summary(report))
        if failed:
            say(f"{failed} of {len(report)} failed; the same command tries them again")
            self._say_errors()

    def _summary(self, report: DownloadReport) -> str:
        from sdss_cutout._progress import summarise
        from sdss_cutout._store.layout import MANIFEST_TABLE

        seconds = time.monotonic() - self._began
        targets = f"{len(report):,} target{'s' * (len(report) != 1)}"
        lines = [f"{targets} in {seconds:.1f} s: {summarise(report.counts)}"]
        if len(report):
            lines.append(f"Pictures: {self._directory}")
            lines.append(f"Table:    {self._directory / MANIFEST_TABLE}")
        return "\n".join(lines)

    def _say_errors(self) -> None:
        for error, count in self._errors.most_common(_ERRORS_SHOWN):
            say(f"  {count} x {error} (for example {self._examples[error]})")
        if rest := self._errors.total() - sum(
            count for _, count in self._errors.most_common(_ERRORS_SHOWN)
        ):
            say(f"  {rest} x other errors: see the column error of the table")
