"""A calibrated cutout: what it gives, its file, and what it says where there is none."""

from __future__ import annotations

import pickle

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.wcs import WCS
from matplotlib import pyplot

from sdss_cutout import (
    ImageError,
    OutsideFootprintError,
    RequestError,
    ServiceError,
    StoreError,
)  # fmt: skip
from sdss_cutout._frames.astrometry import north_up_wcs
from sdss_cutout._frames.band_image import BandImage, Source
from sdss_cutout._frames.frame import FrameKey
from sdss_cutout._request.calibrated import CalibratedRequest
from sdss_cutout._results.calibrated import (
    CalibratedCutout,
    calibrated_cutout_of_images,
    calibrated_cutout_of_outcome,
)  # fmt: skip
from sdss_cutout._results.outcome import Outcome
from sdss_cutout._views.plot import plot_pixels

REQUEST = CalibratedRequest(
    ra=132.0, dec=12.0, bands="rg", north_up=True, scale=0.5, width=40, height=30, release=17,
    url="https://h/x#bands=rg",
)  # fmt: skip
OUTSIDE = calibrated_cutout_of_outcome(
    Outcome(index=0, name="a", status="outside", coverage=0.0, error="no SDSS imaging here"),
    REQUEST,
)
FAILED = calibrated_cutout_of_outcome(
    Outcome(
        index=0, name="a", status="failed", error="503", http_status=503, reason="Busy", attempts=5
    ),
    REQUEST,
)


def image(band, seed, masked=0):
    rng = np.random.default_rng(seed)
    data = rng.normal(0.1, 0.05, (30, 40)).astype(np.float32)
    data[:masked] = np.nan
    error = np.where(np.isnan(data), np.nan, 0.03).astype(np.float32)
    key = FrameKey(2000, "301", 3, 77, band)
    return BandImage(
        band=band, data=data, uncertainty=error, origins=frozenset({"SIMULATED"}), notes={},
        wcs=north_up_wcs(132.0, 12.0, scale=0.5, width=40, height=30),
        sources=(Source(key, "https://sas/x.bz2", "ab" * 32, 51458.25),),
    )  # fmt: skip


IMAGES = [image("r", 1, masked=3), image("g", 2)]


@pytest.fixture(scope="module")
def cutout():
    return calibrated_cutout_of_images("7050", REQUEST, IMAGES, attempts=4, creator="test 1")


def test_it_has_what_the_contract_names(cutout):
    assert (cutout.name, cutout.status, cutout.bands, cutout.error) == ("7050", "ok", "rg", "")
    assert (cutout.path, cutout.attempts, cutout.coverage) == (None, 4, 0.9)
    assert (cutout.coord.ra.deg, cutout.coord.dec.deg) == (132, 12)
    assert cutout.header["OBJECT"] == "7050"
    assert isinstance(cutout.hdulist, fits.HDUList)
    [row, _] = cutout.frames
    assert (row["band"], row["run"], row["rerun"], row["camcol"]) == ("r", 2000, "301", 3)
    assert (row["field"], row["url"], row["sha256"]) == (77, "https://sas/x.bz2", "ab" * 32)
    assert row["mjd"] == 51458.25
    assert repr(cutout) == "<CalibratedCutout 7050: ok, rg, 40 x 30 pix, 0.5 arcsec/pix>"


def test_a_band_is_ccddata(cutout):
    band = cutout["r"]
    assert isinstance(band, CCDData)
    assert (band.unit, band.data.dtype, band.data.shape) == (u.nmgy, np.float32, (30, 40))
    assert isinstance(band.uncertainty, StdDevUncertainty)
    assert np.array_equal(band.data, IMAGES[0].data, equal_nan=True)
    assert np.array_equal(band.uncertainty.array, IMAGES[0].uncertainty, equal_nan=True)
    assert band.mask.dtype == bool
    assert (band.mask.sum(), band.mask[:3].all()) == (120, True)
    assert np.isnan(band.data[band.mask]).all()
    assert band.wcs.all_world2pix(132, 12, 0) == pytest.approx((19.5, 14.5), abs=1e-6)
    band.data += 1  # it is a copy
    assert np.nanmean(cutout["r"].data) < 0.5


def test_its_bands_are_those_that_were_asked_for(cutout):
    assert [*cutout] == ["r", "g"]
    assert "r" in cutout
    assert "rg" not in cutout
    assert 0 not in cutout
    for band in ("i", "rg", "R", 0):
        with pytest.raises(RequestError, match=r"there is no band .* in 7050; there are rg"):
            cutout[band]


def test_its_colours_are_in_the_order_of_the_data(cutout):
    rgb = cutout.to_rgb()
    assert (rgb.shape, rgb.dtype) == ((30, 40, 3), np.uint8)
    assert (rgb[:3] == 0).all()
    assert (rgb[3:].max(axis=-1) > 0).all()


def test_a_row_has_the_result_columns(cutout):
    row = cutout.row()
    assert (row["name"], row["status"], row["path"], row["sidecar"]) == ("7050", "ok", "", "")
    assert (row["width"], row["height"], row["scale"]) == (40, 30, 0.5)
    assert (row["nbytes"], len(row["sha256"])) == (len(cutout.content), 64)


