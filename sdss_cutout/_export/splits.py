"""Which picture goes into which split: whole groups, at random, as near the fractions as can be."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._export.footprints import Components, Footprints, unite_overlapping

__all__ = ["assign_groups", "group_pictures"]

# Small sets are divided many times over and the best is taken; large ones come out right at once.
_PICTURES_TRIED = 20_000
_MOST_TRIES = 200
_FEW_TRIES = 8  # after these, a division is taken that no other can be nearer than


def group_pictures(footprints: Footprints, keys: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return a group number for each picture, the same for those that must stay together.

    Parameters
    ----------
    footprints : Footprints
        Where the pictures are; those that overlap stay together.
    keys : sequence of ndarray of int
        Pictures with an equal key, such as the number of an object, stay together too; a key below
        0 is none.
    """
    components = Components(len(footprints))
    for key in keys:
        components.unite_equal(key)
    unite_overlapping(footprints, components)
    roots = components.find(np.arange(len(footprints)))
    numbers: NDArray[np.int64] = np.unique(roots, return_inverse=True)[1]
    return numbers


def assign_groups(
    groups: NDArray[np.int64],
    strata: NDArray[np.int64],
    fractions: Sequence[float],
    seed: int,
) -> NDArray[np.int64]:
    """Return the number of a split for each picture.

    Parameters
    ----------
    groups : ndarray of int
        The group of each picture; a group goes into one split as a whole.
    strata : ndarray of int
        The class of each picture; each class is divided by the fractions too.
    fractions : sequence of float
        The part of the pictures that each split is to have; they add up to 1.
    seed : int
        The same seed gives the same splits.
    """
    problem = _Problem(groups, strata, np.asarray(fractions, dtype=float))
    tries = int(np.clip(_PICTURES_TRIED // max(len(groups), 1), 1, _MOST_TRIES))
    wanted = problem.fractions * len(groups)
    nearest = float(np.abs(wanted - _rounded(wanted, len(groups))).sum())
    best = (np.inf, np.inf), np.zeros(len(groups), dtype=np.int64)
    for number, stream in enumerate(np.random.default_rng(seed).spawn(tries)):
        best = min(best, problem.divide(stream, daring=number % 2 == 1), key=lambda found: found[0])
        if number >= _FEW_TRIES and best[0][0] <= nearest + 1e-6:
            break
    return best[1]


@dataclass(frozen=True, slots=True)
class _Problem:
    """What is to be divided: pictures in groups, each of a class, by fractions."""

    groups: NDArray[np.int64]
    strata: NDArray[np.int64]
    fractions: NDArray[np.float64]

    def divide(
        self, rng: np.random.Generator, *, daring: bool
    ) -> tuple[tuple[float, float], NDArray[np.int64]]:
        """Return how far the fractions are missed, in all and by classes, and the splits."""
        sizes = np.bincount(self.groups)
        single = sizes[self.groups] == 1
        wanted = np.bincount(self.strata)[:, None] * self.fractions
        splits = np.full(len(self.groups), -1)
        together = np.flatnonzero(~single)
        placed = _place_groups(
            self.groups[together], self.strata[together], wanted, rng, daring=daring
        )
        splits[together] = placed
        left = wanted - _counted(self.strata[together], placed, wanted.shape)
        alone = np.flatnonzero(single)
        splits[alone] = _place_singles(self.strata[alone], left, rng)
        missed = _counted(self.strata, splits, wanted.shape) - wanted
        return (float(np.abs(missed.sum(axis=0)).sum()), float(np.abs(missed).sum())), splits


def _counted(
    strata: NDArray[np.int64], splits: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return how many pictures of each class are in each split."""
    numbers = strata * shape[1] + splits
    return np.bincount(numbers, minlength=shape[0] * shape[1]).reshape(shape).astype(float)


def _place_groups(
    groups: NDArray[np.int64],
    strata: NDArray[np.int64],
    wanted: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    daring: bool,
) -> NDArray[np.int64]:
    """Place groups of several pictures, the largest first, where there is room for them.

    Of several splits with room chance decides, the more room the likelier. So the small splits get
    their share of groups too, and not all of them go into the largest split. The daring way takes
    the groups in any order, and lets a split become a little too large.
    """
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1) if len(order) else []
    room = wanted.tolist()
    room_in_all = wanted.sum(axis=0).tolist()
    chance = rng.random(len(members)).tolist()
    ties = rng.random(len(members)).tolist()
    splits = np.full(len(groups), -1)
    slack = rng.uniform(0.0, 2.0) if daring else 1e-9
    for number in sorted(
        range(len(members)), key=lambda g: (0 if daring else -len(members[g]), ties[g])
    ):
        classes = Counter(strata[members[number]].tolist())
        split = _chosen(classes, room, room_in_all, slack, chance[number])
        splits[members[number]] = split
        room_in_all[split] -= len(members[number])
        for stratum, count in classes.items():
            room[stratum][split] -= count
    return splits


def _chosen(
    classes: Mapping[int, int],
    room: list[list[float]],
    room_in_all: list[float],
    slack: float,
    chance: float,
) -> int:
    """Return the split for a group: by chance where it fits, else where it does least harm."""
    size = sum(classes.values())
    weights = [
        max(0.0, in_all) if in_all >= size - slack and _fits(classes, room, split, slack) else 0.0
        for split, in_all in enumerate(room_in_all)
    ]
    total = sum(weights)
    if total > 0:
        steps = itertools.accumulate(weights)
        return next(n for n, step in enumerate(steps) if weights[n] and step >= chance * total)
    # The squared deviation grows by size * (size - 2 * room).
    gains = [
        size * in_all + sum(count * room[stratum][split] for stratum, count in classes.items())
        for split, in_all in enumerate(room_in_all)
    ]
    return gains.index(max(gains))


def _fits(classes: Mapping[int, int], room: list[list[float]], split: int, slack: float) -> bool:
    return all(room[stratum][split] > count - 1 - slack for stratum, count in classes.items())


def _place_singles(
    strata: NDArray[np.int64], left: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Place pictures that stand alone so that what is left to fill is filled, class by class.

    Rounding a class's shares to whole pictures leaves errors, which the next class makes up for;
    so the splits as a whole are right to one picture, and each class nearly so.
    """
    shuffled = rng.permutation(len(strata))
    order = shuffled[np.argsort(strata[shuffled], kind="stable")]
    counts = np.bincount(strata, minlength=len(left))
    starts = np.cumsum(counts) - counts
    splits = np.full(len(strata), -1)
    error = np.zeros(left.shape[1])
    for stratum in rng.permutation(np.flatnonzero(counts)):
        count = int(counts[stratum])
        shares = np.maximum(left[stratum], 0.0)
        shares *= count / shares.sum()
        whole = _rounded(shares + error, count)
        error += shares - whole
        places = order[starts[stratum] : starts[stratum] + count]
        splits[places] = np.repeat(np.arange(len(whole)), whole)
    return splits


def _rounded(shares: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Return whole numbers near the shares that add up to the count."""
    whole = np.maximum(np.floor(shares), 0.0).astype(np.int64)
    while (missing := count - int(whole.sum())) > 0:
        most = np.argsort(whole - shares, kind="stable")[:missing]
        whole[most] += 1
    while whole.sum() > count:
        whole[np.argmax(np.where(whole > 0, whole - shares, -np.inf))] -= 1
    return whole
