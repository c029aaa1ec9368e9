"""Position and geometry become a request, and a request a URL. Pure and strict.

The server clips in silence what is out of its limits, so that everything is refused here that
would make it answer something else than what was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

import astropy.units as u
import numpy as np
from astropy.table import Column
from numpy.typing import NDArray

from sdss_cutout._errors import RequestError, TargetError
from sdss_cutout._service.skyserver import SKYSERVER, ImageService
from sdss_cutout._targets.targets import Targets, read_positions

__all__ = ["CutoutRequest", "RequestBatch", "Site", "build_requests", "check_site"]

_ARCSEC_PER_PIXEL = u.arcsec / u.pix

# Positions and scales are sent with this many decimals: 0.4 micro-arcsec, far below anything
# that SDSS measures, but coarse enough that the last bit of a frame transformation, which differs
# between machines, does not turn the same target into another request.
_DECIMALS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Which server and which data release are asked."""

    base_url: str
    release: int
    auth: tuple[str, str] | None = field(default=None, repr=False)
    service: ImageService = SKYSERVER

    @property
    def picture_url(self) -> str:
        """The URL of the picture service, without parameters."""
        return self.base_url + self.service.picture_path.format(release=self.release)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutoutRequest:
    """One picture, as the server is asked for it.

    Attributes
    ----------
    ra, dec : float
        ICRS position of the reference pixel, degrees.
    scale : float
        Arcsec a pixel.
    width, height : int
        Pixels.
    overlays : str
        SkyServer's letters.
    release : int
        SDSS data release.
    url : str
        The URL that asks for all of this.
    service : ImageService
        The facts about the service that is asked.
    """

    ra: float
    dec: float
    scale: float
    width: int
    height: int
    overlays: str
    release: int
    url: str
    service: ImageService = field(default=SKYSERVER, repr=False)

    @property
    def largest_body(self) -> int:
        """More bytes than any JPEG of this size has: those of its bare pixels, and a header."""
        return 3 * self.width * self.height + 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestBatch:
    """The requests for many targets, held as columns so that a million of them stay small.

    Attributes
    ----------
    ra, dec, scale : ndarray of float, shape (n,)
        ICRS degrees; arcsec a pixel.
    width, height : ndarray of int, shape (n,)
        Pixels.
    overlays : str
        SkyServer's letters.
    tail : str
        The part of the URL that is the same for all.
    site : Site
        Which server and release.
    """

    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    scale: NDArray[np.float64]
    width: NDArray[np.int64]
    height: NDArray[np.int64]
    overlays: str
    tail: str
    site: Site

    def __len__(self) -> int:
        return len(self.ra)

    def __iter__(self) -> Iterator[CutoutRequest]:
        columns = (self.ra, self.dec, self.scale, self.width, self.height)
        for url, *values in zip(self.urls(), *(c.tolist() for c in columns), strict=True):
            ra, dec, scale, width, height = values
            yield CutoutRequest(
                ra=ra,
                dec=dec,
                scale=scale,
                width=width,
                height=height,
                overlays=self.overlays,
                release=self.site.release,
                url=url,
                service=self.site.service,
            )

    def urls(self) -> list[str]:
        """Return the URLs, in the targets' order."""
        head, tail = f"{self.site.picture_url}?ra=", self.tail
        columns = (self.ra, self.dec, self.scale, self.width, self.height)
        return [
            f"{head}{ra}&dec={dec}&scale={scale}&width={width}&height={height}{tail}"
            for ra, dec, scale, width, height in zip(*map(_texts, columns), strict=True)
        ]

    def part(self, rows: slice | NDArray[np.int64]) -> RequestBatch:
        """Return the requests of some rows."""
        return RequestBatch(
            ra=self.ra[rows],
            dec=self.dec[rows],
            scale=self.scale[rows],
            width=self.width[rows],
            height=self.height[rows],
            overlays=self.overlays,
            tail=self.tail,
            site=self.site,
        )


