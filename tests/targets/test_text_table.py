"""Tables in text, as people, spreadsheets, archives and databases write them."""

from __future__ import annotations

import csv
import io
import warnings

import numpy as np
import pytest
from astropy.io import ascii as astropy_ascii
from astropy.table import Table
from astropy.utils.exceptions import AstropyUserWarning
from hypothesis import example, given
from hypothesis import strategies as st

from sdss_cutout import TargetError
from sdss_cutout._targets.readers import text_table
from sdss_cutout._targets.readers.text_table import read_csv
from sdss_cutout._targets.targets import read_targets

BIG = 1237646648345100821
EXPECTED = [(20.5, 0.5), (20.75, -0.5)]


@pytest.fixture
def read(tmp_path):
    """What is read from a text in a file, whatever the file is called."""

    def read_text(text, **options):
        path = tmp_path / "list"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_targets(path, **options)

    return read_text


def positions(targets):
    return list(zip(targets.ra.tolist(), targets.dec.tolist(), strict=True))


FORMS = {
    "comma": "id,ra,dec\nA,20.5,0.5\nB,20.75,-0.5\n",
    "no line end": "id,ra,dec\nA,20.5,0.5\nB,20.75,-0.5",
    "blanks after commas": "id, ra, dec\nA, 20.5, 0.5\nB, 20.75, -0.5\n",
    "quotes": '"id","ra","dec"\n"A","20.5","0.5"\n"B","20.75","-0.5"\n',
    "Windows": "id,ra,dec\r\nA,20.5,0.5\r\nB,20.75,-0.5\r\n",
    "old Mac": "id,ra,dec\rA,20.5,0.5\rB,20.75,-0.5\r",
    "byte order mark": "\ufeffid,ra,dec\nA,20.5,0.5\nB,20.75,-0.5\n",
    "UTF-16": "id,ra,dec\nA,20.5,0.5\nB,20.75,-0.5\n".encode("utf-16"),
    "tabs": "id\tra\tdec\nA\t20.5\t0.5\nB\t20.75\t-0.5\n",
    "blanks": "id  ra  dec\n A  20.5   0.5\nB 20.75 -0.5  \n",
    "blanks and tabs": "id\tra dec\nA 20.5\t0.5\nB\t20.75 -0.5\n",
    "semicolons": "id;ra;dec\nA;20.5;0.5\nB;20.75;-0.5\n",
    "decimal commas": "id;ra;dec\nA;20,5;0,5\nB;20,75;-0,5\n",
    "decimal commas, tabs": "id\tra\tdec\nA\t20,5\t0,5\nB\t20,75\t-0,5\n",
    "decimal commas, quotes": 'id,ra,dec\nA,"20,5","0,5"\nB,"20,75","-0,5"\n',
    "Excel says": "sep=;\nid;ra;dec\nA;20.5;0.5\nB;20.75;-0.5\n",
    "bars": "id|ra|dec\nA|20.5|0.5\nB|20.75|-0.5\n",
    "PostgreSQL": " id |  ra   | dec  \n----+-------+------\n A  |  20.5 |  0.5\n"
    " B  | 20.75 | -0.5\n",
    "comments": "# made by hand\n#\n# of ra and dec\nid,ra,dec\nA,20.5,0.5\nB,20.75,-0.5\n# end\n",
    "a title": "Table 1. My objects\n\nid,ra,dec\nA,20.5,0.5\nB,20.75,-0.5\n",
    "SkyServer": "#Table1\nid,ra,dec\nA,20.5,0.5\nB,20.75,-0.5\n",
    "header in a comment": "# id ra dec\n  A  20.5   0.5\n  B  20.75  -0.5\n",
    "TOPCAT, sexagesimal": "# id ra dec\nA 01:22:00.0 +00:30:00\nB 01:23:00.0 -00:30:00\n",
    "comma header in a comment": "#id,ra,dec\nA,20.5,0.5\nB,20.75,-0.5\n",
    "TOPCAT text": "+----+-------+------+\n| id | ra    | dec  |\n+----+-------+------+\n"
    "| A  | 20.5  | 0.5  |\n| B  | 20.75 | -0.5 |\n+----+-------+------+\n",
    "Markdown": "| id | ra | dec |\n|----|---:|:---|\n| A | 20.5 | 0.5 |\n| B | 20.75 | -0.5 |\n",
    "bars all around": "|id|ra|dec|\n|A|20.5|0.5|\n|B|20.75|-0.5|\n",
    "units": "id,ra,dec\n,deg,deg\nA,20.5,0.5\nB,20.75,-0.5\n",
    "units, hours": 'id,ra,dec\n,"h:m:s","d:m:s"\nA,01 22 00,+00 30 00\nB,01 23 00,-00 30 00\n',
    "VizieR": "#\n#   VizieR\n#RESOURCE=x\n#Column\t_RAJ2000\t(F10.6)\tRA\n"
    "id\t_RAJ2000\t_DEJ2000\n \tdeg\tdeg\n---\t------\t------\n"
    "A\t020.500000\t+00.500000\nB\t020.750000\t-00.500000\n\n",
    "VizieR, semicolons": "id;_RAJ2000;_DEJ2000\n;deg;deg\n---;---;---\nA;20.5;0.5\nB;20.75;-0.5\n",
    "VizieR, sexagesimal": 'id\tRAJ2000\tDEJ2000\n \t"h:m:s"\t"d:m:s"\n--\t--\t--\n'
    "A\t01 22 00\t+00 30 00\nB\t01 23 00\t-00 30 00\n",
    "IPAC": "\\catalog = mine\n|id  |ra     |dec   |\n|char|double |double|\n"
    "|    |deg    |deg   |\n"
    " A    20.5     0.5  \n B    20.75   -0.5  \n",
    "ECSV": "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: id, datatype: string}\n"
    "# - {name: ra, unit: deg, datatype: float64}\n# - {name: dec, datatype: float64}\n"
    "# schema: astropy-2.0\nid ra dec\nA 20.5 0.5\nB 20.75 -0.5\n",
    "SExtractor": "#   1 ID  Name\n#   2 ALPHA_J2000 RA [deg]\n#   3 DELTA_J2000 Dec [deg]\n"
    " A 20.5 0.5\n B 20.75 -0.5\n",
    "LaTeX": "\\begin{table}\n\\begin{tabular}{ccc}\nid & ra & dec \\\\\nA & 20.5 & 0.5 \\\\\n"
    "B & 20.75 & -0.5 \\\\\n\\end{tabular}\n\\end{table}\n",
    "JSON": '[{"id": "A", "ra": 20.5, "dec": 0.5}, {"id": "B", "ra": 20.75, "dec": -0.5}]',
    "JSON lines": '{"id": "A", "ra": 20.5, "dec": 0.5}\n{"id": "B", "ra": 20.75, "dec": -0.5}\n',
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_forms(read, form):
    targets = read(FORMS[form])
    assert np.allclose(positions(targets), EXPECTED, rtol=0, atol=1e-12)
    assert targets.names() == ["A", "B"]


WITHOUT_HEADER = {
    "comma": "20.5,0.5,A\n20.75,-0.5,B\n",
    "blanks": "20.5 0.5 A\n20.75 -0.5 B\n",
    "name first": "A 20.5 0.5\nB 20.75 -0.5\n",
    "positions only": "20.5 0.5\n20.75 -0.5\n",
    "sexagesimal": "01:22:00 +00:30:00\n01:23:00 -00:30:00\n",
    "sexagesimal, blanks": "01 22 00 +00 30 00\n01 23 00 -00 30 00\n",
    "decimal commas": "20,5;0,5\n20,75;-0,5\n",
    "remarks": "# my list\n20.5 0.5\n# and one more\n20.75 -0.5\n",
    "designations": "J012200.00+003000.0\nJ012300.00-003000.0\n",
    "of two kinds": "20.5 0.5\n01:23:00 -00:30:00\n",
}


@pytest.mark.parametrize("form", WITHOUT_HEADER)
def test_without_header_no_target_is_lost(read, form):
    assert np.allclose(positions(read(WITHOUT_HEADER[form])), EXPECTED, rtol=0, atol=1e-12)


def test_without_header_columns_are_counted(read):
    text = "1 A 20.5 0.5\n2 B 20.75 -0.5\n"
    targets = read(text, columns=("col3", "col4"), names="col2")
    assert positions(targets) == EXPECTED
    assert targets.names() == ["A", "B"]


DATA_FIRST = r"list: the first line is data, not a header: .* Write a line with the names of the "


@pytest.mark.parametrize(
    "text",
    [
        "1 20.5 0.5\n2 20.75 -0.5\n",
        "A,20.5,0.5,17.2\nB,20.75,-0.5,18\n",
        "7050,20.5\n7051,0.5\n",
        "0,1\n20.5,0.5\n20.75,-0.5\n",
        "20.5,A,0.5\n20.75,B,-0.5\n",
        "20.5 95\n20.75 -0.5\n",
    ],
    ids=["number first", "a magnitude", "identifiers", "numbered header", "apart", "no dec"],
)
def test_without_header_what_cannot_be_told_is_refused(read, text):
    with pytest.raises(TargetError, match=DATA_FIRST):
        read(text)


def test_the_advice_for_lists_without_header_works(read):
    text = "1 20.5 0.5\n2 20.75 -0.5\n"
    assert positions(read("id ra dec\n" + text)) == EXPECTED
    assert positions(read(text, columns=("col2", "col3"))) == EXPECTED


def test_a_target_is_never_a_header(read):
    with pytest.raises(
        TargetError, match=r"there is no column '20.5'; the columns are 'col1', 'col"
    ):
        read("20.5,0.5,A\n20.75,-0.5,B\n", columns=("20.5", "0.5"))
    with pytest.raises(TargetError, match="a line of data is above the header: '1,2,3'"):
        read("1,2,3\nid,ra,dec\nA,20.5,0.5\n")


def test_a_commented_target_is_not_dropped_in_silence(read):
    with pytest.raises(TargetError, match="the line '#A,1,2' begins with #, and is a comment or a"):
        read("id,ra,dec\nB,20.5,0.5\n#A,1,2\n")
    quoted = read('id,ra,dec\nB,20.5,0.5\n"#A",20.75,-0.5\n')
    assert positions(quoted) == EXPECTED
    assert quoted.names() == ["B", "#A"]
    assert positions(read("ra dec\n20.5 0.5\n# 1 2\n20.75 -0.5\n")) == EXPECTED  # as astropy has it


@pytest.mark.parametrize(
    "text",
    [
        "id,ra,dec,ra,dec\nA,1,2,3,4\n", "id;ra;dec;ra\nA;1;2;3\n", "id ra dec dec\nA 1 2 3\n",
        "id\tra\tdec\tRA\nA\t1\t2\t3\n", "# id ra dec ra\nA 1 2 3\n", "RA,Ra,dec\n1,2,3\n",
        '[{"ra": 1, "RA": 2, "dec": 3}]',
        "\\x=1\n|ra    |dec   |ra    |\n|double|double|double|\n 1.0    2.0    3.0   \n",
        "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: ra, datatype: float64}\n"
        "# - {name: dec, datatype: float64}\n# - {name: ra, datatype: float64}\n"
        "# schema: astropy-2.0\nra dec ra\n1 2 3\n",
        "#   1 ALPHA_J2000 x\n#   2 DELTA_J2000 y\n#   3 ALPHA_J2000 z\n1 2 3\n",
        "\\begin{table}\n\\begin{tabular}{c}\nra & dec & ra \\\\\n1 & 2 & 3 \\\\\n"
        "\\end{tabular}\n\\end{table}\n",
        "|ra|dec|ra|\n|1|2|3|\n",
    ],
)  # fmt: skip
def test_coordinates_that_are_there_twice(read, text):
    with pytest.raises(
        TargetError, match=r"^(.*: )?the coordinate column '.*' is there more than on"
    ):
        read(text)


def test_other_columns_may_be_there_twice(read):
    assert read("ra,dec,z,z\n1,2,3,4\n").table.colnames == ["ra", "dec", "z", "z_1"]
    assert read("x,y,ra,dec,ra,z\n1,2,3,4,5,6\n", columns=("x", "y")).ra.tolist() == [1]
    with pytest.raises(TargetError, match="the column 'ra' is there more than once; keep one"):
        read("x,y,ra,dec,ra,z\n1,2,3,4,5,6\n", columns=("ra", "dec"))


IDENTIFIERS = {
    "64 bits": [str(BIG), str(BIG + 1)],
    "unsigned": [str(2**64 - 1), "1"],
    "beyond": [str(2**64), "-1"],
    "signed": [str(-(2**63)), "7"],
    "zeros in front": ["007", "0012"],
    "a float among them": [str(BIG), "1.5"],
    "text": ["A1", "2"],
    "hexadecimal": ["0x10", "0x11"],
    "digits and dashes": ["0587-01", "1-2"],
}


@pytest.mark.parametrize("kind", IDENTIFIERS)
@pytest.mark.parametrize(
    "form", ["{}", '"{}"', " {} ", '" {} "'], ids=["", "quoted", "padded", "both"]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_identifiers_keep_every_digit(read, kind, form, delimiter):
    rows = [[value, "20.5", "0.5"] for value in IDENTIFIERS[kind]]
    lines = [["id", "ra", "dec"], *[[form.format(row[0]), *row[1:]] for row in rows]]
    targets = read("\n".join(delimiter.join(line) for line in lines))
    assert targets.names() == IDENTIFIERS[kind]


def test_passengers_keep_every_digit_too(read):
    table = read(
        f"ra,dec,a,b,c,d,e\n1,2,{BIG},{BIG},007,{BIG},\n1,2,,1.5,8,{2**64 - 1},\n1,2,3,,9,2,\n"
    ).table
    assert table["a"].tolist() == [BIG, None, 3]
    assert table["b"].tolist() == [str(BIG), "1.5", None]
    assert table["c"].tolist() == ["007", "8", "9"]
    assert table["d"].tolist() == [BIG, 2**64 - 1, 2]
    assert np.isnan(table["e"]).all()  # whatever it was to hold


def test_missing_numbers_are_nan_not_masked(read):
    table = read("ra,dec,r90,n\n1,2,12.5,1\n1,2,,\n1,2,null,3\n").table
    assert np.isnan(table["r90"]).tolist() == [False, True, True]
    assert not hasattr(table["r90"], "mask")
    assert table["n"].tolist() == [1, None, 3]


def test_several_tables_in_one_text(read, tmp_path):
    block = "#RESOURCE=x\n#Name: {name}\n{columns}\n---\t---\n1.5\t2.5\n\n"
    coordinates = "_RAJ2000\t_DEJ2000"
    text = block.format(name="I/1", columns="Mag\tz") + block.format(
        name="I/2", columns=coordinates
    )
    assert positions(read(text)) == [(1.5, 2.5)]
    both = block.format(name="I/1", columns=coordinates) + text
    with pytest.raises(
        TargetError, match=r"holds 3 tables, of which 2 have the coordinates: 'I/1'"
    ):
        read(both)
    assert positions(read_targets(f"{tmp_path / 'list'}[2]")) == [(1.5, 2.5)]
    assert positions(read_targets(f"{tmp_path / 'list'}[I/2]")) == [(1.5, 2.5)]


def test_ragged_rows(read):
    assert read("ra,dec,note\n1,2\n3,4,x\n").table["note"].tolist() == [None, "x"]
    with pytest.raises(TargetError, match="is not a table that can be read: "):
        read("ra,dec\n1,2,3\n")
    with pytest.raises(TargetError, match=r"^target 1: dec = nan is missing or not finite"):
        read("ra,dec\n1,2\n3\n")


# --------------------------------------------------------------------- lists of text


@pytest.mark.parametrize(
    "text",
    ["M 31\nNGC 4565\nArp 220\n", "name\nM 31\nNGC 4565\nArp 220", "# mine\nM 31,\n\nNGC 4565,\n"
     "Arp 220\n", '"M 31"\n"NGC 4565"\n"Arp 220"\n'],
)  # fmt: skip
def test_lists_of_names(read, monkeypatch, text):
    from astropy.coordinates import SkyCoord

    asked = []
    here = SkyCoord(1, 2, unit="deg")
    monkeypatch.setattr(SkyCoord, "from_name", lambda name: asked.append(name) or here)
    targets = read(text)
    assert asked == ["M 31", "NGC 4565", "Arp 220"]
    assert targets.table["target"].tolist() == asked


@pytest.mark.parametrize(
    "text",
    ["alpha1 delta1\n20.5 0.5\n20.75 -0.5\n", "x y z\n1 2 3\n", "name col2\nA 5\nB 6\n",
     "name,mag\nM 31,4\nM 33,5\n", "x\n1\n2\n", "a b\nc d\n5\n", "# glon glat\n20 5\n",
     "# l b\n20,5\n"],
)  # fmt: skip
def test_other_tables_are_not_taken_for_names(read, monkeypatch, text):
    from astropy.coordinates import SkyCoord

    monkeypatch.setattr(SkyCoord, "from_name", lambda name: pytest.fail(f"asked for {name}"))
    with pytest.raises(TargetError):
        read(text)


# ---------------------------------------------------------------------------- fuzzing

CELLS = st.one_of(
    st.integers(-(2**64), 2**65).map(str),
    st.integers(0, 999).map("{:05d}".format),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text("abcXYZ0123456789 .:-_+'/", max_size=12),
    st.just(""),
)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
@example([("007", "1"), ("1.5", str(BIG))])
@example([("1e22", ""), ("5", "0x1F")])
def test_values_are_kept_to_the_last_digit(rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("one", "two"), *rows])
    table = read_csv(text.getvalue())
    if not any(cell for row in rows for cell in row):  # lines of nothing are no rows
        return
    kept = [row for row in rows if any(row)] if len(table) < len(rows) else rows
    for number, name in enumerate(("one", "two")):
        for cell, value in zip(
            (row[number].strip() for row in kept), table[name].tolist(), strict=True
        ):
            if cell in ("", "null"):
                assert value is None or value != value
            elif isinstance(value, str):
                assert value == cell
            elif isinstance(value, int):
                assert str(value) == cell.removeprefix("+") or int(cell) == value
            else:
                assert float(cell) == value
                assert not (cell.lstrip("+-").isdigit() and abs(int(cell)) > 2**53)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_the_fast_and_the_exact_reader_agree(rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("one", "two"), *rows])
    fast = read_csv(text.getvalue())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_table, "_read_fast", lambda *_: None)
        exact = read_csv(text.getvalue())
    for name in ("one", "two"):
        one, two = fast[name].tolist(), exact[name].tolist()
        assert repr(one) == repr(two)


