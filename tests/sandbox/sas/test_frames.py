"""Frames: their parts, where their pixels are, their light and their noise."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests
from archive import PLACES, SMALL, DocumentedAsTrans, aperture, asked, frame_url, star_at, where
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning

from sdss_cutout.sandbox import Sandbox
from sdss_cutout.sandbox.sas import frames, headers, rendering
from sdss_cutout.sandbox.sas.frames import FrameMaker
from sdss_cutout.sandbox.sky.population import OBJECT
from sdss_cutout.sandbox.survey.fields import Survey


@pytest.fixture(scope="module")
def frame(noisy):
    field = noisy.survey.primary(*where(noisy, "middle"))
    with asked(noisy, frame_url(field, "r")) as hdus:
        yield field, hdus


def test_parts_are_those_of_a_real_frame(frame, shared_data):
    with fits.open(shared_data / "frame" / "frame-r-001000-1-0100.fits.bz2") as real:
        ours = frame[1]
        assert len(ours) == len(real) == 4
        for one, other in zip(ours[2:], real[2:], strict=True):
            assert one.columns.names == other.columns.names
        assert ours[3].columns.formats == real[3].columns.formats
        assert ours[3].data.dtype == real[3].data.dtype
        assert [hdu.data.dtype for hdu in ours[:2]] == [hdu.data.dtype for hdu in real[:2]]
        missing = set(real[0].header) - set(ours[0].header)
        assert not missing
        kinds = {
            key
            for key in real[0].header
            if key not in ("COMMENT", "")
            and isinstance(real[0].header[key], str) != isinstance(ours[0].header[key], str)
        }
        assert not kinds


def test_header_says_what_it_is(frame):
    field, hdus = frame
    header = hdus[0].header
    assert header["ORIGIN"] == "SIMULATED"
    assert "SIMULATED" in str(header["COMMENT"])
    numbers = (field.run.number, field.camcol, field.number, "r", "301")
    assert tuple(header[k] for k in ("RUN", "CAMCOL", "FRAME", "FILTER", "RERUN")) == numbers
    assert isinstance(header["EXPTIME"], str)
    assert "RADECSYS" in header
    assert header["NMGY"] == pytest.approx(hdus[1].data.mean(), rel=1e-6)
    assert hdus[0].data.shape == SMALL
    assert hdus[1].data.shape == SMALL[1:]


def test_early_releases_have_no_unit(noisy):
    field = noisy.survey.primary(*where(noisy, "middle"))
    for root, unit in (
        ("dr9/boss", None), ("dr12/boss", "nanomaggy"), ("dr12/env", "nanomaggy"),
        ("dr19/prior-surveys/sdss4-dr17-eboss", "nanomaggy"),
    ):  # fmt: skip
        url = frame_url(field, "g", f"https://data.sdss.org/sas/{root}")
        url = url.replace("env/photoObj", "env/BOSS_PHOTOOBJ")
        with asked(noisy, url) as hdus:
            assert hdus[0].header.get("BUNIT") == unit


def test_what_is_no_path_of_a_frame_is_not_found(noisy):
    field = noisy.survey.primary(*where(noisy, "middle"))
    right = frame_url(field, "r").replace("https://data.sdss.org", noisy.base_url)
    assert requests.get(right, timeout=9).status_code == 200
    number = f"{field.number:04d}.fits"
    changes = [
        ("eboss", "boss"), ("dr17", "dr99"), ("/301/", "/157/"), ("-r-", "-y-"), (".bz2", ""),
        (number, "0001.fits"), (number, "9999.fits"), (f"/{field.run.number}/", "/65535/"),
        ("frame-r-00", "frame-r-01"), ("frames", "FRAMES"),
    ]  # fmt: skip
    for old, new in changes:
        assert old in right
        answer = requests.get(right.replace(old, new), timeout=9)
        assert (answer.status_code, "404" in answer.text) == (404, True), new


def test_frames_are_the_same_every_time(noisy, frame):
    field, hdus = frame
    with Sandbox(frame_shape=SMALL) as other, asked(other, frame_url(field, "r")) as again:
        assert (again[0].data == hdus[0].data).all()
        assert (again[3].data == hdus[3].data).all()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("band", "uz")
def test_positions_agree_with_the_documented_formula(noisy, place, band):
    for field in noisy.survey.covering(*where(noisy, place))[:3]:
        with asked(noisy, frame_url(field, band)) as hdus:
            astrans = DocumentedAsTrans(hdus[3].data)
            y, x = np.mgrid[-0.5 : SMALL[0] : 40, -0.5 : SMALL[1] : 40]
            ours, theirs = field.sky_of(x, y, band), astrans.sky(x, y)
            apart = SkyCoord(*ours, unit="deg").separation(SkyCoord(*theirs, unit="deg"))
            assert apart.arcsec.max() < 1e-5
            back = field.pixel_of(*ours, band)
            assert np.abs(np.subtract(back, (x, y))).max() < 1e-6


def test_header_leaves_the_distortion_out():
    """As on the real frame: 0.03" off in the median, 0.14" at worst."""
    field = Survey().primary(180.0, 30.0)
    calib = np.ones(2048, "f4")
    header = headers.primary(field, "r", 17, calib)
    header["NAXIS"], header["NAXIS1"], header["NAXIS2"] = 2, 2048, 1489
    with pytest.warns(FITSFixedWarning):  # RADECSYS and DATE-OBS are of the old kind
        wcs = WCS(header)
    y, x = np.mgrid[0:1489:80, 0:2048:50]
    apart = wcs.pixel_to_world(x, y).separation(SkyCoord(*field.sky_of(x, y), unit="deg")).arcsec
    assert 0.005 < np.median(apart) < 0.06
    assert 0.08 < apart.max() < 0.25
    assert (header["CRPIX1"], header["CRPIX2"]) == (1025, 745)
    assert wcs.pixel_to_world(1024, 744).separation(
        SkyCoord(*field.sky_of(1024, 744), unit="deg")
    ).arcsec < 1e-6  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("band", "ugriz")
def test_a_star_has_its_place_and_its_flux(exact, place, band):
    star, seen = star_at(exact, place), 0
    for field in exact.survey.covering(*where(exact, place))[:4]:
        with asked(exact, frame_url(field, band)) as hdus:
            x, y = DocumentedAsTrans(hdus[3].data).pixel(
                star["ra"], star["dec"], field.pixel_of(star["ra"], star["dec"], band)
            )
            if not (9 < x < SMALL[1] - 10 and 9 < y < SMALL[0] - 10):
                continue
            total, x_seen, y_seen = aperture(hdus[0].data, x, y)
            magnitude = 22.5 - 2.5 * np.log10(total)
            # Neighbours, far off and faint, are in the aperture with less than a thousandth.
            assert magnitude == pytest.approx(star[band], abs=2e-3)
            assert np.hypot(x_seen - x, y_seen - y) < 0.02
            seen += 1
    assert seen or place == "column edge"


def test_a_star_alone_is_exact_to_1e_4(exact):
    class OneStar:
        def patch(self, *_):
            return self

    only = OneStar()
    only.table = np.array([star_at(exact, "middle")])
    field = exact.survey.primary(*where(exact, "middle"))
    image = rendering.render(only, field, "g")
    x, y = field.pixel_of(only.table["ra"][0], only.table["dec"][0], "g")
    rows, columns = np.indices(image.shape)
    total = image.sum()
    assert 22.5 - 2.5 * np.log10(total) == pytest.approx(only.table["g"][0], abs=1e-6)
    assert (image * columns).sum() / total == pytest.approx(x, abs=1e-6)
    assert (image * rows).sum() / total == pytest.approx(y, abs=1e-6)
    width = np.sqrt((image * (columns - x) ** 2).sum() / total - 1 / 12)
    assert 2.3548 * width * 0.396 == pytest.approx(1.3, rel=0.01)


def galaxy(**changes):
    one = np.zeros(1, OBJECT)
    one["kind"], one["r"], one["petroR50_r"], one["ab"] = "galaxy", 17.0, 2.0, 0.4
    for name, value in changes.items():
        one[name] = value
    return one


@pytest.mark.parametrize("bulge", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("place", ["middle", "many epochs", "dec 89"])
def test_a_galaxy_has_its_flux_and_its_position_angle(exact, place, bulge):
    field = exact.survey.primary(*where(exact, place))
    ra, dec = field.centre

    class OneGalaxy:
        table = galaxy(ra=ra, dec=dec, phi=35.0, bulge=bulge)

        def patch(self, *_):
            return self

    image = rendering.render(OneGalaxy(), field, "r")
    assert 22.5 - 2.5 * np.log10(image.sum()) == pytest.approx(17.0, abs=1e-3)
    y, x = np.indices(image.shape)
    a, d = field.sky_of(x, y)
    offsets = SkyCoord(ra, dec, unit="deg").spherical_offsets_to(SkyCoord(a, d, unit="deg"))
    east, north = (part.arcsec for part in offsets)
    ee, en, nn = ((image * p).sum() for p in (east * east, east * north, north * north))
    angle = np.degrees(0.5 * np.arctan2(2 * en, nn - ee)) % 180
    assert angle == pytest.approx(35.0, abs=0.5)


@pytest.mark.parametrize("server", ["exact", "noisy"])
def test_rows_that_two_fields_share_are_the_same(server, request):
    sandbox = request.getfixturevalue(server)
    one, other = sandbox.survey.covering(*where(sandbox, "field edge"))
    assert (one.run, one.camcol) == (other.run, other.camcol)
    first, second = sorted((one, other), key=lambda field: field.number)
    with (
        asked(sandbox, frame_url(first, "r")) as above,
        asked(sandbox, frame_url(second, "r")) as below,
    ):
        step = first.run.step
        assert step == round(SMALL[0] * 1361 / 1489)
        shared = above[0].data[step:]
        assert len(shared) == SMALL[0] - step
        assert shared.max() > 1
        assert (shared == below[0].data[: len(shared)]).all()
        assert (above[0].data[: len(shared)] != below[0].data[: len(shared)]).any()
        rise = below[3].data["A"][0] - above[3].data["A"][0]
        assert rise == pytest.approx(step * above[3].data["B"][0], abs=1e-10)


def subtracted_sky(table):
    """The sky in counts: bilinear, with the edge's value beyond the edge."""
    grid, x, y = (table[name][0].astype(float) for name in ("ALLSKY", "XINTERP", "YINTERP"))
    columns = np.arange(grid.shape[1])
    across = np.stack([np.interp(x, columns, row) for row in grid])
    return np.stack([np.interp(y, np.arange(len(grid)), column) for column in across.T], axis=-1)


