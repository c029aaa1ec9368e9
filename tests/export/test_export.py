"""What goes into a training set, and what is refused."""

from __future__ import annotations

import json
import os
import re

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time
from exports import Pictures, make, row_of
from readers import parquet_by_polars

from sdss_cutout import CutoutError, RequestError, TargetError
from sdss_cutout._export.export import export
from sdss_cutout._export.formats.imagefolder import label_folders


def rows_of(path):
    return [
        json.loads(line)
        for file in sorted(path.glob("*/metadata.jsonl"))
        for line in file.read_text("utf-8").splitlines()
    ]


def test_the_folder_and_its_table(tmp_path):
    source = row_of(3, columns={"z": [0.1, 0.2, 0.3]}, folder=tmp_path / "pics")
    (tmp_path / "pics" / "montage.png").write_bytes(b"a montage")
    result = export(source, tmp_path / "set")
    assert result.counts == {"train": 3}
    assert result.skipped == {}
    names = sorted(p.name for p in (tmp_path / "set" / "train").iterdir())
    assert names == ["metadata.jsonl", "t0.jpg", "t1.jpg", "t2.jpg"]
    row = rows_of(tmp_path / "set")[1]
    assert next(iter(row)) == "file_name"
    assert (row["file_name"], row["z"], row["ra"], row["dec"]) == ("t1.jpg", 0.2, 10.1, 0.0)


def test_a_picture_that_was_selected_twice_goes_in_once(tmp_path):
    source = row_of(3)
    twice = Pictures([source.pictures[n] for n in (2, 0, 2, 1)], {})
    export(twice, tmp_path / "set")
    assert [row["name"] for row in rows_of(tmp_path / "set")] == ["t2", "t0", "t1"]


@pytest.mark.parametrize("status", ["outside", "failed"])
def test_no_picture_at_all(status, tmp_path):
    with pytest.raises(TargetError, match="none of the 2 targets has a picture"):
        export(row_of(2, status=status), tmp_path / "set")
    assert not list(tmp_path.iterdir())


def test_no_target_at_all(tmp_path):
    with pytest.raises(TargetError, match="none of the 0 targets has a picture"):
        export(Pictures([], {}), tmp_path / "set")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "zip"}, "'zip' is not a format: imagefolder, parquet"),
        ({"label": "kind"}, "there is no column 'kind'; the table has z, name"),
        ({"columns": ["z", "y"]}, "there is no column 'y'"),
        ({"label": "mags"}, "cannot be the label: it has several values per row"),
        ({"format": "ds9", "split": {"train": 1.0}}, "the format 'ds9' is not divided"),
    ],
)
def test_what_is_refused(options, message, tmp_path):
    columns = {"z": [1.0, 2.0]}
    if options.get("label") == "mags":
        columns["mags"] = np.zeros((2, 5))
    with pytest.raises(RequestError, match=message):
        export(row_of(2, columns=columns), tmp_path / "set", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "values",
    [
        MaskedColumn(["a", "b", "c"], mask=[0, 1, 0]),
        np.array(["a", "", "c"]),
        np.array([1.0, np.nan, 2.0]),
        np.array(["a", None, "c"], dtype=object),
        MaskedColumn([1, 2, 3], mask=[0, 1, 0]),
    ],
)
def test_a_missing_label_is_refused_with_its_row(values, tmp_path):
    with pytest.raises(TargetError, match=r"target 1 \('t1'\) has no label: mark is missing"):
        export(row_of(3, columns=Table({"mark": values})), tmp_path / "set", label="mark")


def test_a_label_may_be_missing_where_there_is_no_picture(tmp_path):
    columns = Table({"mark": MaskedColumn(["good", "", "bad"], mask=[0, 1, 0])})
    source = row_of(3, columns=columns, status=["ok", "outside", "ok"])
    assert export(source, tmp_path / "set", label="mark").skipped == {"outside": 1}
    assert [row["label"] for row in rows_of(tmp_path / "set")] == ["good", "bad"]