def _texts(values: NDArray[Any]) -> list[str]:
    """Return numbers as text, without exponents: whether the server reads them is not known."""
    if len(values) and not any(values.strides):
        return _texts(values[:1].copy()) * len(values)
    texts = list(map(repr, values.tolist()))
    for row in np.flatnonzero(np.abs(values) < _EXPONENT_BELOW):
        texts[row] = np.format_float_positional(values[row], trim="0")
    return texts


# Python writes smaller numbers with an exponent.
_EXPONENT_BELOW = 1e-4


def check_site(base_url: str, release: int, service: ImageService = SKYSERVER) -> Site:
    """Return the site, or raise `RequestError` if there can be none such."""
    split = _split_root(str(base_url))
    if isinstance(release, bool) or not isinstance(release, int | np.integer):
        raise RequestError(f"data_release = {release!r} is not a whole number")
    if not service.first_release <= release <= service.last_release:
        raise RequestError(
            f"data_release = {release} is outside {service.first_release}..{service.last_release}, "
            f"the releases that {service.name} is known to serve"
        )
    # Credentials go with the connection; a URL is written into files and messages.
    bare = urlunsplit(split._replace(netloc=split.netloc.rpartition("@")[2]))
    auth = (unquote(split.username), unquote(split.password or "")) if split.username else None
    return Site(base_url=bare, release=int(release), auth=auth, service=service)


def _split_root(base_url: str) -> SplitResult:
    """Return the parts of a server's root, which has no query and nothing unprintable."""
    try:
        split = urlsplit(base_url.rstrip("/"))
        known = bool(split.hostname) and split.scheme in ("http", "https") and split.port != 0
    except ValueError:  # such as a port that is no number
        known = False
    if not known or not re.fullmatch(r"[^\s?#\\]+", base_url) or not base_url.isprintable():
        shown = re.sub(r"//.*@", "//", base_url)  # not the password
        raise RequestError(f"base_url = {shown!r} is not a URL such as https://skyserver.sdss.org")
    return split


def build_requests(
    targets: Targets,
    site: Site,
    *,
    scale: u.Quantity | None = None,
    size: Any = None,
    width: Any = None,
    height: Any = None,
    fov: u.Quantity | None = None,
    overlays: str | Sequence[str] | None = None,
    mark: Any = None,
    total: int | None = None,
) -> RequestBatch:
    """Return the requests for these targets.

    The parameters are those of `sdss_cutout.SDSSCutouts.get`; ``total`` is the length of the
    list that the targets are a part of, which is what an array of values has to match.
    """
    letters = _overlay_letters(overlays, site.service)
    geometry = _geometry(
        targets, site.service, scale=scale, size=size, width=width, height=height, fov=fov,
        total=len(targets) if total is None else total,
    )  # fmt: skip
    _refuse_beyond_limits(geometry, letters, site.service, targets)
    options = [("opt", letters), ("query", _mark_text(mark))]
    ra, dec = _sent(targets)
    return RequestBatch(
        ra=ra,
        dec=dec,
        overlays=letters,
        tail="".join(f"&{key}={quote(value, safe='')}" for key, value in options if value),
        site=site,
        **geometry,
    )


# ---------------------------------------------------------------------------- geometry


