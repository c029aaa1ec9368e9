"""The file of a calibrated cutout: valid FITS, which other tools open and measure on."""

from __future__ import annotations

import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.table import Table
from astropy.wcs import WCS
from frames import FakeFrame, Strip
from photutils.aperture import CircularAperture, SkyCircularAperture, aperture_photometry
from reproject import reproject_interp

from sdss_cutout import ImageError
from sdss_cutout._frames.cutout import choose_fields, make_images
from sdss_cutout._frames.frame import read_frame
from sdss_cutout._frames.hdus import (
    CalibratedProvenance,
    check_hdus,
    file_bytes,
    frames_table,
    request_of,
)  # fmt: skip
from sdss_cutout._frames.selection import read_fields
from sdss_cutout._request.calibrated import CalibratedRequest
from sdss_cutout._service.sas import SAS

STRIP = Strip(incl=30.0, mu=359.9)
RA, DEC = map(float, STRIP.sky_of(12, 900.2, 1480.4))
FLUX = 200.0
PROVENANCE = CalibratedProvenance(name="NGC 7050é", date="2026-01-02T03:04:05", creator="test 1")


def request(**changes):
    values = {
        "ra": RA, "dec": DEC, "bands": "rg", "north_up": False, "scale": 0.396, "width": 120,
        "height": 90, "release": 17, "url": "https://h/x?ra=1#bands=rg&" + "x" * 100,
    }  # fmt: skip
    return CalibratedRequest(**(values | changes))


def load(keys):
    """Frames of a star, twice as bright in g."""
    frames = []
    for key in keys:
        strip = STRIP.moved(band=key.band, nu=STRIP.nu + 1e-4 * (key.band == "g"))
        flux = FLUX * (1 + (key.band == "g"))
        fake = FakeFrame(strip=strip, number=key.field, stars=((RA, DEC, flux),))
        frames.append(read_frame(fake.content(), key, SAS, url=f"http://h/{key.field}"))
    return frames


def fields():
    rows = []
    for n in (11, 12, 13):
        ra, dec = STRIP.sky_of(n, 1023.5, 744)
        rows.append(
            {"run": 2000, "rerun": 301, "camcol": 1, "field": n, "fieldid": n, "ra": ra, "dec": dec,
             "node": STRIP.node, "incl": STRIP.incl, **STRIP.a_to_f(n)}
        )  # fmt: skip
    return read_fields(rows, SAS)


def made(asked):
    images = make_images(asked, choose_fields(asked, fields()), load)
    return images, file_bytes(images, asked, PROVENANCE)


@pytest.fixture(scope="module")
def native():
    return made(request())


@pytest.fixture(scope="module")
def north_up():
    return made(request(north_up=True, scale=0.5))


@pytest.fixture(params=["native", "north_up"])
def either(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def path(either, tmp_path):
    path = tmp_path / "x.fits"
    path.write_bytes(either[1])
    return path


def test_the_layout_is_the_contracts(path):
    with fits.open(path, checksum=True) as hdus:
        hdus.verify("exception")
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "R", "R_ERR", "G", "G_ERR", "FRAMES"]
        assert hdus[0].data is None
        assert hdus["R"].data.shape == (90, 120)
        assert hdus["R_ERR"].header["BITPIX"] == -32
        assert hdus["R"].header["RADESYS"] == "ICRS"
        header = hdus[0].header
        assert (header["OBJECT"], header["ORIGIN"]) == ("NGC 7050?", "SIMULATED")
        assert (header["BANDS"], header["RELEASE"], header["COVERAGE"]) == ("rg", 17, 1.0)
        assert (header["RA"], header["DEC"]) == (RA, DEC)


def test_pixels_come_back_bit_for_bit(either):
    images, content = either
    hdus = check_hdus(content)
    for image in images:
        name = image.band.upper()
        assert hdus[name].data.astype("<f4").tobytes() == image.data.tobytes()
        assert hdus[f"{name}_ERR"].data.astype("<f4").tobytes() == image.uncertainty.tobytes()
        x = WCS(hdus[name].header).all_world2pix(RA, DEC, 0)
        assert np.allclose(x, image.wcs.all_world2pix(RA, DEC, 0), rtol=0, atol=1e-9)


def test_the_request_comes_back(native, north_up):
    assert request_of(check_hdus(native[1])[0].header) == request()
    assert request_of(check_hdus(north_up[1])[0].header) == request(north_up=True, scale=0.5)


def test_the_same_images_make_the_same_bytes(native):
    assert file_bytes(native[0], request(), PROVENANCE) == native[1]


