"""Calibrated cutouts in HDF5, in the layout of the Multimodal Universe.

As in https://github.com/MultimodalUniverse/MultimodalUniverse, ``scripts/legacysurvey``: per object
``image_array`` (band, y, x), ``image_ivar``, ``image_mask`` (true where a pixel is good),
``image_band``, ``image_scale``, ``image_psf_fwhm`` and ``image_rgb``, with ``object_id``, ``ra``,
``dec`` and ``healpix``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy.wcs.utils import proj_plane_pixel_scales
from numpy.typing import NDArray

from sdss_cutout._errors import ImageError
from sdss_cutout._export.format import Sample, TrainingSet

__all__ = ["CalibratedImages"]

_NSIDE = 16


class CalibratedImages:
    """The calibrated cutouts of one split."""

    def __init__(
        self,
        group: Any,
        training_set: TrainingSet,
        rows: NDArray[np.int64],
        shape: tuple[int, int],
    ) -> None:
        import h5py

        count, bands = len(rows), len(training_set.bands)
        self._bands = training_set.bands
        self._shape = shape
        self._datasets = {
            name: group.create_dataset(name, (count, *inner), kind)
            for name, inner, kind in (
                ("image_array", (bands, *shape), "f4"),
                ("image_ivar", (bands, *shape), "f4"),
                ("image_mask", (bands, *shape), "?"),
                ("image_rgb", (*shape, 3), "u1"),
                ("image_band", (bands,), "S6"),
                ("image_scale", (bands,), "f4"),
                ("image_psf_fwhm", (bands,), "f4"),
                ("wcs", (bands,), h5py.string_dtype()),
            )
        }
        self._datasets["image_array"].attrs["unit"] = "nmgy"
        self._datasets["image_ivar"].attrs["unit"] = "nmgy-2"
        self._datasets["image_scale"].attrs["unit"] = "arcsec / pix"
        self._datasets["image_mask"].attrs["description"] = "true where there is imaging"
        _write_identifiers(group, training_set, rows)
        self._count = 0

    @staticmethod
    def nbytes(training_set: TrainingSet, shape: tuple[int, int]) -> int:
        """Return how many bytes one cutout takes."""
        return (9 * len(training_set.bands) + 3) * shape[0] * shape[1] + 4_000

    def add(self, sample: Sample) -> None:
        """Write the next cutout."""
        images = [sample.picture[band] for band in self._bands]
        planes = [_plane(image) for image in images]
        if any(flux.shape != self._shape for flux, _, _ in planes):
            raise ImageError(
                f"target {sample.row} ({sample.name!r}): the bands have the shapes "
                f"{[flux.shape for flux, _, _ in planes]}, and the table says {self._shape}"
            )
        wcs = [image.wcs for image in images]
        values = {
            "image_array": [flux for flux, _, _ in planes],
            "image_ivar": [ivar for _, ivar, _ in planes],
            "image_mask": [good for _, _, good in planes],
            "image_rgb": sample.picture.to_rgb(),
            "image_band": [f"SDSS-{band.upper()}".encode() for band in self._bands],
            "image_scale": [proj_plane_pixel_scales(one)[0] * 3600.0 for one in wcs],
            "image_psf_fwhm": np.full(len(self._bands), np.nan),
            "wcs": [one.to_header(relax=True).tostring(sep="\n", padding=False) for one in wcs],
        }
        for name, value in values.items():
            self._datasets[name][self._count] = value
        self._count += 1

    def finish(self) -> None:
        """Do nothing: each cutout is written as it comes."""


def _plane(band: Any) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Return flux, inverse variance and where there is imaging; 0 where there is none."""
    flux = np.asarray(band.data, dtype=np.float32)
    good = np.isfinite(flux)
    if band.mask is not None:
        good &= ~np.asarray(band.mask)
    sigma = np.asarray(band.uncertainty.array, dtype=np.float32)
    good_sigma = good & np.isfinite(sigma) & (sigma > 0)
    ivar = np.zeros_like(flux)
    ivar[good_sigma] = sigma[good_sigma] ** -2
    return np.where(good, flux, np.float32(0)), ivar, good


def _write_identifiers(group: Any, training_set: TrainingSet, rows: NDArray[np.int64]) -> None:
    """Write ``object_id`` and ``healpix``, by which the Multimodal Universe joins its tables."""
    group.create_dataset("object_id", data=training_set.table["name"].values[rows])
    try:
        from astropy_healpix import lonlat_to_healpix
    except ImportError:
        return
    import astropy.units as u

    ra, dec = (training_set.column(name).values[rows] * u.deg for name in ("ra", "dec"))
    pixels = lonlat_to_healpix(ra, dec, _NSIDE, order="nested")
    group.create_dataset("healpix", data=np.asarray(pixels, dtype=np.int64))
