"""Calibrated cutouts in the layout of the Multimodal Universe."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astropy.io.fits import Header
from astropy.table import Table
from astropy.wcs import WCS

from sdss_cutout import RequestError
from sdss_cutout._export.export import export
from sdss_cutout._frames.astrometry import north_up_wcs
from sdss_cutout._frames.band_image import BandImage, Source
from sdss_cutout._frames.frame import FrameKey
from sdss_cutout._request.calibrated import CalibratedRequest
from sdss_cutout._results.calibrated import calibrated_cutout_of_images
from sdss_cutout._results.lists import CutoutList

h5py = pytest.importorskip("h5py")


def image(band, ra, seed):
    rng = np.random.default_rng(seed)
    data = rng.normal(0.1, 0.05, (30, 40)).astype(np.float32)
    data[:3] = np.nan
    return BandImage(
        band=band, data=data, uncertainty=np.where(np.isnan(data), np.nan, 0.03).astype("f4"),
        origins=frozenset({"SIMULATED"}), notes={},
        wcs=north_up_wcs(ra, 12.0, scale=0.5, width=40, height=30),
        sources=(Source(FrameKey(2000, "301", 3, 77, band), "https://sas/x", "ab" * 32, 51458.25),),
    )  # fmt: skip


@pytest.fixture(scope="module")
def cutouts():
    cutouts = []
    for number in range(6):
        ra = 132.0 + 0.1 * number
        request = CalibratedRequest(
            ra=ra, dec=12.0, bands="rg", north_up=True, scale=0.5, width=40, height=30,
            release=17, url=f"https://h/dr17/x?ra={ra}&dec=12.0&radius=10#bands=rg",
        )  # fmt: skip
        images = [image("r", ra, number), image("g", ra, number + 10)]
        cutouts.append(
            calibrated_cutout_of_images(f"t{number}", request, images, attempts=1, creator="test")
        )
    ids = np.array([2**63 + 5 + n for n in range(6)], "u8")
    return CutoutList(cutouts, Table({"specObjID": ids}))


def test_fluxes_and_uncertainties_are_written(cutouts, tmp_path):
    result = export(cutouts, tmp_path / "set.h5", "hdf5", split={"train": 0.5, "test": 0.5})
    assert result.counts == {"train": 3, "test": 3}
    seen = set()
    with h5py.File(tmp_path / "set.h5") as file:
        assert file.attrs["simulated"].startswith("SIMULATED")
        assert file["train/image_array"].attrs["unit"] == "nmgy"
        for group in file.values():
            for row, name in enumerate(group["object_id"][:].astype(str)):
                seen.add(name)
                check(group, row, cutouts[name], int(name[1:]))
    assert seen == {f"t{n}" for n in range(6)}


def check(group, row, cutout, number):
    assert group["image_band"][row].tolist() == [b"SDSS-R", b"SDSS-G"]
    assert group["specObjID"][row] == 2**63 + 5 + number
    assert np.allclose(group["image_scale"][row], 0.5, rtol=1e-5)
    for plane, band in enumerate("rg"):
        ccd = cutout[band]
        good = group["image_mask"][row, plane]
        assert np.array_equal(good, ~ccd.mask)
        assert np.array_equal(group["image_array"][row, plane][good], ccd.data[good])
        assert np.allclose(
            group["image_ivar"][row, plane][good], ccd.uncertainty.array[good] ** -2.0, rtol=1e-6
        )
        assert not group["image_array"][row, plane][~good].any()
        assert not group["image_ivar"][row, plane][~good].any()
        ours = WCS(Header.fromstring(group["wcs"][row, plane].decode(), sep="\n"))
        pixels = np.array([[0.0, 0.0], [39, 29]])
        apart = ours.all_pix2world(pixels, 0) - ccd.wcs.all_pix2world(pixels, 0)
        assert np.abs(apart).max() < 1e-9
    assert np.array_equal(group["image_rgb"][row], cutout.to_rgb())
    healpix = pytest.importorskip("astropy_healpix")
    pixel = healpix.HEALPix(16, order="nested").lonlat_to_healpix(
        (132.0 + 0.1 * number) * u.deg, 12.0 * u.deg
    )
    assert group["healpix"][row] == pixel


@pytest.mark.parametrize("form", ["imagefolder", "parquet", "webdataset", "zoobot", "ds9"])
def test_other_formats_hold_pictures_only(form, cutouts, tmp_path):
    with pytest.raises(RequestError, match="these are calibrated cutouts: use format='hdf5'"):
        export(cutouts, tmp_path / "set", form)


def test_cutouts_that_overlap_whatever_their_angle_stay_together(cutouts, tmp_path):
    # 40 x 30 pixels of 0.5" are 25" across the corners: so far may one reach in any direction.
    first = cutouts.cutouts[0]
    near = []
    for number, apart in enumerate((0.0, 24.0)):
        request = CalibratedRequest(
            ra=132.0, dec=12.0 + apart / 3600, bands="rg", north_up=True, scale=0.5, width=40,
            height=30, release=17, url="https://h/x#bands=rg",
        )  # fmt: skip
        images = [image("r", 132.0, 1), image("g", 132.0, 2)]
        near.append(
            calibrated_cutout_of_images(f"n{number}", request, images, attempts=1, creator="test")
        )
    assert first.bands == "rg"
    result = export(
        CutoutList(near, Table()), tmp_path / "set.h5", "hdf5", split={"a": 0.5, "b": 0.5}
    )
    assert result.groups == 1
