"""The formats of training sets; a new one is a module here and an entry below."""

from __future__ import annotations

from types import MappingProxyType

from sdss_cutout._export.format import Format
from sdss_cutout._export.formats import (
    ds9,
    hdf5,
    imagefolder,
    parquet,
    votable,
    webdataset,
    zoobot,
    zooniverse,
)

__all__ = ["FORMATS"]

FORMATS: MappingProxyType[str, Format] = MappingProxyType(
    {
        module.FORMAT.name: module.FORMAT
        for module in (
            imagefolder, parquet, webdataset, hdf5, zoobot, zooniverse, ds9, votable,
        )
    }
)  # fmt: skip
