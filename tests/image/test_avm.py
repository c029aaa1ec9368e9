"""The place on the sky in other tools: AVM in the JPEG, FITS tools on the sidecar, NDData."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.wcs import WCS
from PIL import Image

from sdss_cutout import Cutout
from sdss_cutout._image.avm import embed_avm, has_avm, without_avm

# Corners, middle, and a place between pixels, as parts of the picture.
PLACES = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.5, 0.5), (0.123, 0.789)]
SKIES = {
    "54 arcsec": (SkyCoord(19.023342, -0.014911, unit="deg"), 0.3, (180, 180)),
    "rectangle": (SkyCoord(359.99, 30.0, unit="deg"), 2.0, (300, 120)),
    "5 degrees": (SkyCoord(200.0, 60.0, unit="deg"), 45.0, (400, 401)),
    "near the pole": (SkyCoord(200.0, 89.5, unit="deg"), 20.0, (200, 200)),
}


@pytest.fixture(params=SKIES.values(), ids=SKIES)
def cutout(request, client):
    target, scale, (width, height) = request.param
    return client.get(target, scale=scale * u.arcsec / u.pix, width=width, height=height)


def places(cutout):
    height, width = cutout.data.shape[:2]
    return [(x * (width - 1), y * (height - 1)) for x, y in PLACES]


def pixels_apart(cutout, one, other):
    scale = cutout.request.scale * u.arcsec
    return float(one.separation(other) / scale)


# ------------------------------------------------------------------------------------------- AVM


def test_pyavm_reads_the_same_sky(cutout, tmp_path):
    pyavm = pytest.importorskip("pyavm")
    path = tmp_path / "a.jpg"
    path.write_bytes(embed_avm(cutout.content, cutout.header))

    avm = pyavm.AVM.from_image(str(path))
    sky = avm.to_wcs()

    height, width = cutout.data.shape[:2]
    assert avm.Spatial.ReferenceDimension == [width, height]
    for x, y in places(cutout):
        # AVM counts rows from the bottom.
        theirs = sky.pixel_to_world(x, height - 1 - y)
        assert pixels_apart(cutout, theirs, cutout.wcs.pixel_to_world(x, y)) < 1e-3


def test_download_with_avm_leaves_pixels_and_knows_both_checksums(client, tmp_path):
    target = SkyCoord([150.0], [30.0], unit="deg")
    plain = client.download(target, tmp_path / "plain")
    tagged = client.download(target, tmp_path / "tagged", avm=True)

    (before,), (after,) = plain, tagged
    assert has_avm(after.content)
    assert not has_avm(before.content)
    assert np.array_equal(before.data, after.data)
    assert without_avm(after.content) == before.content
    assert tagged.table["sha256"][0] == hashlib.sha256(after.content).hexdigest()
    assert after.header["SHA256"] == hashlib.sha256(before.content).hexdigest()
    with Image.open(io.BytesIO(after.content)) as image:
        assert np.array_equal(np.asarray(image), np.asarray(Image.open(io.BytesIO(before.content))))


def test_a_picture_with_avm_is_read_back(client, tmp_path):
    report = client.download(SkyCoord([150.0], [30.0], unit="deg"), tmp_path, avm=True)
    cutout = Cutout.read(report.table["path"][0])
    assert cutout.wcs.wcs.crval == pytest.approx([150.0, 30.0])


# ------------------------------------------------------------------------------- tools for FITS


def run(program, *arguments):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (Debian: astrometry.net, wcstools)")
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    return done.stdout


def numbers(text):
    return [float(number) for number in re.findall(r"-?\d+\.\d+(?:e[-+]?\d+)?", text)]


@pytest.fixture
def sidecar(cutout, tmp_path):
    return cutout.save(tmp_path).sidecar


def test_astropy_reads_the_sidecar_as_it_is(cutout, sidecar):
    with warnings.catch_warnings():
        # What it says of NAXIS = 0 is true and does no harm.
        warnings.simplefilter("ignore")
        sky = WCS(fits.Header.fromfile(sidecar))
    for x, y in places(cutout):
        there = sky.celestial.pixel_to_world(x, y)
        assert pixels_apart(cutout, there, cutout.wcs.pixel_to_world(x, y)) < 1e-6


def test_astrometry_net_agrees(cutout, sidecar):
    for x, y in places(cutout):
        ours = cutout.wcs.pixel_to_world(x, y)
        # It counts pixels from 1.
        said = run("wcs-xy2rd", "-w", sidecar, "-x", x + 1, "-y", y + 1)
        ra, dec = numbers(said.partition("RA,Dec")[2])
        assert pixels_apart(cutout, SkyCoord(ra, dec, unit="deg"), ours) < 0.01
        said = run("wcs-rd2xy", "-w", sidecar, "-r", ours.ra.deg, "-d", ours.dec.deg)
        assert numbers(said.partition("pixel")[2]) == pytest.approx([x + 1, y + 1], abs=0.01)


def test_wcsinfo_knows_size_and_scale(cutout, sidecar):
    said = dict(line.split(maxsplit=1) for line in run("wcsinfo", sidecar).splitlines())
    assert (float(said["imagew"]), float(said["imageh"])) == cutout.data.shape[1::-1]
    assert float(said["pixscale"]) == pytest.approx(cutout.request.scale, rel=1e-4)


def test_wcstools_agree(cutout, sidecar):
    for x, y in places(cutout):
        ours = cutout.wcs.pixel_to_world(x, y)
        said = run("xy2sky", "-d", "-n", "8", sidecar, x + 1, y + 1)
        ra, dec = numbers(said)[:2]
        assert pixels_apart(cutout, SkyCoord(ra, dec, unit="deg"), ours) < 0.01
        said = run("sky2xy", "-n", "4", sidecar, ours.ra.deg, ours.dec.deg, "J2000")
        assert numbers(said.partition("->")[2])[:2] == pytest.approx([x + 1, y + 1], abs=0.02)


# ----------------------------------------------------------------------------------------- NDData


def test_nddata_and_its_slices_know_the_sky(cutout):
    whole = cutout.to_nddata()

    assert np.array_equal(whole.data, cutout.data)
    assert whole.meta["ORIGIN"] == cutout.header["ORIGIN"]
    part = whole[10:50, 20:80]
    there, ours = part.wcs.pixel_to_world(3, 5), cutout.wcs.pixel_to_world(23, 15)
    assert pixels_apart(cutout, there, ours) < 1e-6


def test_one_band_makes_ccddata(cutout):
    green = CCDData(cutout.data[:, :, 1], unit="adu", wcs=cutout.wcs)
    assert green.wcs.pixel_to_world(3, 5) == cutout.wcs.pixel_to_world(3, 5)