@pytest.mark.parametrize("band", "ugriz")
def test_noise_follows_the_formula(exact, noisy, band):
    field = noisy.survey.primary(*where(noisy, "middle"))
    gains = {"u": 1.47, "g": 4.05, "r": 4.725, "i": 4.64, "z": 3.48}
    dark = {"u": 9.3025, "g": 1.1025, "r": 0.81, "i": 7.84, "z": 2.1025}
    assert field.camcol == 5
    assert field.run.number > 1500
    with (
        asked(exact, frame_url(field, band)) as truth,
        asked(noisy, frame_url(field, band)) as seen,
    ):
        calib = seen[1].data
        counts = truth[0].data / calib + subtracted_sky(seen[2].data)
        sigma = calib * np.sqrt(counts / gains[band] + dark[band])
        pulls = (seen[0].data - truth[0].data) / sigma
    assert pulls.std() == pytest.approx(1, abs=0.01)  # rounding to whole counts adds 0.002
    assert abs(pulls.mean()) < 0.015
    assert np.abs(pulls).max() < 6
    neighbours = np.mean(pulls[:, 1:] * pulls[:, :-1]), np.mean(pulls[1:] * pulls[:-1])
    assert np.abs(neighbours).max() < 0.015
    bright = pulls[truth[0].data > 3 * np.median(sigma)]  # there the sources' own photons count
    assert bright.std() == pytest.approx(1, abs=4 / np.sqrt(2 * bright.size))


