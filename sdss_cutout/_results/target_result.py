"""What the results of one target have in common, whether a picture or calibrated data."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from astropy.coordinates import SkyCoord

from sdss_cutout._errors import OutsideFootprintError, ServiceError
from sdss_cutout._request.chunk import AnyRequest
from sdss_cutout._results.columns import RESULT_COLUMNS
from sdss_cutout._results.outcome import FAILED, OUTSIDE, Outcome

__all__ = ["TargetResult", "told_by"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TargetResult:
    """What was asked for one target, and what came of it; see `Cutout` for the attributes."""

    name: str
    request: AnyRequest
    status: str
    coverage: float = math.nan
    attempts: int = 0
    error: str = ""
    http_status: int = 0
    reason: str = ""
    path: Path | None = None
    nbytes: int = 0
    sha256: str = ""
    origin: str = ""
    date: str = ""

    @property
    def coord(self) -> SkyCoord:
        """The position that was asked for, ICRS."""
        return SkyCoord(self.request.ra, self.request.dec, unit="deg")

    @property
    def url(self) -> str:
        """The URL that was asked for.

        Of calibrated data it is that of the search for the fields; behind the ``#`` is the rest of
        the request.
        """
        return self.request.url

    @property
    def width(self) -> int:
        """Width in pixels, as it was asked for."""
        return self.request.width

    @property
    def height(self) -> int:
        """Height in pixels, as it was asked for."""
        return self.request.height

    @property
    def scale(self) -> float:
        """Arcsec per pixel, as it was asked for; nominal where the pixels are the survey's own."""
        return self.request.scale

    def row(self) -> dict[str, Any]:
        """Return the values of the result columns, as a list's table has them.

        Returns
        -------
        dict
            By the columns' names.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> with Sandbox() as sandbox:
        ...     cutout = SDSSCutouts(base_url=sandbox.base_url).get(SkyCoord("19d 0d"), size=64)
        >>> cutout.row()["status"], cutout.row()["width"]
        ('ok', 64)
        """
        values = {column.name: getattr(self, column.name) for column in RESULT_COLUMNS}
        return values | {name: str(values[name] or "") for name in ("path", "sidecar")}

    def raise_for_status(self) -> None:
        """Raise an error if there is no picture, or there are no data.

        Raises
        ------
        OutsideFootprintError
            If SDSS has no imaging there.
        ServiceError
            If a server did not give a valid answer.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> with Sandbox() as sandbox:
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     cutouts = client.get(SkyCoord([266.4], [-29.0], unit="deg"))
        >>> cutouts[0].raise_for_status()
        Traceback (most recent call last):
        ...
        sdss_cutout.OutsideFootprintError: J174536.00-290000.0: no SDSS imaging here (http://...)
        """
        if self.status == OUTSIDE:
            raise OutsideFootprintError(f"{self.name}: {self.error} ({self.url})")
        if self.status == FAILED:
            tried = f"{self.attempts} attempt{'s' * (self.attempts != 1)}"
            raise ServiceError(
                f"{self.name}: {self.error} ({tried}, {self.url})",
                status=self.http_status,
                reason=self.reason,
                url=self.url,
                attempts=self.attempts,
            )


_OURS = {field.name for field in fields(TargetResult)}
_TOLD = tuple(field.name for field in fields(Outcome) if field.name in _OURS)


def told_by(record: Outcome | TargetResult) -> dict[str, Any]:
    """Return what an outcome and the result of a target both tell, by its name."""
    return {name: getattr(record, name) for name in _TOLD}
