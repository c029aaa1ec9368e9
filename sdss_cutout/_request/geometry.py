"""Scale, width and height for each target, from whichever of them the user passed. Strict.

The server clips in silence what is out of its limits, so this refuses everything that would make
it answer something else than what was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import astropy.units as u
import numpy as np
from astropy.table import Column
from numpy.typing import NDArray

from sdss_cutout._errors import RequestError
from sdss_cutout._request.numbers import DECIMALS
from sdss_cutout._request.options import RequestOptions
from sdss_cutout._request.quantities import refuse_lost_mask, with_quantities
from sdss_cutout._service.skyserver import Limits
from sdss_cutout._targets.rows import first_bad_row
from sdss_cutout._targets.targets import Targets

__all__ = ["pixel_geometry", "refuse_arrays", "refuse_beyond_limits"]

_ARCSEC_PER_PIXEL = u.arcsec / u.pix


class Pixels(Protocol):
    """What is known about the pixels that a service serves."""

    @property
    def default_scale(self) -> float: ...

    @property
    def default_size(self) -> int: ...

    def limits_for(self, overlays: str, /) -> Limits: ...


def pixel_geometry(
    targets: Targets, service: Pixels, options: RequestOptions
) -> dict[str, NDArray[Any]]:
    """Return ``scale``, ``width`` and ``height``, one value per target each."""
    options = with_quantities(options)
    asked_width, asked_height = _asked_sides(options, service)
    if not any(option is None for option in (options.scale, options.fov, asked_width)):
        raise RequestError("any two of scale, fov and the width in pixels fix the third; give two")
    for name in ("scale", "fov", "size", "width", "height"):
        refuse_lost_mask(getattr(options, name), name, targets.table, targets.first_row)
    fov = _per_target(_angles(options.fov, "fov"), "fov", targets)
    scale = _per_target(_scales(options.scale), "scale", targets)
    width = _per_target(_pixels(asked_width, "width"), "width", targets)
    height = _per_target(_pixels(asked_height, "height"), "height", targets)
    if scale is None and (fov is None or width is None):
        scale = np.broadcast_to(np.float64(service.default_scale), len(targets))
    if fov is not None and width is None:
        assert scale is not None
        width = _positive(fov, "fov", targets) / _positive(scale, "scale", targets)
        # Halves go the same way in whatever unit the angles came.
        width = np.rint(np.round(width, DECIMALS // 2))
    elif fov is not None:
        assert width is not None
        scale = _positive(fov, "fov", targets) / np.maximum(width, 1)
    assert scale is not None
    assert width is not None
    return {
        "scale": _constant_or(np.round, scale, DECIMALS),
        "width": _constant_or(_integers, width),
        "height": _constant_or(_integers, width if height is None else height),
    }


def _asked_sides(options: RequestOptions, service: Pixels) -> tuple[Any, Any]:
    """Return width and height as the user passed them; None where another option fixes them."""
    size, width, height = options.size, options.width, options.height
    if size is not None and not (width is None and height is None):
        raise RequestError("size is both width and height; give either size or those two")
    width = size if width is None else width
    height = size if height is None else height
    if options.fov is None and width is None:
        width = service.default_size if height is None else height
    return width, height


def refuse_arrays(options: RequestOptions) -> None:
    """Raise `RequestError` for one value per target, which a stream of targets cannot have."""
    options = with_quantities(options)
    for name in ("scale", "size", "width", "height", "fov"):
        if np.ndim(getattr(options, name)):
            raise RequestError(
                f"{name} has one value per target, which a stream of targets cannot have: its "
                "length is not known. Pass a scalar, or download the chunks one by one, each with "
                f"its own {name}"
            )


def _constant_or(function: Any, values: NDArray[Any], *args: Any) -> NDArray[Any]:
    """Return ``function(values)``; one value for all targets stays one value in memory."""
    if len(values) and not any(values.strides):
        return np.broadcast_to(function(values[:1], *args), values.shape)
    return np.asarray(function(values, *args))


def _integers(values: NDArray[Any]) -> NDArray[np.int64]:
    return np.clip(values, -(2**62), 2**62).astype(np.int64)


def _positive(values: NDArray[Any], name: str, targets: Targets) -> NDArray[Any]:
    if found := first_bad_row(~(np.isfinite(values) & (values > 0)), targets.first_row):
        row, more = found
        raise RequestError(
            f"{_where(targets, row, values)}{name} = {values[row]} arcsec is not a positive angle"
            + _more(values, more)
        )
    return values


def _per_target(values: NDArray[Any] | None, name: str, targets: Targets) -> NDArray[Any] | None:
    if values is None:
        return None
    if values.ndim == 0:
        return np.broadcast_to(values, len(targets))
    if values.shape != (len(targets),):
        raise RequestError(
            f"{name} has the shape {values.shape}; expected a scalar or an array of shape "
            f"({len(targets)},)"
        )
    return values


def _angles(value: Any, name: str) -> NDArray[Any] | None:
    if value is None:
        return None
    return _quantity(value, name, u.arcsec, "an angle such as 1 * u.arcmin")


def _scales(value: Any) -> NDArray[Any] | None:
    if value is None:
        return None
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
    own = getattr(value, "unit", None)
    if own is None:
        raise RequestError(f"{name} = {_brief(value)} has no unit; it must be {allowed}")
    if isinstance(value, Column):  # a Quantity made from it would lose the mask
        _unmasked(value, name)
    try:
        quantity = u.Quantity(value).to_value(unit)
    except (u.UnitConversionError, TypeError, ValueError) as error:
        raise RequestError(f"{name} has the unit {str(own)!r}; it must be {allowed}") from error
    return _unmasked(quantity, name)


def _pixels(value: Any, name: str) -> NDArray[Any] | None:
    """Return whole pixels from a number or a quantity in pixels."""
    if value is None:
        return None
    if getattr(value, "unit", None) is not None:
        value = _quantity(value, name, u.pix, "whole pixels: an int, or 200 * u.pix")
    pixels = _unmasked(value, name)
    whole = pixels.dtype.kind in "fiu" and np.isfinite(pixels) & (np.rint(pixels) == pixels)
    if not np.all(whole):
        raise RequestError(f"{name} = {_brief(value)} is not a whole number of pixels")
    return pixels


def _unmasked(value: Any, name: str) -> NDArray[Any]:
    mask = getattr(value, "mask", False)
    masked = np.atleast_1d(np.asarray(not callable(mask) and mask))  # pandas has a method mask
    if found := first_bad_row(masked):
        row, more = found
        raise RequestError(f"target {row}: {name} is masked; a value is needed{more}")
    return np.asarray(getattr(value, "unmasked", value))


def _brief(value: Any) -> str:
    if np.ndim(value) != 0:
        return f"an array of {np.size(value)} values"
    return repr(value.item() if isinstance(value, np.ndarray | np.generic) else value)


def refuse_beyond_limits(
    geometry: Mapping[str, NDArray[Any]], letters: str, service: Pixels, targets: Targets
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
        if found := first_bad_row(~((values >= low) & (values <= high)), targets.first_row):
            row, more = found
            raise RequestError(
                f"{_where(targets, row, values)}{name} = {values[row]} {unit} is outside "
                f"{low}..{high} {unit}, the limits of the service{note}{_more(values, more)}"
            )


def _where(targets: Targets, row: int, values: NDArray[Any]) -> str:
    """Return 'target 17: ', but only where targets have values of their own."""
    return "" if _is_constant(values) else f"target {targets.first_row + row}: "


def _more(values: NDArray[Any], more: str) -> str:
    return "" if _is_constant(values) else more


def _is_constant(values: NDArray[Any]) -> bool:
    return np.array_equal(values, np.broadcast_to(values[0], values.shape), equal_nan=True)
