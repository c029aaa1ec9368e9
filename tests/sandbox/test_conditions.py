"""Which cells a query's conditions leave: never one too few."""

import sqlite3

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from sdss_cutout.sandbox.sky import grid
from sdss_cutout.sandbox.sql.conditions import possible_cells
from sdss_cutout.sandbox.sql.scope import MOST_CELLS, PATCH_TEXT, CellIndex

INDEX = CellIndex()


def cells_of(sql):
    possible = possible_cells(sql, INDEX.bounds)
    return None if possible is None else int(possible.sum())


def cell_number(ra, dec):
    """The number of the cell that holds a position."""
    bands = np.minimum(((dec + 90) / grid.CELL_DEG).astype(int), grid.BANDS - 1)
    counts = np.array([grid.cells_in_band(band) for band in range(grid.BANDS)])
    starts = np.cumsum(counts) - counts
    return starts[bands] + (ra / 360 * counts[bands]).astype(int) % counts[bands]


OBJECT = (2 << 59) | (301 << 48) | (354 << 32) | (3 << 29) | (60 << 16) | 5
SPECTRUM = (520 << 50) | (7 << 38) | (1700 << 24) | (26 << 10)
CONFINED = {
    "between": "SELECT 1 FROM PhotoObj WHERE ra BETWEEN 179.9 AND 180 AND dec BETWEEN 39.9 AND 40",
    "signs": "select ra from PhotoObj where ra>179.9 and ra<180.1 and dec>=39.9 and dec<40.1",
    "reversed": "SELECT 1 FROM Star WHERE 179.9 < ra AND 180.1 >= ra AND 40 > dec AND 39.9 < dec",
    "alias": "SELECT p.ra FROM Star AS p WHERE p.ra > 180-0.1 AND p.ra < 180 + 0.1 AND p.dec = 40",
    "brackets": "SELECT 1 FROM Star WHERE ((ra BETWEEN 10 AND 11) AND (([dec] > 1) AND dec < 1.5))",
    "abs": "SELECT 1 FROM Star WHERE abs(ra - 180) < 0.1 AND abs(dec - 40) < 0.1",
    "power": "SELECT 1 FROM Star WHERE power(ra - 180, 2) + power(dec - 40, 2) < 0.01",
    "square": "SELECT 1 FROM Star "
    "WHERE sqrt(square((ra - 180) * cos(radians(40))) + square(dec - 40)) < .1",
    "distance": "SELECT 1 FROM Star s WHERE dbo.fDistanceArcMinEq(180, 40, s.ra, s.dec) < 3",
    "or": "SELECT 1 FROM Star WHERE (ra > 359.9 OR ra < 0.1) AND dec BETWEEN -0.1 AND 0.1",
    "join on": "SELECT 1 FROM SpecObj s JOIN Galaxy g ON s.bestobjid = g.objid AND g.ra < 10.2 "
    "AND g.ra > 10 WHERE s.dec > 10 AND s.dec < 10.2",
    "inner query": "SELECT q.ra FROM (SELECT TOP 5 ra FROM Star WHERE ra BETWEEN 180 AND 180.1 "
    "AND dec BETWEEN 40 AND 40.1) q WHERE q.ra > 0",
    "more conditions": "SELECT 1 FROM Galaxy WHERE g - r > 0.5 AND NOT (r < 15) AND class IN "
    "('STAR', 'QSO') AND name LIKE 'a%' AND z IS NOT NULL AND CASE WHEN r < 5 THEN 1 ELSE 2 END "
    "= 2 AND CAST(r AS int) = 17 AND ra BETWEEN 180 AND 180.1 AND dec BETWEEN 40 AND 40.1 "
    "ORDER BY r",
    "group": "SELECT type, count(*) FROM PhotoObj WHERE ra BETWEEN 180 AND 180.1 AND "
    "dec BETWEEN 40 AND 40.1 GROUP BY type HAVING count(*) > 1",
    "union": "SELECT ra FROM Star WHERE ra < .1 AND dec BETWEEN 0 AND .1 UNION ALL "
    "SELECT ra FROM Galaxy WHERE ra > 359.9 AND dec BETWEEN 0 AND .1",
    "identifier": f"SELECT 1 FROM PhotoObj WHERE objid = {OBJECT}",
    "identifiers": f"SELECT 1 FROM PhotoObj p WHERE p.objid IN ({OBJECT}, 7)",
    "spectrum": f"SELECT 1 FROM SpecObj WHERE specobjid = {SPECTRUM}",
    "spectra": f"SELECT 1 FROM SpecObj s WHERE s.specobjid IN ({SPECTRUM}, 5) AND z > 0",
    "field": "SELECT 1 FROM PhotoObjAll WHERE run = 300 AND camcol=2 AND field = 40 AND rerun=301",
    "plate": "SELECT 1 FROM SpecObj s WHERE s.plate = 520 AND s.mjd = 51700",
    "none so bright": "SELECT 1 FROM Galaxy WHERE r < 13.5 AND dec > 0",
}  # fmt: skip


@pytest.mark.parametrize("sql", CONFINED.values(), ids=CONFINED)
def test_a_confined_query_reads_few_cells(sql):
    assert cells_of(sql) is not None
    assert cells_of(sql) < 20


