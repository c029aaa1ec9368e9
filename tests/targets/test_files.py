"""Files and DataFrames become tables, or one clear line."""

from __future__ import annotations

import gzip
import importlib.util
import os

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout import SDSSCutouts, TargetError
from sdss_cutout._targets.files import looks_like_path, read_table
from sdss_cutout._targets.targets import read_targets

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
        ("a.csv", b"", "no coordinates in the table: its columns are none. "),
        ("a.csv", b"<html>\n<p>404, no such page</p>", "a.csv is not a table that can be read: "),
        ("a.csv", b"ra,dec\n1,2,3\n", "a.csv is not a table that can be read: "),
        ("a.csv", b"\xff\xd8\xff\xe0" * 99, "a.csv is not a table that can be read: 'utf-8' codec"),
        ("a.csv", b"id,dec,ra\n1,2,3\n4,5", "target 1: ra = nan is missing or not finite; it "),
        ("a.csv", b"ra,dec\n1,high\n", "target 0: dec = 'high' is no angle; allowed are degrees "),
        ("a.csv", b"ra;dec\n1;2\n", "no coordinates in the table: its columns are 'ra;dec'. "),
        ("a.fits", b"<html></html>", "a.fits is not a table that can be read: No SIMPLE card"),
        ("a.fits", b"", "a.fits is not a table that can be read: "),
        ("a.vot", b"<html></html>", "a.vot is not a table that can be read: "),
        ("a.ecsv", b"ra,dec\n1,2\n", "a.ecsv is not a table that can be read: ECSV header"),
        ("a.unknown", b"ra,dec\n1,2\n", "a.unknown is not a table that can be read: Format could"),
    ],
)
def test_unreadable_files_are_refused(tmp_path, monkeypatch, name, content, said):
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
            "the DataFrame has the column 'dec' more than once",
        ),
        (
            pd.DataFrame(np.ones((1, 2)), columns=[0, 1]),
            "no coordinates in the table: its columns are '0', '1'. Known are a SkyCoord column, "
            "or pairs such as ra/dec, raj2000/dej2000, _raj2000/_dej2000, alpha_j2000/delta_j2000, "
            "ra_icrs/de_icrs, ra_deg/dec_deg in any case",
        ),
        (
            pd.DataFrame({"id": ["a", None], "ra": [1.0, 2], "dec": [1.0, 2]}),
            "target 1: its name is masked; a name is needed",
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
