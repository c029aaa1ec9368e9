"""Which cells of the sky a query reads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sdss_cutout.sandbox.projection import normal
from sdss_cutout.sandbox.sky import footprint, grid, population
from sdss_cutout.sandbox.sql import conditions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sdss_cutout.sandbox.sql.intervals import Interval

    Cell = tuple[int, int]

# What a query reads that is not confined to a part of the sky: this part of Stripe 82, and the
# bright objects of the whole footprint.
PATCH_RA, PATCH_DEC = (15.0, 30.0), (-1.25, 1.25)
PATCH_TEXT = "ra 15 to 30, dec -1.25 to 1.25, and all with r < 14"
MOST_CELLS = 800  # that a query reads: 200 square degrees, which takes some seconds
IDENTIFIERS = ("objid", "bestobjid")
PHOTOMETRY = ("r", "modelmag_r", "psfmag_r", "petromag_r", "cmodelmag_r", "dered_r")
_OBJECTS = re.compile(r"\b(photo(obj|primary|tag)|galaxy|star\b|spec(obj|photo))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scope:
    """The cells that a query reads besides the patch.

    Attributes
    ----------
    cells : list
        Band and index of each.
    limits : str
        What is read if that is less than what the query asked for, in words; else empty.
    """

    cells: list[Cell]
    limits: str = ""


class CellIndex:
    """The cells of the whole sphere, with the range of every column that confines a query."""

    def __init__(self) -> None:
        counts = [grid.cells_in_band(band) for band in range(grid.BANDS)]
        self.band: NDArray[np.int64] = np.repeat(np.arange(grid.BANDS), counts)
        self.index: NDArray[np.int64] = np.concatenate([np.arange(count) for count in counts])
        self._starts = np.cumsum(counts) - counts
        self._width = 360.0 / np.repeat(counts, counts)

    @cached_property
    def bounds(self) -> dict[str, Interval]:
        """The lowest and the highest value that each column has in each cell."""
        ra, dec = self.index * self._width, self.band * grid.CELL_DEG - 90.0
        numbers = {
            "run": grid.run_of(self.band), "camcol": grid.camcol_of(self.index),
            "field": grid.field_of(self.index), "plate": grid.plate_of(self.band),
            "mjd": grid.mjd_of(self.index),
        }  # fmt: skip
        first = population.identifier_prefix(*(numbers[n] for n in ("run", "camcol", "field")))
        faint = np.full_like(ra, population.FAINT_FROM), np.full_like(ra, population.FAINT_TO)
        return {
            "ra": (ra, ra + self._width),
            "dec": (dec, dec + grid.CELL_DEG),
            **dict.fromkeys(IDENTIFIERS, (first + 0.0, first + 65535.0)),
            **dict.fromkeys(PHOTOMETRY, (faint[0] - 0.01, faint[1] + 0.01)),
            **{name: (number + 0.0, number + 0.0) for name, number in numbers.items()},
        }

    @cached_property
    def patch(self) -> NDArray[np.bool_]:
        """The cells that lie in the patch as a whole."""
        (west, east), (south, north) = self.bounds["ra"], self.bounds["dec"]
        inside = (west >= PATCH_RA[0]) & (east <= PATCH_RA[1] + 1e-9)
        return np.asarray(inside & (south >= PATCH_DEC[0]) & (north <= PATCH_DEC[1]))

    def scope_of(self, sql: str) -> Scope:
        """What a query reads."""
        if not _OBJECTS.search(sql):
            return Scope([])
        possible = conditions.possible_cells(sql, self.bounds)
        if possible is None:
            return Scope([], PATCH_TEXT)
        wanted = self._imaged(np.flatnonzero(possible & ~self.patch))
        if len(wanted) <= MOST_CELLS:
            return Scope(self._cells(wanted))
        # Too many: a sample is read, which is the patch if it fulfils the query's conditions.
        if possible[self.patch].all():
            return Scope([], PATCH_TEXT)
        area = grid.CELL_DEG**2  # of a cell, nearly
        limits = f"{MOST_CELLS * area:.0f} of {len(wanted) * area:.0f} square degrees"
        spread = np.linspace(0, len(wanted) - 1, MOST_CELLS).astype(int)
        return Scope(self._cells(wanted[spread]), limits)

    def is_beyond_patch(self, cell: Cell) -> bool:
        """Whether there is such a cell, and it is not one that every query reads."""
        band, index = cell
        if not (0 <= band < grid.BANDS and 0 <= index < grid.cells_in_band(band)):
            return False
        return not self.patch[self._starts[band] + index]

    def _imaged(self, chosen: NDArray[np.intp]) -> NDArray[np.intp]:
        """Those of some cells that may have imaging."""
        ra = (self.index[chosen] + 0.5) * self._width[chosen]
        dec = (self.band[chosen] + 0.5) * grid.CELL_DEG - 90.0
        return chosen[footprint.margins(normal(ra, dec)) > -grid.CELL_RADIUS]

    def _cells(self, chosen: NDArray[np.intp]) -> list[Cell]:
        return list(zip(self.band[chosen].tolist(), self.index[chosen].tolist(), strict=True))
