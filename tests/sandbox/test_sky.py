"""The catalogue behind the pictures."""

import numpy as np
import pytest

from sdss_cutout.sandbox import Sandbox
from sdss_cutout.sandbox.sky.footprint import covered
from sdss_cutout.sandbox.sky.objects import Sky


@pytest.fixture(scope="module")
def sky() -> Sky:
    return Sky()


def test_identifiers_are_unique_and_too_long_for_floats(sky):
    box = sky.box((15, 18), (-1.25, 1.25))
    found = np.concatenate([box[box["r"] > 14], sky.bright.table])
    assert len(np.unique(found["objid"])) == len(found)
    assert found["objid"].min() > 2**60
    assert (found["objid"].astype(float).astype("u8") != found["objid"]).any()
    spectra = found["specobjid"][found["specobjid"] > 0]
    assert len(np.unique(spectra)) == len(spectra)


@pytest.mark.parametrize("place", [(20, 0), (0, 0.1), (359.99, -10), (123, 89.9), (180, 40)])
def test_near_finds_what_a_wider_search_finds(sky, place):
    few, many = sky.near(*place, 0.3), sky.near(*place, 0.9)
    assert 100 < len(few) < len(many)
    assert set(few["objid"]) == set(many["objid"][: len(few)])


def test_nothing_depends_on_what_was_asked_before(sky):
    sky.near(40, 20, 0.2)
    assert (sky.near(41, 21, 0.1) == Sky().near(41, 21, 0.1)).all()


def test_counts_and_colours_are_plausible(sky):
    found = sky.box((15, 25), (-1.25, 1.25))
    galaxies, stars = (found[found["kind"] == kind] for kind in ("galaxy", "star"))
    assert 1000 < len(galaxies) / 25 < 2000
    assert 10 < (galaxies["r"] < 17).sum() / 25 < 60
    assert (galaxies["r"] < 20).sum() < 0.5 * len(galaxies)
    assert -0.1 < np.median(stars["r"] - stars["i"]) < 0.5
    bright, faint = galaxies[galaxies["r"] < 16], galaxies[galaxies["r"] > 20]
    assert np.median(bright["petroR90_r"]) > 3 * np.median(faint["petroR90_r"])
    assert 0 < (galaxies["specobjid"] > 0).mean() < 0.2


def test_nothing_stands_outside_the_footprint(sky):
    assert covered(sky.bright.table["ra"], sky.bright.table["dec"]).all()
    assert len(sky.near(280, 0, 0.5)) == 0


def test_bright_stars_are_all_over_and_apart(sky):
    field = sky.near(20, 5, 5, limit=14)
    assert 10 < (field["kind"] == "star").sum() < 60
    assert (sky.bright.table["dec"] > 89).sum() >= 3


def test_sandbox_offers_the_truth():
    with Sandbox() as sandbox:
        assert {"objid", "kind", "r", "petroR90_r"} <= set(sandbox.sky.near(20, 0, 0.1).dtype.names)
