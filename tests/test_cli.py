"""The command line, run as a user runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from click.testing import CliRunner

from sdss_cutout import Cutout
from sdss_cutout.cli import main
from sdss_cutout.sandbox import Fault


@pytest.fixture
def run(sandbox):
    """Call the command line on the sandbox, and return (status, stdout, stderr)."""

    def call(*arguments, server=True):
        options = ["--base-url", sandbox.base_url, "--max-rate", "2000"] if server else []
        result = CliRunner().invoke(main, [arguments[0], *options, *map(str, arguments[1:])])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return call


@pytest.fixture
def targets(tmp_path):
    path = tmp_path / "targets.csv"
    table = Table({"objID": np.array([2**63 + 1, 2**63 + 3], "u8"), "ra": [20.0, 86.4]})
    table["dec"] = [0.0, 28.9]
    table["note"] = ["a <b>", ""]
    table.write(path)
    return path


def test_get_writes_one_picture(run, tmp_path):
    status, out, err = run("get", "19.023342", "-0.014911", "-o", tmp_path, "--size", 180)
    assert (status, err) == (0, "")
    assert out == f"{tmp_path / 'J011605.60-000053.6.jpg'}\n"
    assert Cutout.read(out.strip()).data.shape == (180, 180, 3)
    assert len(list(tmp_path.iterdir())) == 2


def test_get_keeps_what_is_there_and_refuses_another(run, tmp_path, sandbox):
    where = ("get", "19.0", "-0.01", "-o", tmp_path, "--name", "here")
    run(*where, "--size", 64)
    sandbox.reset()
    assert run(*where, "--size", 64)[:2] == (0, f"{tmp_path / 'here.jpg'}\n")
    status, out, err = run(*where, "--size", 65)
    assert (status, out) == (2, "")
    assert err == (
        f"Error: {tmp_path / 'here.jpg'} already exists and is not this picture; give "
        "--overwrite, --name or -o\n"
    )
    assert not sandbox.requests
    assert run(*where, "--size", 65, "--overwrite")[0] == 0


def test_get_takes_sexagesimal_and_negative_values(run):
    assert run("url", "01:16:05.6", "-00:00:53.7", server=False)[1] == (
        "https://skyserver.sdss.org/dr17/SkyServerWS/ImgCutout/getjpeg?ra=19.0233333333"
        "&dec=-0.0149166667&scale=0.396127&width=200&height=200\n"
    )


def test_get_as_json(run, tmp_path):
    status, out, _ = run("get", "86.4", "28.9", "-o", tmp_path, "--json")
    row = json.loads(out)
    assert (status, row["status"], row["path"]) == (0, "outside", "")
    assert not list(tmp_path.iterdir())


def test_get_that_fails(run, sandbox, tmp_path):
    sandbox.inject(Fault("bad_request"))
    status, out, err = run("get", "19", "0", "-o", tmp_path)
    assert (status, out) == (1, "")
    assert err.startswith("J011600.00+000000.0: failed: 400")
    assert run("get", "19", "0", "-o", tmp_path, "--quiet") == (1, "", "")


def test_download(run, targets, tmp_path, sandbox):
    out = tmp_path / "out"
    status, printed, err = run("download", targets, "-o", out, "--scale", 0.3, "--size", 180)
    assert (status, err) == (0, "")
    assert printed == f"{out / '9223372036854775809.jpg'}\n"
    assert {path.name for path in out.iterdir()} == {
        "9223372036854775809.jpg",
        "9223372036854775809.wcs",
        "manifest.sqlite",
        "manifest.ecsv",
    }
    assert sandbox.requests[0].query["scale"] == "0.3"
    sandbox.reset()
    again = run("download", targets, "-o", out, "--scale", 0.3, "--size", 180)
    assert again == (0, printed, "")
    assert not sandbox.requests


def test_download_as_json_has_an_object_a_target(run, targets, tmp_path):
    _, printed, _ = run("download", targets, "-o", tmp_path / "out", "--size", 64, "--json")
    rows = {row["name"]: row for row in map(json.loads, printed.splitlines())}
    row = rows["9223372036854775809"]
    assert row["objID"] == "9223372036854775809"
    assert (row["status"], row["note"], row["width"], row["coverage"]) == ("ok", "a <b>", 64, 1.0)
    assert rows["9223372036854775811"]["status"] == "outside"
    assert list(row)[-13:] == [
        "name", "status", "path", "sidecar", "url", "width", "height", "scale", "coverage",
        "nbytes", "sha256", "attempts", "error",
    ]  # fmt: skip


def test_some_failed_is_1_and_said(run, targets, tmp_path, sandbox):
    sandbox.inject(Fault("bad_request", match="ra=20.0"))
    status, printed, err = run("download", targets, "-o", tmp_path / "out")
    assert (status, printed) == (1, "")
    first, second = err.splitlines()
    assert first == "1 of 2 failed; the same command tries them again"
    assert re.fullmatch(r"  1 x 400 .* \(for example 9223372036854775809\)", second)


def test_columns_can_be_named(run, tmp_path):
    path = tmp_path / "odd.csv"
    Table({"label": ["x"], "alpha": [20.0], "delta": [0.0]}).write(path)
    where = ("download", path, "-o", tmp_path / "out", "--ra", "alpha", "--dec", "delta")
    assert run(*where, "--names", "label", "--size", 64)[1] == f"{tmp_path / 'out' / 'x.jpg'}\n"
    status, _, err = run("download", path, "-o", tmp_path / "out", "--ra", "alpha")
    assert (status, err) == (2, "Error: --ra and --dec go together\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("get", "nan", "0"), "Error: the position = (nan, 0.0) is missing or not finite"),
        (("get", "19", "91"), "Error: the position = (19.0, 91.0) deg is outside 0..360, -90..90"),
        (("get", "19:xx", "0"), "Error: '19:xx 0' is not a valid position"),
        (("get", "19", "0", "--size", "63"), "width = 63 pix is outside 64..2048 pix"),
        (("get", "19", "0", "--size", "2049"), "width = 2049 pix is outside 64..2048 pix"),
        (("get", "19", "0", "--scale", "0.01"), "scale = 0.01 arcsec/pix is outside 0.015"),
        (("get", "19", "0", "--fov", "1"), "fov"),
        (
            ("get", "19", "0", "--fov", "wide"),
            "--fov = 'wide' is not a valid angle",
        ),
        (("get", "19", "0", "--overlays", "Z"), "overlay 'Z' is not known; allowed are A"),
        (("get", "19", "0", "--name", "../x"), "Error: the name '../x' is not a safe file name"),
        (("get", "19", "0", "--release", "3"), "--release = 3 is outside 7..19"),
        (("get", "19", "0", "--max-rate", "0"), "--max-rate = 0.0 is not a positive number"),
        (("get", "19", "0", "--scale", "0.3", "--fov", "1arcmin", "--size", "99"), "give two"),
        (("download", "missing.csv", "-o", "out"), "missing.csv does not exist"),
        (("download", ".", "-o", "out"), " is a directory"),
    ],
)
def test_wrong_use_is_2_one_line_and_nothing_sent(run, sandbox, tmp_path, arguments, message):
    os.chdir(tmp_path)
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not sandbox.requests
    assert not list(tmp_path.iterdir())


def test_sql(run, tmp_path):
    query = "SELECT TOP 3 objID, ra, dec FROM Galaxy WHERE r < 17"
    status, printed, _ = run("sql", query, "-o", tmp_path, "--size", 64)
    assert (status, len(printed.split())) == (0, 3)


def test_an_sql_error_is_1(run, tmp_path):
    status, out, err = run("sql", "SELECT nonsense FROM Nowhere", "-o", tmp_path / "out")
    assert (status, out) == (1, "")
    assert err.startswith("Error: ")
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_1(run, targets, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sdss_cutout._store.files.os.write", full)
    status, _, err = run("download", targets, "-o", tmp_path / "out", "--size", 64)
    assert status == 1
    assert "No space left on device" in err


def test_sheet(run, targets, tmp_path):
    run("download", targets, "-o", tmp_path / "out", "--size", 64)
    status, printed, _ = run("sheet", tmp_path / "out", server=False)
    assert status == 0
    assert printed.split() == [str(tmp_path / "out" / n) for n in ("index.html", "montage.png")]
    assert all(Path(path).stat().st_size > 500 for path in printed.split())


def test_a_sheet_of_nothing(run, tmp_path):
    status, out, err = run("sheet", tmp_path, server=False)
    assert (status, out) == (2, "")
    assert err == (
        f"Error: {tmp_path} is not the directory of a download: there is no manifest.sqlite in it\n"
    )


def test_demo_goes_the_whole_road(tmp_path):
    result = CliRunner().invoke(main, ["demo", "-o", str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == 0
    assert len(list(tmp_path.glob("*.jpg"))) == len(list(tmp_path.glob("*.wcs"))) == 50
    assert (tmp_path / "index.html").exists()
    assert (tmp_path / "montage.png").exists()
    assert "simulated" in result.stdout.lower()
    assert str(tmp_path) in result.stdout


def test_sandbox_says_where_it_listens(tmp_path):
    ready = tmp_path / "ready.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "sdss_cutout", "sandbox", "--ready-file", str(ready)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        first_line = process.stdout.readline()
        base_url = json.loads(ready.read_text())["base_url"]
        assert base_url in first_line
        result = CliRunner().invoke(
            main, ["get", "20", "0", "-o", str(tmp_path), "--base-url", base_url]
        )
        assert result.exit_code == 0
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert "Traceback" not in err


def test_a_reader_that_leaves_is_no_traceback(sandbox, tmp_path):
    path = tmp_path / "targets.csv"
    Table({"ra": 20 + np.arange(60) / 10, "dec": np.zeros(60)}).write(path)
    command = (
        f"{sys.executable} -m sdss_cutout download {path} -o {tmp_path / 'out'} --size 64 "
        f"--max-rate 500 --base-url {sandbox.base_url} | head -1"
    )
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_help_names_every_command():
    result = CliRunner().invoke(main, ["--help"])
    for command in ("get", "url", "download", "sql", "sheet", "sandbox", "demo"):
        assert f"\n  {command} " in result.stdout


# ------------------------------------------------------------------------ on a terminal


def on_a_terminal(*arguments, columns="100"):
    """Run the command line on a pseudo-terminal; return its exit status and the screen's text."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "sdss_cutout", *map(str, arguments)],
        stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | {"COLUMNS": columns},
    )  # fmt: skip
    os.close(theirs)
    read = b""
    while True:
        try:
            piece = os.read(ours, 65_536)
        except OSError:  # how Linux says that the other end is closed
            piece = b""
        if not piece:
            break
        read += piece
    os.close(ours)
    return process.wait(), read.decode().replace("\r\n", "\n")


