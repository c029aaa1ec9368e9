"""Judges what is assumed of the letters that draw over pictures. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._check.answers import Answers, Judge, Seen, UnansweredError, verdict
from sdss_cutout._check.drawn import cross, inverted
from sdss_cutout._service.skyserver import SKYSERVER

__all__ = ["JUDGES"]

Pixels = NDArray[np.int16]


def _compared(answers: Answers, other: str) -> tuple[Pixels, Pixels]:
    """Return the plain picture and another one of the same sky."""
    pictures = answers.picture("plain"), answers.picture(other)
    if pictures[0].shape != pictures[1].shape:
        raise UnansweredError("the pictures to compare differ in size")
    return pictures


def _grid(answers: Answers) -> Seen:
    found = cross(*_compared(answers, "grid"))
    return verdict(found is not None, "a cross" if found else "no cross")


def _invert(answers: Answers) -> Seen:
    is_so = inverted(*_compared(answers, "grid"))
    return verdict(is_so, "light and dark are exchanged" if is_so else "not inverted")


def _halves(answers: Answers) -> tuple[bool, bool]:
    """Return whether the upper and the lower half differ from the picture without letters."""
    plain, labelled = _compared(answers, "labelled")
    middle = len(plain) // 32 * 16  # JPEG codes blocks of 16 rows
    changed = np.abs(plain - labelled) > _CHANGED
    return bool(changed[:middle].any()), bool(changed[middle:].any())


_CHANGED = 16


def _label(answers: Answers) -> Seen:
    is_so = _halves(answers)[0]
    return verdict(is_so, "something is drawn there" if is_so else "nothing is drawn")


def _unread(answers: Answers) -> Seen:
    answers.picture("plain")  # without which this tells nothing of letters
    status = answers.response("labelled").status
    if status != 200:
        return verdict(False, str(status))
    is_changed = _halves(answers)[1]
    text = "something is drawn by them" if is_changed else "nothing is drawn by them"
    return verdict(not is_changed, text)


def _two_mass(answers: Answers) -> Seen:
    height, width = answers.picture("two_mass").shape[:2]
    least = SKYSERVER.limits_with_2mass.min_size
    return verdict((width, height) == (least, least), f"{width} x {height} for 64 x 64")


JUDGES: dict[str, Judge] = {
    "overlay.grid": _grid,
    "overlay.label": _label,
    "overlay.invert": _invert,
    "overlay.unread": _unread,
    "overlay.two_mass": _two_mass,
}
