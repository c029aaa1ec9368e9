"""What the server draws over a picture: overlay letters, and the objects that it marks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sdss_cutout._errors import RequestError, TargetError
from sdss_cutout._request.numbers import number_texts, sent_positions
from sdss_cutout._service.skyserver import ImageService
from sdss_cutout._targets.targets import read_positions

__all__ = ["mark_text", "overlay_letters"]


def overlay_letters(overlays: str | Sequence[str] | None, service: ImageService) -> str:
    if overlays is None:
        return ""
    known = service.overlays
    by_name = {name: letter for letter, name in known.items()}
    # One string is letters, unless it is the name of one overlay.
    parts = [overlays] if isinstance(overlays, str) and overlays.lower() in by_name else overlays
    if not isinstance(parts, Iterable):
        raise RequestError(f"overlays = {overlays!r} are neither letters nor a list of names")
    letters = []
    for part in parts:
        text = str(part)
        letter = by_name.get(text.lower(), text.upper())
        if letter not in known:
            raise RequestError(
                f"overlay {text!r} is not known; allowed are "
                + ", ".join(f"{letter} ({name})" for letter, name in known.items())
            )
        letters.append(letter)
    return "".join(dict.fromkeys(letters))


# S: ImgCutout.cs validateQuery.
_NUMBER = r"\s*[-+]?\d+(\.\d*)?\s*"
_FILTER = re.compile(rf"[SGP][UGRIZA]\({_NUMBER},{_NUMBER}\)", re.IGNORECASE | re.ASCII)


def mark_text(mark: Any) -> str:
    """Return the ``query`` parameter for what is to be marked."""
    if mark is None:
        return ""
    if isinstance(mark, str):
        text = mark.strip()
        if _FILTER.fullmatch(text):
            return "".join(text.upper().split())
        if re.search(r"\bselect\b", text, re.IGNORECASE):
            return text
        raise RequestError(
            f"mark = {mark!r} is not understood; allowed are positions, SQL that selects ra and "
            "dec, or a filter: S, G or P, a band of UGRIZA, and limits, as SR(10,20)"
        )
    try:
        positions = read_positions(mark)
    except TargetError as error:
        raise RequestError(f"mark: {error}") from error
    ra, dec = sent_positions(positions)
    rows = zip(number_texts(ra), number_texts(dec), strict=True)
    return "\n".join(["ra dec", *(f"{ra} {dec}" for ra, dec in rows)])
