"""Each format, opened by the real libraries: same pictures, order, columns, identifiers, WCS."""

from __future__ import annotations

import hashlib
import math
import sys

import numpy as np
import pytest
from astropy.io.fits import Header
from astropy.table import MaskedColumn, Table
from astropy.wcs import WCS
from exports import row_of
from readers import READERS, pixels_of

from sdss_cutout._export.export import export

COUNT = 24
# As datasets, pandas and others have them, and not of our making.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

CASES = [(form, reader) for form, readers in READERS.items() for reader in readers]


def hostile_columns():
    """Columns that readers misread, or that lose something on the way."""
    number = np.arange(COUNT)
    sometimes, always = number % 3 == 0, np.ones(COUNT, dtype=bool)
    return Table(
        {
            "objID": np.uint64(2**63 + 5) + number.astype(np.uint64),
            "negative": MaskedColumn(np.full(COUNT, -1) - 2**60 * (number == 1), dtype="i8"),
            "gappy_id": MaskedColumn(number + 2**62, mask=sometimes),
            "run": number.astype("i2"),
            "image": [f"not a picture {n}" for n in number],
            "file_name": [f"file {n}" for n in number],
            "x_file_name": [f"x{n}.jpg" for n in number],
            "label": [f"an older label {n}" for n in number],
            "split": [f"a split {n}" for n in number],
            "wcs": [f"wcs {n}" for n in number],
            "path": [f"/some/path/{n}" for n in number],
            "z": MaskedColumn(number / 7, mask=sometimes, unit="km / s", description="redshift"),
            "nan": np.where(sometimes, np.nan, number / 3),
            "note": MaskedColumn([f'Ä "quoted", {n}\n' for n in number], mask=sometimes),
            "digits": [f"{n:03d}" for n in number],
            "date": ["2001-09-21"] * COUNT,
            "all_missing": MaskedColumn(np.zeros(COUNT), mask=always),
            "all_missing_text": MaskedColumn([""] * COUNT, mask=always),
            "flag": number % 2 == 0,
            "mags": np.arange(COUNT * 5, dtype=float).reshape(COUNT, 5),
            "type": np.where(number % 2, "spiral/barred", "elliptical"),
        }
    )


@pytest.fixture
def source(tmp_path):
    names = [f"{n}" for n in range(COUNT - 6)]
    names += ["test_1", "val-2", "dev", "J0.1+2.3", "a b", "Größe"]
    status = ["ok"] * COUNT
    status[4], status[9], status[10] = "outside", "failed", "kept"
    return row_of(
        COUNT, columns=hostile_columns(), names=names, status=status, folder=tmp_path / "pics",
        size=64,
    )  # fmt: skip


def same(found, expected):
    """Whether a value came back, as far as the format has its type."""
    if expected is None or (isinstance(expected, float) and math.isnan(expected)):
        return found in (None, "") or found is np.ma.masked or found != found
    if isinstance(expected, bool):
        return str(found) in (str(expected), str(float(expected)))
    if isinstance(expected, int | float) and isinstance(found, str):
        return type(expected)(found) == expected
    if isinstance(expected, list):
        found = found if not isinstance(found, str) else eval(found)
        return list(found) == expected
    if hasattr(found, "isoformat"):  # imagefolder: a text that is a date is read as one
        return found.isoformat().startswith(expected)
    return found == expected


@pytest.mark.parametrize(
    ("form", "reader"), CASES, ids=lambda case: getattr(case, "__name__", case)
)
def test_everything_comes_back(form, reader, source, tmp_path):
    pytest.importorskip({"parquet": "pyarrow", "hdf5": "h5py"}.get(form, "json"))
    table = source.table
    split = {"train": 0.5, "validation": 0.25, "test": 0.25}
    result = export(source, tmp_path / "set", form, label="type", split=split, seed=4)
    assert result.path == tmp_path / "set"
    assert sum(result.counts.values()) == COUNT - 2
    assert result.skipped == {"outside": 1, "failed": 1}
    found = reader(result.path, tmp_path)
    assert {split: len(rows) for split, rows in found.items()} == result.counts
    row_of_name = {name: row for row, name in enumerate(table["name"].tolist())}
    for rows in found.values():
        order = [row_of_name[row["name"]] for row in rows]
        assert order == sorted(order)
        for row in rows:
            check_row(row, table, row_of_name[row["name"]], source, result)
    assert result.renamed["x_file_name"] == "input_x_filename"
    assert result.renamed["file_name"] == "input_filename"


