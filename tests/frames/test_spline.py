"""What cubic splines do to noise: the formulas against noise that is interpolated."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from sdss_cutout._frames.spline import correlation, summed_variance, variance_at


def interpolated(step, count, size):
    """Sums of ``count`` x ``count`` values of white noise, and where these are."""
    rng = np.random.default_rng(11)
    noise = rng.normal(size=(700, 700))
    along = np.arange(size * count) - size * count / 2
    i, j = np.meshgrid(along, along, indexing="ij")
    x, y = np.tensordot(step, [i, j], axes=1) + 350.3
    values = map_coordinates(noise, [x, y], order=3)
    return values.reshape(size, count, size, count).sum(axis=(1, 3)), x, y


def rotated(length, angle):
    sine, cosine = np.sin(angle), np.cos(angle)
    return length * np.array([[cosine, -sine], [sine, cosine]])


@pytest.mark.parametrize(
    ("step", "count", "size"),
    [
        (rotated(1.0, 0.3), 1, 400),
        (rotated(0.5, 0.0), 1, 900),
        (rotated(0.6, 1.4), 2, 300),
        (rotated(0.65, 0.7), 4, 130),
    ],
)
def test_noise_is_as_correlated_as_it_is_said_to_be(step, count, size):
    sums, _, _ = interpolated(step, count, size)
    assert summed_variance(step, count) == pytest.approx(sums.var(), rel=0.05)
    beside = (sums[1:] * sums[:-1]).mean() + (sums[:, 1:] * sums[:, :-1]).mean()
    assert correlation(step, count) == pytest.approx(beside / 2 / sums.var(), abs=0.03)


def test_the_variance_depends_on_the_place_between_pixels():
    values, x, y = interpolated(rotated(1.0, 0.3), 1, 400)
    expected = variance_at(x) * variance_at(y)
    for low, high in ((0.5, 0.65), (0.65, 0.75), (0.75, 0.85), (0.85, 1.1)):
        rows = (expected > low) & (expected <= high)
        assert rows.sum() > 1000
        assert values[rows].var() == pytest.approx(expected[rows].mean(), rel=0.1)
    assert variance_at(np.array([0.0, 5.0, -3.0])) == pytest.approx(1, abs=1e-3)