def test_noise_of_two_bands_and_of_two_fields_is_not_the_same(noisy, exact):
    fields = noisy.survey.covering(*where(noisy, "many epochs"))[:2]
    assert fields[0].run != fields[1].run
    noises = []
    for field in fields:
        for band in "gr":
            with (
                asked(noisy, frame_url(field, band)) as seen,
                asked(exact, frame_url(field, band)) as truth,
            ):
                noises.append((seen[0].data - truth[0].data).ravel())
    assert np.abs(np.corrcoef(noises) - np.eye(4)).max() < 0.02


def test_counts_are_whole_numbers(frame):
    """As in real frames, where that holds to the ten binary digits that are kept."""
    hdus = frame[1]
    counts = hdus[0].data / hdus[1].data + subtracted_sky(hdus[2].data)
    above_sky = np.abs(hdus[0].data / hdus[1].data)
    kept = above_sky / 2**10 + 1e-3
    assert (np.abs(counts - np.round(counts)) <= kept)[above_sky < 100].all()


def test_pixels_keep_ten_binary_digits(frame):
    bits = frame[1][0].data.astype("<f4").view("u4")
    assert (bits & (2**14 - 1) == 0).all()
    assert (bits & 2**14 != 0).any()


def test_size_of_full_frames():
    with Sandbox(noise=False) as sandbox:
        field = sandbox.survey.primary(180.0, 30.0)
        with asked(sandbox, frame_url(field, "r")) as hdus:
            assert hdus[0].data.shape == (1489, 2048)
            table = hdus[2].data
            assert table["ALLSKY"].shape == (1, 192, 256)
            ends = [*table["XINTERP"][0][[0, -1]], *table["YINTERP"][0][[0, -1]]]
            assert ends == [-0.4375, 255.4375, 0.5625, 186.5625]