def check_row(found, table, number, source, result):
    picture = source.pictures[number]
    if "bytes" in found:
        assert hashlib.sha256(found["bytes"]).hexdigest() == table["sha256"][number]
    else:
        assert np.array_equal(found["pixels"], pixels_of(picture.content))
    for name in table.colnames:
        here = "label" if name == "type" else result.renamed.get(name, name)
        expected = table[name][number]
        expected = None if expected is np.ma.masked else expected.tolist()
        assert same(found[here], expected), (name, here, found[here], expected)
    assert int(found["objID"]) == 2**63 + 5 + number
    assert float(found["ra"]) == pytest.approx(picture.request.ra, abs=1e-10)
    assert float(found["dec"]) == pytest.approx(picture.request.dec, abs=1e-10)
    assert int(found["release"]) == 17
    ours = WCS(Header.fromstring(found["wcs"], sep="\n"))
    header = picture.header
    del header["NAXIS"]
    pixels = np.array([[0, 0], [63, 0], [31.5, 31.5], [0, 63]])
    assert np.abs(ours.all_pix2world(pixels, 0) - WCS(header).all_pix2world(pixels, 0)).max() < 1e-9
    if "sidecar_bytes" in found:
        assert found["sidecar_bytes"] == picture.sidecar_bytes


def test_identifiers_have_the_types_that_the_formats_can_hold(source, tmp_path):
    pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    h5py = pytest.importorskip("h5py")
    export(source, tmp_path / "parquet", "parquet")
    schema = parquet.read_schema(next((tmp_path / "parquet" / "data").iterdir()))
    assert str(schema.field("objID").type) == "uint64"
    assert str(schema.field("gappy_id").type) == "int64"
    assert str(schema.field("run").type) == "int16"
    export(source, tmp_path / "hdf5", "hdf5")
    with h5py.File(tmp_path / "hdf5") as file:
        assert file["train/objID"].dtype == np.uint64
        assert file["train/z"].attrs["unit"] == "km / s"
        assert file["train/note"].dtype.kind == "S"
        assert "IMULATED" not in file.attrs["source"]
        assert "acknowledge" in file.attrs["acknowledgement"]


def test_images_are_pictures_to_hugging_face(source, tmp_path):
    datasets = pytest.importorskip("datasets")
    export(source, tmp_path / "set", "parquet")
    found = datasets.load_dataset(str(tmp_path / "set"), cache_dir=str(tmp_path / "cache"))
    assert found["train"].features["image"] == datasets.Image()
    assert found["train"][0]["image"].size == (64, 64)


def test_folders_are_classes_to_torchvision(source, tmp_path):
    # torchvision.datasets.ImageFolder: the folders, sorted, are the classes; all pictures in them
    # are theirs, and pictures elsewhere are not seen.
    result = export(source, tmp_path / "set", label="type")
    train = result.path / "train"
    classes = sorted(folder.name for folder in train.iterdir() if folder.is_dir())
    assert classes == ["elliptical", "spiral_barred"]
    pictures = sorted(p for name in classes for p in (train / name).glob("*.jpg"))
    assert len(pictures) == COUNT - 2
    assert not list(train.glob("*.jpg"))


def test_a_picture_is_linked_and_not_copied(source, tmp_path):
    export(source, tmp_path / "set")
    linked = (tmp_path / "set" / "train" / "0.jpg").stat()
    assert linked.st_ino == source.pictures[0].path.stat().st_ino
    for name in ("metadata.jsonl", "test_1.jpg"):
        assert (tmp_path / "set" / "train" / name).stat().st_mode & 0o444 == 0o444


def test_pictures_in_memory_are_written(tmp_path):
    pictures = row_of(3)
    export(pictures, tmp_path / "set")
    written = sorted((tmp_path / "set" / "train").glob("*.jpg"))
    assert [p.read_bytes() for p in written] == [p.content for p in pictures]


@pytest.mark.parametrize(("form", "module"), [("parquet", "pyarrow"), ("hdf5", "h5py")])
def test_a_package_that_is_missing_is_named(form, module, tmp_path, monkeypatch):
    from sdss_cutout import RequestError

    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(RequestError, match=rf"needs {module}: pip install 'sdss_cutout\[{form}\]'"):
        export(row_of(2), tmp_path / "set", form)
    assert not (tmp_path / "set").exists()
