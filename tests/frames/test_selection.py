"""Which frames a cutout is made of, at odd places on the sky and among many epochs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from frames import COLUMNS, ROWS, Strip
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout._frames.mosaic import Grid
from sdss_cutout._frames.selection import (
    central_field,
    fields_of_mosaic,
    fields_of_rows,
    read_fields,
)  # fmt: skip
from sdss_cutout._service.sas import SAS

STRIP = Strip(incl=20.0, mu=359.8, nu=0.3)


def row_of(strip=STRIP, number=12, **more):
    """A row of the server's search; identifiers are made as SDSS makes them."""
    ra, dec = strip.sky_of(number, COLUMNS / 2, ROWS / 2)
    field_id = (2 << 59) | (301 << 48) | (strip.run << 32) | (strip.camcol << 29) | (number << 16)
    return {
        "run": strip.run, "rerun": 301, "camcol": strip.camcol, "field": number,
        "fieldId": field_id, "ra": ra, "dec": dec, "node": strip.node, "incl": strip.incl,
        "quality": 3, **strip.a_to_f(number), **more,
    }  # fmt: skip


def fields_of(*rows):
    return read_fields(rows, SAS)


RUN = [row_of(number=n) for n in (11, 12, 13)]


def epochs(count, **more):
    """So many runs over the same sky, each displaced a little."""
    return [
        row_of(STRIP.moved(run=3000 + n, nu=0.3 + n * 1e-4), n % 3 + 11, **more)
        for n in range(count)
    ]


def test_rows_are_read_as_the_search_gives_them():
    [field] = fields_of(row_of(score="0.9", primaryArea=0.03, rerun=" 301"))
    assert (field.run, field.rerun, field.camcol, field.field) == (2000, "301", 1, 12)
    assert (field.quality, field.score, field.primary_area) == (3, 0.9, 0.03)
    assert field.key("g") == (2000, "301", 1, 12, "g")
    [field] = fields_of({name.upper(): value for name, value in row_of(score=None).items()})
    assert math.isnan(field.score)
    assert field.field_id == row_of()["fieldId"]
    # The distortion, which the search does not tell, is less than a pixel.
    x, y = field.astrometry.sky_to_pixel(*STRIP.sky_of(12, 300, 400))
    assert math.hypot(x - 300, y - 400) < 1


@pytest.mark.parametrize("change", [{"rerun": 157}, {"quality": 4}, {"quality": 5}])
def test_what_has_no_frames_is_left_out(change):
    assert fields_of(row_of(**change)) == []
    assert len(fields_of(row_of(), row_of())) == 1


@pytest.mark.parametrize(
    ("y", "number"), [(700, 12), (0, 11), (63, 11), (66, 12), (1423, 12), (1426, 13), (1488, 13)]
)
def test_of_two_fields_of_a_run_the_one_with_the_centre_farther_inside(y, number):
    assert central_field(fields_of(*RUN), *STRIP.sky_of(12, 1000, y)).field == number


def test_the_last_field_of_a_run_is_used_to_its_end():
    for y in (5, 1480):
        assert central_field(fields_of(RUN[1]), *STRIP.sky_of(12, 1000, y)).field == 12
    for x, y in ((1000, -2), (1000, 1490), (-2, 700), (2049, 700)):
        assert central_field(fields_of(RUN[1]), *STRIP.sky_of(12, x, y)) is None
    assert central_field([], 10.0, 10.0) is None


CENTRE = STRIP.sky_of(12, 1000, 700)


def test_one_of_a_hundred_epochs_is_chosen():
    """The same whatever the order, and without anything that tells which is primary."""
    rows = epochs(100)
    chosen = central_field(fields_of(*rows), *CENTRE)
    assert chosen == central_field(fields_of(*rows[::-1]), *CENTRE)


def covering(rows):
    """Of these rows those of the fields that the centre lies well inside of."""
    return [row for row in rows if central_field(fields_of(row), *CENTRE)]


def test_the_primary_run_is_chosen_where_it_is_known():
    rows = covering(epochs(30))
    assert len(rows) > 5
    for row in rows:
        chosen = central_field(fields_of(*rows), *CENTRE, primary=row["fieldId"])
        assert chosen.run == row["run"]
    assert central_field(fields_of(*rows), *CENTRE, primary=12345) is not None


@pytest.mark.parametrize(
    ("best", "others"),
    [
        ({"primaryArea": 0.01, "score": 0.1}, {"primaryArea": 0.0, "score": 1.0}),
        ({"score": 0.9, "quality": 1}, {"score": 0.8, "quality": 3}),
        ({"quality": 3}, {"quality": 2}),
        ({"quality": 2}, {"quality": 1}),
    ],
)
def test_else_the_best_one_is_chosen(best, others):
    rows = covering(epochs(30))
    for row in rows:
        table = [other | (best if other is row else others) for other in rows]
        assert central_field(fields_of(*table), *CENTRE).run == row["run"]


