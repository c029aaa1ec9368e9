"""Groups into splits: fractions, strata, whole groups, the same again."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdss_cutout._export.splits import assign_groups

THREE = (0.8, 0.1, 0.1)


def counts(splits, number=3):
    return np.bincount(splits, minlength=number).tolist()


def test_single_pictures_are_divided_exactly():
    splits = assign_groups(np.arange(1000), np.zeros(1000, dtype=int), THREE, 0)
    assert counts(splits) == [800, 100, 100]


def test_each_class_is_divided_too():
    strata = np.repeat([0, 1, 2], [900, 90, 10])
    splits = assign_groups(np.arange(1000), strata, THREE, 3)
    assert [counts(splits[strata == one]) for one in range(3)] == [
        [720, 90, 90], [72, 9, 9], [8, 1, 1],
    ]  # fmt: skip


def test_classes_of_one_picture_do_not_all_go_one_way():
    splits = assign_groups(np.arange(200), np.arange(200), THREE, 1)
    assert counts(splits) == [160, 20, 20]


def test_groups_go_into_all_splits():
    # Pairs must not all end in the largest split: a test set without them would be another sky.
    groups = np.concatenate([np.repeat(np.arange(200), 2), np.arange(200, 800)])
    splits = assign_groups(groups, np.zeros(1000, dtype=int), THREE, 0)
    assert counts(splits) == [800, 100, 100]
    in_pairs = counts(splits[:400])
    assert min(in_pairs[1:]) >= 14


def test_a_seed_is_repeated_and_another_one_differs():
    groups, strata = np.arange(300), np.arange(300) % 3
    first = assign_groups(groups, strata, THREE, 5)
    assert np.array_equal(first, assign_groups(groups, strata, THREE, 5))
    assert not np.array_equal(first, assign_groups(groups, strata, THREE, 6))


@settings(max_examples=30)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=7), st.integers(0, 99))
def test_small_sets_are_divided_as_well_as_can_be(sizes, seed):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    wanted = np.array([0.6, 0.4]) * len(groups)
    splits = assign_groups(groups, np.zeros(len(groups), dtype=int), (0.6, 0.4), seed)
    best = min(
        np.abs(np.bincount(np.repeat(choice, sizes), minlength=2) - wanted).sum()
        for choice in itertools.product((0, 1), repeat=len(sizes))
    )
    assert np.abs(counts(splits, 2) - wanted).sum() <= best + 1e-6


@given(st.integers(1, 80), st.integers(0, 2**31), st.sampled_from([THREE, (0.5, 0.5), (1.0,)]))
def test_groups_stay_whole_whatever_they_are(count, seed, fractions):
    rng = np.random.default_rng(seed)
    groups = np.unique(rng.integers(0, count, count), return_inverse=True)[1]
    strata = rng.integers(0, 4, count)
    splits = assign_groups(groups, strata, fractions, seed)
    assert splits.min() >= 0
    assert splits.max() < len(fractions)
    assert all(len(set(splits[groups == group])) == 1 for group in set(groups))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_fewer_pictures_than_splits(count):
    splits = assign_groups(np.arange(count), np.zeros(count, dtype=int), THREE, 0)
    assert sum(counts(splits)) == count
