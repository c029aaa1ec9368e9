"""Judges what is assumed of pictures. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._check.answers import (
    Answers,
    Judge,
    Seen,
    UnansweredError,
    differs,
    holds,
    parse_json,
    verdict,
)
from sdss_cutout._check.asked import (
    CLIPPED,
    GALACTIC_CENTRE,
    PLAIN,
    WIDE,
    around_star,
    wcs_of,
)
from sdss_cutout._check.drawn import cross, marked_columns, star_near
from sdss_cutout._check.signature import SKYSERVER_SIGNATURE, read_signature
from sdss_cutout._check.tables import star
from sdss_cutout._errors import ImageError
from sdss_cutout._image.jpeg import check_jpeg, is_painted_black
from sdss_cutout._service.skyserver import SKYSERVER

__all__ = ["CLIPPED_MARK", "JUDGES", "WIDE_MARKS"]

# Degrees to the west of the middle, at declination 0 or near: within the clipped picture at the
# least scale; at half the wide one's width, and at its edges.
CLIPPED_MARK = 5 / 3600
WIDE_MARKS = (-6.7, -3.0, 3.0, 6.7)


def _size(pixels: NDArray[np.int16]) -> str:
    height, width = pixels.shape[:2]
    return f"{width} x {height}"


def _route(answers: Answers) -> Seen:
    response = answers.response("plain")
    is_jpeg = response.content.startswith(b"\xff\xd8")
    text = f"{response.status} with {'a JPEG' if is_jpeg else 'something else than a JPEG'}"
    return verdict(response.status == 200 and is_jpeg, text)


def _asked_size(answers: Answers) -> Seen:
    seen = _size(answers.picture("plain"))
    return verdict(seen == f"{PLAIN.width} x {PLAIN.height}", seen)


def _signature(answers: Answers) -> Seen:
    signature = read_signature(answers.ok("plain"))
    if signature is None:
        raise UnansweredError("the answer is not a JPEG (plain)")
    return verdict(signature == SKYSERVER_SIGNATURE, str(signature))


def _size_limits(answers: Answers) -> Seen:
    response = answers.response("clipped")
    if response.status != 200:
        return differs(f"{response.status} for {CLIPPED.width} x {CLIPPED.height}")
    limits = SKYSERVER.limits
    seen = _size(answers.picture("clipped"))
    text = f"{seen} for {CLIPPED.width} x {CLIPPED.height}"
    return verdict(seen == f"{limits.max_size} x {limits.min_size}", text)


def _min_scale(answers: Answers) -> Seen:
    pixels = answers.picture("clipped")
    columns = marked_columns(pixels)
    if not len(columns):
        _require_marks(answers)
        return differs("a mark 5 arcsec from the middle lies outside the picture")
    scale = CLIPPED_MARK * 3600 / (columns.mean() - pixels.shape[1] / 2)
    is_so = abs(scale / SKYSERVER.limits.min_scale - 1) < 0.05
    return verdict(is_so, f"{scale:.4f} arcsec/pix, by the place of a mark")


def _wide_columns(answers: Answers) -> list[float]:
    """Return where the marks of the wide picture are found."""
    response = answers.response("wide")
    if response.status != 200:
        raise UnansweredError(f"the answer is {response.status} (wide)")
    columns = marked_columns(answers.picture("wide"))
    groups = np.split(columns, np.flatnonzero(np.diff(columns) > _MARK_WIDTH) + 1)
    return [float(group.mean()) for group in groups if len(group)]


_MARK_WIDTH = 16


def _require_marks(answers: Answers) -> None:
    """Refuse to judge by marks where none is drawn at all."""
    if not any(len(marked_columns(answers.picture(name))) for name in ("wide", "clipped")):
        raise UnansweredError("no marks are drawn to measure by")


def _marks(answers: Answers) -> Seen:
    found = len(_wide_columns(answers))
    is_so = found > 0
    return verdict(is_so, f"{found} of {len(WIDE_MARKS)} marks found in a picture 14 deg wide")


def _wide_marks(answers: Answers) -> list[float]:
    """Return the columns of the four marks of the wide picture, or say what is seen instead."""
    columns = _wide_columns(answers)
    if not columns:
        _require_marks(answers)
    return columns


def _max_scale(answers: Answers) -> Seen:
    response = answers.response("wide")
    if response.status in (400, 500):
        return differs(f"{response.status} for {WIDE.scale:g} arcsec/pix")
    columns = _wide_marks(answers)
    if len(columns) not in (2, 4):
        raise UnansweredError(f"{len(columns)} of 4 marks found")
    inner = columns if len(columns) == 2 else columns[1:3]
    expected = np.ptp(_expected_columns(answers)[1:3])
    scale = WIDE.scale * expected / (inner[1] - inner[0])
    return verdict(abs(scale / WIDE.scale - 1) < 0.05, f"{scale:.1f} arcsec/pix, by marks")


def _expected_columns(answers: Answers) -> NDArray[np.float64]:
    """Return where our WCS puts the marks of the wide picture."""
    ra = WIDE.ra - np.array(WIDE_MARKS)  # to the west is to the right
    x, _ = wcs_of(answers.site, WIDE).all_world2pix(ra, np.full(len(ra), WIDE.dec), 0)
    return np.asarray(x)


def _projection(answers: Answers) -> Seen:
    columns, expected = _wide_marks(answers), _expected_columns(answers)
    if len(columns) != len(expected):
        raise UnansweredError(f"{len(columns)} of {len(expected)} marks found")
    # TAN would put the two outer ones 3.4 pixels farther apart.
    excess = (columns[3] - columns[0]) - (expected[3] - expected[0])
    text = f"marks 13.4 deg apart are {columns[3] - columns[0]:.1f} pix apart, {excess:+.1f} to SIN"
    return verdict(abs(excess) < 1.5, text)


def _reference_pixel(answers: Answers) -> Seen:
    found = cross(answers.picture("plain"), answers.picture("grid"))
    if found is None:
        raise UnansweredError("no cross is drawn to measure by")
    reference = wcs_of(answers.site, PLAIN).wcs.crpix - 1
    text = f"cross at ({found[0]}, {found[1]}) of {PLAIN.width} x {PLAIN.height}"
    return verdict(found == tuple(reference), text)


def _content(answers: Answers) -> Seen:
    catalogue = star(answers)
    pixels = answers.picture("star")
    geometry = around_star(*catalogue)
    x, y = (float(v) for v in wcs_of(answers.site, geometry).all_world2pix(*catalogue, 0))
    found = star_near(pixels, x, y)
    if found is None:
        return differs("nothing bright within 4 arcsec of where the WCS has the star")
    west, south = (found[0] - x) * geometry.scale, (found[1] - y) * geometry.scale
    displaced = SKYSERVER.source_pixel(geometry.scale, "") / 2
    text = f"displaced by {west:+.2f} arcsec west, {south:+.2f} south"
    return verdict(max(abs(west), abs(south)) < displaced + _MEASURED_TO, text)


# Arcsec to which a star is measured, with its neighbours and its shape.
_MEASURED_TO = 0.15


def _wrap(answers: Answers) -> Seen:
    response = answers.response("wrapped")
    if response.status != 200:
        return differs(f"{response.status} for dec {180 - PLAIN.dec:g}")
    plain, wrapped = answers.picture("plain"), answers.picture("wrapped")
    is_same = plain.shape == wrapped.shape and np.abs(plain - wrapped).mean() < 2
    text = f"{'the same picture' if is_same else 'another picture'} at dec {180 - PLAIN.dec:g}"
    return verdict(is_same, text)


# --------------------------------------------------------------------------------- outside, errors


def _outside_status(answers: Answers) -> Seen:
    status = answers.response("outside").status
    return verdict(status == 404, str(status))


def _outside_reason(answers: Answers) -> Seen:
    response = answers.response("outside")
    if response.status == 200:
        raise UnansweredError("the answer is 200 (outside)")
    if not response.reason:
        return differs("no reason phrase")
    is_so = SKYSERVER.outside_phrase in response.reason.lower()
    return verdict(is_so, f"{response.reason[:80]!r}")


def _outside_body(answers: Answers) -> Seen:
    content = answers.response("outside").content
    try:
        check_jpeg(content, GALACTIC_CENTRE.width, GALACTIC_CENTRE.height)
    except ImageError as error:
        return differs(str(error) if content.startswith(b"\xff\xd8") else "not a JPEG")
    is_black = is_painted_black(content)
    return verdict(is_black, f"a JPEG of that size, {'black' if is_black else 'not black'}")


def _error_status(answers: Answers) -> Seen:
    status = answers.response("malformed").status
    return verdict(status == 400, str(status))


def _error_body(answers: Answers) -> Seen:
    response = answers.response("malformed")
    try:
        found = parse_json(response.content, "malformed")
    except UnansweredError:
        return differs("not JSON")
    keys = set(found) if isinstance(found, dict) else set()
    missing = {"ErrorCode", "ErrorType", "ErrorMessage"} - keys
    if missing:
        return differs(f"JSON without {', '.join(sorted(missing))}")
    return holds("JSON with these keys")


JUDGES: dict[str, Judge] = {
    "picture.route": _route,
    "picture.size": _asked_size,
    "picture.signature": _signature,
    "picture.size_limits": _size_limits,
    "picture.min_scale": _min_scale,
    "picture.max_scale": _max_scale,
    "picture.projection": _projection,
    "picture.reference_pixel": _reference_pixel,
    "picture.content": _content,
    "picture.wrap": _wrap,
    "outside.status": _outside_status,
    "outside.reason": _outside_reason,
    "outside.body": _outside_body,
    "error.status": _error_status,
    "error.body": _error_body,
    "mark.list": _marks,
}
