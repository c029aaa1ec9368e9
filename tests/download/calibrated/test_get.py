"""Calibrated cutouts in memory: stars where and as bright as the sky of the sandbox says."""

from __future__ import annotations

import pickle

import astropy.units as u
import numpy as np
import pytest
from archive import PLACES, small_client, star_at, where
from astropy.coordinates import SkyCoord
from astropy.nddata import CCDData
from astropy.table import Table
from photutils.aperture import CircularAperture, aperture_photometry
from photutils.centroids import centroid_com

from sdss_cutout import (
    CalibratedCutout,
    ImageError,
    OutsideFootprintError,
    RequestError,
    ServiceError,
    conf,
)
from sdss_cutout._frames import mosaic
from sdss_cutout.sandbox import Fault

OUTSIDE = SkyCoord(266.4, -29.0, unit="deg")


def coord_at(sandbox, place="middle"):
    return SkyCoord(*where(sandbox, place), unit="deg")


def magnitude(image, coord, radius=5 * u.arcsec):
    """As a user would measure it, with photutils, and how far the star is from its place."""
    x, y = image.wcs.world_to_pixel(coord)
    pixel = np.sqrt(image.wcs.proj_plane_pixel_area()).to(u.arcsec)
    pixels = (radius / pixel).to_value(u.dimensionless_unscaled)
    table = aperture_photometry(image, CircularAperture((x, y), pixels))
    flux = table["aperture_sum"][0].to_value(u.nmgy)
    side = int(pixels)
    rows, columns = (slice(round(float(at)) - side, round(float(at)) + side + 1) for at in (y, x))
    x_found, y_found = centroid_com(image.data[rows, columns])
    off = np.hypot(x_found + columns.start - x, y_found + rows.start - y) * pixel.value
    return 22.5 - 2.5 * np.log10(flux), off


@pytest.mark.parametrize("place", PLACES)
def test_a_star_has_its_magnitude_and_its_place(client, exact, place):
    star, coord = star_at(exact, place), coord_at(exact, place)
    native = client.get(coord, bands="r", size=60)
    assert isinstance(native, CalibratedCutout)
    if native.coverage == 1:
        found, off = magnitude(native["r"], coord)
        assert found == pytest.approx(star["r"], abs=0.002)
        assert off < 0.01
    for scale in (0.2, 0.4, 1.0):
        mosaic = client.get(
            coord, bands="r", size=round(24 / scale), scale=scale * u.arcsec / u.pix
        )
        assert mosaic.coverage == 1
        found, off = magnitude(mosaic["r"], coord)
        assert found == pytest.approx(star["r"], abs=0.004)
        assert off < 0.03


def test_where_several_runs_are_the_primary_one_is_taken(client, exact):
    """In Stripe 82 there are many."""
    coord = coord_at(exact, "many epochs")
    assert len(exact.survey.covering(coord.ra.deg, coord.dec.deg)) > 10
    cutout = client.get(coord, bands="r", size=20)
    primary = exact.survey.primary(coord.ra.deg, coord.dec.deg)
    [row] = cutout.frames
    assert (row["run"], row["camcol"]) == (primary.run.number, primary.camcol)
    assert abs(row["field"] - primary.number) <= 1


def test_without_sql_another_run_is_taken(client, exact, caplog):
    exact.inject(Fault("sql_error_json"))
    cutout = client.get(coord_at(exact, "many epochs"), bands="r", size=20)
    assert cutout.status == "ok"
    assert "the primary fields cannot be asked for" in caplog.text


def test_what_is_asked_for(client, exact):
    cutout = client.get(coord_at(exact), bands="zg", size=20)
    assert (cutout.bands, [*cutout]) == ("zg", ["z", "g"])
    assert [hdu.name for hdu in cutout.hdulist] == ["PRIMARY", "Z", "Z_ERR", "G", "G_ERR", "FRAMES"]
    assert list(cutout.frames["band"]) == ["z", "g"]
    assert len(exact.field_requests) == 1
    assert len(exact.frame_requests) == 2
    assert set(cutout.frames["url"]) == {
        f"{exact.frames_url}{record.path.removeprefix('/sas')}" for record in exact.frame_requests
    }
    assert cutout.attempts == 1
    assert "SIMULATED" in cutout.header["ORIGIN"]


def test_a_list_reports_and_a_single_target_raises(client, exact):
    targets = SkyCoord([coord_at(exact), OUTSIDE])
    cutouts = client.get(targets, bands="r", size=20)
    assert list(cutouts.table["status"]) == ["ok", "outside"]
    assert list(cutouts.table["sidecar"]) == ["", ""]
    assert list(cutouts.table["coverage"]) == [1.0, 0.0]
    with pytest.raises(OutsideFootprintError, match="no SDSS imaging here"):
        client.get(OUTSIDE, bands="r")