@pytest.mark.parametrize(
    "strip",
    [
        Strip(incl=0.0, mu=359.95),
        Strip(incl=90.0, mu=184.9),
        Strip(incl=-90.0, mu=184.9),
        Strip(incl=45.0, mu=-0.05),
    ],
    ids=["RA 0", "north pole", "south pole", "negative mu"],
)
@given(st.floats(0, COLUMNS - 1), st.floats(70, 1420))
def test_any_place_on_the_sky_will_do(strip, x, y):
    fields = fields_of(*(row_of(strip, n) for n in (11, 12, 13)))
    assert central_field(fields, *strip.sky_of(12, x, y)).field == 12


def test_neighbours_are_found_along_the_run():
    fields = fields_of(*RUN, *epochs(20), row_of(STRIP.moved(camcol=2), 13))
    centre = central_field(fields, *CENTRE, primary=RUN[1]["fieldId"])
    found = fields_of_rows(fields, centre, range(-2, 3))
    assert {n: (f.run, f.camcol, f.field) for n, f in found.items()} == {
        n - 12: (2000, 1, n) for n in (11, 12, 13)
    }
    assert [*fields_of_rows(fields, centre, [1])] == [1]


# ------------------------------------------------------------------------------------- mosaics


def mosaic(rows, place, *, scale=0.4, size=150, primary=None):
    fields = fields_of(*rows)
    ra, dec = map(float, place)
    grid = Grid(ra=ra, dec=dec, scale=scale, width=size, height=size, native_scale=0.396)
    centre = central_field(fields, ra, dec, primary=primary)
    return [(f.run, f.camcol, f.field) for f in fields_of_mosaic(fields, grid, centre)]


def test_one_field_is_enough_inside_of_it():
    rows = [*RUN, *epochs(50)]
    assert mosaic(rows, CENTRE, primary=RUN[1]["fieldId"]) == [(2000, 1, 12)]


def test_a_field_goes_on_in_its_run_first():
    rows = [*epochs(50), *RUN]
    place = STRIP.sky_of(12, 1000, 1480)
    primary = RUN[1]["fieldId"]
    assert mosaic(rows, place, size=400, primary=primary) == [(2000, 1, 13), (2000, 1, 12)]


def test_other_runs_fill_in_beyond_the_columns():
    beside = STRIP.moved(run=2100, camcol=2, nu=STRIP.nu + (COLUMNS - 150) * 0.396 / 3600)
    rows = [*RUN, *(row_of(beside, n) for n in (11, 12, 13)), row_of(STRIP.moved(run=4000), 30)]
    place = STRIP.sky_of(12, 2000, 700)
    chosen = mosaic(rows, place, primary=RUN[1]["fieldId"])
    assert chosen[0] == (2000, 1, 12)
    assert chosen[1:] == [(2100, 2, 12)]


def test_at_the_edge_of_the_survey_the_last_columns_are_used():
    place = STRIP.sky_of(12, 2047.4, 700)
    assert mosaic(RUN, place) == [(2000, 1, 12)]


@given(st.floats(0, 2047), st.floats(0, 1488), st.integers(1, 900), st.floats(0.1, 2))
def test_nothing_that_a_field_has_is_left_out(x, y, size, scale):
    """Each pixel that is on any field is on one of those that are chosen, inside its edges."""
    beside = STRIP.moved(run=2100, camcol=2, nu=STRIP.nu + (COLUMNS - 150) * 0.396 / 3600)
    rows = [row_of(strip, n) for strip in (STRIP, beside) for n in range(9, 16)]
    chosen = mosaic(rows, STRIP.sky_of(12, x, y), scale=scale, size=size)
    fields = {(f.run, f.camcol, f.field): f for f in fields_of(*rows)}
    rng = np.random.default_rng(size)
    ra0, dec0 = STRIP.sky_of(12, x, y)
    north, east = rng.uniform(-0.5, 0.5, (2, 400)) * size * scale / 3600
    places = ra0 + east / np.cos(np.radians(dec0)), dec0 + north

    def on(field):
        u, v = field.astrometry.sky_to_pixel(*places)
        return (u > -0.5) & (u < COLUMNS - 0.5) & (v > -0.5) & (v < ROWS - 0.5)

    anywhere = np.any([on(field) for field in fields.values()], axis=0)
    somewhere = np.any([on(fields[key]) for key in chosen], axis=0)
    assert (anywhere == somewhere).all()
