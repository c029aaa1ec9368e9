"""Pixels with three colours that know their place on the sky, also after slicing."""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy.nddata import NDDataRef

__all__ = ["ColourData"]


class ColourData(NDDataRef):
    """NDData of shape ``(ny, nx, 3)`` whose WCS is that of its first two axes."""

    def _slice_wcs(self, item: Any) -> Any:
        """Slice the WCS along the axes that it has: a colour has no place on the sky."""
        if self.wcs is None:
            return None
        items = np.index_exp[item]
        if Ellipsis in items:
            place = items.index(Ellipsis)
            missing = self.data.ndim - (len(items) - 1)
            items = items[:place] + (slice(None),) * missing + items[place + 1 :]
        return super()._slice_wcs(items[: self.wcs.low_level_wcs.pixel_n_dim])
