"""Files and DataFrames become tables, or one clear line."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import io
import lzma
import os
import threading
import zipfile
from pathlib import Path, PurePath

import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout import SDSSCutouts, TargetError
from sdss_cutout._targets.files import looks_like_path, read_table
from sdss_cutout._targets.targets import read_command_line_targets, read_targets

BIG = 2**63 + 5
HAS_PYARROW = importlib.util.find_spec("pyarrow") is not None

TABLE = Table(
    {"objid": [1237648720693755918, 2**53 + 1], "ra": [10.5, 20.25], "dec": [-1.5, 30.75]}
)
FORMATS = {
    "a.csv": "ascii.csv",
    "a.CSV": "ascii.csv",
    "a.ecsv": "ascii.ecsv",
    "a.tsv": "ascii.tab",
    "a.txt": "ascii",
    "a.dat": "ascii",
    "a.fits": "fits",
    "a.fit": "fits",
    "a.vot": "votable",
    "a.xml": "votable",
}


@pytest.fixture(params=FORMATS)
def table_file(request, tmp_path):
    path = tmp_path / request.param
    TABLE.write(path, format=FORMATS[request.param])
    return path


def refused(path):
    with pytest.raises(TargetError) as caught:
        SDSSCutouts().url(path)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize("kind", [str, type(None)], ids=["string", "Path"])
def test_every_format_is_read(table_file, kind):
    targets = read_targets(str(table_file) if kind is str else table_file)
    assert targets.ra.tolist() == [10.5, 20.25]
    assert targets.dec.tolist() == [-1.5, 30.75]
    assert targets.names() == ["1237648720693755918", "9007199254740993"]


@pytest.mark.parametrize("suffix", [".csv", ".fits"])
def test_compressed_files_are_read(tmp_path, suffix):
    TABLE.write(tmp_path / f"a{suffix}")
    path = tmp_path / f"a{suffix}.gz"
    path.write_bytes(gzip.compress((tmp_path / f"a{suffix}").read_bytes()))
    assert looks_like_path(path.name)
    assert read_targets(path).names() == ["1237648720693755918", "9007199254740993"]


@pytest.mark.skipif(not HAS_PYARROW, reason="pyarrow is not installed, so no Parquet")
def test_parquet_is_read(tmp_path):
    TABLE.write(tmp_path / "a.parquet")
    assert read_targets(tmp_path / "a.parquet").names()[0] == "1237648720693755918"


@pytest.mark.skipif(HAS_PYARROW, reason="pyarrow is installed")
def test_parquet_without_its_reader_says_what_to_install(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    assert refused(tmp_path / "a.parquet").endswith("; pip install 'sdss_cutout[tables]'")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfra,dec,objid\n10.5,-1.5,%d\n",
        b"#Table1\nra,dec,objid\n10.5,-1.5,%d\n",
        b"#Table1\r\nra,dec,objid\r\n10.5,-1.5,%d\r\n",
        b"ra, dec, objid\n10.5, -1.5, %d",
        b'"ra","dec","objid"\n"10.5","-1.5","%d"\n',
        b"objid,ra,dec\n%d,00:42:00,-01:30:00\n",
    ],
    ids=["spreadsheet", "SkyServer", "SkyServer on Windows", "spaces", "quotes", "sexagesimal"],
)
def test_csv_as_others_write_it(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content % BIG)
    targets = read_targets(path)
    assert (targets.ra[0], targets.dec[0]) == pytest.approx((10.5, -1.5), abs=1e-9)
    assert targets.names() == [str(BIG)]


def test_answers_that_others_saved(shared_data):
    table = read_table(shared_data / "responses" / "hubblevision_sdss_data_dr18.csv")
    assert table["objID"][0] == 1237648704585662641
    assert len(read_targets(shared_data / "example_data.csv")) == 50


def test_no_file_and_no_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("folder.csv")
    assert refused("nope.csv") == "nope.csv does not exist; a file with a table is needed"
    assert refused("folder.csv") == "folder.csv is a directory; a file with a table is needed"
    assert refused("./" + "x" * 300).endswith(" cannot be read: File name too long")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "a.csv: it is empty"),
        ("a.csv", b"\n# only a comment\n", "a.csv: it has comments only, and no data"),
        ("a.csv", b"<html>\n<p>404, no such page</p>", "a.csv is not a table that can be read: "),
        ("a.csv", b"ra,dec\n1,2,3\n", "a.csv is not a table that can be read: "),
        ("a.csv", b"\xff\xd8\xff\xe0" * 99, "a.csv is not a table that can be read: it is a pic"),
        ("a.csv", b"ra,dec\n1,\xe9\n", "a.csv is not a table that can be read: line 2 is not text"),
        ("a.csv", b"id,dec,ra\n1,2,3\n4,5", "target 1: ra = nan is missing or not finite; it "),
        (
            "a.csv",
            b"ra,dec\n1,high\n",
            "target 0: dec = 'high' is not a valid angle; allowed are degrees ",
        ),
        ("a.fits", b"<html></html>", "a.fits is not a table that can be read: it is a web page; "),
        ("a.fits", b"SIMPLE  = ", "a.fits is not a table that can be read: "),
        ("a.fits", b"", "a.fits: it is empty"),
        ("a.vot", b"<html></html>", "a.vot is not a table that can be read: it is a web page; "),
        ("a.vot", b"<VOTABLE>", "a.vot is not a table that can be read: "),
        ("a.h5", b"\x89HDF\r\n\x1a\n" + bytes(99), "a.h5 is not a table that can be read: "),
        ("a.parquet", b"PAR1" + bytes(99), "a.parquet is not a table that can be read: "),
        ("a.npy", b"\x93NUMPY" + bytes(99), "a.npy is not a table that can be read: "),
        ("a.json", b'{"ra": 1', "a.json is not a table that can be read: "),
        ("a.json", b'[{"ra": 1}, 2]', "a.json is not a table that can be read: "),
        ("a.xls", b"\xd0\xcf\x11\xe0", "a.xls is not a table that can be read: it is a workbook; "),
        ("a.db", b"SQLite format 3\0", "a.db is not a table that can be read: it is a database; "),
        ("a.bin", b"ra\0,dec", "a.bin is not a table that can be read: it is not text, and no "),
        ("a.csv.gz", b"\x1f\x8b\0", "a.csv.gz is not a table that can be read: "),
        ("a.zip", b"PK\x03\x04\0", "a.zip is not a table that can be read: "),
        ("a.bz2", b"BZh", "a.bz2 is not a table that can be read: "),
        ("a.xz", b"\xfd7zXZ\0\0", "a.xz is not a table that can be read: "),
        ("a.gz", gzip.compress(b"ra,dec\n" * 99)[:-20], "a.gz is not a table that can be read: "),
        ("a.gz", gzip.compress(b"ra")[:-9] + b"x" * 9, "a.gz is not a table that can be read: "),
    ],
)
def test_unreadable_files_are_refused(tmp_path, monkeypatch, name, content, said):
    pytest.importorskip({".parquet": "pyarrow", ".h5": "h5py"}.get(Path(name).suffix, "json"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    assert refused(f"./{name}").startswith(said)


@pytest.mark.parametrize("suffix", [".fits", ".vot"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.8])
def test_cut_files_are_refused(tmp_path, suffix, part):
    rows = 1000
    whole, path = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    table = Table({"ra": np.arange(rows) / 10, "dec": np.arange(rows) / 100})
    table.write(whole, format=FORMATS[f"a{suffix}"])
    path.write_bytes(whole.read_bytes()[: int(part * whole.stat().st_size)])
    assert "cut" in refused(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("NGC 4565", False), ("M 31", False), ("a.csv", True), ("./a", True), ("x/y", True),
     ("SDSS J0116.5", False), ("A.FITS", True), ("t.csv.gz", True), ("3C 273.1", False)],
)  # fmt: skip
def test_what_looks_like_a_path(text, expected):
    assert looks_like_path(text) is expected


@given(st.binary(max_size=300), st.sampled_from(["csv", "ecsv", "fits", "vot", "txt", "tsv", "x"]))
def test_no_file_makes_anything_but_our_error(tmp_path_factory, content, suffix):
    path = tmp_path_factory.getbasetemp() / f"fuzz.{suffix}"
    path.write_bytes(content)
    try:
        read_targets(path)
    except TargetError as refusal:
        said = str(refusal)
        assert said.isprintable()


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            pd.DataFrame(np.ones((1, 3)), columns=["ra", "dec", "dec"]),
            "the DataFrame has the column 'dec' more than once; keep one of them",
        ),
        (
            pd.DataFrame(np.ones((1, 2)), columns=[0, 1]),
            "no coordinates in the table: its columns are '0', '1'. Known are a SkyCoord column, "
            "or pairs such as ra/dec, raj2000/dej2000, _raj2000/_dej2000, alpha_j2000/delta_j2000, "
            "ra_icrs/de_icrs, ra_icrs/dec_icrs, ra_deg/dec_deg, radeg/dedeg, plug_ra/plug_dec, "
            "alpha/delta in any case; others are named by --ra and --dec on the command line, or "
            "renamed in Python",
        ),
        (
            pd.DataFrame({"id": ["a", None], "ra": [1.0, 2], "dec": [1.0, 2]}),
            "target 1: column 'id': its name is masked; a name is needed; use another column "
            "(names='COLUMN', or --names COLUMN), or names from the positions (names='IAU', or "
            "--names IAU)",
        ),
    ],
)
def test_odd_data_frames_are_refused(frame, message):
    assert refused(frame) == message


def test_a_data_frame_of_all_sorts():
    frame = pd.DataFrame(
        {0: [1], "ra": ["01:00:00"], "dec": [2.0], "day": pd.to_datetime(["2020-01-01"]),
         "kind": pd.Categorical(["STAR"]), "what": [{"a": 1}]},
        index=[99],
    )  # fmt: skip
    targets = read_targets(frame)
    assert (targets.ra[0], targets.dec[0]) == pytest.approx((15, 2))


# ------------------------------------------------------------------------ where things are

LIST = "id,ra,dec\n7,20.5,0.5\n"


def test_the_home_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "list.csv").write_text(LIST)
    for path in ("~/list.csv", Path("~/list.csv"), PurePath("~/list.csv")):
        assert read_targets(path).names() == ["7"]
    assert (
        refused("~/nope.csv")
        == f"{tmp_path}/nope.csv does not exist; a file with a table is needed"
    )
    assert "cannot be read: " in refused("~nobody-of-this-name/list.csv")


def test_a_string_that_names_a_file_is_that_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("M 31", "10:00:00 +02:12:00", "list", "list.xyz", "-"):
        Path(name).write_text(LIST)
        assert read_targets(name).names() == ["7"]
        assert read_targets([name] if name[0] == "1" else name).ra.tolist() in ([20.5], [150])


def test_a_file_that_is_not_there_is_not_asked_for(monkeypatch):
    monkeypatch.setattr("astropy.coordinates.SkyCoord.from_name", lambda name: pytest.fail(name))
    for name in ("targest.tbl", "list.xlsx", "a.cat", "b.lis", "c.csv.zip", "./M31", "~/M31"):
        assert "a file with a table is needed" in refused(name)


@pytest.mark.parametrize("name", ["list.xlsx", "list.json", "list.fits", "list.tbl", "list.zip"])
def test_the_name_plays_no_part(tmp_path, name):
    (tmp_path / name).write_text(LIST)
    assert read_targets(tmp_path / name).names() == ["7"]


def archive(content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("folder/list.csv", content)
    return file.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, archive])
@pytest.mark.parametrize("suffix", ["csv", "fits", "vot", "parquet"])
def test_any_compression_of_any_format(tmp_path, pack, suffix):
    if suffix == "parquet" and not HAS_PYARROW:
        pytest.skip("pyarrow is not installed, so no Parquet")
    TABLE.write(tmp_path / "a", format={"csv": "ascii.csv", "vot": "votable"}.get(suffix, suffix))
    path = tmp_path / "packed"
    path.write_bytes(pack((tmp_path / "a").read_bytes()))
    assert read_targets(path).names() == ["1237648720693755918", "9007199254740993"]


def test_archives_of_several_files(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("a.csv", LIST)
        packed.writestr("b.csv", LIST)
    assert "the archive holds 2 files; unpack it and give one of them" in refused(
        tmp_path / "a.zip"
    )
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as packed:
        packed.writestr("[Content_Types].xml", "")
        packed.writestr("xl/workbook.xml", "")
    assert "it is a workbook; save the sheet as CSV" in refused(tmp_path / "a.xlsx")


def test_open_files(tmp_path):
    TABLE.write(tmp_path / "a.fits")
    with (tmp_path / "a.fits").open("rb") as file:
        assert len(read_targets(file)) == 2
    assert read_targets(io.StringIO(LIST)).names() == ["7"]
    assert read_targets(io.BytesIO(LIST.encode())).names() == ["7"]
    closed = io.StringIO(LIST)
    closed.close()
    assert "cannot be read: " in refused(closed)


@pytest.mark.parametrize("content", [LIST.encode(), b"id\tra\tdec\n7\t20.5\t0.5\n", b"20.5 0.5\n"])
def test_the_standard_input(content):
    for arguments in ("-", ["-"]):
        read = read_command_line_targets(arguments, io.BytesIO(content))
        assert (read.ra[0], read.dec[0]) == (20.5, 0.5)
    with pytest.raises(TargetError, match=r"^the standard input: it is empty"):
        read_command_line_targets("-", io.BytesIO(b""))


@pytest.mark.parametrize("suffix", ["csv", "fits"])
def test_pipes(tmp_path, suffix):
    TABLE.write(tmp_path / f"a.{suffix}")
    os.mkfifo(tmp_path / "pipe")
    content = (tmp_path / f"a.{suffix}").read_bytes()
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
    writer.start()
    assert len(read_targets(str(tmp_path / "pipe"))) == 2
    writer.join()


@pytest.mark.parametrize(
    ("arguments", "position"),
    [
        (["10:00:00", "+02:12:00"], (150, 2.2)), (["150.0", "-2.2"], (150, -2.2)),
        (["150.0 2.2"], (150, 2.2)), (["10:00:00 +02:12:00"], (150, 2.2)), ("150 2.2", (150, 2.2)),
        (["10", "00", "00", "+02", "12", "00"], (150, 2.2)), (["J100000.00+021200.0"], (150, 2.2)),
        (["M", "31"], (1, 2)), (["M 31"], (1, 2)),
    ],
)  # fmt: skip
def test_positions_and_names_on_the_command_line(arguments, position, monkeypatch):
    here = SkyCoord(1, 2, unit="deg")
    monkeypatch.setattr(SkyCoord, "from_name", lambda name: {"M 31": here}[name])
    read = read_command_line_targets(arguments, io.BytesIO())
    assert (read.ra[0], read.dec[0]) == pytest.approx(position)
    assert read.scalar


def test_directories_and_odd_words_on_the_command_line(tmp_path):
    for words in (str(tmp_path), "~", "~nobody-of-this-name/a.csv", "", "a\0b", "x" * 5000 + "/"):
        with pytest.raises(TargetError) as caught:
            read_command_line_targets(words, io.BytesIO())
        assert str(caught.value).isprintable()


def test_options_of_the_command_line(tmp_path):
    (tmp_path / "a.csv").write_text("n,p,q\nA,1.5,2\n")
    read = read_command_line_targets(
        str(tmp_path / "a.csv"), io.BytesIO(), names="n", columns=("p", "q"), ra_unit="hour"
    )
    assert read.names() == ["A"]
    assert read.ra.tolist() == [22.5]
