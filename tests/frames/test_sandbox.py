"""From the search for fields to images, on the sandbox's survey: stars where and as bright as it
says. Its frames are small here, which changes nothing but the facts about them.
"""

from __future__ import annotations

from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
import requests
from archive import PLACES, SMALL, star_at
from astropy.coordinates import SkyCoord
from photutils.aperture import CircularAperture
from photutils.centroids import centroid_com

from sdss_cutout._frames.cutout import choose_fields, make_images
from sdss_cutout._frames.frame import read_frame
from sdss_cutout._frames.selection import read_fields
from sdss_cutout._request.calibrated import build_calibrated_requests
from sdss_cutout._request.options import RequestOptions
from sdss_cutout._request.site import check_site
from sdss_cutout._service.sas import SAS
from sdss_cutout._targets.targets import read_targets
from sdss_cutout.sandbox import Sandbox

SMALL_FRAMES = replace(
    SAS, shape=SMALL, rows_per_field=round(SMALL[0] * 1361 / 1489), field_radius=1.4
)


@pytest.fixture(scope="module")
def exact():
    with Sandbox(noise=False, frame_shape=SMALL) as server:
        yield server


def images_of(sandbox, ra, dec, bands="r", **options):
    """What a client does, without its limits, retries and cache."""
    targets = read_targets(SkyCoord(ra, dec, unit="deg"))
    site = check_site(sandbox.base_url, 17)
    [request] = build_calibrated_requests(
        targets, site, RequestOptions(**options), bands, archive=SMALL_FRAMES
    )
    rows = requests.get(request.url, timeout=30).json()[0]["Rows"]
    fields = read_fields(rows, SMALL_FRAMES)
    primary = sandbox.survey.primary(ra, dec)
    chosen = choose_fields(request, fields, primary=None if primary is None else primary.field_id)

    def load(keys):
        urls = [key.url(sandbox.frames_url, SMALL_FRAMES, 17) for key in keys]
        contents = [requests.get(url, timeout=30).content for url in urls]
        return [
            read_frame(content, key, SMALL_FRAMES, url=url)
            for content, key, url in zip(contents, keys, urls, strict=True)
        ]

    return make_images(request, chosen, load) if chosen else []


def measured(image, ra, dec, scale):
    """Flux within 5 arcsec, and how far the centre of that light is from the star, in pixels."""
    x, y = image.wcs.all_world2pix(ra, dec, 0)
    radius = 5.0 / scale
    flux = CircularAperture((x, y), radius).do_photometry(image.data)[0][0]
    side = int(radius)
    rows, columns = (slice(round(float(at)) - side, round(float(at)) + side + 1) for at in (y, x))
    x_found, y_found = centroid_com(image.data[rows, columns])
    return flux, np.hypot(x_found + columns.start - x, y_found + rows.start - y)


@pytest.mark.parametrize("place", PLACES)
def test_a_star_is_whole_and_in_its_place(exact, place):
    star = star_at(exact, place)
    ra, dec = float(star["ra"]), float(star["dec"])
    truth = 10 ** ((22.5 - star["r"]) / 2.5)
    [native] = images_of(exact, ra, dec, size=60)
    assert native.origins == {"SIMULATED"}
    reference = truth
    if native.coverage == 1:
        reference, off = measured(native, ra, dec, 0.396)
        assert off < 0.03
    else:  # its run ends here, and others are not on its grid
        assert place == "column edge"
    # The rest of its light is farther out; neighbours, faint and far, are seen too.
    assert reference == pytest.approx(truth, rel=0.002)
    for scale in (0.2, 0.4, 1.0):
        options = {"scale": scale * u.arcsec / u.pix, "size": round(24 / scale)}
        [mosaic] = images_of(exact, ra, dec, **options)
        assert mosaic.coverage == 1
        flux, off = measured(mosaic, ra, dec, scale)
        assert flux == pytest.approx(reference, rel=3e-3)
        assert off < 0.03 / scale


def test_each_band_has_its_own_grid_and_its_own_flux(exact):
    star = star_at(exact, "middle")
    ra, dec = float(star["ra"]), float(star["dec"])
    images = images_of(exact, ra, dec, "zugir", size=40)
    assert [image.band for image in images] == [*"zugir"]
    for image in images:
        flux, _ = measured(image, ra, dec, 0.396)
        assert flux == pytest.approx(10 ** ((22.5 - star[image.band]) / 2.5), rel=0.02)
    assert len({float(image.wcs.wcs.crval[1]) for image in images}) == 5


def test_a_large_mosaic_has_no_seams(exact):
    """Over several fields and columns: where the sky is even, neighbours are alike."""
    star = star_at(exact, "column edge")
    ra, dec = float(star["ra"]), float(star["dec"])
    [image] = images_of(exact, ra, dec, scale=0.8 * u.arcsec / u.pix, size=200)
    assert image.coverage == 1
    assert len(image.sources) > 3
    # What is not light of a source is zero, in each frame: no step is left of a sky.
    assert abs(np.percentile(image.data, 5)) < 1e-3


def test_outside_there_is_nothing(exact):
    assert images_of(exact, 266.4, -29.0) == []
