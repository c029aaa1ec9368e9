"""From what was typed to a client, its options and its targets."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdss_cutout._cli.messages import begin

if TYPE_CHECKING:
    from sdss_cutout import SDSSCutouts
    from sdss_cutout._targets.targets import Targets
    from sdss_cutout.client import PictureOptions

__all__ = ["client_of", "options_of", "require_download", "targets_of"]


def client_of(given: dict[str, Any]) -> SDSSCutouts:
    """Return the client that the options of the server ask for."""
    from sdss_cutout import SDSSCutouts, conf

    begin(given)
    if given.get("frames_url") is not None:
        conf.frames_url = given["frames_url"]
    return SDSSCutouts(
        given["release"],
        base_url=given["base_url"],
        max_connections=given.get("max_connections"),
        max_rate=given["max_rate"],
        timeout=given["timeout"],
        max_attempts=given.get("max_attempts"),
        show_progress=not given.get("quiet", False) and sys.stderr.isatty(),
    )


def options_of(given: dict[str, Any]) -> PictureOptions:
    """Return what is asked for, beside the targets."""
    import astropy.units as u

    names = ("size", "width", "height", "fov", "overlays", "bands")
    options: dict[str, Any] = {name: given[name] for name in names if given[name] is not None}
    if given["scale"] is not None:
        options["scale"] = given["scale"] * u.arcsec / u.pix
    return options  # type: ignore[return-value]


def targets_of(words: str | Sequence[str], given: dict[str, Any]) -> Targets:
    """Return the targets that were typed: a file, the standard input, positions or names."""
    from sdss_cutout._targets.targets import read_command_line_targets

    name = given.get("name")
    return read_command_line_targets(
        words,
        sys.stdin.buffer,
        names=[name] if name else given.get("names"),
        columns=columns_of(given),
        ra_unit=given.get("ra_unit"),
    )


def columns_of(given: dict[str, Any]) -> tuple[str, str] | None:
    """Return the columns of right ascension and declination that were typed."""
    ra, dec = given.get("ra"), given.get("dec")
    if ra is None and dec is None:
        return None
    if ra is None or dec is None:
        from sdss_cutout import TargetError

        raise TargetError("--ra and --dec go together")
    return ra, dec


def require_download(directory: Path) -> Path:
    """Return a directory that has a manifest, or end with wrong use."""
    from sdss_cutout import RequestError
    from sdss_cutout._store.layout import MANIFEST

    directory = directory.expanduser()
    if not (directory / MANIFEST).is_file():
        raise RequestError(
            f"{directory} is not the directory of a download: there is no {MANIFEST} in it"
        )
    return directory
