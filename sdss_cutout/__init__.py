"""Downloads SDSS images of positions on the sky, checked, each with its sky coordinates (WCS).

This is not a product of SDSS. Users of the images are asked to acknowledge SDSS, see
https://www.sdss.org/collaboration/citing-sdss/.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdss_cutout._config import Conf, conf
    from sdss_cutout._errors import (
        CutoutError,
        ImageError,
        OutsideFootprintError,
        QueryError,
        RequestError,
        ServiceError,
        StoreError,
        TargetError,
    )
    from sdss_cutout._export.export import Export
    from sdss_cutout._results.calibrated import CalibratedCutout
    from sdss_cutout._results.cutout import Cutout
    from sdss_cutout._results.directory import read_cutouts
    from sdss_cutout._results.lists import CutoutList, DownloadReport
    from sdss_cutout._views.marks import read_marks
    from sdss_cutout.client import SDSSCutouts

    __version__: str

__all__ = [
    "CalibratedCutout",
    "Conf",
    "Cutout",
    "CutoutError",
    "CutoutList",
    "DownloadReport",
    "Export",
    "ImageError",
    "OutsideFootprintError",
    "QueryError",
    "RequestError",
    "SDSSCutouts",
    "ServiceError",
    "StoreError",
    "TargetError",
    "conf",
    "read_cutouts",
    "read_marks",
]

# Where each public name lives. They are imported when first used (PEP 562), so that the command
# line can answer --help without loading astropy.
_HOMES = {
    "Conf": "_config",
    "conf": "_config",
    "CalibratedCutout": "_results.calibrated",
    "Cutout": "_results.cutout",
    "CutoutList": "_results.lists",
    "DownloadReport": "_results.lists",
    "Export": "_export.export",
    "SDSSCutouts": "client",
    "read_cutouts": "_results.directory",
    "read_marks": "_views.marks",
} | {name: "_errors" for name in __all__ if name.endswith("Error")}


def __getattr__(name: str) -> Any:
    value: Any
    if name == "__version__":
        from importlib.metadata import version

        value = version("sdss_cutout")
    elif name in _HOMES:
        value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
