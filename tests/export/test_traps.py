"""The traps of the readers, one by one: what each of them would lose or refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from exports import row_of
from readers import READERS, imagefolder, imagefolder_by_card, webdataset, webdataset_by_datasets

from sdss_cutout._export.export import export

pytest.importorskip("datasets")
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

LABELS = ["test", "train", "val-2", "no-test", "Test", "dev", "a/test/b", "evaluation 3", "spiral"]


@pytest.mark.parametrize("reader", [imagefolder, imagefolder_by_card])
def test_labels_and_names_that_are_words_for_splits(reader, tmp_path):
    count = len(LABELS) * 3
    names = [f"{word}{n}" for n in range(9) for word in ("test_", "val-", "dev ")]
    split = ["train", "test", "validation"] * len(LABELS)
    columns = {"kind": np.repeat(LABELS, 3), "split": split}
    source = row_of(count, columns=columns, names=names)
    result = export(source, tmp_path / "set", label="kind", split="split")
    found = reader(result.path, tmp_path)
    assert {name: len(rows) for name, rows in found.items()} == result.counts
    for name, rows in found.items():
        assert [row["label"] for row in rows] == LABELS
        assert {row["split"] for row in rows} == {name}


def gaps(values, missing):
    return Table({"x": MaskedColumn(values, mask=missing)})


# Each kind of value, missing in all of the first rows, or in one of the splits.
VALUES = {
    "float": np.arange(40) / 4,
    "int": np.arange(40),
    "id": np.arange(40) + 2**60,
    "text": np.array([f"text {n}" for n in range(40)]),
    "bool": np.arange(40) % 2 == 0,
    "vector": np.arange(80.0).reshape(40, 2),
}
MISSING = {
    "first rows": np.arange(40) < 10,
    "one split": np.arange(40) % 2 == 0,
    "all": np.ones(40, dtype=bool),
    "some": np.arange(40) % 3 == 1,
}
FORMS = [
    ("imagefolder", imagefolder), ("imagefolder", imagefolder_by_card),
    ("webdataset", webdataset_by_datasets), ("webdataset", webdataset),
]  # fmt: skip


@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize(("form", "reader"), FORMS, ids=lambda x: getattr(x, "__name__", x))
def test_columns_with_gaps(form, reader, kind, missing, tmp_path):
    values, where = VALUES[kind], MISSING[missing]
    mask = where if values.ndim == 1 else np.repeat(where[:, None], 2, axis=1)
    columns = gaps(values, mask)
    columns["fold"] = np.where(np.arange(40) % 2 == 0, "train", "test")
    result = export(row_of(40, columns=columns), tmp_path / "set", form, split="fold")
    found = reader(result.path, tmp_path)
    rows = sorted((row for rows in found.values() for row in rows), key=lambda row: row["ra"])
    assert len(rows) == 40
    for number, row in enumerate(rows):
        for value, expected in zip(
            np.atleast_1d(np.array(row["x"], dtype=object)),
            np.atleast_1d(values[number]),
            strict=True,
        ):
            if where[number]:
                assert value in (None, "") or math.isnan(value)
            else:
                assert value == (str(expected) if kind == "id" else expected)


def test_dates_stay_in_order_and_are_read(tmp_path):
    # imagefolder's reader takes such texts for times; all other formats keep the text.
    dates = [f"2001-09-{day:02d}" for day in range(1, 11)]
    source = row_of(10, columns={"night": dates}, folder=tmp_path / "pics")
    for form, readers in READERS.items():
        result = export(source, tmp_path / form, form)
        for reader in readers:
            found = [str(row["night"])[:10] for row in reader(result.path, tmp_path)["train"]]
            assert found == dates


def test_a_later_value_of_another_kind(tmp_path):
    # Whole numbers first, fractions later, in a column of floats.
    source = row_of(20, columns={"z": np.r_[np.arange(10.0), np.arange(10) / 4]})
    for form, reader in FORMS:
        path = tmp_path / f"{form}-{reader.__name__}"
        export(source, path, form)
        found = [row["z"] for row in reader(path, tmp_path)["train"]]
        assert found == [*range(10), *(np.arange(10) / 4)]


def test_many_rows_whose_column_starts_late(tmp_path):
    # More than the 10 MB from which datasets knows the types.
    count = 1_200
    columns = Table({"x": MaskedColumn(["late"] * count, mask=np.arange(count) < count - 1)})
    columns["long"] = ["x" * 8_000] * count
    result = export(row_of(count, columns=columns), tmp_path / "set")
    assert (result.path / "train" / "metadata.jsonl").stat().st_size > 10 << 20
    found = imagefolder(result.path, tmp_path)["train"]
    assert [row["x"] for row in found] == [""] * (count - 1) + ["late"]
