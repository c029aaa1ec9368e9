"""What the database has about a field: the columns of ``Field`` and ``Frame``."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sdss_cutout.sandbox import projection
from sdss_cutout.sandbox.sas import headers
from sdss_cutout.sandbox.survey import camera
from sdss_cutout.sandbox.survey.fields import RERUN

if TYPE_CHECKING:
    from sdss_cutout.sandbox.survey.astrometry import AsTrans
    from sdss_cutout.sandbox.survey.fields import Field, Survey

QUALITY = 3  # good
_LINEAR = [f"{term}_{band}" for band in camera.BANDS for term in "abcdef"]
ARCSEC2 = (camera.PIXEL_DEG * 3600) ** 2  # of a pixel


def numbers(field: Field) -> dict[str, Any]:
    """Run, rerun, camera column, field number and identifier."""
    return {
        "run": field.run.number, "rerun": RERUN, "camcol": field.camcol, "field": field.number,
        "fieldID": field.field_id,
    }  # fmt: skip


def position(field: Field) -> dict[str, float]:
    """Centre and bounds. Right ascensions are bounded plainly, whatever happens at 0."""
    ra, dec = field.corners
    return {
        "ra": field.centre[0], "dec": field.centre[1], "raMin": float(ra.min()),
        "raMax": float(ra.max()), "decMin": float(dec.min()), "decMax": float(dec.max()),
    }  # fmt: skip


def linear_terms(transform: AsTrans) -> dict[str, float]:
    """The terms a to f."""
    return {name: getattr(transform, name) for name in "abcdef"}


def frame_row(field: Field) -> dict[str, Any]:
    """The row of ``Frame``, where the terms have double precision."""
    rows, cols = field.shape
    transform = field.astrans("r")
    mu, nu = transform.great_circle(rows / 2, cols / 2)
    cx, cy, cz = projection.normal(*field.centre).tolist()
    return {
        **numbers(field), "zoom": 0, "stripe": field.run.stripe, "strip": field.run.strip,
        **linear_terms(transform), "node": field.run.node, "incl": field.run.incl,
        **position(field), "mu": float(mu), "nu": float(nu), "cx": cx, "cy": cy, "cz": cz,
        "htmID": 0,
    }  # fmt: skip


def field_row(field: Field, survey: Survey) -> dict[str, Any]:
    """The row of ``Field``."""
    row = {
        **numbers(field), "skyVersion": 2, "quality": QUALITY, "score": score(field.run.number),
        "primaryArea": survey.primary_area(field), "pixScale": camera.PIXEL_DEG * 3600,
        **position(field), **linear_columns(field),
    }  # fmt: skip
    for band in camera.BANDS:
        row |= {f"{name}_{band}": value for name, value in _band_columns(field, band).items()}
    return row


def linear_columns(field: Field) -> dict[str, float]:
    """The columns a_u to f_z of ``Field``, which have single precision as in the real one."""
    rows = field.first_row
    values = [
        value
        for t in field.transforms
        for value in (t.a + t.b * rows, t.b, t.c, t.d + t.e * rows, t.e, t.f)
    ]
    return dict(zip(_LINEAR, np.asarray(values, dtype="f4").astype(float).tolist(), strict=True))


def _band_columns(field: Field, band: str) -> dict[str, Any]:
    run, camcol = field.run.number, field.camcol
    nmgy = float(camera.calibration(field.run, camcol, band).mean())
    sky = camera.sky_level(field.run, camcol, band)
    middle = sky.along(np.array([field.first_row + field.shape[0] / 2])) * sky.across.mean()
    return {
        "mjd": headers.mjd_of(field, band), "gain": single(camera.gain(run, camcol, band)),
        "darkVariance": single(camera.dark_variance(run, camcol, band)),
        "psfWidth": single(camera.SEEING), "skyFrames": single(float(middle[0]) * nmgy / ARCSEC2),
        "nMgyPerCount": single(nmgy), "calibStatus": 1, "saturationLevel": 65_535,
    }  # fmt: skip


def single(value: float) -> float:
    """What a column of SQL's type ``real`` keeps of a number."""
    return float(np.float32(value))


@lru_cache(maxsize=4096)
def score(run: int) -> float:
    """How good the fields of a run are, from 0 to 1."""
    return single(round(camera.generator(6, run).uniform(0.6, 1.0), 4))