def test_the_frames_are_told_of(native, path):
    table = frames_table(check_hdus(native[1]))
    assert table.colnames == ["band", "run", "rerun", "camcol", "field", "url", "sha256", "mjd"]
    assert [tuple(row)[:5] for row in table] == [
        ("r", 2000, "301", 1, 13), ("g", 2000, "301", 1, 13)
    ]  # fmt: skip
    assert table["url"][0] == "http://h/13"
    assert len(table["sha256"][0]) == 64
    assert len(Table.read(path, hdu="FRAMES")) in (2, 4)


def test_the_wcs_is_as_fits_has_it(native, north_up):
    header = check_hdus(north_up[1])["R"].header
    assert header["CTYPE1"] == "RA---TAN"
    assert header["CD2_2"] == pytest.approx(0.5 / 3600)
    assert header["CD1_1"] == pytest.approx(-0.5 / 3600)
    assert (header["CD1_2"], header["CD2_1"]) == (0, 0)
    assert check_hdus(native[1])["R"].header["CTYPE1"] == "RA---TAN-SIP"
    # Of one grid in the mosaic, each band of its own on the survey's.
    one, other = (check_hdus(native[1])[name].header["CRVAL2"] for name in "RG")
    assert one != other
    assert check_hdus(north_up[1])["G"].header["CRVAL2"] == header["CRVAL2"] == DEC


def test_the_noise_is_told_of_where_it_is_correlated(native, north_up):
    header = check_hdus(north_up[1])["R"].header
    assert header["RESAMPLE"] == "cubic spline"
    assert 0 < header["NOISCORR"] < 1 < header["NOISFACT"]
    assert "RESAMPLE" not in check_hdus(native[1])["R"].header


# ------------------------------------------------------------------------------- other readers


def test_ccddata_reads_it(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ccd = CCDData.read(path, hdu="G", hdu_uncertainty="G_ERR")
    assert ccd.unit == u.nmgy
    assert isinstance(ccd.uncertainty, StdDevUncertainty)
    x, y = ccd.wcs.all_world2pix(RA, DEC, 0)
    assert (x, y) == pytest.approx((59.5, 44.5), abs=0.51)


def test_an_aperture_gives_the_magnitude(path):
    """Of a star of 200 nanomaggies: 22.5 - 2.5 log10(200)."""
    from astropy.coordinates import SkyCoord

    with fits.open(path) as hdus:
        wcs = WCS(hdus["R"].header)
        aperture = SkyCircularAperture(SkyCoord(RA, DEC, unit="deg"), r=8 * u.arcsec)
        [row] = aperture_photometry(hdus["R"].data, aperture, error=hdus["R_ERR"].data, wcs=wcs)
        zero = hdus["R"].header["MAGZERO"]
    magnitude = zero - 2.5 * np.log10(row["aperture_sum"])
    assert magnitude == pytest.approx(22.5 - 2.5 * np.log10(FLUX), abs=1e-3)
    assert 0 < row["aperture_sum_err"] < 5


def test_reproject_reads_it(native, north_up, tmp_path):
    """Resampled by others from the native file to the mosaic's grid, the star is where it was."""
    path = tmp_path / "native.fits"
    path.write_bytes(native[1])
    header = check_hdus(north_up[1])["R"].header
    with fits.open(path) as hdus:
        data, _ = reproject_interp(hdus["R"], header)
    ours = check_hdus(north_up[1])["R"].data
    aperture = CircularAperture(WCS(header).all_world2pix(RA, DEC, 0), r=12)
    theirs = aperture.do_photometry(np.nan_to_num(data))[0] * (0.5 / 0.396) ** 2
    assert theirs == pytest.approx(aperture.do_photometry(ours)[0], rel=0.01)


# ------------------------------------------------------------------------------------- damage


def test_damaged_files_are_refused(native):
    content = native[1]
    altered = bytearray(content)
    altered[content.find(b"XTENSION") + 2880 * 4] ^= 1
    other = fits.HDUList.fromstring(content)
    other["R"].data = other["R"].data[:5]
    other["R"].add_datasum()
    import io

    out = io.BytesIO()
    other.writeto(out)
    empty = io.BytesIO()
    fits.PrimaryHDU().writeto(empty)
    for damaged, message in (
        (b"", "it is not a calibrated cutout"),
        (b"x" * 5000, "it is not a whole FITS file"),
        (content[:-2880], "its FITS data end too early"),
        (empty.getvalue(), "it is not a calibrated cutout"),
        (content[:2880], "it is not a calibrated cutout"),
        (bytes(altered), "the data of R are not those that were written"),
        (out.getvalue(), r"its images do not all have the shape \(90, 120\)"),
    ):
        with pytest.raises(ImageError, match=message):
            check_hdus(damaged)
    with pytest.raises(ImageError):
        check_hdus(content[: len(content) // 2])


def test_outside_there_is_nothing_to_choose():
    assert choose_fields(request(ra=100.0, dec=60.0), fields()) == []
