"""Every form of targets becomes ICRS positions, or one clear line."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import Angle, SkyCoord
from astropy.coordinates.name_resolve import NameResolveError
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.utils.masked import Masked

from sdss_cutout import SDSSCutouts, TargetError
from sdss_cutout._targets.targets import read_targets

CLIENT = SDSSCutouts()
WAYS_ON = (
    "use another column (names='COLUMN', or --names COLUMN), or names from the positions "
    "(names='IAU', or --names IAU)"
)
BIG = 2**63 + 5


def positions(targets, **options):
    urls = CLIENT.url(targets, **options)
    queries = [parse_qs(urlsplit(url).query) for url in ([urls] if isinstance(urls, str) else urls)]
    return [(float(q["ra"][0]), float(q["dec"][0])) for q in queries]


def refused(targets, **options):
    with pytest.raises(TargetError) as caught:
        CLIENT.url(targets, **options)
    message = str(caught.value)
    assert message.isprintable()
    return message


PAIR = SkyCoord([10.5, 20.25], [-1.5, 30.75], unit="deg")
EXPECTED = [(10.5, -1.5), (20.25, 30.75)]


@pytest.mark.parametrize("frame", ["icrs", "fk5", "fk4", "galactic", "supergalactic", "cirs"])
def test_any_frame_is_turned_into_icrs(frame):
    assert np.allclose(positions(PAIR.transform_to(frame)), EXPECTED, rtol=0, atol=1e-9)


def test_a_scalar_gives_one_url_and_an_array_a_list():
    assert isinstance(CLIENT.url(PAIR[0]), str)
    assert CLIENT.url(PAIR) == [CLIENT.url(coord) for coord in PAIR]
    assert CLIENT.url(PAIR[:1]) == [CLIENT.url(PAIR[0])]
    assert CLIENT.url([PAIR[0], PAIR[1].galactic]) == CLIENT.url(PAIR)


@pytest.mark.parametrize(
    "targets",
    [
        SkyCoord([], [], unit="deg"),
        [],
        Table({"ra": [], "dec": []}),
        Table({"ra": np.array([], "U5"), "dec": np.array([], "U5")}),
        pd.DataFrame({"ra": [], "dec": []}),
    ],
    ids=["SkyCoord", "list", "Table", "texts", "DataFrame"],
)
def test_zero_rows(targets):
    assert CLIENT.url(targets) == []


@pytest.mark.parametrize(
    ("ra", "dec"),
    [
        ("ra", "dec"),
        ("RA", "DEC"),
        ("Ra", "dEC"),
        ("RAJ2000", "DEJ2000"),
        ("_RAJ2000", "_DEJ2000"),
        ("ALPHA_J2000", "DELTA_J2000"),
        ("RA_ICRS", "DE_ICRS"),
        ("ra_deg", "dec_deg"),
        ("RA_DEG", "Dec_Deg"),
    ],
)
def test_known_spellings(ra, dec):
    table = Table({dec: [-1.5, 30.75], "other": ["a", "b"], ra: [10.5, 20.25]})
    assert positions(table) == EXPECTED
    assert positions(table.to_pandas()) == EXPECTED
    assert positions(table[1]) == EXPECTED[1:]


@pytest.mark.parametrize(
    "table",
    [
        Table({"ra": Column([0.7, 1.35], unit="hourangle"), "dec": [-1.5, 30.75]}),
        Table({"ra": Column(["0.7", "1.35"], unit="hourangle"), "dec": ["-1.5", "30.75"]}),
        QTable({"ra": np.deg2rad([10.5, 20.25]) * u.rad, "dec": [-90, 1845] * u.arcmin}),
        QTable({"ra": Angle([0.7, 1.35], "hourangle"), "dec": [-1.5, 30.75] * u.deg}),
        Table({"ra": ["00:42:00", "01 21 00.0"], "dec": ["-01:30:00", "+30d45m"]}),
        Table({"ra": ["0h42m0s", "20.25"], "dec": [b"-1.5", b"30:45"]}),
        Table({"ra": Column(["00 42 00", "01 20 60"], unit='"h:m:s"'), "dec": [-1.5, 30.75]}),
        Table({"ra": Column(["10.5", "20.25"], unit=""), "dec": [-1.5, 30.75]}),
        Table({"ra": np.float32([10.5, 20.25]), "dec": np.float16([-1.5, 30.75])}),
        QTable({"c": PAIR.galactic, "ra": [1, 2]}),
        Table({"here": PAIR, "dec": [1, 2]}),
    ],
    ids=[
        "hourangle", "text in hours", "rad and arcmin", "Angle", "sexagesimal", "mixed text",
        "VizieR", "no unit", "half precision", "mixin in QTable", "mixin in Table",
    ],
)  # fmt: skip
def test_units_and_texts(table):
    assert np.allclose(positions(table), EXPECTED, rtol=0, atol=1e-9)
    assert np.allclose(positions(table[1]), EXPECTED[1:], rtol=0, atol=1e-9)


def test_limits_are_allowed_and_sent_as_the_server_wants_them():
    table = Table({"ra": [0, 360, 359.99999999999], "dec": [-90, 90, -1e-12]})
    assert positions(table) == [(0, -90), (0, 90), (0, 0)]
    assert "dec=0.0&" in CLIENT.url(table)[2]


def bad(row, **columns):
    """A table of good rows but one."""
    table = {"ra": [1.0] * 3, "dec": [2.0] * 3}
    for name, value in columns.items():
        table[name][row] = value
    return Table(table)


NO_NUMBER = "is missing or not finite; it must be a number in"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (bad(2, dec=91.0), "target 2: dec = 91.0 deg is outside -90..90"),
        (bad(1, dec=-90.5), "target 1: dec = -90.5 deg is outside -90..90"),
        (bad(0, ra=-1.0), "target 0: ra = -1.0 deg is outside 0..360"),
        (bad(1, ra=361.0), "target 1: ra = 361.0 deg is outside 0..360"),
        (bad(1, ra=np.nan), f"target 1: ra = nan {NO_NUMBER} 0..360 deg"),
        (bad(2, dec=np.inf), f"target 2: dec = inf {NO_NUMBER} -90..90 deg"),
        (
            Table({"ra": MaskedColumn([1, 2], mask=[False, True]), "dec": [3, 4]}),
            f"target 1: ra = nan {NO_NUMBER} 0..360 deg",
        ),
        (
            Table({"ra": MaskedColumn(["1", "2"], mask=[False, True]), "dec": [3, 4]}),
            f"target 1: ra = nan {NO_NUMBER} 0..360 deg",
        ),
        (
            QTable({"ra": [1, 2] * u.deg, "dec": Masked([3, 4] * u.deg, mask=[True, False])}),
            f"target 0: dec = nan {NO_NUMBER} -90..90 deg",
        ),
        (
            pd.DataFrame({"ra": pd.array([1.5, None], dtype="Float64"), "dec": [1.0, 2.0]}),
            f"target 1: ra = nan {NO_NUMBER} 0..360 deg",
        ),
        (
            QTable({"ra": [90, 24060] * u.arcmin, "dec": [3, 4] * u.deg}),
            "target 1: ra = 401.0 deg is outside 0..360",
        ),
        (
            Table({"ra": ["1:00:00", "abc"], "dec": [3, 4]}),
            "target 1: ra = 'abc' is not a valid angle; allowed are degrees or sexagesimal text "
            "such as 01:16:05.6",
        ),
        (
            Table({"ra": ["24:00:01"], "dec": [3]}),
            "target 0: ra = 360.00416666666666 deg is outside 0..360",
        ),
        (
            Table({"ra": Column([1.0], unit="m"), "dec": [3]}),
            "column 'ra' has the unit 'm', which is not a unit of an angle; allowed are deg, hour, "
            "rad, arcmin, arcsec and the like",
        ),
        (
            Table({"ra": Column(["19.0"], unit="km"), "dec": [3]}),
            "column 'ra' has the unit 'km', which is not a unit of an angle; allowed are deg, "
            "hour, rad, arcmin, arcsec and the like",
        ),
        (Table({"ra": [True], "dec": [3]}), "column 'ra' holds bool; numbers or text are needed"),
        (
            Table({"ra": [[1.0, 2.0]], "dec": [3]}),
            "column 'ra' holds (2,) values in each row; one number is needed",
        ),
        (
            Table({"RA": [1.0], "ra": [1.0], "dec": [3]}),
            "the coordinate column 'RA' is there more than once: 'RA', 'ra'; keep one of them",
        ),
        (
            Table({"a": PAIR, "b": PAIR}),
            "the table has 2 coordinate columns, 'a', 'b'; keep one of them",
        ),
        (
            Table({"x": [1.0], "dec": [3]}),
            "no coordinates in the table: its columns are 'x', 'dec'. Known are a SkyCoord column, "
            "or pairs such as ra/dec, raj2000/dej2000, _raj2000/_dej2000, alpha_j2000/delta_j2000, "
            "ra_icrs/de_icrs, ra_icrs/dec_icrs, ra_deg/dec_deg, radeg/dedeg, plug_ra/plug_dec, "
            "alpha/delta in any case; others are named by --ra and --dec on the command line, or "
            "renamed in Python",
        ),
    ],
)
def test_bad_rows_are_refused(table, message):
    assert refused(table) == message


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (
            SkyCoord([1, np.nan], [2, 3], unit="deg"),
            "target 1: the position = (nan, 3.0) is missing or not finite; it must be a number",
        ),
        (
            SkyCoord(Masked([1, 2], mask=[True, False]) * u.deg, [3, 4] * u.deg),
            "target 0: the position = (nan, 3.0) is missing or not finite; it must be a number",
        ),
        (
            SkyCoord([[1, 2]], [[3, 4]], unit="deg"),
            "coordinates of shape (1, 2) are not understood; give one dimension, as coords.ravel() "
            "does",
        ),
        (
            [PAIR[0], PAIR],
            "target 1: <SkyCoord (ICRS): (ra, dec) in deg [(10.5 , -1.5 ), (20.25, 30.75)]> is "
            "not a scalar SkyCoord; a sequence of targets holds scalar coordinates or texts only",
        ),
        (
            (19.0, 0.0),
            "target 0: 19.0 is not a scalar SkyCoord; a sequence of targets holds scalar "
            "coordinates or texts only; for numbers, SkyCoord(ra, dec, unit='deg')",
        ),
        (
            "  ",
            "the target is an empty string; give a position, an object's name, or a path",
        ),
        (
            ["1 2", ""],
            "target 1: the text is an empty string; give a position, an object's name, or a path",
        ),
        ("150 2\n151 3", "the target has 2 lines; give a list with one target each"),
    ],
)
def test_bad_coordinates_are_refused(targets, message):
    assert refused(targets) == message


@pytest.mark.parametrize(
    "given", [None, 5, b"NGC 4565", {"ra": 1}, pd.Series({"ra": 1}), np.zeros((2, 2))]
)
def test_other_types_are_refused(given):
    assert refused(given) == (
        f"targets of type {type(given).__name__} are not understood; allowed are SkyCoord, Table, "
        "QTable, Row, DataFrame, record array, the path of a table, a position such as "
        "'10:00:00 +02:12:00', an object's name, or a sequence of scalar SkyCoord or of such texts"
    )


def test_a_frame_without_what_it_needs_is_refused():
    message = refused(SkyCoord(alt=1 * u.deg, az=2 * u.deg, frame="altaz"))
    assert message.startswith("coordinates in altaz cannot be turned into ICRS: ")


def test_rows_of_a_masked_table():
    table = Table({"ra": [1.0, 2.0], "dec": [3.0, 4.0]}, masked=True)
    table["dec"].mask[1] = True
    assert positions(table[0]) == [(1, 3)]
    assert refused(table[1]) == f"target 0: dec = nan {NO_NUMBER} -90..90 deg"


def test_object_names_are_resolved(monkeypatch):
    asked = []
    monkeypatch.setattr(SkyCoord, "from_name", lambda name: asked.append(name) or PAIR[0])
    assert positions("NGC 4565") == EXPECTED[:1]
    assert isinstance(CLIENT.url("M 31"), str)
    assert asked == ["NGC 4565", "M 31"]


def test_an_unknown_object_is_refused(monkeypatch):
    def unknown(name):
        raise NameResolveError("nobody knows it")

    monkeypatch.setattr(SkyCoord, "from_name", unknown)
    assert refused("NGC 0") == "the object name 'NGC 0' could not be resolved: nobody knows it"


def test_extra_columns_are_kept():
    table = Table({"ra": [1.0], "dec": [2.0], "z": [0.5], "kind": ["GALAXY"]})
    assert read_targets(table).table.colnames == ["ra", "dec", "z", "kind"]
    assert read_targets(table.to_pandas()).table.colnames == ["ra", "dec", "z", "kind"]
    assert read_targets(table[0]).table["kind"][0] == "GALAXY"


def named(ids, name="objid", **options):
    count = len(ids)
    return read_targets(
        Table({name: ids, "ra": np.arange(float(count)), "dec": np.zeros(count)}), **options
    ).names()


@pytest.mark.parametrize("name", ["name", "id", "objid", "ID", "objID", "Name"])
def test_name_columns(name):
    assert named([7050, 7051], name) == ["7050", "7051"]
    assert named([7050, 7051], name, names=["a", "b"]) == ["a", "b"]


@pytest.mark.parametrize(
    "ids",
    [
        np.array([BIG, 2**64 - 1], np.uint64),
        [2**53 + 1, 1237648720693755918],
        np.array([BIG, 1], object),
        MaskedColumn(np.array([BIG, 3], np.uint64), mask=[False, False]),
        [b"a1", b"b2"],
        ["a1", "é"],
        np.array([7050.0, 2.0**53 - 1]),
    ],
)
def test_identifiers_are_exact(ids):
    wanted = [v.decode() if isinstance(v, bytes) else v for v in list(ids)]
    wanted = [str(int(v)) if isinstance(v, float) else str(v) for v in wanted]
    assert named(ids) == wanted
    frame = pd.DataFrame(
        {"id": pd.array([BIG, 1], dtype="UInt64"), "ra": [1.0, 2], "dec": [1.0, 2]}
    )
    assert read_targets(frame).names() == [str(BIG), "1"]


@pytest.mark.parametrize("value", [2.0**53, 1.2376487206937559e18, np.float32(1e10) ** 2])
def test_identifiers_that_were_floats_are_refused(value):
    with pytest.raises(TargetError) as caught:
        named(np.array([1.0, value]))
    assert str(caught.value) == (
        f"target 1: column 'objid': the name {float(value)!r} came as a floating-point number and "
        f"has lost digits; {WAYS_ON}"
    )


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (np.array([1.0, 0.5]), "target 1: column 'objid': the name 0.5 is a number that is not "),
        (np.array(["a", None], object), "target 1: column 'objid': its name is missing; a name "),
        (np.array([1, True], object), "its name is True; a name of text, or a whole number, "),
        ([[1, 2], [3, 4]], "target 0: column 'objid': its name is [1, 2]; a name of text, or "),
        ([[1, 2], [3, 4]], "is needed (2 such targets: 0, 1); use another column"),
        (MaskedColumn(["a", "b"], mask=[False, True]), "target 1: column 'objid': its name is m"),
        (np.array([1.5e18, "b"], object), "the name 1.5e+18 came as a floating-point number and "),
    ],
)
def test_odd_names_are_refused(ids, message):
    with pytest.raises(TargetError) as caught:
        named(ids)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a"], "1 names were given for 2 targets; give one for each"),
        (5, "names = 5 is neither a column nor a list of names"),
        ("kind", "there is no column 'kind' for names (and names='IAU' makes them from the "
         "positions); the columns are none"),
        (["a", "A"], "target 1: the name 'A' is taken by target 0 already, at least in another "
         "case; give other names, or names from the positions (names='IAU', or --names IAU)"),
    ],
)  # fmt: skip
def test_bad_lists_of_names_are_refused(names, message):
    assert refused(PAIR, names=names) == message


def test_one_name_for_one_target():
    assert read_targets(PAIR[0], names="here").names() == ["here"]
    assert read_targets(PAIR, names=MaskedColumn(["a", "b"])).names() == ["a", "b"]
    assert read_targets(PAIR, names=pd.Series([BIG, 2])).names() == [str(BIG), "2"]


# ------------------------------------------------------------------------ fields in columns

FIELDS = {"RAh": [1, 1], "RAm": [22, 23], "RAs": [0.0, 0.0], "DE-": ["+", "-"], "DEd": [0, 0],
          "DEm": [30, 30], "DEs": [0, 0]}  # fmt: skip


def test_fields_in_columns_of_their_own():
    assert positions(Table(FIELDS)) == [(20.5, 0.5), (20.75, -0.5)]
    short = {name: FIELDS[name] for name in ("RAh", "RAm", "DE-", "DEd", "DEm")}
    assert positions(Table(short)) == [(20.5, 0.5), (20.75, -0.5)]
    unsigned = Table({**FIELDS, "DEd": [5, -5]})
    unsigned.remove_column("DE-")
    assert positions(unsigned) == [(20.5, 5.5), (20.75, -5.5)]
    assert positions(Table({**FIELDS, "ra": [1.0, 2.0], "dec": [3.0, 4.0]})) == [(1, 3), (2, 4)]


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("RAm", [22, 61], "target 1: RAm = 61.0 deg is outside 0..60"),
        ("RAh", [24, 25], "target 0: RAh = 365.5 deg is outside 0..360 (2 such targets: 0, 1)"),
        ("DEs", MaskedColumn([0, 1], mask=[False, True]), "target 1: DEs = nan is missing or not"),
        ("DEd", [91, 5], "target 0: DEd = 91.5 deg is outside -90..90"),
        ("RAs", ["a", "b"], "column 'RAs' holds <U1; one number per row is needed"),
        ("RAs", [[1, 2], [3, 4]], "column 'RAs' holds int64; one number per row is needed"),
    ],
)
def test_bad_fields_in_columns(name, values, said):
    assert refused(Table({**FIELDS, name: values})).startswith(said)


def test_a_table_of_a_journal(tmp_path):
    table = Table({"Name": ["A", "B"], "c": SkyCoord([20.5, 20.75], [0.5, -1.5], unit="deg")})
    path = tmp_path / "a.mrt"
    table.write(path, format="ascii.mrt")
    assert np.allclose(positions(path), [(20.5, 0.5), (20.75, -1.5)])
    assert read_targets(path).names() == ["A", "B"]