def test_the_order_and_the_columns_are_the_targets(client, exact):
    stars = [star_at(exact, place) for place in ("dec 89", "middle", "RA 0")]
    table = Table(
        {"id": [3, 1, 2], "ra": [s["ra"] for s in stars], "dec": [s["dec"] for s in stars]}
    )
    cutouts = client.get(table, bands="g", size=20)
    assert list(cutouts.table["id"]) == [3, 1, 2]
    assert [cutout.name for cutout in cutouts] == ["3", "1", "2"]
    again = pickle.loads(pickle.dumps(cutouts))
    assert (again[0]["g"].data == cutouts[0]["g"].data).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bands": "gg"}, "'g' is there 2 times"),
        ({"bands": "gx"}, "'x' is not a band"),
        ({"bands": "g", "overlays": "G"}, "overlays goes with colour pictures"),
        ({"bands": "g", "mark": "S"}, "mark goes with colour pictures"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(client, exact, options, message):
    with pytest.raises(RequestError, match=message):
        client.get(coord_at(exact), **options)
    assert not exact.requests


def test_avm_is_refused(client, exact, tmp_path):
    with pytest.raises(RequestError, match="avm goes with colour pictures"):
        client.download(coord_at(exact), tmp_path, bands="g", avm=True)
    assert not exact.requests


def test_without_reproject_a_mosaic_is_refused_first(client, exact, monkeypatch):
    def missing():
        raise RequestError("reproject is not installed")

    monkeypatch.setattr(mosaic, "reproject_function", missing)
    with pytest.raises(RequestError, match="not installed"):
        client.get(coord_at(exact), bands="r", scale=0.4 * u.arcsec / u.pix)
    assert not exact.requests
    assert client.get(coord_at(exact), bands="r", size=20).status == "ok"


@pytest.mark.parametrize("url", ["ftp://x", "no url", "http://x?y"])
def test_a_wrong_root_is_refused_first(client, exact, url):
    conf.frames_url = url
    with pytest.raises(RequestError, match="frames_url = "):
        client.get(coord_at(exact), bands="r")
    assert not exact.requests


def test_the_url_is_that_of_the_search(client, exact):
    coord = coord_at(exact)
    url = client.url(coord, bands="gr", size=20)
    assert url.startswith(f"{exact.base_url}/dr17/SkyServerWS/SDSSFields/FieldArray?ra=")
    assert url.endswith("#bands=gr&width=20&height=20")
    assert client.get(coord, bands="gr", size=20).url == url
    assert not [r for r in exact.requests if "#" in r.path]


def test_sql_in_one_step(client, exact):
    cutouts = client.get_sql(
        "SELECT TOP 3 objID, ra, dec FROM Star WHERE r < 18 AND dec BETWEEN 29 AND 31 "
        "AND ra BETWEEN 179 AND 182",
        bands="r", size=20,
    )  # fmt: skip
    assert list(cutouts.table["status"]) == ["ok"] * 3
    assert all(isinstance(cutout, CalibratedCutout) for cutout in cutouts)


def test_the_clients_of_other_tools_read_it(client, exact, tmp_path):
    cutout = client.get(coord_at(exact), bands="gr", size=32).save(tmp_path)
    assert cutout.path.name == f"{cutout.name}.fits"
    image = CCDData.read(cutout.path, hdu="R", unit="nmgy")
    assert (image.data == cutout["r"].data).all()
    assert CalibratedCutout.read(cutout.path)["g"].uncertainty.array.max() > 0


def test_many_threads_share_a_client(client, exact):
    from concurrent.futures import ThreadPoolExecutor

    coord = coord_at(exact)
    places = [coord.directional_offset_by(k * 60 * u.deg, 5 * u.arcsec) for k in range(6)]
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda c: client.get(c, bands="r", size=20), places))
    assert {cutout.status for cutout in found} == {"ok"}
    assert len({r.path for r in exact.frame_requests}) == len(exact.frame_requests)


def test_the_limits_of_the_archive_are_its_own(exact):
    client = small_client(exact, max_rate=7.0, max_connections=3)
    source = client._calibrated_source()
    assert (source.settings.max_rate, source.settings.max_connections) == (7.0, 3)
    assert source.frame_settings.max_connections == 4
    assert source.frame_settings.max_rate == client._archive.max_rate
    client.get(coord_at(exact), bands="ugriz", size=20)
    assert exact.max_frames_in_flight <= 4


def test_a_failing_frame_raises_with_what_was_asked(client, exact):
    client.max_attempts = 1
    exact.inject(Fault("frame_missing"))
    with pytest.raises(ServiceError, match=r"frame r-\d{6}-\d-\d{4}: 404 Not Found") as caught:
        client.get(coord_at(exact), bands="r")
    assert (caught.value.status, caught.value.attempts) == (404, 1)


def test_no_data_no_image(client):
    [cutout] = client.get(SkyCoord([OUTSIDE]), bands="r")
    with pytest.raises(ImageError, match="there are no data, outside"):
        cutout.to_rgb()
