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
    around_star,
    wcs_of,
)
from sdss_cutout._check.drawn import cross, star_near
from sdss_cutout._check.signature import SKYSERVER_SIGNATURE, read_signature
from sdss_cutout._check.verdicts.tables import star
from sdss_cutout._errors import ImageError
from sdss_cutout._image.jpeg import check_jpeg, is_painted_black
from sdss_cutout._service.skyserver import SKYSERVER

__all__ = ["JUDGES"]


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
    answers.picture("plain")  # without which this tells nothing of limits
    if response.status != 200:
        return differs(f"{response.status} for {CLIPPED.width} x {CLIPPED.height}")
    limits = SKYSERVER.limits
    seen = _size(answers.picture("clipped"))
    text = f"{seen} for {CLIPPED.width} x {CLIPPED.height}"
    return verdict(seen == f"{limits.max_size} x {limits.min_size}", text)


def _reference_pixel(answers: Answers) -> Seen:
    plain, grid = answers.picture("plain"), answers.picture("grid")
    found = cross(plain, grid) if plain.shape == grid.shape else None
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
    response, plain = answers.response("wrapped"), answers.picture("plain")
    if response.status != 200:
        return differs(f"{response.status} for dec {180 - PLAIN.dec:g}")
    wrapped = answers.picture("wrapped")
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
    "picture.reference_pixel": _reference_pixel,
    "picture.content": _content,
    "picture.wrap": _wrap,
    "outside.status": _outside_status,
    "outside.reason": _outside_reason,
    "outside.body": _outside_body,
    "error.status": _error_status,
    "error.body": _error_body,
}
