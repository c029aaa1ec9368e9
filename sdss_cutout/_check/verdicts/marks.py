"""Judges what is assumed of scales and the projection, by where a server marks positions. Pure.

A list of marks is drawn by the projection alone, without the survey's images and their
displacement. Only columns are measured: the marks are symmetrical from left to right.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._check.answers import Answers, Judge, Seen, UnansweredError, differs, verdict
from sdss_cutout._check.asked import CLIPPED, WIDE, wcs_of
from sdss_cutout._check.drawn import mark_columns, mark_profile
from sdss_cutout._service.skyserver import SKYSERVER

__all__ = ["CLIPPED_MARK", "JUDGES", "WIDE_MARKS"]

Floats = NDArray[np.float64]

# Degrees to the west of the middle, near declination 0: within the clipped picture at the least
# scale; and from edge to edge of the wide one, at various fractions of pixels.
CLIPPED_MARK = 5 / 3600
WIDE_MARKS = (
    -6.7, -5.87, -5.02, -4.13, -3.29, -2.41, -1.55, -0.66,
    0.69, 1.57, 2.44, 3.26, 4.15, 5.05, 5.91, 6.7,
)  # fmt: skip


def _columns(answers: Answers) -> Floats:
    """Return the columns of the marks found in the wide picture."""
    return mark_columns(answers.picture("wide"))


def _expected(answers: Answers) -> Floats:
    """Return where our WCS puts these marks."""
    ra = WIDE.ra - np.array(WIDE_MARKS)  # to the west is to the right
    x, _ = wcs_of(answers.site, WIDE).all_world2pix(ra, np.full(len(ra), WIDE.dec), 0)
    return np.asarray(x)


def _all_columns(answers: Answers) -> Floats:
    columns = _columns(answers)
    if len(columns) != len(WIDE_MARKS):
        raise UnansweredError(f"{len(columns)} of {len(WIDE_MARKS)} marks found to measure by")
    return columns


def _list(answers: Answers) -> Seen:
    found = len(_columns(answers))
    return verdict(found > 0, f"{found} of {len(WIDE_MARKS)} marks found in a wide picture")


def _place(answers: Answers) -> Seen:
    shift = float(np.mean(_all_columns(answers) - _expected(answers)))
    return verdict(abs(shift) < _SHIFT, f"{shift:+.2f} pix to the right on average")


_SHIFT = 0.3


def _max_scale(answers: Answers) -> Seen:
    response = answers.response("wide")
    answers.picture("plain")  # without which this tells nothing of scales
    if response.status in (400, 500):
        return differs(f"{response.status} for {WIDE.scale:g} arcsec/pix")
    columns = _columns(answers)
    if len(columns) < _FEWEST:
        raise UnansweredError(f"{len(columns)} of {len(WIDE_MARKS)} marks found to measure by")
    spacing = float(np.median(np.diff(columns)))
    scale = WIDE.scale * float(np.median(np.diff(_expected(answers)))) / spacing
    return verdict(abs(scale / WIDE.scale - 1) < _SCALE_WITHIN, f"{scale:.0f} arcsec/pix, by marks")


_FEWEST, _SCALE_WITHIN = 5, 0.1


def _min_scale(answers: Answers) -> Seen:
    profile = mark_profile(answers.picture("clipped"))
    if not profile.any():
        if not len(_columns(answers)):
            raise UnansweredError("no marks are drawn to measure by")
        return differs("a mark 5 arcsec from the middle lies outside the picture")
    middle = float(np.average(np.arange(len(profile)), weights=profile))
    scale = CLIPPED_MARK * 3600 / (middle - len(profile) / 2)
    is_so = abs(scale / SKYSERVER.limits.min_scale - 1) < _SCALE_WITHIN
    return verdict(is_so, f"{scale:.4f} arcsec/pix for {CLIPPED.scale:g}, by a mark")


def _projection(answers: Answers) -> Seen:
    columns, expected = _all_columns(answers), _expected(answers)
    # How much farther apart than by our projection: in TAN it would be 3.4 pixels.
    excess = float(np.ptp(columns) - np.ptp(expected))
    text = f"the outer marks are {np.ptp(columns):.1f} pix apart, {np.ptp(expected):.1f} in SIN"
    return verdict(abs(excess) < _EXCESS, text)


_EXCESS = 1.7

JUDGES: dict[str, Judge] = {
    "picture.min_scale": _min_scale,
    "picture.max_scale": _max_scale,
    "picture.projection": _projection,
    "mark.place": _place,
    "mark.list": _list,
}
