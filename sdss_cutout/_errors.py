"""The errors, all of them a `CutoutError`.

::

    CutoutError
    ├── TargetError            a target that cannot be used: which row, what value, what is allowed
    ├── RequestError           a geometry, overlay, mark or setting that is not possible
    ├── OutsideFootprintError  SDSS has no imaging at the position
    ├── ServiceError           the server did not give a valid answer in any of the attempts
    ├── ImageError             what came is not the picture of the request
    ├── QueryError             the SQL query failed; has the server's message
    └── StoreError             the directory or its manifest cannot be used
"""

from __future__ import annotations

__all__ = [
    "CutoutError",
    "ImageError",
    "OutsideFootprintError",
    "QueryError",
    "RequestError",
    "ServiceError",
    "StoreError",
    "TargetError",
]


class CutoutError(Exception):
    """Base class of every error that this package raises on purpose.

    Examples
    --------
    >>> from sdss_cutout import CutoutError, TargetError
    >>> issubclass(TargetError, CutoutError)
    True
    """


class TargetError(CutoutError, ValueError):
    """A target that cannot be used; nothing was sent.

    The message names the row (counted from 0), the value and what is allowed.

    Examples
    --------
    >>> from astropy.table import Table
    >>> from sdss_cutout import SDSSCutouts
    >>> SDSSCutouts().url(Table({"ra": [19.0], "dec": [91.0]}))
    Traceback (most recent call last):
    ...
    sdss_cutout.TargetError: target 0: dec = 91.0 deg is outside -90..90
    """


class RequestError(CutoutError, ValueError):
    """A geometry, overlay, mark or setting that is not possible; nothing was sent.

    Examples
    --------
    >>> from astropy.coordinates import SkyCoord
    >>> from sdss_cutout import SDSSCutouts
    >>> SDSSCutouts().url(SkyCoord(19, 0, unit="deg"), size=4000)
    Traceback (most recent call last):
    ...
    sdss_cutout.RequestError: width = 4000 pix is outside 64..2048 pix, the limits of the service
    """


class OutsideFootprintError(CutoutError):
    """SDSS has no imaging at the position of a single target.

    Raised by `SDSSCutouts.get` for a scalar target only; a list reports the status ``outside``.

    Examples
    --------
    >>> from sdss_cutout import OutsideFootprintError
    >>> raise OutsideFootprintError("J053527.60-052326.8: no SDSS imaging here")
    Traceback (most recent call last):
    ...
    sdss_cutout.OutsideFootprintError: J053527.60-052326.8: no SDSS imaging here
    """


class ServiceError(CutoutError):
    """The server did not give a valid answer in any of the attempts.

    Parameters
    ----------
    message : str
        What happened at the last attempt.
    status : int, optional
        HTTP status of the last answer; 0 if there was none.
    reason : str, optional
        Reason phrase of the last answer.
    url : str, optional
        The URL that was asked for.
    attempts : int, optional
        How many requests were sent.

    Examples
    --------
    >>> from sdss_cutout import ServiceError
    >>> error = ServiceError("503 Service Unavailable", status=503, attempts=5)
    >>> error.status, error.attempts
    (503, 5)
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        reason: str = "",
        url: str = "",
        attempts: int = 0,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.url = url
        self.attempts = attempts


class ImageError(CutoutError):
    """What came is not the picture of the request: no JPEG, incomplete, blank or of another size.

    Examples
    --------
    >>> from sdss_cutout import Cutout
    >>> Cutout.read("missing.jpg")
    Traceback (most recent call last):
    ...
    sdss_cutout.ImageError: missing.jpg: No such file or directory
    """


class QueryError(CutoutError):
    """The SQL query failed; the message is the server's.

    Examples
    --------
    >>> from sdss_cutout import QueryError
    >>> raise QueryError("Incorrect syntax near 'SELEKT'.")
    Traceback (most recent call last):
    ...
    sdss_cutout.QueryError: Incorrect syntax near 'SELEKT'.
    """


class StoreError(CutoutError):
    """The directory or its manifest cannot be used: full, read-only, gone, damaged.

    Existing files stay as they are.

    Examples
    --------
    >>> from sdss_cutout import read_cutouts
    >>> read_cutouts("no-such-directory")
    Traceback (most recent call last):
    ...
    sdss_cutout.StoreError: no-such-directory: there is no manifest.sqlite here
    """


for _name in __all__:  # tracebacks show the names that users import
    globals()[_name].__module__ = "sdss_cutout"
