"""Which pictures overlap on the sky: their footprints, and the groups that overlaps make."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Components", "Footprints", "unite_overlapping"]

_LEAF = 8  # footprints in a leaf of the tree, at least
_PAIRS_AT_ONCE = 500_000
_SMALL = 0.2  # rad; outlines up to this size are compared exactly
_TOUCHING = 1e-10  # rad


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprints:
    """The outlines of n pictures on the sky, as unit vectors.

    Attributes
    ----------
    centre : ndarray, shape (n, 3)
        The middle of each picture.
    corners : ndarray, shape (n, 4, 3)
        Its corners, in order around it.
    inner, outer : ndarray, shape (n,)
        Radii in radians of a circle around the middle that lies within the picture, and of one
        that holds it.
    """

    centre: NDArray[np.float64]
    corners: NDArray[np.float64]
    inner: NDArray[np.float64]
    outer: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.centre)

    @classmethod
    def of_pictures(
        cls,
        ra: NDArray[np.float64],
        dec: NDArray[np.float64],
        scale: NDArray[np.float64],
        width: NDArray[np.float64],
        height: NDArray[np.float64],
    ) -> Footprints:
        """Return the footprints of pictures: degrees, arcsec per pixel, pixels.

        The position is pixel index (width/2, height/2) of an orthographic projection, north up, so
        that the middle of the picture lies half a pixel from it.
        """
        pixel = np.radians(scale / 3600.0)
        east, north = width / 2 * pixel, height / 2 * pixel
        middle = pixel / 2
        sky = _Tangent(np.radians(ra), np.radians(dec))
        centre = sky.deproject(middle, middle)
        signs = ((1, 1), (1, -1), (-1, -1), (-1, 1))
        corners = np.stack(
            [sky.deproject(middle + a * east, middle + b * north) for a, b in signs], axis=1
        )
        outer = _angle(np.linalg.norm(corners - centre[:, None], axis=2).max(axis=1))
        inner = 0.99 * np.minimum(np.minimum(east, north), 1.0)
        return cls(centre=centre, corners=corners, inner=inner, outer=1.0001 * outer)


class _Tangent:
    """Orthographic projections around many positions."""

    def __init__(self, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> None:
        zero = np.zeros_like(ra)
        self.up = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], 1)
        self.east = np.stack([-np.sin(ra), np.cos(ra), zero], axis=1)
        self.north = np.cross(self.up, self.east)

    def deproject(
        self, east: NDArray[np.float64], north: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return unit vectors; what is beyond the horizon is taken back to it."""
        radius = np.hypot(east, north)
        shrink = np.where(radius > 1.0, 1.0 / np.maximum(radius, 1.0), 1.0)
        height = np.sqrt(np.maximum(0.0, 1.0 - np.minimum(radius, 1.0) ** 2))
        parts = (shrink * east, self.east), (shrink * north, self.north), (height, self.up)
        return sum((length[:, None] * axis for length, axis in parts), np.zeros_like(self.up))


