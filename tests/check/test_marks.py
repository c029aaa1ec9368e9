"""Marks as the real server's source draws them: other sizes than the sandbox's, and smoothed."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sdss_cutout._check.answers import Answers
from sdss_cutout._check.asked import CLIPPED, WIDE
from sdss_cutout._check.report import judge
from sdss_cutout._check.run import JUDGES
from sdss_cutout._check.verdicts.marks import CLIPPED_MARK, WIDE_MARKS
from sdss_cutout._request.site import check_site
from sdss_cutout._service.facts import FACTS
from sdss_cutout._transfer.classify import Response

TIMES = 8  # finer than the picture that is made


def drawn(width, height, places, half, *, noise=3):
    """A JPEG with triangles of one pixel's line (S: SDSSGraphicsEnv.cs drawQueryObj)."""
    fine = Image.new("RGB", (width * TIMES, height * TIMES))
    pen = ImageDraw.Draw(fine)
    for x, y in places:
        corners = [(x - half, y - half), (x + half, y - half), (x, y + half), (x - half, y - half)]
        # Index 0 is the middle of the first pixel.
        points = [((a + 0.5) * TIMES, (b + 0.5) * TIMES) for a, b in corners]
        pen.line(points, fill="fuchsia", width=TIMES)
    pixels = np.asarray(fine.resize((width, height), Image.Resampling.BOX)).astype(float)
    pixels += np.random.default_rng(1).normal(6, noise, pixels.shape)
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(
        buffer, "JPEG", quality=75, subsampling="4:2:0"
    )
    return buffer.getvalue()


def wide(project, *, shift=0.0, scale=100.0):
    """The wide picture in a projection, by plain trigonometry at declination 0."""
    per_radian = np.degrees(3600 / scale)
    offsets = project(np.radians(np.array(WIDE_MARKS))) * per_radian + WIDE.width / 2 + shift
    inside = [(x, WIDE.height / 2) for x in offsets if 0 < x < WIDE.width]
    return drawn(WIDE.width, WIDE.height, inside, 0.55 * 6)


def verdict(fact, **pictures):
    plain = drawn(64, 64, [], 1)
    answers = Answers(
        site=check_site("http://sky.example", 17),
        responses={
            name: Response(url="", status=200, content=content)
            for name, content in ({"plain": plain} | pictures).items()
        },
    )
    found = judge(FACTS[fact], JUDGES[fact], answers)
    return found.verdict, found.seen


@pytest.mark.parametrize(
    "fact", ["mark.list", "mark.place", "picture.max_scale", "picture.projection"]
)
def test_orthographic(fact):
    assert verdict(fact, wide=wide(np.sin))[0] == "holds", verdict(fact, wide=wide(np.sin))


def test_all_marks_are_found():
    assert verdict("mark.list", wide=wide(np.sin))[1].startswith("16 of 16")


def test_gnomonic():
    assert verdict("picture.projection", wide=wide(np.tan))[0] == "differs"
    assert verdict("mark.place", wide=wide(np.tan))[0] == "holds"


@pytest.mark.parametrize("shift", [-1, -0.5, 0.5, 1])
def test_half_a_pixel_aside(shift):
    found, seen = verdict("mark.place", wide=wide(np.sin, shift=shift))
    assert found == "differs"
    assert float(seen.split()[0]) == pytest.approx(shift, abs=0.2)


def test_clipped_at_60():
    found, seen = verdict("picture.max_scale", wide=wide(np.sin, scale=60))
    assert found == "differs"
    assert float(seen.split()[0]) == pytest.approx(60, rel=0.03)


@pytest.mark.parametrize(("scale", "expected"), [(0.015, "holds"), (0.03, "differs")])
def test_least_scale(scale, expected):
    # A mark is 12 pixels of the survey's own: larger than this picture is high.
    half = 0.55 * 12 * 3600 / scale / 9089
    place = 1024 + CLIPPED_MARK * 3600 / scale, 32
    found, seen = verdict("picture.min_scale", clipped=drawn(2048, 64, [place], half))
    assert found == expected
    assert float(seen.split()[0]) == pytest.approx(scale, rel=0.02)


def test_beyond_the_picture():
    nothing = drawn(2048, 64, [], 1)
    found = verdict("picture.min_scale", clipped=nothing, wide=wide(np.sin))
    assert found == ("differs", "a mark 5 arcsec from the middle lies outside the picture")
    found = verdict("picture.min_scale", clipped=nothing, wide=drawn(512, 64, [], 1))
    assert found == ("unknown", "no marks are drawn to measure by")
    assert CLIPPED.scale < 0.015
