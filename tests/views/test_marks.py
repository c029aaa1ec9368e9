"""Marks of a contact sheet, read by this package, by astropy and by pandas."""

from __future__ import annotations

import csv
import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from astropy.table import QTable, Table, join
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout import TargetError, read_marks
from sdss_cutout._views.marks import mark_columns

HEADER = "name,mark,comment,file,ra,dec\r\n"
MARKS = HEADER + (
    "007,good,,007.jpg,150.1,2.2\r\n"
    '1237648720693755918,bad,"a ""bar"", long",x.jpg,20.1234567891,-0.0149110001\r\n'
    "1e5,,only a comment,,0,0\r\n"
)


@pytest.fixture
def marks(tmp_path):
    path = tmp_path / "marks.csv"
    path.write_text(MARKS, newline="")
    return path


def test_names_are_text_and_positions_exact(marks):
    table = read_marks(marks)
    assert table["name"].tolist() == ["007", "1237648720693755918", "1e5"]
    assert table["mark"].tolist() == ["good", "bad", ""]
    assert table["comment"].tolist() == ["", 'a "bar", long', "only a comment"]
    assert table["ra"].tolist() == [150.1, 20.1234567891, 0.0]
    assert not table.has_masked_columns


@pytest.mark.parametrize("kind", [Table, QTable])
@pytest.mark.parametrize("as_path", [str, lambda path: path], ids=["text", "path"])
def test_astropys_table_reads_names_as_text(marks, kind, as_path):
    table = kind.read(as_path(marks))
    assert type(table) is kind
    assert table["name"].tolist() == ["007", "1237648720693755918", "1e5"]
    assert table.meta == read_marks(marks).meta


def test_names_that_are_numbers_join(tmp_path):
    path = tmp_path / "marks.csv"
    path.write_text(HEADER + "7050,good,,7050.jpg,150.1,2.2\r\n")
    report_table = Table({"name": ["7049", "7050"], "r": [16.0, 17.0]})
    joined = join(report_table, Table.read(path), keys="name")
    assert (joined["name"][0], joined["r"][0], joined["mark"][0]) == ("7050", 17.0, "good")


def test_a_report_is_enough_for_astropy_to_know_the_file(marks):
    """Whoever has a table to join with need not import anything else."""
    code = (
        "import sys; from astropy.table import Table; from sdss_cutout import read_cutouts; "
        "print(Table.read(sys.argv[1])['name'].dtype.kind)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(marks)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "U"


def test_other_files_are_read_as_before(marks, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("name,mark\n7050,1\n")
    assert Table.read(other)["name"].dtype.kind == "i"
    assert Table.read(marks, format="ascii.csv", guess=False)["ra"].dtype.kind == "f"
    table = Table({"name": [7050]})
    for suffix in ("fits", "ecsv"):
        table.write(tmp_path / f"t.{suffix}")
        for kind in (Table, QTable):
            assert kind.read(tmp_path / f"t.{suffix}")["name"][0] == 7050


def test_options_of_table_read_are_followed(marks):
    table = Table.read(marks, include_names=["name", "ra"])
    assert table.colnames == ["name", "ra"]
    assert table["name"][0] == "007"


def test_pandas_needs_to_be_told(marks):
    frame = pd.read_csv(marks, dtype={"name": str})
    assert frame["name"].tolist() == ["007", "1237648720693755918", "1e5"]
    assert frame["ra"].tolist() == [150.1, 20.1234567891, 0.0]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "byte order mark"])
def test_what_spreadsheets_write_is_read(tmp_path, delimiter, mark):
    path = tmp_path / "edited.csv"
    lines = ["mark,mine,name", "good,3,7050"]
    path.write_text(mark + "\n".join(lines).replace(",", delimiter), encoding="utf-8")
    table = read_marks(path)
    assert table["name"].tolist() == ["7050"]
    assert table["mine"].tolist() == [3]


def test_no_marks_are_an_empty_table(tmp_path):
    path = tmp_path / "marks.csv"
    path.write_text(HEADER)
    assert len(read_marks(path)) == 0
    assert Table.read(path).colnames == HEADER.strip().split(",")
    assert mark_columns(["7050"], read_marks(path))["mark"].tolist() == [""]


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=12).map(str.strip)


@given(rows=st.lists(st.tuples(TEXTS.filter(bool), TEXTS, TEXTS), unique_by=lambda row: row[0]))
def test_any_text_is_read_as_it_is(tmp_path_factory, rows):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["name", "mark", "comment"], *rows])
    path = tmp_path_factory.mktemp("marks") / "marks.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    table = read_marks(path)
    assert list(zip(table["name"], table["mark"], table["comment"], strict=True)) == rows


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n", r"marks.csv has no column 'name'; its columns are a, b"),
        ("name,class\n1,2\n", r"has no column 'mark'"),
        ("name,mark\nx,1\ny,2\nx,3\n", r"row 2: the name 'x' was in row 0 already"),
        ("name,mark\nx,1,2\n", r"marks.csv is not a CSV file of marks"),
        ("", r"marks.csv is not a CSV file of marks"),
        (b"\xff\xfe\x00", r"marks.csv is not a CSV file of marks"),
    ],
)
def test_what_is_not_a_file_of_marks_is_refused(tmp_path, content, message):
    path = tmp_path / "marks.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(TargetError, match=message):
        read_marks(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(TargetError, match=r"none\.csv cannot be read: No such file"):
        read_marks(tmp_path / "none.csv")


# ------------------------------------------------------------------------------- marks of targets


def test_marks_follow_the_targets(marks):
    found = mark_columns(["1237648720693755918", "8", "007"], read_marks(marks))
    assert found["mark"].tolist() == ["bad", "", "good"]
    assert found["comment"].tolist() == ['a "bar", long', "", ""]
    assert found.colnames == ["mark", "comment"]


def test_marks_without_comments_bring_none():
    marks = Table({"name": [7050], "mark": ["good"]})  # as a reader that does not know them gives
    found = mark_columns(["7049", "7050"], marks)
    assert found.colnames == ["mark"]
    assert found["mark"].tolist() == ["", "good"]


def test_marks_of_other_targets_are_refused(marks):
    message = r"none of the 3 names in the marks, such as '007', .* a target, such as '7049'"
    with pytest.raises(TargetError, match=message):
        mark_columns(["7049"], read_marks(marks))
    assert len(mark_columns([], read_marks(marks))) == 0
    assert np.all(mark_columns(["a"], Table({"name": [], "mark": []}))["mark"] == "")