def test_labels_of_one_class(tmp_path):
    source = row_of(10, columns={"mark": ["good"] * 10})
    split = {"train": 0.5, "test": 0.5}
    assert export(source, tmp_path / "set", label="mark", split=split).counts == {
        "train": 5, "test": 5,
    }  # fmt: skip


def test_chosen_columns(tmp_path):
    source = row_of(2, columns={"g": [1.0, 2.0], "r": [3.0, 4.0], "kind": ["a", "b"]})
    export(source, tmp_path / "set", columns=["r"], label="kind")
    found = rows_of(tmp_path / "set")[0]
    assert list(found) == ["file_name", "r", "label", "ra", "dec", "release", "wcs"]


def test_a_position_of_the_table_that_is_another_one_is_renamed(tmp_path):
    # Hours are no degrees, and B1950 is not ICRS; what agrees stays as it is, to the last digit.
    exact = np.array([10.00000000001, 10.1])
    columns = {"ra": exact, "dec": np.array([41.0, 42.0])}
    result = export(row_of(2, columns=columns), tmp_path / "set")
    assert result.renamed == {"dec": "input_dec"}
    found = rows_of(tmp_path / "set")[0]
    assert (found["ra"], found["dec"], found["input_dec"]) == (exact[0], 0.0, 41.0)


def test_columns_of_every_kind(tmp_path):
    columns = QTable(
        {
            "when": Time(["2001-09-21T05:00:00.5", "2003-01-02T03:04:05"]),
            "where": SkyCoord([1.0, 2.0], [3.0, 4.0], unit="deg", frame="galactic"),
            "bytes": np.array([b"caf\xc3\xa9", b"\xff"]),
            "objects": np.array([2**63 + 5, -1], dtype=object),
            "lists": np.array([[1, 2], None], dtype=object),
            "complex": np.array([1 + 2j, 3j]),
            "big_endian": np.array([1.5, 2.5], dtype=">f4"),
            "dates": np.array(["2001-01-01", "NaT"], dtype="M8[D]"),
            "": np.array([1, 2]),
            "cube": np.arange(12).reshape(2, 3, 2),
            "nothing": np.zeros((2, 0)),
        }
    )
    export(row_of(2, columns=columns), tmp_path / "set")
    first, second = rows_of(tmp_path / "set")
    assert first["when"] == "2001-09-21T05:00:00.500"
    assert first["where.l"] == 1.0
    assert (first["bytes"], second["bytes"]) == ("café", "\N{REPLACEMENT CHARACTER}")
    assert (first["objects"], second["objects"]) == (str(2**63 + 5), "-1")
    assert (first["lists"], second["lists"]) == ("[1, 2]", None)
    assert first["big_endian"] == 1.5
    assert (first["dates"], second["dates"]) == ("2001-01-01", None)
    assert (second["cube"], second["nothing"]) == ([[6, 7], [8, 9], [10, 11]], [])
    for form in ("parquet", "webdataset", "hdf5", "zoobot", "zooniverse", "votable"):
        pytest.importorskip({"parquet": "pyarrow", "hdf5": "h5py"}.get(form, "json"))
        source = row_of(2, columns=columns, folder=tmp_path / "pics")
        export(source, tmp_path / form, form)
    [row, _] = parquet_by_polars(tmp_path / "parquet", tmp_path)["train"]
    assert (row["cube"], row["nothing"]) == ([[0, 1], [2, 3], [4, 5]], [])
    assert (row["big_endian"], row["objects"]) == (1.5, str(2**63 + 5))


HOSTILE_LABELS = [
    "a/b", "a\\b", "..", ".", "../..", "/etc", "", " ", "con", "CON", "nul.txt", "test", "Test",
    "val-2", "no-test", "train", "a:b", "a?b", "a_b", "Spiral", "spiral", "e\u0301", "\u00e9",
    "x" * 300, "x" * 299 + "y", "tab\t", "nul\0", "dev", "test_2 eval", "=test", "ends.",
]  # fmt: skip


