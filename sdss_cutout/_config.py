"""Settings for all calls, ``sdss_cutout.conf``, and what numbers they may be."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from astropy.config import ConfigItem, ConfigNamespace

from sdss_cutout._errors import RequestError

__all__ = ["Conf", "conf", "number_not_negative", "positive_number", "whole_number"]

# In the file sdss_cutout.cfg the items are at the top, not under the name of this module.
_Item = partial(ConfigItem, module="sdss_cutout")


class Conf(ConfigNamespace):
    """Defaults of `SDSSCutouts`, read at the time of each call.

    ``sdss_cutout.conf`` is the one instance. Values come from the file ``sdss_cutout.cfg`` in
    astropy's configuration folder, if there is one, and can be set at any time.

    Attributes
    ----------
    data_release : int
        SDSS data release, 17 by default.
    base_url : str
        Root of the SkyServer site, ``https://skyserver.sdss.org`` by default.
    max_connections : int
        Requests under way at the same time, 8 by default.
    max_rate : float
        Requests per second, of all connections together, 10 by default.
    timeout : float
        Seconds that one attempt may take as a whole, 30 by default.
    max_attempts : int
        Requests for one target before it has failed, 5 by default.
    show_progress : bool
        Whether to show a progress bar on a terminal or in a notebook.
    verify_up_to : int
        The number of pictures in a directory, 10,000 by default, up to which the sha256 of each
        is computed when a download is started again; in larger directories only their sizes are
        compared.
    frames_url : str
        Root of the archive of calibrated frames, ``https://data.sdss.org/sas`` by default.
    frame_cache : str
        Folder in which frames are kept; by default one in astropy's cache.
    frame_cache_size : float
        How large that folder may be, in GB, 10 by default; 0 keeps no frames.

    Examples
    --------
    >>> from sdss_cutout import SDSSCutouts, conf
    >>> with conf.set_temp("data_release", 16):
    ...     print(SDSSCutouts())
    <SDSSCutouts of DR16 at ...>
    """

    data_release = _Item(17, "SDSS data release to ask for.", cfgtype="integer")
    base_url = _Item("https://skyserver.sdss.org", "Root of the SkyServer site.", cfgtype="string")
    max_connections = _Item(8, "Requests under way at the same time.", cfgtype="integer")
    max_rate = _Item(10.0, "Requests per second, of all connections together.", cfgtype="float")
    timeout = _Item(30.0, "Seconds that one attempt may take as a whole.", cfgtype="float")
    max_attempts = _Item(5, "Requests for one target before it is 'failed'.", cfgtype="integer")
    show_progress = _Item(
        True, "Show a progress bar on a terminal or in a notebook.", cfgtype="boolean"
    )
    verify_up_to = _Item(
        10_000,
        "Up to so many pictures in a directory, the sha256 of each is computed when a download is "
        "started again; in larger directories only their sizes are compared.",
        cfgtype="integer",
    )
    frames_url = _Item(
        "https://data.sdss.org/sas", "Root of the archive of calibrated frames.", cfgtype="string"
    )
    frame_cache = _Item(
        "", "Folder in which frames are kept; empty for one in astropy's cache.", cfgtype="string"
    )
    frame_cache_size = _Item(
        10.0, "How large the folder of frames may be, in GB; 0 keeps none.", cfgtype="float"
    )


Conf.__module__ = "sdss_cutout"
conf = Conf()


def whole_number(name: str, value: Any) -> int:
    """Return a whole number of at least 1, or raise `RequestError` that names the option."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < 1:
        raise RequestError(f"{name} = {value!r} is not a whole number of at least 1")
    return int(value)


def positive_number(name: str, value: Any) -> float:
    """Return a finite number above 0, or raise `RequestError` that names the option."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not (math.isfinite(number) and number > 0):
        raise RequestError(f"{name} = {value!r} is not a positive number")
    return number


def number_not_negative(name: str, value: Any) -> float:
    """Return a finite number of at least 0, or raise `RequestError` that names the option."""
    return 0.0 if isinstance(value, int | float) and value == 0 else positive_number(name, value)
