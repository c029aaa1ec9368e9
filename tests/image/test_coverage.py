"""Missing imaging is large, black and straight-edged; dark sky is sky."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jpegs import jpeg

from sdss_cutout._image.coverage import coverage_of
from sdss_cutout._image.jpeg import check_jpeg


def sky(side, level=12.0, seed=1, sources=True):
    """Sky as the server draws it: noise that is correlated between pixels, and sources."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(level, 8, (side, side, 3))
    for axis in (0, 1):
        pixels = 1.6 * sum(
            weight * np.roll(pixels, shift, axis)
            for weight, shift in ((0.25, -1), (0.5, 0), (0.25, 1))
        ) - 0.6 * level  # fmt: skip
    y, x = np.mgrid[:side, :side]
    for _ in range(side * side // 4000 if sources else 0):
        at, width = rng.uniform(0, side, 2), rng.uniform(1.5, 4)
        distance = (y - at[0]) ** 2 + (x - at[1]) ** 2
        pixels += rng.uniform(20, 300) * np.exp(-distance / (2 * width**2))[..., None]
    return pixels


def coded(pixels):
    return jpeg(np.clip(pixels, 0, 255).astype(np.uint8))


def measured(pixels):
    return check_jpeg(coded(pixels), pixels.shape[1], pixels.shape[0])


def half_plane(side, part, angle):
    """Whether each pixel is on the missing side of a straight edge."""
    y, x = np.mgrid[:side, :side]
    along = (x - side / 2) * np.cos(angle) + (y - side / 2) * np.sin(angle)
    return along < np.quantile(along, part)


@pytest.mark.parametrize("level", [30, 12, 6, 3, 0, -3])
@pytest.mark.parametrize("side", [64, 120, 200])
def test_dark_sky_is_sky(side, level):
    assert all(measured(sky(side, level, seed)) == 1.0 for seed in range(8))


def test_that_sky_has_many_black_pixels():
    pixels = np.clip(sky(200, -3), 0, 255).astype(np.uint8)
    assert (pixels == 0).all(axis=2).mean() > 0.08


@given(
    st.sampled_from([0.1, 0.25, 0.4, 0.5, 0.75, 0.9]), st.floats(0, 2 * np.pi),
    st.sampled_from([30, 12, 6]), st.integers(0, 99),
)  # fmt: skip
def test_a_part_behind_a_straight_edge_is_measured_within_1_percent(part, angle, level, seed):
    pixels = sky(240, level, seed)
    gone = half_plane(240, part, angle)
    pixels[gone] = 0
    assert measured(pixels) == pytest.approx(1 - gone.mean(), abs=0.01)


@pytest.mark.parametrize("angle", [0, np.pi / 2, np.pi, 3 * np.pi / 2])
@pytest.mark.parametrize("part", [0.25, 0.5, 0.8])
@pytest.mark.parametrize("side", [64, 120, 201, 512])
def test_edges_along_the_sides(side, part, angle):
    pixels = sky(side, 12)
    gone = half_plane(side, part, angle)
    pixels[gone] = 0
    assert measured(pixels) == pytest.approx(1 - gone.mean(), abs=0.01 if side > 64 else 0.02)


def test_a_gap_between_two_fields():
    pixels = sky(200, 6)
    pixels[:, 90:122] = 0
    assert measured(pixels) == pytest.approx(1 - 32 / 200, abs=0.01)


def blocks(pattern, black_part):
    """A picture of blocks of 8 x 8, some with this part of their pixels black."""
    rng = np.random.default_rng(0)
    picture = np.full((len(pattern) * 8, len(pattern[0]) * 8), 20, np.uint8)
    for row, line in enumerate(pattern):
        for column, mark in enumerate(line):
            if mark == "#":
                block = picture[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
                block.flat[rng.permutation(64)[: round(64 * black_part)]] = 0
    return picture


CLUMP = ["." * 12] * 4 + ["...######..."] * 4 + ["." * 12] * 4


def test_blocks_that_are_not_black_throughout_are_sky():
    assert coverage_of(blocks(CLUMP, 0.6)) == 1.0
    assert coverage_of(blocks(CLUMP, 1.0)) == pytest.approx(1 - 24 / 144, abs=0.01)


def test_a_clump_of_13_blocks_in_dark_sky_is_sky():
    picture = blocks(["." * 36] * 17 + ["#############" + "." * 23] + ["." * 36] * 18, 1.0)
    dark = np.random.default_rng(2).random(picture.shape) < 0.2
    assert coverage_of(np.where(dark, 0, picture).astype(np.uint8)) == 1.0


def test_areas_that_meet_later_are_one():
    pattern = ["#.#" + "." * 30, "#.#" + "." * 30, "###" + "." * 30] + ["." * 33] * 30
    assert coverage_of(blocks(pattern, 1.0)) == pytest.approx(1 - 7 / 1089, abs=0.002)