def _geometry(
    targets: Targets, service: ImageService, *, total: int, **given: Any
) -> dict[str, NDArray[Any]]:
    """Return scale, width and height for each target from whichever of them were given."""
    if given["size"] is not None and not (given["width"] is None and given["height"] is None):
        raise RequestError("size is both width and height; give either size or those two")
    width = given["size"] if given["width"] is None else given["width"]
    height = given["size"] if given["height"] is None else given["height"]
    if given["fov"] is None and width is None:
        width = service.default_size if height is None else height
    if given["scale"] is not None and given["fov"] is not None and width is not None:
        raise RequestError("any two of scale, fov and the width in pixels fix the third; give two")

    rows = slice(targets.first_row, targets.first_row + len(targets))

    def column(values: Any, name: str) -> NDArray[Any]:
        return _one_per_target(values, name, total, rows)

    fov = None if given["fov"] is None else column(_angles(given["fov"], "fov"), "fov")
    scale = None if given["scale"] is None else column(_scales(given["scale"]), "scale")
    columns = None if width is None else column(_pixels(width, "width"), "width")
    if columns is None:
        scale = column(np.float64(service.default_scale), "scale") if scale is None else scale
        assert fov is not None
        columns = _positive(fov, "fov", targets) / _positive(scale, "scale", targets)
        # Halves go the same way in whatever unit the angles came.
        columns = np.rint(np.round(columns, _DECIMALS // 2))
    elif fov is not None:
        scale = _positive(fov, "fov", targets) / np.maximum(columns, 1)
    elif scale is None:
        scale = column(np.float64(service.default_scale), "scale")
    lines = columns if height is None else column(_pixels(height, "height"), "height")
    return {
        "scale": _constant_or(np.round, scale, _DECIMALS),
        "width": _constant_or(_integers, columns),
        "height": _constant_or(_integers, lines),
    }


def _constant_or(function: Any, values: NDArray[Any], *args: Any) -> NDArray[Any]:
    """Return ``function(values)``; one value for all targets stays one value in memory."""
    if len(values) and not any(values.strides):
        return np.broadcast_to(function(values[:1], *args), values.shape)
    return np.asarray(function(values, *args))


def _integers(values: NDArray[Any]) -> NDArray[np.int64]:
    return np.clip(values, -(2**62), 2**62).astype(np.int64)


def _positive(values: NDArray[Any], name: str, targets: Targets) -> NDArray[Any]:
    for row in np.flatnonzero(~(np.isfinite(values) & (values > 0)))[:1]:
        raise RequestError(
            f"{_where(targets, row, values)}{name} = {values[row]} arcsec is not a positive angle"
        )
    return values


def _one_per_target(values: Any, name: str, total: int, rows: slice) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim == 0:
        return np.broadcast_to(array, rows.stop - rows.start)
    if array.shape != (total,):
        raise RequestError(
            f"{name} has the shape {array.shape}; allowed is one value, or one for each of the "
            f"{total} targets"
        )
    return array[rows]


def _angles(value: Any, name: str) -> NDArray[Any]:
    return _quantity(value, name, u.arcsec, "an angle such as 1 * u.arcmin")


def _scales(value: Any) -> NDArray[Any]:
    unit = getattr(value, "unit", None)
    if isinstance(value, Column):
        _unmasked(value, "scale")
    if unit is not None and u.Unit(unit).is_equivalent(1 / _ARCSEC_PER_PIXEL):
        with np.errstate(divide="ignore"):
            value = 1 / u.Quantity(value)
    return _quantity(
        value, "scale", _ARCSEC_PER_PIXEL, "an angle per pixel such as 0.3 * u.arcsec / u.pix"
    )


def _quantity(value: Any, name: str, unit: u.Unit, allowed: str) -> NDArray[Any]:
    """Return the value in a unit; a bare number or a wrong unit is refused."""
    given = getattr(value, "unit", None)
    if given is None:
        raise RequestError(f"{name} = {_brief(value)} has no unit; it must be {allowed}")
    if isinstance(value, Column):  # a Quantity made from it would lose the mask
        _unmasked(value, name)
    try:
        quantity = u.Quantity(value).to_value(unit)
    except (u.UnitConversionError, TypeError, ValueError) as error:
        raise RequestError(f"{name} has the unit {str(given)!r}; it must be {allowed}") from error
    return _unmasked(quantity, name)


def _pixels(value: Any, name: str) -> NDArray[Any]:
    """Return whole pixels from a number or a quantity in pixels."""
    if getattr(value, "unit", None) is not None:
        value = _quantity(value, name, u.pix, "whole pixels: an int, or 200 * u.pix")
    pixels = _unmasked(value, name)
    whole = pixels.dtype.kind in "fiu" and np.isfinite(pixels) & (np.rint(pixels) == pixels)
    if not np.all(whole):
        raise RequestError(f"{name} = {_brief(value)} is not a whole number of pixels")
    return pixels


def _unmasked(value: Any, name: str) -> NDArray[Any]:
    mask = getattr(value, "mask", False)
    for row in np.flatnonzero(not callable(mask) and mask)[:1]:  # pandas has a method mask
        raise RequestError(f"target {row}: {name} is masked; a value is needed")
    return np.asarray(getattr(value, "unmasked", value))


def _brief(value: Any) -> str:
    if np.ndim(value) != 0:
        return f"an array of {np.size(value)} values"
    return repr(value.item() if isinstance(value, np.ndarray | np.generic) else value)


def _refuse_beyond_limits(
    geometry: Mapping[str, NDArray[Any]], letters: str, service: ImageService, targets: Targets
) -> None:
    limits = service.limits_for(letters)
    ranges = {
        "scale": (limits.min_scale, limits.max_scale, "arcsec/pix"),
        "width": (limits.min_size, limits.max_size, "pix"),
        "height": (limits.min_size, limits.max_size, "pix"),
    }
    note = " with overlay X" if "X" in letters else ""
    for name, (low, high, unit) in ranges.items():
        values = geometry[name]
        for row in np.flatnonzero(~((values >= low) & (values <= high)))[:1]:
            raise RequestError(
                f"{_where(targets, row, values)}{name} = {values[row]} {unit} is outside "
                f"{low}..{high} {unit}, the limits of the service{note}"
            )


def _where(targets: Targets, row: int, values: NDArray[Any]) -> str:
    """Return 'target 17: ', but only where targets have values of their own."""
    same = np.array_equal(values, np.broadcast_to(values[0], values.shape), equal_nan=True)
    return "" if same else f"target {targets.first_row + row}: "


# ------------------------------------------------------------------- overlays and marks


def _overlay_letters(overlays: str | Sequence[str] | None, service: ImageService) -> str:
    if overlays is None:
        return ""
    known = service.overlays
    by_name = {name: letter for letter, name in known.items()}
    # One string is letters, unless it is the name of one overlay.
    parts = [overlays] if isinstance(overlays, str) and overlays.lower() in by_name else overlays
    if not isinstance(parts, Iterable):
        raise RequestError(f"overlays = {overlays!r} are neither letters nor a list of names")
    letters = []
    for part in parts:
        text = str(part)
        letter = by_name.get(text.lower(), text.upper())
        if letter not in known:
            raise RequestError(
                f"overlay {text!r} is not known; allowed are "
                + ", ".join(f"{letter} ({name})" for letter, name in known.items())
            )
        letters.append(letter)
    return "".join(dict.fromkeys(letters))


# S: ImgCutout.cs validateQuery.
_NUMBER = r"\s*[-+]?\d+(\.\d*)?\s*"
_FILTER = re.compile(rf"[SGP][UGRIZA]\({_NUMBER},{_NUMBER}\)", re.IGNORECASE | re.ASCII)


def _mark_text(mark: Any) -> str:
    """Return the ``query`` parameter for what is to be marked."""
    if mark is None:
        return ""
    if isinstance(mark, str):
        text = mark.strip()
        if _FILTER.fullmatch(text):
            return "".join(text.upper().split())
        if re.search(r"\bselect\b", text, re.IGNORECASE):
            return text
        raise RequestError(
            f"mark = {mark!r} is not understood; allowed are positions, SQL that selects ra and "
            "dec, or a filter: S, G or P, a band of UGRIZA, and limits, as SR(10,20)"
        )
    try:
        positions = read_positions(mark)
    except TargetError as error:
        raise RequestError(f"mark: {error}") from error
    ra, dec = _sent(positions)
    rows = zip(_texts(ra), _texts(dec), strict=True)
    return "\n".join(["ra dec", *(f"{ra} {dec}" for ra, dec in rows)])


def _sent(targets: Targets) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the positions as they are sent, without -0.0 and 360.0."""
    return np.round(targets.ra, _DECIMALS) % 360.0, np.round(targets.dec, _DECIMALS) + 0.0