def _angle(chord: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the angle under which a chord of the unit sphere is seen from its centre."""
    return 2.0 * np.arcsin(np.minimum(chord / 2.0, 1.0))


# ---------------------------------------------------------------------------------- groups


class Components:
    """Connected components of n items (a union-find over arrays)."""

    def __init__(self, length: int) -> None:
        self._parent = np.arange(length)

    def find(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the component of each item: the number of one of its items."""
        found = self._parent[items]
        while not np.array_equal(found, parents := self._parent[found]):
            found = parents
        self._parent[items] = found
        return found

    def unite(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> None:
        """Put each of ``first`` and its partner in ``second`` into one component."""
        while len(first):
            a, b = self.find(first), self.find(second)
            differ = a != b
            first, second = a[differ], b[differ]
            # Where several want the same parent the last one has it; the others come again.
            self._parent[np.maximum(first, second)] = np.minimum(first, second)

    def unite_equal(self, keys: NDArray[np.int64]) -> None:
        """Put the items of equal keys into one component; a key below 0 is none."""
        items = np.flatnonzero(keys >= 0)
        _, first, inverse = np.unique(keys[items], return_index=True, return_inverse=True)
        self.unite(items, items[first][inverse])


def unite_overlapping(footprints: Footprints, components: Components) -> None:
    """Put pictures that overlap into one component.

    A k-d tree is compared with itself, level after level. A pair of nodes is dropped where no
    circles around its pictures meet, where all of them must overlap, and where all are in one
    component already, so that a million pictures of the same cluster take no longer than a million
    all over the sky.
    """
    if len(footprints):
        tree = _Tree(footprints)
        first = second = np.zeros(1, dtype=np.int64)
        for level in range(tree.levels + 1):
            first, second = tree.undecided(level, first, second, components)
            if level < tree.levels:
                first, second = _children(first, second)
        for pair in tree.leaf_pairs(first, second, components):
            _unite_where_overlapping(footprints, components, *pair)


def _children(
    first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of children, a node's pair with itself in three and not four."""
    a = np.concatenate([2 * first, 2 * first, 2 * first + 1, 2 * first + 1])
    b = np.concatenate([2 * second, 2 * second + 1, 2 * second + 1, 2 * second])
    keep = a <= b
    return a[keep], b[keep]


class _Tree:
    """A k-d tree of footprints, in arrays: the nodes of a level are equal blocks of `order`."""

    def __init__(self, footprints: Footprints) -> None:
        count = len(footprints)
        self.footprints = footprints
        self.levels = max(0, math.floor(math.log2(count / _LEAF))) if count > _LEAF else 0
        size = -(-count >> self.levels) << self.levels
        # What is missing to full blocks are footprints given twice, which changes no component.
        order = np.concatenate([np.arange(count), np.arange(size - count)])
        for level in range(self.levels):
            order = _halved(footprints.centre, order.reshape(1 << level, -1))
        self.order = order

    def undecided(
        self,
        level: int,
        first: NDArray[np.int64],
        second: NDArray[np.int64],
        components: Components,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Unite nodes that overlap as a whole; return the pairs that must be looked into."""
        blocks = self.order.reshape(1 << level, -1)
        centre = self.footprints.centre[blocks]
        low, high = centre.min(axis=1), centre.max(axis=1)
        outer = self.footprints.outer[blocks].max(axis=1)
        inner = self.footprints.inner[blocks].min(axis=1)
        gap = np.maximum(0.0, np.maximum(low[first] - high[second], low[second] - high[first]))
        near = _angle(np.linalg.norm(gap, axis=1)) <= outer[first] + outer[second]
        first, second = first[near], second[near]
        span = np.maximum(high[first] - low[second], high[second] - low[first])
        whole = _angle(np.linalg.norm(span, axis=1)) < inner[first] + inner[second]
        _unite_blocks(blocks, first[whole], second[whole], components)
        different = ~_in_one(components, blocks, first, second)
        return first[different], second[different]

    def leaf_pairs(
        self, first: NDArray[np.int64], second: NDArray[np.int64], components: Components
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield the pairs of footprints in pairs of leaves that are not in one component yet."""
        blocks = self.order.reshape(1 << self.levels, -1)
        step = max(1, _PAIRS_AT_ONCE // blocks.shape[1] ** 2)
        for start in range(0, len(first), step):
            a, b = first[start : start + step], second[start : start + step]
            different = ~_in_one(components, blocks, a, b)
            left, right = blocks[a[different]], blocks[b[different]]
            pairs = np.broadcast_arrays(left[:, :, None], right[:, None, :])
            yield pairs[0].ravel(), pairs[1].ravel()


def _halved(centre: NDArray[np.float64], blocks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the order in which each block is sorted along its longest side."""
    positions = centre[blocks]
    axis = np.ptp(positions, axis=1).argmax(axis=1)
    keys = np.take_along_axis(positions, axis[:, None, None], axis=2)[..., 0]
    return np.take_along_axis(blocks, keys.argsort(axis=1), axis=1).ravel()


def _in_one(
    components: Components,
    blocks: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Return for which pairs of blocks all items are in one component."""
    nodes, inverse = np.unique(np.concatenate([first, second]), return_inverse=True)
    roots = components.find(blocks[nodes])
    low, high = roots.min(axis=1), roots.max(axis=1)
    one = np.where(low == high, low, -1)[inverse].reshape(2, -1)
    return (one[0] >= 0) & (one[0] == one[1])


def _unite_blocks(
    blocks: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    components: Components,
) -> None:
    for node in (first, second):
        inside = blocks[np.unique(node)]
        components.unite(np.repeat(inside[:, 0], inside.shape[1]), inside.ravel())
    components.unite(blocks[first, 0], blocks[second, 0])


# -------------------------------------------------------------------------------- outlines


def _unite_where_overlapping(
    footprints: Footprints,
    components: Components,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> None:
    chord = np.linalg.norm(footprints.centre[first] - footprints.centre[second], axis=1)
    distance = _angle(chord)
    sure = distance < footprints.inner[first] + footprints.inner[second]
    components.unite(first[sure], second[sure])
    reach = footprints.outer[first] + footprints.outer[second]
    unsure = ~sure & (distance <= reach)
    unsure[unsure] = components.find(first[unsure]) != components.find(second[unsure])
    first, second, reach = first[unsure], second[unsure], reach[unsure]
    overlap = reach >= _SMALL  # as large as that: whose circles meet are taken to overlap
    small = ~overlap
    overlap[small] = _outlines_meet(footprints, first[small], second[small])
    components.unite(first[overlap], second[overlap])


def _outlines_meet(
    footprints: Footprints, first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which outlines overlap, in a tangent plane between the two.

    There great circles are straight lines, and a picture's edges are great circles to within a
    small part of a pixel, on the inner side. Two convex quadrilaterals are apart if they are apart
    along the normal of one of their eight edges.
    """
    up = footprints.centre[first] + footprints.centre[second]
    up /= np.linalg.norm(up, axis=1)[:, None]
    axis = np.eye(3)[np.abs(up).argmin(axis=1)]
    east = np.cross(up, axis)
    east /= np.linalg.norm(east, axis=1)[:, None]
    plane = np.stack([up, east, np.cross(up, east)], axis=2)
    corners = [_gnomonic(footprints.corners[which], plane) for which in (first, second)]
    meet = np.ones(len(first), dtype=bool)
    for outline in corners:
        edges = np.roll(outline, -1, axis=1) - outline
        normals = np.stack([-edges[..., 1], edges[..., 0]], axis=2)
        normals /= np.linalg.norm(normals, axis=2)[..., None]
        along = [np.einsum("nek,nck->nec", normals, points) for points in corners]
        gap = np.maximum(
            along[0].min(axis=2) - along[1].max(axis=2), along[1].min(axis=2) - along[0].max(axis=2)
        )
        meet &= gap.max(axis=1) <= _TOUCHING
    return meet


def _gnomonic(vectors: NDArray[np.float64], plane: NDArray[np.float64]) -> NDArray[np.float64]:
    projected = np.einsum("nck,nkj->ncj", vectors, plane)
    return projected[..., 1:] / projected[..., :1]
