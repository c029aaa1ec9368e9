"""What the sandbox copies of the real server's behaviour, each with its source.

``S:`` is the server's public source (github.com/sciserver/SkyServerWS, 2023-12),
``U:`` a user's report. Nothing else in the sandbox claims to be SkyServer's way.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

RELEASES = range(7, 20)
DEFAULT_SCALE = 0.396127  # S: getJpegController.cs
DEFAULT_SIZE = 128  # S: getJpegController.cs

SIZE_LIMITS = (64, 2048)  # S: ImgCutout.cs validateInput
SCALE_LIMITS = (0.015, 2400.0)  # S: ImgCutout.cs validateInput
SIZE_LIMITS_2MASS = (250, 3601)  # S: ImgCutout.cs, with letter X
SCALE_LIMITS_2MASS = (0.015, 60.0)  # S: ImgCutout.cs, with letter X

OVERLAY_LETTERS = "ABFGILMOPQSTX"  # S: ImgCutout.cs validateInput; others are ignored
PLATE_RADIUS_DEG = 1.49  # S: SdssConstants.cs

OUTSIDE_TEXT = "Requested (ra, dec) is outside the SDSS footprint."  # S: ImgCutout.cs
OUTSIDE_REASON = f"NOT FOUND. {OUTSIDE_TEXT}"  # S: getJpegController.cs
DRAWING_REASON = "INTERNAL SERVER ERROR. {message}"  # S: getJpegController.cs
MISSING_TEXT = (  # S: getJpegController.cs
    "There are not enough parameters to process your request. Enter position (ra,dec) values "
    "properly.ra must be in [0,360], dec must be in [-90,90], scale must be in [0.015, 60.0]. "
)
MALFORMED_TEXT = (  # S: ImgCutout/Validation.cs
    "The input values are not in correct format. ra must be in [0,360], dec must be in [-90,90], "
    "scale must be in [0.015, 60.0], height and width must be in [64,2048]. \n"
    " Detail Error Message: {detail}"
)

MAX_ROWS = 500_000  # S: Globals.cs
RATE_LIMIT_TEXT = (  # S: sqlloader spSQLSupport.sql; U
    "ERROR: Maximum 60 queries allowed per minute. Rejected query: {query}"
)
OVERLOAD_PAGE = (  # U: astroquery issue 2684
    "<html><body><h1>503 Service Unavailable</h1>\n"
    "No server is available to handle this request.\n</body></html>\n"
)


class BadParameterError(ValueError):
    """A parameter that the server answers with 400."""


class DrawingError(ValueError):
    """What goes wrong while drawing: the server answers 500 with a picture of the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRequest:
    """What getjpeg draws, after the server's silent clipping and wrapping."""

    ra: float
    dec: float
    scale: float
    width: int
    height: int
    opt: str = ""
    query: str = ""
    gnomonic: bool = False  # these two are never so on the real server
    strict_marks: bool = False

    @classmethod
    def from_query(cls, query: dict[str, str]) -> PictureRequest:
        """Read the URL's parameters as the server does: names in any case, values clipped."""
        given = {name.lower(): value for name, value in query.items()}
        if "ra" not in given or "dec" not in given:
            raise BadParameterError(MISSING_TEXT)
        try:
            ra = angle(given["ra"], hours=True)
            dec = angle(given["dec"], hours=False)
            scale = float(given.get("scale", DEFAULT_SCALE))
            width = int(given.get("width", DEFAULT_SIZE))
            height = int(given.get("height", DEFAULT_SIZE))
        except ValueError as error:
            raise BadParameterError(MALFORMED_TEXT.format(detail=error)) from error
        opt = given.get("opt", "").upper()
        ra, dec = wrap(ra, dec)
        scale, width, height = clip(scale, width, height, two_mass="X" in opt)
        return cls(
            ra=ra, dec=dec, scale=scale, width=width, height=height, opt=opt,
            query=given.get("query", ""),
        )  # fmt: skip

    @property
    def is_finite(self) -> bool:
        """Whether position and scale are numbers that can be drawn."""
        return all(map(math.isfinite, (self.ra, self.dec, self.scale)))

    @property
    def pixels_per_radian(self) -> float:
        """The server's ``ppd`` in radians."""
        return math.degrees(3600.0 / self.scale)

    @property
    def radius_deg(self) -> float:
        """Half the picture's diagonal, the radius within which the server looks for fields."""
        return 0.5 * math.hypot(self.width, self.height) * self.scale / 3600.0


def angle(text: str, *, hours: bool) -> float:
    """Degrees of a decimal or a sexagesimal text (S: ImgCutout/Validation.cs)."""
    if ":" not in text:
        return float(text)
    sign = -1.0 if text.strip().startswith("-") else 1.0
    parts = [float(part) for part in re.sub(r"^\s*[+-]", "", text).split(":")]
    value = sum(part / 60**power for power, part in enumerate(parts))
    return sign * value * (15.0 if hours else 1.0)


def wrap(ra: float, dec: float) -> tuple[float, float]:
    """Fold a declination over the pole, silently (S: ImgCutout.cs validateInput)."""
    if not (math.isfinite(ra) and math.isfinite(dec)):
        return ra, dec
    if abs(dec) > 90:
        dec %= 360.0
        if 90 < dec < 270:
            ra, dec = ra + 180.0, 180.0 - dec
        elif dec >= 270:
            dec -= 360.0
    return ra % 360.0, dec


def clip(
    scale: float, width: int, height: int, *, two_mass: bool = False
) -> tuple[float, int, int]:
    """Bring scale and size within the server's limits, silently."""
    low, high = SIZE_LIMITS_2MASS if two_mass else SIZE_LIMITS
    least, most = SCALE_LIMITS_2MASS if two_mass else SCALE_LIMITS
    return (
        scale if math.isnan(scale) else max(least, min(most, scale)),
        max(low, min(high, width)),
        max(low, min(high, height)),
    )