ANGLES = st.tuples(st.integers(0, 359_999_999), st.integers(-90_000_000, 90_000_000))
DIALECTS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from([",", ";", "\t", "|", " "]),
        "header": st.sampled_from(
            ["id,ra,dec", "ID,RA,DEC", "name,RAJ2000,DEJ2000", "objid,alpha,delta"]
        ),
        "line": st.sampled_from(["\n", "\r\n", "\r"]),
        "comma": st.booleans(),
        "quote": st.booleans(),
        "mark": st.sampled_from(["", "\ufeff"]),
        "before": st.sampled_from(["", "# a comment", "# of ra and dec", "My list", "#"]),
        "units": st.sampled_from(["", "x,deg,deg"]),
        "encoding": st.sampled_from(["utf-8", "utf-16"]),
    }
)  # fmt: skip


@given(st.lists(ANGLES, min_size=1, max_size=5), DIALECTS)
def test_any_dialect_gives_the_right_positions(tmp_path_factory, angles, dialect):
    delimiter = dialect["delimiter"]
    rows = [
        [f"n{row}", f"{ra / 1e6:.6f}", f"{dec / 1e6:.6f}"] for row, (ra, dec) in enumerate(angles)
    ]
    if dialect["comma"] and delimiter != ",":
        rows = [[field.replace(".", ",") for field in row] for row in rows]
    if dialect["quote"]:
        rows = [[f'"{field}"' for field in row] for row in rows]
    head = [dialect["header"].split(",")]
    head += [dialect["units"].split(",")] if dialect["units"] else []
    lines = [dialect["before"]] if dialect["before"] else []
    lines += [delimiter.join(row) for row in head + rows]
    text = dialect["line"].join(lines) + dialect["line"]
    mark = dialect["mark"] if dialect["encoding"] == "utf-8" else ""
    path = tmp_path_factory.getbasetemp() / "dialect.txt"
    path.write_bytes((mark + text).encode(dialect["encoding"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyUserWarning)  # they may look like hours
        targets = read_targets(path)
    assert positions(targets) == [(ra / 1e6, dec / 1e6) for ra, dec in angles]
    assert targets.names() == [f"n{row}" for row in range(len(angles))]


@given(st.lists(st.text("0123456789.,;|#+- :radecnm\t\"'", max_size=30), max_size=8))
def test_any_lines_are_targets_or_refused(tmp_path_factory, lines):
    from astropy.coordinates import SkyCoord

    path = tmp_path_factory.getbasetemp() / "lines.txt"
    path.write_text("\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SkyCoord, "from_name", lambda name: SkyCoord(1, 2, unit="deg"))
        try:
            targets = read_targets(path)
        except TargetError as refusal:
            said = str(refusal)
            assert said.isprintable()
        else:
            assert np.isfinite(targets.ra).all()


def test_a_million_rows_would_not_need_the_exact_reader(monkeypatch):
    monkeypatch.setattr(text_table, "_read_exact", lambda *_: pytest.fail("the slow way"))
    table = Table(
        {"objid": [BIG, BIG + 1], "ra": [0.25, 100.0], "dec": [-0.5, 0.0], "c": ["a", "0"]}
    )
    text = io.StringIO()
    astropy_ascii.write(table, text, format="csv")
    assert read_csv(text.getvalue())["objid"].tolist() == [BIG, BIG + 1]


# -------------------------------------------------------------------- odds and ends


def test_what_stands_under_a_bar_is_not_cut(read):
    text = "|ra    |dec   |\n|double|double|\n{} 2.0    \n"
    assert read(text.format(" 150.5 ")).ra.tolist() == [150.5]
    with pytest.raises(TargetError, match="line 3 has a value under one of the bars of the header"):
        read(text.format(" 150.555"))


def test_keys_that_are_there_twice(read):
    with pytest.raises(TargetError, match="one is there more than once in an object"):
        read('{"ra": 1, "dec": 2, "ra": 3}')


def test_a_repeated_column_can_be_removed():
    table = read_csv("id,ra,dec,ra\n1,2,3,4\n")
    with pytest.raises(TargetError, match="the coordinate column 'ra' is there more than once"):
        read_targets(table)
    kept = table.copy()
    kept.remove_column("ra_1")
    assert read_targets(kept).ra.tolist() == [2]
    table.rename_column("ra", "other")
    table.rename_column("ra_1", "ra")
    assert read_targets(table).ra.tolist() == [4]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_empty_rows_at_the_end_are_no_targets(read, delimiter):
    text = "id,ra,dec,note\nA,20.5,0.5,\nB,20.75,-0.5,\n,,,\n , ,,\n\n".replace(",", delimiter)
    assert positions(read(text)) == EXPECTED
    with pytest.raises(TargetError, match=r"^target 1: ra = nan is missing or not finite"):
        read("id,ra,dec\nA,20.5,0.5\n,,\nB,20.75,-0.5\n".replace(",", delimiter))


def test_comments_in_another_encoding(read):
    assert positions(read(b"# by Andr\xe9\nra,dec\n20.5,0.5\n")) == EXPECTED[:1]
    with pytest.raises(TargetError, match="line 3 is not text in 'utf-8'; save the file as UTF-8"):
        read(b"# by Andr\xe9\nid,ra,dec\nAndr\xe9,20.5,0.5\n")


def test_json_of_columns(read):
    targets = read(f'{{"objid": [{BIG}, 7], "ra": [20.5, 20.75], "dec": [0.5, -0.5]}}')
    assert positions(targets) == EXPECTED
    assert targets.names() == [str(BIG), "7"]
    assert positions(read('{"ra": 20.5, "dec": 0.5}')) == EXPECTED[:1]
    assert read(f'[{{"ra": 1, "dec": 2, "n": {BIG}}}, {{"ra": 1, "dec": 2, "n": 1.5}}]').table[
        "n"
    ].tolist() == [BIG, 1.5]
