"""Runs the live check and prints its report."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sdss_cutout._cli.messages import SOME_FAILED, UNREACHABLE, say

if TYPE_CHECKING:
    from sdss_cutout import SDSSCutouts
    from sdss_cutout._check.report import Report

__all__ = ["run_check"]


def run_check(client: SDSSCutouts, output: Path | None, given: dict[str, Any]) -> int:
    """Ask, print, write the JSON file, and return the exit status."""
    from sdss_cutout._check.run import MAX_REQUESTS, check

    if sys.stderr.isatty():
        say(f"asking {client!r}: at most {MAX_REQUESTS} requests")
    report = check(client, max_rate=given["max_rate"])
    if given["as_json"]:
        click.echo(json.dumps(report.as_dict(), ensure_ascii=False, allow_nan=False))
    elif not report.unreachable:
        click.echo(report.text())
    if output is not None:
        _write(output.expanduser(), report)
    if report.unreachable:
        say(f"Error: the server at {report.base_url} cannot be reached: {report.unreachable}")
        return UNREACHABLE
    return SOME_FAILED if report.counts["differs"] else 0


def _write(path: Path, report: Report) -> None:
    from sdss_cutout._store.files import translated, write_whole

    text = json.dumps(report.as_dict(), ensure_ascii=False, allow_nan=False, indent=1)
    with translated(path.parent):
        write_whole(path.absolute(), f"{text}\n".encode())