OPEN = {
    "nothing": "SELECT ra FROM PhotoObj",
    "magnitude": "SELECT ra FROM PhotoObj WHERE r < 17",
    "true": "SELECT ra FROM PhotoObj WHERE 1 = 1",
    "or": "SELECT ra FROM PhotoObj WHERE ra BETWEEN 1 AND 2 OR g < 15",
    "not": "SELECT ra FROM PhotoObj WHERE NOT (ra BETWEEN 1 AND 2)",
    "not between": "SELECT ra FROM PhotoObj WHERE ra NOT BETWEEN 1 AND 2",
    "not in": "SELECT ra FROM PhotoObj WHERE objid NOT IN (1, 2)",
    "unequal": "SELECT ra FROM PhotoObj WHERE ra <> 5",
    "other column": "SELECT ra FROM PhotoObj WHERE zra > 5 AND decl < 3",
    "text": "SELECT ra FROM PhotoObj WHERE name = 'ra > 5 AND dec < 2'",
    "comment": "SELECT ra FROM PhotoObj -- WHERE ra > 5\n /* WHERE dec < 2 */",
    "unread": "SELECT ra FROM PhotoObj WHERE ra ! ? 5",
    "columns": "SELECT p.ra FROM Star p JOIN Galaxy g ON p.ra = g.ra AND p.objid = g.objid",
    "exists": "SELECT p.ra FROM Star p WHERE EXISTS (SELECT 1 FROM Star) AND 5 IN (SELECT 5)",
    "unknown function": "SELECT ra FROM Star WHERE f(ra, CASE WHEN 1 = 1 THEN 1 END) < 2",
    "modulo": "SELECT ra FROM Star WHERE ra % 2 < 1 AND ra / dec > 5",
}


@pytest.mark.parametrize("sql", OPEN.values(), ids=OPEN)
def test_what_does_not_confine_a_query(sql):
    assert cells_of(sql) is None


def test_tables_that_are_not_joined_by_identifiers_have_conditions_of_their_own():
    apart = "SELECT 1 FROM Star a, Star b WHERE a.ra < 1 AND b.ra > 359 AND a.dec < b.dec"
    possible = possible_cells(apart, INDEX.bounds)
    (low, high) = INDEX.bounds["ra"]
    assert possible[low < 1].all()
    assert possible[high > 359].all()
    joined = "SELECT 1 FROM Star a JOIN Star b ON a.objid = b.objid WHERE a.ra < 9 AND b.dec > 80"
    assert cells_of(joined) < 100


def test_wide_queries_read_a_sample():
    scope = INDEX.scope_of("SELECT ra FROM Star WHERE dec > 10")
    assert len(scope.cells) == MOST_CELLS
    assert scope.limits.startswith("200 of ")
    # The patch that every query reads answers the conditions of these.
    for condition in ("ra > 15", "r < 17"):
        scope = INDEX.scope_of(f"SELECT ra FROM Star WHERE {condition}")
        assert scope.cells == []
        assert scope.limits == PATCH_TEXT
    assert INDEX.scope_of("SELECT ra FROM Star WHERE ra < 9 AND dec = 0").limits == ""


NUMBERS = st.floats(-400, 400).map(lambda number: f"{number:.3f}")
COLUMNS = st.sampled_from(["ra", "dec", "p.ra", "p.dec"])
EXPRESSIONS = st.recursive(
    NUMBERS | COLUMNS,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner)
        | st.builds("abs({})".format, inner)
        | st.builds("-({})".format, inner)
        | st.builds("power({}, 2)".format, inner)
        | st.builds("cos(radians({}))".format, NUMBERS)
    ),
    max_leaves=4,
)
COMPARISONS = (
    st.builds(
        "{} {} {}".format,
        EXPRESSIONS,
        st.sampled_from(["<", "<=", ">", ">=", "=", "<>"]),
        EXPRESSIONS,
    )
    | st.builds("{} BETWEEN {} AND {}".format, EXPRESSIONS, NUMBERS, NUMBERS)
    | st.builds("{} NOT BETWEEN {} AND {}".format, COLUMNS, NUMBERS, NUMBERS)
    | st.builds("round({}) IN ({}, {})".format, COLUMNS, NUMBERS, NUMBERS)
    | st.builds("p.ra IS {}".format, st.sampled_from(["NULL", "NOT NULL"]))
)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["AND", "OR"]), inner)
        | st.builds("NOT ({})".format, inner)
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def points():
    """Positions all over the sphere in SQLite, and the cell of each."""
    rng = np.random.default_rng(4)
    ra, dec = rng.uniform(0, 360, 3000), np.degrees(np.arcsin(rng.uniform(-1, 1, 3000)))
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE points (n, ra, dec)")
    rows = zip(range(3000), ra.tolist(), dec.tolist(), strict=True)
    connection.executemany("INSERT INTO points VALUES (?, ?, ?)", rows)
    for name in ("cos", "radians", "power"):
        count = 2 if name == "power" else 1
        connection.create_function(name, count, getattr(np, name))
    yield connection, cell_number(ra, dec)
    connection.close()


@given(condition=CONDITIONS)
def test_no_cell_is_left_out(points, condition):
    connection, cells = points
    sql = f"SELECT n FROM points p WHERE {condition}"
    found = [number for (number,) in connection.execute(sql)]
    possible = possible_cells(sql, INDEX.bounds)
    assert possible is None or possible[cells[found]].all()
