"""Properties of the objects: counts, colours, sizes, shapes, identifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

Number = TypeVar("Number", int, "NDArray[np.int64]")

FAINT_FROM, FAINT_TO = 14.0, 21.0  # r magnitudes of the faint sky
GALAXIES_PER_DEG2, STARS_PER_DEG2 = 1400.0, 1500.0
GALAXY_SLOPE, STAR_SLOPE = 0.45, 0.2  # of the logarithm of the counts with magnitude
RERUN = 301
SPECTRO_LIMIT = 17.77  # galaxies brighter than this have spectra

OBJECT = np.dtype(
    [
        ("objid", "u8"), ("ra", "f8"), ("dec", "f8"), ("kind", "U6"),
        ("u", "f4"), ("g", "f4"), ("r", "f4"), ("i", "f4"), ("z", "f4"),
        ("petroRad_r", "f4"), ("petroR50_r", "f4"), ("petroR90_r", "f4"),
        ("ab", "f4"), ("phi", "f4"), ("bulge", "f4"), ("arms", "f4"),
        ("specobjid", "u8"), ("redshift", "f4"), ("spec_class", "U6"), ("fiber", "i2"),
    ]
)  # fmt: skip


def faint_population(rng: np.random.Generator, area: float) -> NDArray[np.void]:
    """Stars and galaxies of an area in square degrees, without positions and names."""
    stars, galaxies = rng.poisson([STARS_PER_DEG2 * area, GALAXIES_PER_DEG2 * area])
    table = np.zeros(stars + galaxies, OBJECT)
    _make_stars(rng, table[:stars], _magnitudes(rng, stars, STAR_SLOPE))
    _make_galaxies(rng, table[stars:], _magnitudes(rng, galaxies, GALAXY_SLOPE))
    return table


def bright_population(rng: np.random.Generator, stars: int, galaxies: int) -> NDArray[np.void]:
    """The bright sample, likewise: stars from r = 8 and galaxies from 11, both up to 14."""
    table = np.zeros(stars + galaxies, OBJECT)
    _make_stars(rng, table[:stars], 8.0 + 6.0 * np.sqrt(rng.random(stars)) * 0.9999)
    _make_galaxies(rng, table[stars:], 11.0 + 3.0 * np.sqrt(rng.random(galaxies)) * 0.9999)
    return table


def name_objects(table: NDArray[np.void], *, run: int, camcol: int, field: int) -> None:
    """Give identifiers in SDSS's layout of bits, all above 2**60: no float64 can hold them."""
    prefix = np.uint64(identifier_prefix(run, camcol, field))
    table["objid"] = prefix + np.arange(1, len(table) + 1, dtype="u8")


def identifier_prefix(run: Number, camcol: Number, field: Number) -> Number:
    """What the identifiers of a field's objects begin with."""
    return (2 << 59) | (RERUN << 48) | (run << 32) | (camcol << 29) | (field << 16)


def name_spectra(table: NDArray[np.void], *, plate: int, mjd: int) -> None:
    """Give those objects that have a spectrum its identifier, in SDSS's layout of bits."""
    has = np.flatnonzero(table["spec_class"] != "")
    table["fiber"][has] = 1 + np.arange(len(has)) % 1000
    prefix = np.uint64((plate << 50) | ((mjd - 50_000) << 24) | (26 << 10))
    table["specobjid"][has] = prefix + (table["fiber"][has].astype("u8") << np.uint64(38))


def _magnitudes(rng: np.random.Generator, count: int, slope: float) -> Floats:
    least = 10.0 ** (slope * (FAINT_FROM - FAINT_TO))
    return FAINT_TO + np.log10(rng.uniform(least, 1.0, count)) / slope


def _set_bands(table: NDArray[np.void], r: Floats, colours: tuple[Floats, ...]) -> None:
    ug, gr, ri, iz = colours
    table["r"], table["g"], table["i"] = r, r + gr, r - ri
    table["u"], table["z"] = r + gr + ug, r - ri - iz
    for band in "ugriz":  # as many decimals as the server writes
        table[band] = np.round(table[band], 4)


def _make_stars(rng: np.random.Generator, table: NDArray[np.void], r: Floats) -> None:
    count = len(table)
    ri = np.where(
        rng.random(count) < 0.78, rng.normal(0.16, 0.07, count), rng.uniform(0.3, 1.5, count)
    )
    ri = np.maximum(ri, 0.0)
    # The stellar locus after Juric et al. 2008.
    gr = 1.39 * (1 - np.exp(-4.9 * ri**3 - 2.45 * ri**2 - 1.68 * ri - 0.05))
    gr += rng.normal(0, 0.02, count)
    _set_bands(table, r, (0.85 + 1.3 * gr, gr, ri, 0.55 * ri))
    table["kind"], table["ab"] = "star", 1.0
    table["petroR50_r"], table["petroR90_r"], table["petroRad_r"] = 0.75, 1.45, 1.5
    spectro = (r < 18.5) & (rng.random(count) < 0.04)
    table["spec_class"][spectro] = "STAR"
    table["redshift"][spectro] = rng.normal(0, 2e-4, count)[spectro]


def _make_galaxies(rng: np.random.Generator, table: NDArray[np.void], r: Floats) -> None:
    count = len(table)
    red = rng.random(count) < 0.45
    redder = 0.05 * np.maximum(r - 16.0, 0.0)  # the faint ones are farther away
    gr = np.where(red, rng.normal(0.82, 0.05, count), rng.normal(0.40, 0.12, count)) + redder
    ri = np.where(red, 0.38, 0.22) + 0.35 * redder + rng.normal(0, 0.03, count)
    _set_bands(table, r, (np.where(red, 1.6, 1.1) + 0.2 * redder, gr, ri, 0.8 * ri))
    table["kind"] = "galaxy"
    _set_shapes(rng, table, red)
    spectro = (r < SPECTRO_LIMIT) & (rng.random(count) < 0.9)
    table["spec_class"][spectro] = "GALAXY"
    redshift = 0.1 * 10 ** (0.2 * (r - 17.5)) * rng.lognormal(0, 0.35, count)
    table["redshift"][spectro] = redshift[spectro]


def _set_shapes(rng: np.random.Generator, table: NDArray[np.void], red: Flags) -> None:
    count = len(table)
    half = 1.3 * 10 ** (-0.14 * (table["r"] - 20.0)) * rng.lognormal(0, 0.22, count)
    half = np.where(red, 0.9, 1.15) * half
    table["petroR50_r"] = np.round(half, 4)
    table["petroR90_r"] = np.round(half * np.where(red, 3.0, 2.3), 4)
    table["petroRad_r"] = np.round(half * np.where(red, 2.6, 2.2), 4)
    thin = rng.uniform(0.18, 1.0, count)  # discs seen from all sides
    table["ab"] = np.round(np.where(red, rng.uniform(0.5, 1.0, count), thin), 4)
    table["phi"] = np.round(rng.uniform(0.0, 180.0, count), 3)
    table["bulge"] = np.where(red, rng.uniform(0.7, 1.0, count), rng.uniform(0.02, 0.35, count))
    armed = ~red & (table["ab"] > 0.35) & (table["r"] < 18.0) & (rng.random(count) < 0.7)
    table["arms"] = np.where(armed, rng.uniform(0.25, 0.8, count) * rng.choice([-1, 1], count), 0.0)