def test_a_person_gets_a_summary_instead_of_paths(sandbox, targets, tmp_path):
    out = tmp_path / "out"
    status, screen = on_a_terminal(
        "download", targets, "-o", out, "--size", 64, "--base-url", sandbox.base_url
    )
    assert status == 0
    last = screen.rpartition("\r")[2].splitlines()
    assert re.fullmatch(r"2 targets in \d+\.\d s: ok 1, outside 1", last[-3])
    assert last[-2:] == [f"Pictures: {out}", f"Table:    {out / 'manifest.ecsv'}"]
    assert ".jpg" not in screen


def test_a_person_gets_the_commonest_errors(sandbox, targets, tmp_path):
    sandbox.inject(Fault("bad_request"))
    status, screen = on_a_terminal(
        "download", targets, "-o", tmp_path / "out", "--base-url", sandbox.base_url
    )
    assert status == 1
    assert "2 of 2 failed; the same command tries them again\n  2 x 400 Bad Request" in screen
    assert "(for example 92233720368547758" in screen


def test_a_query_without_rows_says_so(run, tmp_path):
    query = "SELECT objID, ra, dec FROM Galaxy WHERE r < -90"
    status, out, err = run("sql", query, "-o", tmp_path / "out")
    assert (status, out, err) == (0, "", "the query selected no rows\n")


