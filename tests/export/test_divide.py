"""What was asked of the splits, and that nothing leaks from one into another."""

from __future__ import annotations

import json

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from exports import make, row_of
from overlaps import overlapping_pairs

from sdss_cutout import RequestError, TargetError
from sdss_cutout._export.export import export

THREE = {"train": 0.8, "validation": 0.1, "test": 0.1}


def splits_of(path):
    """The split of each name."""
    return {
        json.loads(line)["name"]: file.parent.name
        for file in path.glob("*/metadata.jsonl")
        for line in file.read_text("utf-8").splitlines()
    }


@pytest.fixture(scope="module")
def crowded():
    """2,000 pictures, of which many overlap, across RA 0; with classes."""
    rng = np.random.default_rng(8)
    ra, dec = rng.uniform(-0.3, 0.3, 2000) % 360, 30 + rng.uniform(-0.3, 0.3, 2000)
    kinds = rng.choice(["spiral", "elliptical", "merger"], 2000, p=[0.6, 0.35, 0.05])
    source = make(ra, dec, {"kind": kinds})
    return source, overlapping_pairs(source.pictures, points=7)


def test_no_overlap_goes_across_splits(crowded, tmp_path):
    source, pairs = crowded
    assert len(pairs) > 500
    kinds, names = source.columns["kind"], [p.name for p in source.pictures]
    for seed in range(10):
        path = tmp_path / str(seed)
        result = export(
            source, path, "imagefolder", label="kind", split=THREE, seed=seed, columns=["name"]
        )
        split = splits_of(path)
        assert all(split[names[a]] == split[names[b]] for a, b in pairs)
        assert result.counts == {"train": 1600, "validation": 200, "test": 200}
        assert result.groups > 200
        of_kind = {kind: np.array(names)[kinds == kind] for kind in set(kinds.tolist())}
        for members in of_kind.values():
            part = [split[name] for name in members].count("test") / len(members)
            assert part == pytest.approx(0.1, abs=2 / len(members) + 0.005)


def test_the_same_object_stays_in_one_split(tmp_path):
    # Two pictures of each object, far from each other on the sky; those without a number are free.
    ids = np.repeat(np.arange(50), 2) + 1237646637607944000
    missing = np.arange(100) >= 60
    source = row_of(100, columns=Table({"OBJID": MaskedColumn(ids, mask=missing)}))
    result = export(source, tmp_path / "set", split={"a": 0.5, "b": 0.5})
    split = splits_of(tmp_path / "set")
    assert all(split[f"t{n}"] == split[f"t{n + 1}"] for n in range(0, 60, 2))
    assert any(split[f"t{n}"] != split[f"t{n + 1}"] for n in range(60, 100, 2))
    assert result.groups == 30
    assert result.counts == {"a": 50, "b": 50}


def test_texts_without_a_value_are_no_object(tmp_path):
    source = row_of(20, columns={"objID": ["", " "] * 10})
    assert export(source, tmp_path / "set", split={"a": 0.5, "b": 0.5}).groups == 0


def test_pictures_that_all_overlap_go_into_one_split(tmp_path):
    source = make([10.0] * 5, [0.0] * 5)
    result = export(source, tmp_path / "set", split=THREE)
    assert result.counts == {"train": 5, "validation": 0, "test": 0}
    assert result.fractions == {"train": 1.0, "validation": 0.0, "test": 0.0}
    assert sorted(p.name for p in (tmp_path / "set").iterdir()) == ["README.md", "train"]


def test_a_column_gives_the_splits(tmp_path):
    source = row_of(6, columns={"fold": ["train", "test", "b_1", "train", "b_1", "test"]})
    result = export(source, tmp_path / "set", split="fold")
    assert result.counts == {"train": 2, "test": 2, "b_1": 2}
    assert splits_of(tmp_path / "set")["t2"] == "b_1"


def test_numbers_are_folds(tmp_path):
    result = export(row_of(4, columns={"fold": [0, 1, 0, 1]}), tmp_path / "set", split="fold")
    assert result.counts == {"0": 2, "1": 2}


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({"train": 0.8, "test": 0.1}, "must be above 0 and add up to 1, not 0.9"),
        ({"train": 1.2, "test": -0.2}, "must be above 0"),
        ({"train": float("nan")}, "must be above 0"),
        ({"train": "most"}, "is not a number"),
        ({}, "is not valid"),
        (0.8, "is not valid"),
        ({"a/b": 1.0}, "'a/b' is not a valid name of a split"),
        ({"..": 1.0}, "is not a valid name"),
        ({"all": 1.0}, "is not a valid name"),
        ({"Train": 0.5, "train": 0.5}, "differ in case only"),
        ("no such column", "there is no column 'no such column' to split by"),
        ("name", "70 different values"),
    ],
)
def test_splits_that_are_refused(split, message, tmp_path):
    with pytest.raises(RequestError, match=message):
        export(row_of(70), tmp_path / "set", split=split)
    assert not list(tmp_path.iterdir())


def test_a_missing_split_is_refused_with_its_row(tmp_path):
    source = row_of(3, columns=Table({"s": MaskedColumn(["a", "b", "a"], mask=[0, 0, 1])}))
    with pytest.raises(TargetError, match=r"target 2 \('t2'\) has no split: s is missing"):
        export(source, tmp_path / "set", split="s")


@pytest.mark.parametrize("seed", [-1, 1.5, None, True])
def test_a_seed_that_is_refused(seed, tmp_path):
    with pytest.raises(RequestError, match=r"seed = .* is not valid"):
        export(row_of(3), tmp_path / "set", split={"train": 1.0}, seed=seed)


def test_the_same_seed_gives_the_same_set(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        export(row_of(40), tmp_path / name, split=THREE, seed=seed)
    first, again, other = (splits_of(tmp_path / name) for name in "abc")
    assert first == again != other
