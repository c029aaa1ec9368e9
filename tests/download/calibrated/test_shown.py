"""Calibrated cutouts are shown and exported as pictures are."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from archive import where
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from sdss_cutout import RequestError, read_cutouts
from sdss_cutout._image.sidecar import parse_url


@pytest.fixture
def report(client, exact, tmp_path):
    ra, dec = where(exact, "middle")
    table = Table({"id": ["a", "b", "far"], "ra": [ra, ra, 266.4], "dec": [dec, dec + 0.02, -29.0]})
    return client.download(table, tmp_path / "out", bands="gri", size=40)


def test_a_montage_shows_their_colours(report):
    figure = report.montage(ncols=3)
    images = figure.axes[0].images
    assert len(images) == 2
    first = np.asarray(images[0].get_array())
    assert first.max() > 100


def test_a_page_shows_their_colours(report):
    page = report.write_html()
    text = page.read_text()
    assert text.count("data:image/jpeg;base64,") == 2
    assert "Simulated" in text or "SIMULATED" in text


def test_a_damaged_file_does_not_keep_the_page_from_being_written(report):
    report[0].path.write_bytes(b"damaged")
    assert report.write_html().read_text().count("data:image/jpeg;base64,/9j") == 1
    assert len(report.montage().axes[0].images) == 1


def test_a_notebook_shows_them(report):
    html = report._repr_html_()
    assert html.count("<img ") == 2
    assert html.count("VisualTools/navi") == 3


def test_the_url_tells_where_it_is(report, exact):
    parsed = parse_url(report.table["url"][0])
    assert (parsed.base_url, parsed.release) == (exact.base_url, 17)
    assert (parsed.ra, parsed.dec) == pytest.approx(where(exact, "middle"), abs=1e-6)


def test_they_are_exported_with_fluxes_and_uncertainties(report, tmp_path):
    path = tmp_path / "set.h5"
    done = read_cutouts(report.directory).export(path, "hdf5")
    assert done.counts == {"train": 2}
    assert done.skipped == {"outside": 1}
    with h5py.File(path) as file:
        train = file["train"]
        assert train["image_array"].shape == (2, 3, 40, 40)
        for band, letter in enumerate("gri"):
            image = report[1][letter]
            assert (train["image_array"][1, band] == image.data).all()
            sigma = train["image_ivar"][1, band] ** -0.5
            assert sigma == pytest.approx(image.uncertainty.array, rel=1e-5)
            wcs = WCS(fits.Header.fromstring(train["wcs"][1, band].decode(), sep="\n"))
            here, there = wcs.pixel_to_world(3, 30), image.wcs.pixel_to_world(3, 30)
            assert here.separation(there).arcsec < 1e-3
        assert [name.decode() for name in train["image_band"][0]] == ["SDSS-G", "SDSS-R", "SDSS-I"]
        assert train["ra"][0] == pytest.approx(report[0].request.ra)


@pytest.mark.parametrize("form", ["imagefolder", "parquet", "webdataset", "zoobot"])
def test_other_formats_refuse_them(report, tmp_path, form):
    with pytest.raises(RequestError, match="use format='hdf5'"):
        report.export(tmp_path / "set", form)


def test_they_open_in_other_tools(report):
    from astropy.nddata import CCDData, Cutout2D
    from reproject import reproject_interp

    path = report[0].path
    image = CCDData.read(path, hdu="R", unit="nmgy")
    assert image.wcs.has_celestial
    part = Cutout2D(image.data, report[0].coord, 10, wcs=image.wcs)
    assert part.shape == (10, 10)
    with fits.open(path) as hdus:
        moved, _ = reproject_interp(hdus["G"], hdus["R"].header)
        assert np.isfinite(moved).mean() > 0.8
        hdus.verify("exception")
    assert set(Table.read(path, hdu="FRAMES")["band"]) == set("gri")
