"""Which pictures overlap, against the sidecars' own WCS and every pair tried."""

from __future__ import annotations

import numpy as np
import pytest
from exports import make
from hypothesis import given, settings
from hypothesis import strategies as st
from overlaps import components_of, overlapping_pairs

from sdss_cutout._export.footprints import Components, Footprints, unite_overlapping


def footprints(ra, dec, size=64, scale=0.4):
    ra = np.asarray(ra, dtype=float)
    sizes = np.broadcast_to(np.asarray(size, dtype=float), ra.shape)
    scales = np.broadcast_to(np.asarray(scale, dtype=float), ra.shape)
    return Footprints.of_pictures(ra, np.asarray(dec, dtype=float), scales, sizes, sizes)


def groups(ra, dec, **geometry):
    components = Components(len(ra))
    unite_overlapping(footprints(ra, dec, **geometry), components)
    return components.find(np.arange(len(ra)))


FIELDS = {
    "equator": (10.0, 0.0),
    "ra 0": (0.0, 5.0),
    "declination 60": (180.0, 60.0),
    "north pole": (0.0, 90.0),
    "south pole": (0.0, -90.0),
}


def scattered(where, count, side, rng):
    """Positions in a square of this side around a position, all in degrees."""
    ra, dec = map(np.radians, FIELDS[where])
    east, north = np.radians(rng.uniform(-side / 2, side / 2, (2, count)))
    up = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    to_east = np.array([-np.sin(ra), np.cos(ra), 0.0])
    vectors = up + east[:, None] * to_east + north[:, None] * np.cross(up, to_east)
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    return np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0])) % 360, np.degrees(
        np.arcsin(vectors[:, 2])
    )


@pytest.mark.parametrize("where", FIELDS)
def test_overlaps_are_those_of_the_headers(where):
    rng = np.random.default_rng(5)
    ra, dec = scattered(where, 150, 0.18, rng)
    size = rng.integers(64, 128, 150)
    source = make(ra, dec, size=size)
    found = groups(ra, dec, size=size)
    surely = components_of(150, overlapping_pairs(source.pictures))
    perhaps = components_of(150, overlapping_pairs(source.pictures, margin=1.5))
    assert 20 < len(np.unique(found)) < 120
    for a in range(150):
        # All that overlap are together, and nothing else is, to a pixel or so.
        assert np.all(found[surely == surely[a]] == found[a])
        assert np.all(perhaps[found == found[a]] == perhaps[a])


def test_pictures_that_nearly_touch_are_apart():
    # 64 pixels of 0.4" are 25.6"; half a pixel more between the centres, then half a pixel less.
    for apart, count in ((25.8, 2), (25.4, 1)):
        for dec in (0.0, 60.0):
            ra = np.array([359.999, 359.999 + apart / 3600 / np.cos(np.radians(dec))]) % 360
            assert len(np.unique(groups(ra, [dec, dec]))) == count
        assert len(np.unique(groups([20.0, 20.0], [0.0, apart / 3600]))) == count


def test_large_pictures_are_grouped_with_what_lies_in_them():
    ra, dec = [10.0, 12.0, 30.0], [0.0, 3.0, 0.0]
    assert groups(ra, dec, size=[2048, 64, 64], scale=[20.0, 0.4, 0.4]).tolist() == [0, 0, 2]
    whole_sky = groups([0.0, 80.0, 180.0], [0.0, 0.0, 0.0], size=2048, scale=200.0)
    assert len(np.unique(whole_sky)) == 1


@settings(max_examples=20)
@given(st.integers(0, 30), st.integers(0, 2**32 - 1))
def test_any_number_of_pictures(count, seed):
    rng = np.random.default_rng(seed)
    ra, dec = scattered("north pole", count, 0.05, rng)
    source = make(ra, dec)
    surely = components_of(count, overlapping_pairs(source.pictures, points=17))
    found = groups(ra, dec)
    assert all(np.all(found[surely == one] == found[surely == one][0]) for one in np.unique(surely))


def test_many_at_one_place_take_no_longer():
    # Pairs would be a billion; what is in one component already is not looked at again.
    count = 50_000
    rng = np.random.default_rng(1)
    dense = groups(10 + rng.normal(0, 0.002, count), rng.normal(0, 0.002, count))
    assert len(np.unique(dense)) == 1
    same = groups(np.full(count, 10.0), np.zeros(count))
    assert not same.any()