@pytest.mark.parametrize("shape", [(1489,), (100, 300), (256, 5000)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"shape|unpack"):
        Survey(shape)


@pytest.fixture
def made(monkeypatch):
    """The bands that were drawn."""
    bands = []
    render = rendering.render

    def counted(sky, field, band):
        bands.append(band)
        return render(sky, field, band)

    monkeypatch.setattr(rendering, "render", counted)
    return bands


def test_a_frame_is_made_once_for_all_who_ask(noisy, made):
    maker = FrameMaker(noisy.sky)
    field = noisy.survey.primary(180.0, 30.0)
    with ThreadPoolExecutor(4) as pool:
        bodies = list(pool.map(lambda band: maker.file(field, band, 17), "rrrrgg"))
    assert sorted(made) == ["g", "r"]
    assert len({id(body) for body in bodies}) == 2
    assert maker.file(field, "r", 9) != maker.file(field, "r", 17)  # without BUNIT


def test_the_cache_is_bounded(noisy, made, monkeypatch):
    maker = FrameMaker(noisy.sky)
    field = noisy.survey.primary(180.0, 30.0)
    monkeypatch.setattr(frames, "MOST_CACHED", len(maker.file(field, "u", 17)) * 5 // 2)
    for band in "gri":
        maker.file(field, band, 17)
    made.clear()
    for band in "riu":
        maker.file(field, band, 17)
    assert made == ["u"]
