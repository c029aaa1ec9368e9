"""One target's outcome: what is in memory, what is read, and what it becomes."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from sdss_cutout import Cutout, ImageError, RequestError

HERE = SkyCoord(19.0, 0.0, unit="deg")


@pytest.fixture
def cutout(client):
    return client.get(HERE, width=100, height=80)


@pytest.mark.parametrize(
    ("item", "first_row", "first_column"),
    [
        ((..., 0), 0, 0),
        (np.s_[:, :, 1], 0, 0),
        (np.s_[10:30], 10, 0),
        (np.s_[10:30, 20:60], 10, 20),
        (np.s_[10:30, 20:60, 2], 10, 20),
        (np.s_[10:30, ...], 10, 0),
    ],
    ids=str,
)
def test_nddata_keeps_its_place_on_the_sky_in_any_slice(cutout, item, first_row, first_column):
    data = cutout.to_nddata()[item]
    assert np.array_equal(data.data, cutout.data[item])
    expected = cutout.wcs.pixel_to_world(first_column, first_row)
    assert data.wcs.pixel_to_world(0, 0).separation(expected).arcsec < 1e-6


def test_a_row_has_the_result_columns(cutout):
    row = cutout.row()
    assert (row["name"], row["status"]) == ("J011600.00+000000.0", "ok")
    assert (row["width"], row["height"], row["path"]) == (100, 80, "")
    assert row["nbytes"] == len(cutout.content)


def test_a_saved_cutout_tells_of_its_file(cutout, tmp_path):
    saved = cutout.save(tmp_path, avm=True)
    assert saved.nbytes == saved.path.stat().st_size > cutout.nbytes
    assert saved.sha256 == Cutout.read(saved.path).sha256 != cutout.sha256
    assert np.array_equal(saved.data, cutout.data)


def test_save_does_what_the_name_says_or_refuses(cutout, tmp_path):
    saved = cutout.save(tmp_path / "here" / "pic.jpg")
    assert saved.path == tmp_path / "here" / "pic.jpg"
    assert saved.sidecar == tmp_path / "here" / "pic.wcs"
    assert Cutout.read(saved.path).content == cutout.content
    for name in ("pic.png", "pic.fits", "pic.jpeg"):
        with pytest.raises(RequestError, match=f"{name} is the name of a file"):
            cutout.save(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_a_picture_in_a_file_is_read_when_it_is_asked_for(client, tmp_path):
    report = client.download(SkyCoord([19.0], [0.0], unit="deg"), tmp_path, size=64)
    unread = report.cutouts.unread(0)
    assert unread.picture is None
    assert unread.content == unread.path.read_bytes()
    assert unread.wcs.pixel_shape == (64, 64)
    unread.path.unlink()
    assert unread.name == "J011600.00+000000.0"
    with pytest.raises(ImageError, match="No such file"):
        _ = unread.content


def test_no_picture_says_why(client):
    outside = client.get(SkyCoord([266.4], [-29.0], unit="deg"))[0]
    assert (outside.content, outside.sidecar_bytes, outside.has_picture) == (b"", b"", False)
    assert outside.in_memory() is outside
    with pytest.raises(ImageError, match="there is no picture, outside: no SDSS imaging here"):
        _ = outside.data
