"""Which runs, camera columns and fields are where."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from sdss_cutout.sandbox.sky.footprint import covered
from sdss_cutout.sandbox.survey.fields import Survey
from sdss_cutout.sandbox.survey.layout import EPOCHS

SHAPES = [(1489, 2048), (256, 300), (128, 128)]


@pytest.fixture(scope="module", params=SHAPES, ids=str)
def survey(request):
    return Survey(request.param)


def positions(count):
    rng = np.random.default_rng(5)
    ra, dec = rng.uniform(0, 360, 3 * count), np.degrees(np.arcsin(rng.uniform(-1, 1, 3 * count)))
    inside = covered(ra, dec)
    special = [(0, 0.2), (0, 20), (359.9999, -0.3), (40, 89), (220, 89.9), (19.02, -0.01), (0, 90)]
    return special + list(zip(ra[inside][:count], dec[inside][:count], strict=True))


def test_every_position_is_in_one_primary_field_that_covers_it(survey):
    for ra, dec in positions(60):
        fields = survey.covering(ra, dec)
        primary = survey.primary(ra, dec)
        assert fields[0] == primary
        assert survey.field(primary.run.number, primary.camcol, primary.number) == primary
        assert survey.field_of_id(primary.field_id) == primary
        assert len(set(fields)) == len(fields)


def test_outside_there_is_nothing(survey):
    for ra, dec in [(95, 0), (275, 0), (266.4, -29)]:
        assert not covered(ra, dec)
        assert survey.primary(ra, dec) is None
        assert survey.near(ra, dec, 9) == []


def test_near_is_right_by_brute_force(survey):
    ra, dec = 180.3, 30.2
    run, first = survey.primary(ra, dec).run, survey.primary(ra, dec).number
    radius = 3 * survey.field_radius
    centre = SkyCoord(ra, dec, unit="deg")
    expected = set()
    for camcol in range(1, 7):
        for number in range(first - 60, first + 60):
            field = survey.field(run.number, camcol, number)
            if field and centre.separation(SkyCoord(*field.centre, unit="deg")).arcmin <= radius:
                expected.add(field)
    near = survey.near(ra, dec, radius)
    assert {field for _, field in near if field.run == run} == expected
    assert len(expected) > 3
    distances = [distance for distance, _ in near]
    assert distances == sorted(distances)
    assert distances[-1] <= radius


def test_columns_of_the_two_strips_overlap(survey):
    both = [survey.covering(ra, dec) for ra, dec in positions(60)]
    pairs = [fields for fields in both if len({f.run.strip for f in fields}) == 2]
    assert pairs
    assert any(len(fields) == 1 for fields in both)


def test_many_epochs(survey):
    fields = survey.covering(19.02, -0.01)
    runs = {field.run.number for field in fields}
    assert EPOCHS <= len(runs) <= 2 * EPOCHS + 4
    grids = {tuple(np.round(np.ravel(f.pixel_of(19.02, -0.01)), 2)) for f in fields}
    assert len(grids) == len(fields)
    primaries = {survey.primary(ra, -0.01).run.number for ra in np.arange(325, 400, 5) % 360}
    assert len(primaries) > 5


def test_neighbouring_fields_share_rows(survey):
    field = survey.primary(180.0, 30.0)
    following = survey.field(field.run.number, field.camcol, field.number + 1)
    x, y = 20.0, field.run.step + 3.0
    assert following.pixel_of(*field.sky_of(x, y)) == (
        pytest.approx(x, abs=1e-6), pytest.approx(3.0, abs=1e-6),
    )  # fmt: skip


def test_right_ascension_of_a_run_passes_zero(survey):
    field = survey.primary(0.01, 0.2)
    assert field.astrans("r").a > 350  # a can lie beyond 360, as in real tables
    ra, _ = field.corners
    assert ((ra >= 0) & (ra < 360)).all()


def test_unknown_numbers(survey):
    known = survey.primary(180.0, 30.0)
    assert survey.field(known.run.number, 7, known.number) is None
    assert survey.field(known.run.number, 0, known.number) is None
    assert survey.field(known.run.number, 1, 10) is None
    assert survey.field(65535, 1, 100) is None
    assert survey.field(0, 1, 100) is None
    assert survey.field_of_id(known.field_id + 1) is None
    assert survey.run(known.run.number) == known.run


def test_real_geometry():
    survey = Survey()
    field = survey.primary(180.0, 30.0)
    assert field.run.step == 1361
    assert field.run.node == 95
    ra, dec = field.corners
    corner = SkyCoord(ra, dec, unit="deg")
    assert corner[0].separation(corner[1]).arcmin == pytest.approx(13.52, abs=0.02)
    assert corner[1].separation(corner[2]).arcmin == pytest.approx(9.83, abs=0.02)
    equator = survey.primary(19.0, 0.0)
    assert (equator.run.stripe, equator.run.incl) == (82, 0)


def test_bands_of_a_field_cover_the_same_sky_but_for_some_pixels(survey):
    stretch = survey.shape[1] / 2048
    for ra, dec in positions(20):
        field = survey.primary(ra, dec)
        pixels = np.array([field.pixel_of(ra, dec, band) for band in "ugriz"])
        assert all(field.covers(ra, dec, band) for band in "ugriz")
        assert 0.1 * stretch < np.ptp(pixels, axis=0).max() < 30 * stretch
