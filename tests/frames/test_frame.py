"""Reading the file of a frame: what is in it, and every way in which it can be wrong."""

from __future__ import annotations

import bz2
import hashlib
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from frames import FakeFrame, Strip, as_file
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout import ImageError
from sdss_cutout._frames import frame as module
from sdss_cutout._frames.frame import FrameKey, decompress, read_frame
from sdss_cutout._service.sas import SAS

KEY = FrameKey(2000, "301", 1, 12, "r")
FRAME = FakeFrame(number=12, stars=((95.1, 0.1, 50.0),))
CONTENT = FRAME.content()
RAW = bz2.decompress(CONTENT)
REAL = FrameKey(1000, "301", 1, 100, "r")


def real_frame(shared_data):
    path = shared_data / "frame" / "frame-r-001000-1-0100.fits.bz2"
    return path.read_bytes(), path


def test_a_frame_is_what_its_file_says():
    frame = read_frame(CONTENT, KEY, SAS, url="http://h/x")
    assert (frame.key, frame.url, frame.origin) == (KEY, "http://h/x", "SIMULATED")
    assert frame.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert frame.mjd == 51458.25
    assert (frame.image == FRAME.image()).all()
    assert (frame.calibration == np.float32(0.005)).all()
    assert frame.sky.values.shape == (192, 256)
    assert (frame.sky.x[0], frame.sky.y[0]) == (-0.4375, 0.5625)


def test_a_real_frame_is_read_bit_for_bit(shared_data):
    content, path = real_frame(shared_data)
    frame = read_frame(content, REAL, replace(SAS, shape=(100, 100)))
    with fits.open(path) as hdus:
        assert frame.image.tobytes() == hdus[0].data.astype(">f4").tobytes()
        assert frame.calibration.tobytes() == hdus[1].data.astype(">f4").tobytes()
        sky = hdus[2].data[0]
        assert (frame.sky.values == sky["ALLSKY"]).all()
        assert (frame.sky.x == sky["XINTERP"][:100]).all()
        assert (frame.sky.y == sky["YINTERP"][:100]).all()
        assert frame.mjd == hdus[3].data[0]["MJD"]
        assert frame.astrometry.linear.a == hdus[3].data[0]["A"]
    assert frame.origin == "SDSS"


def test_several_streams_are_one_file():
    """As parallel compressors write them."""
    half = len(RAW) // 2
    content = bz2.compress(RAW[:half], 1) + bz2.compress(RAW[half:], 1)
    assert decompress(content, 10**8) == RAW
    assert (read_frame(content, KEY, SAS).image == FRAME.image()).all()


def with_header(**cards):
    return FakeFrame(number=12, cards=cards).content()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it has 0 of the 4 parts of a frame"),
        (b"<html>not a frame</html>", "its compressed data are damaged: "),
        (CONTENT[:-1], "the response was incomplete: its compressed data end too early"),
        (CONTENT[: len(CONTENT) // 2], "the response was incomplete: "),
        (CONTENT + b"x", "the response was incomplete: |its compressed data are damaged: "),
        (CONTENT + bytes(100), "its compressed data are damaged: "),
        (bz2.compress(RAW[: len(RAW) // 2]), "its FITS data end"),
        (bz2.compress(RAW + b"x" * 2880), "it is not a whole FITS file"),
        (bz2.compress(b"x" * 2880), "it is not a whole FITS file"),
        (bz2.compress(RAW[:2880] + b"\xff" * 99), "its FITS data end too early"),
        (with_header(RUN=2001), r"it is frame r-002001-1-0012 of rerun 301, not frame r-002000"),
        (with_header(CAMCOL=2), "it is frame r-002000-2-0012"),
        (with_header(FRAME=13), "it is frame r-002000-1-0013"),
        (with_header(FILTER="g"), "it is frame g-002000-1-0012"),
        (with_header(RERUN="157"), "of rerun 157, not"),
        (with_header(RUN="many"), "it is not a frame: invalid literal"),
        (as_file(FRAME.hdus()[:3]), "it has 3 of the 4 parts of a frame"),
        (as_file([FRAME.hdus()[0], *FRAME.hdus()[2:], FRAME.hdus()[1]]), "it is not a frame: "),
    ],
)
def test_anything_else_is_refused(content, message):
    with pytest.raises(ImageError, match=message):
        read_frame(content, KEY, SAS)


def test_an_image_of_another_size_is_refused(shared_data):
    content, _ = real_frame(shared_data)
    with pytest.raises(ImageError, match=r"its image has the shape \(100, 100\) .* not \(1489, 20"):
        read_frame(content, REAL, SAS)


def test_a_bomb_is_not_decompressed():
    with pytest.raises(ImageError, match="it decompresses to more than 1000 bytes"):
        decompress(bz2.compress(bytes(10_000_000)), 1000)
    with pytest.raises(ImageError, match="it decompresses to more than 1000 bytes"):
        decompress(bz2.compress(bytes(1000)) + bz2.compress(b"x"), 1000)
    assert decompress(bz2.compress(bytes(1000)), 1000) == bytes(1000)


@pytest.mark.parametrize("name", ["NODE", "A", "DCOL3", "MJD"])
def test_astrometry_that_is_not_a_number_is_refused(name):
    hdus = FRAME.hdus()
    hdus[3].data[name] = np.nan
    with pytest.raises(ImageError, match=f"it is not a frame: its {name} is nan"):
        read_frame(as_file(hdus), KEY, SAS)


def test_astrometry_without_inverse_is_refused():
    hdus = FRAME.hdus()
    hdus[3].data["B"] = hdus[3].data["C"] = 0
    with pytest.raises(ImageError, match="its astrometry has no inverse"):
        read_frame(as_file(hdus), KEY, SAS)


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyUserWarning")
@given(st.integers(0, 4000) | st.integers(len(RAW) - 60_000, len(RAW) - 1), st.integers(0, 255))
def test_a_changed_byte_raises_nothing_but_image_error(place, byte):
    """Past the checksum of bzip2, which notices each of these."""
    damaged = bytearray(RAW)
    damaged[place] = byte
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "decompress", lambda *_: bytes(damaged))
        try:
            read_frame(b"", KEY, SAS)
        except ImageError:
            return


def test_fields_of_one_strip_have_one_grid():
    strip = Strip(incl=30.0)
    frames = [
        read_frame(FakeFrame(strip=strip, number=n).content(), KEY._replace(field=n), SAS)
        for n in (11, 12)
    ]
    first, second = (
        f.astrometry.pixel_to_sky(700, y) for f, y in zip(frames, (1461, 100), strict=True)
    )
    assert first == pytest.approx(second, abs=1e-10)
