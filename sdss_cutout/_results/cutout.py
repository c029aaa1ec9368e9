"""One target's outcome."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from sdss_cutout._errors import ImageError, OutsideFootprintError, ServiceError
from sdss_cutout._image.avm import embed_avm, has_avm, without_avm
from sdss_cutout._image.header import Provenance, header_of, request_of, sidecar_bytes, wcs_of
from sdss_cutout._image.jpeg import check_jpeg, decode_jpeg
from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._results.outcome import FAILED, KEPT, OK, OUTSIDE
from sdss_cutout._store.files import write_pair
from sdss_cutout._transfer.classify import Answer, Kind

if TYPE_CHECKING:
    import numpy as np
    from astropy.nddata import NDData
    from astropy.visualization.wcsaxes import WCSAxes
    from numpy.typing import NDArray

__all__ = ["Cutout", "cutout_of"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Cutout:
    """One target's picture and where it lies on the sky, or why there is none.

    Attributes
    ----------
    name : str
        The target's name, the stem of its files.
    request : object
        What was asked for: ``ra`` and ``dec`` in degrees, ``scale`` in arcsec a pixel, ``width``
        and ``height`` in pixels, ``overlays``, ``release`` and ``url``.
    status : str
        ``ok``, ``kept`` (was on disk already), ``outside`` (no SDSS imaging there) or ``failed``.
    content : bytes
        The JPEG, as the server sent it; empty if there is none.
    coverage : float
        The part of the picture that is not the black of missing imaging, 0 to 1.
    attempts : int
        How many requests were sent.
    error : str
        What went wrong; empty if nothing did.
    http_status : int
        HTTP status of the last answer where there is no picture; 0 if there was none.
    reason : str
        Reason phrase of that answer.
    cards : bytes
        The sidecar, as it is written.
    path, sidecar : `~pathlib.Path` or None
        The files, where there are any.

    Examples
    --------
    >>> from astropy.coordinates import SkyCoord
    >>> from sdss_cutout import SDSSCutouts
    >>> from sdss_cutout.sandbox import Sandbox
    >>> with Sandbox() as sandbox:
    ...     client = SDSSCutouts(base_url=sandbox.base_url)
    ...     cutout = client.get(SkyCoord(19.023342, -0.014911, unit="deg"), size=120)
    >>> cutout
    <Cutout J011605.60-000053.6: ok, 120 x 120 pix, 0.396127 arcsec/pix>
    >>> cutout.data.shape
    (120, 120, 3)
    >>> cutout.wcs.pixel_to_world(60, 60)
    <SkyCoord (ICRS): (ra, dec) in deg
        (19.023342, -0.014911)>
    """

    name: str
    request: CutoutRequest
    status: str
    content: bytes = b""
    cards: bytes = b""
    coverage: float = math.nan
    attempts: int = 0
    error: str = ""
    http_status: int = 0
    reason: str = ""
    path: Path | None = None
    sidecar: Path | None = None

    def __repr__(self) -> str:
        request = self.request
        what = (
            f"{request.width} x {request.height} pix, {request.scale:g} arcsec/pix"
            if self.content
            else self.error
        )
        return f"<Cutout {self.name}: {self.status}, {what}>"

    @property
    def coord(self) -> SkyCoord:
        """The position that was asked for, ICRS."""
        return SkyCoord(self.request.ra, self.request.dec, unit="deg")

    @property
    def url(self) -> str:
        """The URL that was asked for."""
        return self.request.url

    @property
    def sidecar_bytes(self) -> bytes:
        """The sidecar, as it is written."""
        return self.cards

    @property
    def data(self) -> NDArray[np.uint8]:
        """The pixels, shape ``(ny, nx, 3)``: red, green, blue; row 0 is north, x grows west.

        Raises
        ------
        ImageError
            If there is no picture.
        """
        return decode_jpeg(self._picture())

    @property
    def header(self) -> fits.Header:
        """The FITS header of the sidecar: WCS and provenance."""
        self._picture()
        return header_of(self.cards)

    @property
    def wcs(self) -> WCS:
        """The `~astropy.wcs.WCS` of `data`, pixel indices from 0."""
        return wcs_of(self.header)

    @property
    def sha256(self) -> str:
        """The checksum of `content`, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest() if self.content else ""

    def _picture(self) -> bytes:
        if not self.content:
            raise ImageError(f"{self.name}: there is no picture, {self.status}: {self.error}")
        return self.content

    def raise_for_status(self) -> None:
        """Raise an error if there is no picture.

        Raises
        ------
        OutsideFootprintError
            If SDSS has no imaging there.
        ServiceError
            If the server did not give a right answer.

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

    def plot(self, ax: WCSAxes | None = None, *, mark: Any = None) -> WCSAxes:
        """Draw the picture with its coordinates, scale bar, compass and name.

        Parameters
        ----------
        ax : `~astropy.visualization.wcsaxes.WCSAxes`, optional
            Where to draw, by default in a new figure. The axes take the picture's WCS.
        mark : SkyCoord or Table, optional
            Positions to mark, in any form that is understood as targets; those that are not in
            the picture are left out.

        Returns
        -------
        `~astropy.visualization.wcsaxes.WCSAxes`
            The axes, north up and east left; ``ax.figure`` is the figure.

        Raises
        ------
        ImageError
            If there is no picture.
        TargetError
            If ``mark`` holds no positions.
        TypeError
            If ``ax`` are no WCSAxes.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> target = SkyCoord(19.0, 0.0, unit="deg")
        >>> with Sandbox() as sandbox:
        ...     cutout = SDSSCutouts(base_url=sandbox.base_url).get(target)
        >>> ax = cutout.plot(mark=target)
        >>> ax.get_title()
        'J011600.00+000000.0'
        """
        from sdss_cutout._views.plot import plot_cutout

        return plot_cutout(self, ax, mark=mark)

    def save(self, directory: str | Path = ".", *, avm: bool = False) -> Cutout:
        """Write ``{name}.jpg`` and ``{name}.wcs``, each whole or not at all.

        Files of the same names are replaced.

        Parameters
        ----------
        directory : str or `~pathlib.Path`, optional
            Made if it does not exist.
        avm : bool, optional
            Write the place on the sky into the picture too, as AVM.

        Returns
        -------
        Cutout
            The same, with ``path`` and ``sidecar``.

        Raises
        ------
        ImageError
            If there is no picture.
        StoreError
            If the files cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     cutout = client.get(SkyCoord(19.0, 0.0, unit="deg"), size=64).save(folder)
        >>> cutout.path.name, cutout.sidecar.name
        ('J011600.00+000000.0.jpg', 'J011600.00+000000.0.wcs')
        """
        content = embed_avm(self._picture(), self.header) if avm else self._picture()
        path, sidecar = write_pair(Path(directory), self.name, content, self.cards)
        return replace(self, path=path, sidecar=sidecar)

    @classmethod
    def read(cls, path: str | Path) -> Cutout:
        """Read a picture and its sidecar, and check that they belong together.

        Parameters
        ----------
        path : str or `~pathlib.Path`
            The picture; its sidecar ``.wcs`` lies beside it.

        Returns
        -------
        Cutout
            The same as was saved, with the status ``kept``.

        Raises
        ------
        ImageError
            If one of them is missing, damaged or altered.

        Examples
        --------
        >>> import tempfile
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import Cutout, SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     saved = client.get(SkyCoord(19.0, 0.0, unit="deg"), size=64).save(folder)
        ...     Cutout.read(saved.path)
        <Cutout J011600.00+000000.0: kept, 64 x 64 pix, 0.396127 arcsec/pix>
        """
        path = Path(path)
        sidecar = path.with_name(f"{path.stem}.wcs")
        try:
            content, cards = path.read_bytes(), sidecar.read_bytes()
            header = header_of(cards)
        except OSError as error:
            raise ImageError(f"{error.filename}: {error.strerror}") from error
        except (ValueError, KeyError) as error:
            raise ImageError(f"{sidecar}: this is no sidecar of ours: {error}") from error
        return cls._of_files(path, sidecar, content, cards, header)

    @classmethod
    def _of_files(
        cls, path: Path, sidecar: Path, content: bytes, cards: bytes, header: fits.Header
    ) -> Cutout:
        """Return the cutout in files that were read."""
        served = without_avm(content) if has_avm(content) else content
        if hashlib.sha256(served).hexdigest() != header["SHA256"]:
            raise ImageError(
                f"{path}: the picture is not the one that its sidecar tells of (sha256)"
            )
        request = request_of(header)
        try:
            coverage = check_jpeg(content, request.width, request.height)
        except ImageError as error:
            raise ImageError(f"{path}: {error}") from error
        return cls(
            name=path.stem,
            request=request,
            status=KEPT,
            content=content,
            cards=cards,
            coverage=coverage,
            path=path,
            sidecar=sidecar,
        )

    def to_nddata(self) -> NDData:
        """Return the pixels as `~astropy.nddata.NDData` that knows its place on the sky.

        Returns
        -------
        `~astropy.nddata.NDData`
            The same `data`, shape ``(ny, nx, 3)``; `wcs` is that of the first two axes and
            follows a slice along them. ``meta`` is the header. For one band, as
            `~astropy.nddata.CCDData`, say ``CCDData(cutout.data[:, :, 1], unit="adu",
            wcs=cutout.wcs)``.

        Raises
        ------
        ImageError
            If there is no picture.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> with Sandbox() as sandbox:
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     cutout = client.get(SkyCoord(19.0, 0.0, unit="deg"), size=100)
        >>> corner = cutout.to_nddata()[:50, :50]
        >>> corner.data.shape
        (50, 50, 3)
        >>> corner.wcs.pixel_to_world(49, 49)
        <SkyCoord (ICRS): (ra, dec) in deg
            (19.00011004, 0.00011004)>
        """
        from astropy.nddata import NDDataRef

        return NDDataRef(self.data, wcs=self.wcs, meta=dict(self.header))

    def _repr_jpeg_(self) -> bytes | None:
        return self.content or None


def cutout_of(
    name: str, request: CutoutRequest, answer: Answer, attempts: int, creator: str
) -> Cutout:
    """Return the cutout that an answer brought."""
    if answer.kind is not Kind.PICTURE:
        outside = answer.kind is Kind.OUTSIDE
        return Cutout(
            name=name,
            request=request,
            status=OUTSIDE if outside else FAILED,
            coverage=0.0 if outside else math.nan,
            attempts=attempts,
            error=answer.message,
            http_status=answer.status,
            reason=answer.reason,
        )
    provenance = Provenance(
        name=name,
        origin=answer.origin,
        date=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        sha256=hashlib.sha256(answer.content).hexdigest(),
        creator=creator,
    )
    return Cutout(
        name=name,
        request=request,
        status=OK,
        content=answer.content,
        cards=sidecar_bytes(request, provenance),
        coverage=answer.coverage,
        attempts=attempts,
    )


Cutout.__module__ = "sdss_cutout"
