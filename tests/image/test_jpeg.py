"""Whether bytes are a whole picture, and how much of it shows sky."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jpegs import GOOD, jpeg, noise
from PIL import Image, ImageDraw, ImageFont

from sdss_cutout import ImageError
from sdss_cutout._image.jpeg import check_jpeg, decode_jpeg, is_painted_black

END = b"\xff\xd9"


def refused(content, width=120, height=120):
    with pytest.raises(ImageError) as caught:
        check_jpeg(content, width, height)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_a_whole_picture(options):
    assert check_jpeg(jpeg(noise(), **options), 120, 120) == 1.0
    assert not is_painted_black(GOOD)


def test_row_0_is_the_top_row():
    pixels = noise(100, 64)
    pixels[:16, :, 0] = 250
    found = decode_jpeg(jpeg(pixels))
    assert found.shape == (100, 64, 3)
    assert found.dtype == np.uint8
    assert found[2:14, :, 0].mean() > 200
    assert found[20:, :, 0].mean() < 80


@pytest.mark.parametrize("end", [b"", END], ids=["cut", "end marker put back"])
def test_a_cut_picture_is_refused(end):
    for size in [*range(0, len(GOOD) - 2, 10), len(GOOD) - 3]:
        message = refused(GOOD[:size] + end)
        assert message.startswith(
            ("what came is not a JPEG: it begins with b", "the picture is cut or corrupt: ")
        )
    assert refused(GOOD[:-2]).startswith("the picture is cut or corrupt: ")


def test_a_corrupt_scan_is_refused():
    broken = GOOD[:-400] + b"\xff\x55" * 20 + GOOD[-360:]
    assert refused(broken).startswith("the picture is cut or corrupt: ")


def test_another_size_is_refused():
    assert refused(GOOD, 120, 121) == "the picture is 120 x 120 pixels, not 120 x 121"
    assert refused(GOOD, 64, 120) == "the picture is 120 x 120 pixels, not 64 x 120"


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x89PNG\r\n\x1a\n" + b"x" * 99, END])
def test_other_content_is_refused(content):
    assert refused(content) == f"what came is not a JPEG: it begins with {content[:16]!r}"


@pytest.mark.parametrize(
    ("level", "message"),
    [
        (0, "the picture is blank: all its pixels are black"),
        (99, "the picture is blank: all its pixels are the same"),
        (255, "the picture is blank: all its pixels are the same"),
    ],
)
def test_a_blank_picture_is_refused(level, message):
    assert refused(jpeg(np.full((120, 120, 3), level, np.uint8))) == message


@pytest.mark.parametrize(
    ("width", "height"), [(64, 64), (120, 90), (200, 200), (512, 300), (1024, 1024)]
)
@pytest.mark.parametrize("colour", ["white", "yellow", "lime"])
@pytest.mark.parametrize("points", [7, 10, 13])
def test_black_but_for_coloured_text(width, height, colour, points):
    image = Image.new("RGB", (width, height))
    ImageDraw.Draw(image).multiline_text(
        (2, height // 3),
        "Requested (ra, dec) is\noutside the\nSDSS footprint.",
        fill=colour,
        font=ImageFont.load_default(size=points),
    )
    content = jpeg(image)
    assert 0 < check_jpeg(content, width, height) < 0.8
    assert is_painted_black(content)


@pytest.mark.parametrize("side", [64, 200, 1024])
@pytest.mark.parametrize("points", [8, 12, 16, 24, 36, 48])
def test_black_but_for_white_text_of_any_size(side, points):
    image = Image.new("RGB", (side, side))
    ImageDraw.Draw(image).multiline_text(
        (10, 10),
        "Requested\n(ra, dec) is\noutside the\nSDSS footprint.",
        fill="white",
        font=ImageFont.load_default(size=points),
    )
    assert is_painted_black(jpeg(image))


@pytest.mark.parametrize("level", [6, 30, 120])
@pytest.mark.parametrize("turn", [0, 1, 2, 3])
@pytest.mark.parametrize("columns", [24, 64, 128, 184])
def test_a_partly_covered_picture(level, turn, columns):
    pixels = noise(200, 200, level)
    pixels[:, columns:] = 0
    content = jpeg(np.rot90(pixels, turn).copy())
    # Chroma is coded in blocks of 16 pixels, so that colour runs over the edge.
    assert check_jpeg(content, 200, 200) == pytest.approx(columns / 200, abs=17 / 200)
    assert not is_painted_black(content)


def test_dark_sky_is_not_missing():
    dark = noise(level=4)
    dark[::5, ::5] = 0  # 4 percent
    assert check_jpeg(jpeg(dark), 120, 120) > 0.99


def test_coverage_counts_blocks_that_the_edge_cuts():
    pixels = noise(100, 70)
    pixels[48:] = 0
    assert check_jpeg(jpeg(pixels), 70, 100) == pytest.approx(0.48, abs=0.08)


@given(st.binary(max_size=400), st.integers(0, len(GOOD)))
def test_nothing_raises_anything_but_our_error(junk, place):
    for content in (junk, b"\xff\xd8" + junk, GOOD[:place] + junk + GOOD[place + len(junk) :]):
        try:
            check_jpeg(content, 120, 120)
            is_painted_black(content)
        except ImageError:
            continue


def test_real_pictures(shared_data):
    paths = sorted((shared_data / "real_dr12").glob("*.jpg"))
    assert len(paths) == 19
    for path in paths:
        content = path.read_bytes()
        assert check_jpeg(content, 120, 120) > 0.99
        assert not is_painted_black(content)
        refused(content[: len(content) // 2] + END)
    assert check_jpeg((shared_data / "TestGalaxy.jpeg").read_bytes(), 512, 512) == 1.0