def test_folders_of_labels_are_safe_and_different(tmp_path):
    folders = label_folders(HOSTILE_LABELS)
    assert len({name.casefold() for name in folders.values()}) == len(HOSTILE_LABELS)
    keyword = re.compile(
        r"(^|[-._ 0-9])(train|training|validation|valid|dev|val|test|testing|eval|evaluation)"
        r"($|[-._ 0-9])"
    )
    for name in folders.values():
        (tmp_path / name).mkdir()  # one each, and none elsewhere
        assert os.path.dirname(name) == ""
        assert not keyword.search(name)
        assert name[-1] not in ". "
        assert name.partition(".")[0].upper() not in ("CON", "NUL")
    assert len(list(tmp_path.iterdir())) == len(HOSTILE_LABELS)
    assert folders["Spiral"] == "Spiral"


def test_hostile_labels_stay_apart(tmp_path):
    labels = [label for label in HOSTILE_LABELS if label.strip() and "\0" not in label]
    source = row_of(len(labels), columns={"kind": labels})
    export(source, tmp_path / "set", label="kind")
    found = rows_of(tmp_path / "set")
    assert [row["label"] for row in found] == labels
    assert len({row["file_name"].partition("/")[0] for row in found}) == len(labels)
    assert [p.name for p in tmp_path.iterdir()] == ["set"]
    for row in found:
        assert (tmp_path / "set" / "train" / row["file_name"]).is_file()


@pytest.mark.parametrize(
    ("values", "label"),
    [([1, 2, 1], "1"), ([True, False, True], "True"), ([0.5, 1.5, 0.5], "0.5")],
)
def test_labels_that_are_no_text(values, label, tmp_path):
    export(row_of(3, columns={"kind": values}), tmp_path / "set", label="kind")
    found = rows_of(tmp_path / "set")[0]
    assert found["label"] == values[0]
    assert found["file_name"] == f"{label}/t0.jpg"


def test_pictures_of_several_sizes(tmp_path):
    pytest.importorskip("h5py")
    source = make([10.0, 11.0, 12.0], [0.0] * 3, size=[64, 64, 100], folder=tmp_path / "pics")
    with pytest.raises(RequestError, match=r"the pictures have 2 sizes.*\(2 are 64 x 64\)"):
        export(source, tmp_path / "set", "hdf5")
    for form in ("imagefolder", "webdataset", "zoobot"):
        assert export(source, tmp_path / form, form).counts == {"train": 3}


def test_pictures_in_memory_are_not_listed(tmp_path):
    with pytest.raises(TargetError, match="target 0 is in memory only, and zoobot lists files"):
        export(row_of(2), tmp_path / "set", "zoobot")


def test_names_that_are_equal_without_dots(tmp_path):
    import tarfile

    source = row_of(3, names=["a.b", "a_b", "a.b.c"])
    export(source, tmp_path / "set", "webdataset")
    with tarfile.open(tmp_path / "set" / "train-000000.tar") as tar:
        names = tar.getnames()
    assert names[::3] == ["a_b.jpg", "a_b_2.jpg", "a_b_c.jpg"]
    assert all(name.count(".") == 1 for name in names)


def test_dates_in_one_split_and_texts_in_another(tmp_path):
    columns = {"note": ["2001-09-21", "a word"], "fold": ["train", "test"]}
    with pytest.raises(RequestError, match="cannot hold the column 'note': its texts in the split"):
        export(row_of(2, columns=columns), tmp_path / "set", split="fold")
    export(row_of(2, columns=columns), tmp_path / "set", "webdataset", split="fold")


def test_the_errors_are_ours(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CutoutError):
        export(row_of(2), tmp_path / "file" / "set")


def test_calibrated_cutouts_are_refused_by_other_formats(tmp_path):
    source = row_of(2)

    class Calibrated:
        bands = "gri"
        to_rgb = None

    calibrated = Pictures(source.pictures, {})
    calibrated.__class__ = type("List", (Pictures,), {"__iter__": lambda _: iter([Calibrated()])})
    with pytest.raises(RequestError, match="these are calibrated cutouts: use format='hdf5'"):
        export(calibrated, tmp_path / "set", "parquet")
