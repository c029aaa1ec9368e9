"""Lists, files and words on the command line: the same positions as in Python, or exit 2."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from click.testing import CliRunner

from sdss_cutout.cli import main

BIG = 1237646648345100821


@pytest.fixture
def run(sandbox, tmp_path, monkeypatch):
    """Run a command in a folder of its own, and return exit status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments, stdin=b""):
        common = ["--size", "64", "--base-url", sandbox.base_url, "--max-rate", "5000"]
        result = CliRunner().invoke(main, [*arguments, *common], input=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, result.stdout.splitlines(), result.stderr

    return run_command


def stems(lines):
    return sorted(Path(line).stem for line in lines)


LIST = b"id,ra,dec\n7,20.5,0.5\n"


def test_the_standard_input_and_a_pipe(run, tmp_path):
    assert stems(run("download", "-", "-o", "a", stdin=LIST)[1]) == ["7"]
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(LIST,))
    writer.start()
    assert stems(run("download", "pipe", "-o", "b")[1]) == ["7"]
    writer.join()


@pytest.mark.parametrize(
    "words",
    [["20.5 0.5"], ["20.5", "0.5"], ["01:22:00", "+00:30:00"], ["01:22:00 +00:30:00"],
     ["J012200.00+003000.0"], ["20.5,0.5"]],
)  # fmt: skip
def test_one_position(run, words):
    assert stems(run("get", *words)[1]) == ["J012200.00+003000.0"]
    status, lines, _ = run("url", *words)
    assert (status, "ra=20.5&dec=0.5&" in lines[0]) == (0, True)


@pytest.mark.parametrize(
    "words", [["20.5"], ["20.5E", "1"], ["targest.csv"], ["-"], ["a=b"], ["20", "95"]]
)
def test_other_words_are_wrong_use(run, words):
    status, lines, said = run("url", *words)
    assert (status, lines) == (2, [])
    assert said.startswith("Error: ")
    assert len(said.splitlines()) == 1


def test_columns_units_and_names_are_said(run):
    Path("a.csv").write_text("n,p,q\nA,1.3666666666666667,0.5\n")
    said = ["--ra", "p", "--dec", "q", "--ra-unit", "hour"]
    assert stems(run("download", "a.csv", "-o", "a", *said, "--names", "n")[1]) == ["A"]
    named = stems(run("download", "a.csv", "-o", "b", *said, "--names", "IAU")[1])
    assert named == ["J012200.00+003000.0"]


def test_the_advice_for_damaged_identifiers_works(run):
    Path("a.csv").write_text(
        "objid,ra,dec,fiberid\n1.23765E+18,20.5,0.5,491\n1.23765E+18,20.6,0.5,9\n"
    )
    status, lines, said = run("download", "a.csv", "-o", "a")
    assert (status, lines) == (2, [])
    assert "column 'objid': the name 1.23765e+18 came as a floating-point number" in said
    assert "(2 such targets: 0, 1)" in said
    assert stems(run("download", "a.csv", "-o", "a", "--names", "fiberid")[1]) == ["491", "9"]
    assert len(run("download", "a.csv", "-o", "b", "--names", "IAU")[1]) == 2


def test_the_advice_for_unknown_columns_works(run):
    Path("a.csv").write_text("raMean,decMean\n20.5,0.5\n")
    status, _, said = run("download", "a.csv", "-o", "a")
    assert status == 2
    assert "say --ra raMean --dec decMean on the command line" in said
    status, lines, _ = run("download", "a.csv", "-o", "a", "--ra", "raMean", "--dec", "decMean")
    assert (status, len(lines)) == (0, 1)


def test_the_advice_for_several_tables_works(run):
    from astropy.io import fits

    hdus = [fits.BinTableHDU(Table({"ra": [20.5], "dec": [0.5]}), name=name) for name in "AB"]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto("a.fits")
    status, _, said = run("download", "a.fits", "-o", "a")
    assert status == 2
    assert "choose one, as 'a.fits[A]'" in said
    assert run("download", "a.fits[A]", "-o", "a")[0] == 0


def test_identifiers_in_json(run):
    table = Table({"objid": [BIG], "ra": [20.5], "dec": [0.5], "near": np.array([[BIG, 7]])})
    table["gap"] = [np.nan]
    table.write("a.fits")
    _, lines, _ = run("download", "a.fits", "-o", "a", "--json")
    row = json.loads(lines[0], parse_constant=lambda constant: pytest.fail(constant))
    assert (row["objid"], row["near"], row["gap"]) == (str(BIG), [str(BIG), 7], None)


def test_sql_as_pasted(run):
    sql = "-- bright ones\nSELECT TOP 2 objID, ra, dec FROM Galaxy WHERE r < 17 -- Petrosian?\n;"
    status, lines, _ = run("sql", sql, "-o", "a")
    assert (status, len(lines)) == (0, 2)


def test_lists_without_header(run):
    Path("a.txt").write_text("20.5 0.5 A\n20.6 0.5 B\n")
    assert len(run("download", "a.txt", "-o", "a")[1]) == 2
    columns = ["--ra", "col1", "--dec", "col2", "--names", "col3"]
    assert stems(run("download", "a.txt", "-o", "b", *columns)[1]) == ["A", "B"]
    Path("b.txt").write_text("1 20.5 0.5\n2 20.6 0.5\n")
    status, _, said = run("download", "b.txt", "-o", "c")
    assert status == 2
    assert "as --ra col2 --dec col3" in said
    columns = ["--ra", "col2", "--dec", "col3", "--names", "col1"]
    assert stems(run("download", "b.txt", "-o", "c", *columns)[1]) == ["1", "2"]