def test_it_is_saved_and_read(cutout, tmp_path):
    saved = cutout.save(tmp_path / "new")
    assert saved.path == tmp_path / "new" / "7050.fits"
    assert saved.path.read_bytes() == cutout.content
    read = CalibratedCutout.read(saved.path)
    assert (read.name, read.status, read.coverage) == ("7050", "kept", 0.9)
    assert (read.request, read.content, read.sha256) == (REQUEST, cutout.content, cutout.sha256)
    assert (read.origin, read.date, read.nbytes) == ("SIMULATED", cutout.date, cutout.nbytes)
    assert cutout.save(tmp_path / "x.fits").path == tmp_path / "x.fits"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["x.fits"]
    with pytest.raises(RequestError, match=r"x\.png is the name of a file"):
        cutout.save(tmp_path / "x.png")
    (tmp_path / "file").touch()
    with pytest.raises(StoreError):
        cutout.save(tmp_path / "file")


def test_its_file_is_read_when_it_is_needed(cutout, tmp_path):
    path = cutout.save(tmp_path).path
    outcome = Outcome(index=0, name="7050", status="kept", sha256=cutout.sha256, nbytes=1)
    stored = calibrated_cutout_of_outcome(outcome, REQUEST, path=path)
    assert stored.has_data
    assert np.array_equal(stored["g"].data, IMAGES[1].data)
    whole = stored.in_memory()
    # Its owner may have changed the header, not the data.
    with fits.open(path, mode="update") as hdus:
        hdus["G"].header["OBSERVER"] = "somebody"
    assert stored["g"].header["OBSERVER"] == "somebody"
    altered = bytearray(path.read_bytes())
    altered[-4 * 2880] ^= 1
    path.write_bytes(altered)
    with pytest.raises(ImageError, match=r"7050\.fits: the data of G_ERR are not those that were"):
        _ = stored.content
    path.unlink()
    with pytest.raises(ImageError, match=r"7050\.fits: No such file"):
        _ = stored["r"]
    assert np.array_equal(whole["g"].data, IMAGES[1].data)


def test_other_files_are_not_read(tmp_path):
    path = tmp_path / "x.fits"
    with pytest.raises(ImageError, match=r"x\.fits: No such file"):
        CalibratedCutout.read(path)
    path.write_bytes(b"x")
    with pytest.raises(ImageError, match=r"x\.fits: it is not a whole FITS file"):
        CalibratedCutout.read(path)


@pytest.mark.parametrize(
    ("cutout", "error", "message"),
    [
        (OUTSIDE, OutsideFootprintError, r"a: no SDSS imaging here \(https://h/x"),
        (FAILED, ServiceError, r"a: 503 \(5 attempts, https://h/x"),
    ],
)
def test_without_data_it_says_why(cutout, error, message):
    with pytest.raises(error, match=message) as caught:
        cutout.raise_for_status()
    assert getattr(caught.value, "status", 503) == 503
    assert not cutout.has_data
    assert cutout.content == cutout.in_memory().content == b""
    for use in (lambda: cutout["r"], lambda: cutout.frames, cutout.to_rgb, cutout.save):
        with pytest.raises(ImageError, match="a: there are no data, "):
            use()
    assert cutout.error in repr(cutout)


def test_it_travels_between_processes(cutout):
    again = pickle.loads(pickle.dumps(cutout))
    assert again == cutout
    assert again.request.archive.shape == (1489, 2048)
    assert isinstance(again["r"].wcs, WCS)
    cutout.raise_for_status()


def test_it_is_drawn_with_row_0_at_the_bottom(cutout):
    ax = cutout.plot()
    assert ax.get_ylim() == (-0.5, 29.5)
    assert (ax.get_title(), ax.wcs.wcs.crpix[0]) == ("7050", 20.5)
    assert (ax.images[0].get_array() == cutout.to_rgb()).all()
    assert "simulated" in [text.get_text() for text in ax.texts]
    ax = cutout.plot("g", mark=cutout.coord)
    assert ax.get_title() == "7050, g"
    assert ax.images[0].cmap.name == "gray"
    plain = pyplot.subplots()[1]
    assert cutout.plot("r", ax=plain) is plain
    pyplot.close("all")
    with pytest.raises(RequestError, match="there is no band 'z'"):
        cutout.plot("z")
    with pytest.raises(ImageError):
        OUTSIDE.plot()


def test_axes_are_labelled_where_the_scan_ran_north():
    """Most frames are turned by a quarter: right ascension runs along the rows' axis."""
    header = IMAGES[0].wcs.to_header()
    turned = WCS(header)
    turned.wcs.pc = [[0, 1], [1, 0]]
    turned.pixel_shape = (40, 30)
    ra, dec = plot_pixels(IMAGES[1].data, turned, top_first=False, title="x").coords
    assert (ra.get_ticklabel_position(), dec.get_ticklabel_position()) == (["l"], ["b"])
    ra, dec = plot_pixels(IMAGES[1].data, WCS(header), top_first=False, title="x").coords
    assert (ra.get_ticklabel_position(), dec.get_ticklabel_position()) == (["b"], ["l"])
    pyplot.close("all")