def test_a_list_without_targets_says_so(run, tmp_path):
    path = tmp_path / "empty.csv"
    path.write_text("id,ra,dec\n")
    status, out, err = run("download", path, "-o", tmp_path / "out")
    assert (status, out, err) == (0, "", "the list has no targets\n")


def test_get_writes_the_file_that_is_named(run, tmp_path):
    path = tmp_path / "pic.jpg"
    assert run("get", "19", "0", "-o", path, "--size", 64)[:2] == (0, f"{path}\n")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pic.jpg", "pic.wcs"]
    assert run("get", "19", "0", "-o", path, "--size", 64)[:2] == (0, f"{path}\n")
    status, _, err = run("get", "19", "0", "-o", tmp_path / "pic.png")
    assert status == 2
    assert "pic.png is the name of a file: give a directory" in err


def test_get_takes_one_target_in_any_words(run, targets, tmp_path):
    for words in (["10:00:00", "+02:12:00"], ["150.0 2.2"], ["J100000.00+021200.0"]):
        assert "ra=150.0&dec=2.2&" in run("url", *words)[1]
    status, _, err = run("get", targets)
    assert status == 2
    assert "has 2 targets; sdss-cutout download gets lists" in err


def test_every_option_has_help():
    for name, command in main.commands.items():
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert parameter.help, f"{name} {parameter.opts}"
        assert command.help


def test_names_that_the_output_cannot_show_are_escaped(sandbox, tmp_path):
    # As on Windows, where the output has the encoding of the code page.
    command = ["get", "19", "0", "--name", "\N{GREEK CAPITAL LETTER OMEGA}", "--size", "64"]
    ended = subprocess.run(
        [sys.executable, "-m", "sdss_cutout", *command, "--base-url", sandbox.base_url],
        cwd=tmp_path, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "cp1252"},
    )  # fmt: skip
    assert (ended.returncode, ended.stdout.strip()) == (0, rb"\u03a9.jpg"), ended.stderr
