"""One target's outcome with calibrated data, where there are any."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import astropy.units as u
import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from sdss_cutout._errors import ImageError, RequestError
from sdss_cutout._frames.band_image import BandImage
from sdss_cutout._frames.colour import to_rgb
from sdss_cutout._frames.hdus import (
    CalibratedProvenance,
    check_hdus,
    file_bytes,
    frames_table,
    request_of,
)
from sdss_cutout._image.sidecar import looks_simulated
from sdss_cutout._request.calibrated import CalibratedRequest
from sdss_cutout._results.outcome import KEPT, OK, Outcome, timestamp
from sdss_cutout._results.target_result import TargetResult, told_by
from sdss_cutout._store.files import translated, write_whole
from sdss_cutout._store.layout import paths_of, place_of

if TYPE_CHECKING:
    from astropy.nddata import CCDData
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from sdss_cutout._views.preview import Preview

__all__ = [
    "CalibratedCutout",
    "calibrated_cutout_of_images",
    "calibrated_cutout_of_outcome",
    "preview_of",
]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CalibratedCutout(TargetResult):
    """One target's calibrated data, or why there are none.

    ``cutout["r"]`` is the image of a band as `~astropy.nddata.CCDData`: float32 nanomaggies per
    pixel with their standard deviation, a mask where there is no imaging, and the WCS. Rows are
    in FITS order, the bottom one first.

    Attributes
    ----------
    name : str
        The target's name, the stem of its file.
    request : object
        What was asked for: ``ra`` and ``dec`` in degrees, ``bands``, ``north_up``, ``scale`` in
        arcsec per pixel, ``width`` and ``height`` in pixels, ``release`` and ``url``.
    status : str
        ``ok``, ``kept`` (was on disk already), ``outside`` (no SDSS imaging there) or ``failed``.
    coverage : float
        The part of the pixels that have imaging, 0 to 1; of the band that has least.
    attempts : int
        The most requests that were sent for its search or for one of its frames.
    error : str
        What went wrong; empty if nothing did.
    http_status : int
        HTTP status of the last answer where there are no data; 0 if there was none.
    reason : str
        Reason phrase of that answer.
    path : `~pathlib.Path` or None
        The file, where there is one.
    nbytes : int
        Size of the file; 0 if there are no data.
    sha256 : str
        Checksum of the file, hexadecimal; empty if there are no data.
    origin, date : str
        What the frames call their origin, and when the cutout was made.
    in_memory_content : bytes
        The file where it is in memory; `content` reads it from ``path`` where it is not.

    Examples
    --------
    >>> from astropy.coordinates import SkyCoord
    >>> from sdss_cutout import SDSSCutouts, conf
    >>> from sdss_cutout.sandbox import Sandbox
    >>> target = SkyCoord(180.0, 30.0, unit="deg")
    >>> with Sandbox(noise=False) as sandbox, conf.set_temp("frames_url", sandbox.frames_url):
    ...     client = SDSSCutouts(base_url=sandbox.base_url)
    ...     cutout = client.get(target, bands="gr", size=64)
    >>> cutout
    <CalibratedCutout J120000.00+300000.0: ok, gr, 64 x 64 pix, native pixels>
    >>> cutout["r"].data.shape, str(cutout["r"].unit)
    ((64, 64), 'nmgy')
    >>> cutout.frames.colnames
    ['band', 'run', 'rerun', 'camcol', 'field', 'url', 'sha256', 'mjd']
    """

    request: CalibratedRequest
    in_memory_content: bytes = b""

    def __repr__(self) -> str:
        return f"<CalibratedCutout {self.name}: {self.status}, {self._summary()}>"

    def _summary(self) -> str:
        request = self.request
        if not self.has_data:
            return self.error
        grid = f"{request.scale:g} arcsec/pix" if request.north_up else "native pixels"
        return f"{request.bands}, {request.width} x {request.height} pix, {grid}"

    @property
    def has_data(self) -> bool:
        """Whether there are data, in memory or in a file."""
        return bool(self.in_memory_content) or self.path is not None

    @property
    def bands(self) -> str:
        """The bands that were asked for, in that order."""
        return self.request.bands

    @property
    def sidecar(self) -> None:
        """Always None: the file has its own header."""
        return None

    @property
    def content(self) -> bytes:
        """The FITS file; empty if there are no data.

        Raises
        ------
        ImageError
            If the file is missing, damaged or altered.
        """
        if self.in_memory_content or self.path is None:
            return self.in_memory_content
        content = _read_file(self.path)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            _checked(content, self.path)
        return content

    def _existing(self) -> bytes:
        if not self.has_data:
            raise ImageError(f"{self.name}: there are no data, {self.status}: {self.error}")
        return self.content

    def in_memory(self) -> CalibratedCutout:
        """Return the same cutout with its file in memory, read and checked if it was not.

        Returns
        -------
        CalibratedCutout

        Raises
        ------
        ImageError
            If the file is missing, damaged or altered.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts, conf
        >>> from sdss_cutout.sandbox import Sandbox
        >>> target = SkyCoord(180.0, 30.0, unit="deg")
        >>> with Sandbox(noise=False) as sandbox, conf.set_temp("frames_url", sandbox.frames_url):
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     cutout = client.get(target, bands="r", size=64)
        >>> cutout.in_memory().has_data
        True
        """
        return replace(self, in_memory_content=self.content)

    @property
    def hdulist(self) -> fits.HDUList:
        """A copy of the file's HDUs: primary, ``R``, ``R_ERR``, ..., ``FRAMES``.

        Raises
        ------
        ImageError
            If there are no data.
        """
        return fits.open(io.BytesIO(self._existing()))

    @property
    def header(self) -> fits.Header:
        """The primary header: what was asked for, and where the data came from."""
        return self.hdulist[0].header

    @property
    def frames(self) -> Table:
        """The frames that pixels came from: band, run, rerun, camcol, field, url, sha256, mjd."""
        return frames_table(self.hdulist)

    def __iter__(self) -> Iterator[str]:
        return iter(self.bands)

    def __contains__(self, band: object) -> bool:
        return isinstance(band, str) and len(band) == 1 and band in self.bands

    def __getitem__(self, band: str) -> CCDData:
        from astropy.nddata import CCDData, StdDevUncertainty

        if band not in self:
            raise RequestError(f"there is no band {band!r} in {self.name}; there are {self.bands}")
        hdus = self.hdulist
        image, error = hdus[band.upper()], hdus[f"{band.upper()}_ERR"]
        data = image.data.astype(np.float32)
        return CCDData(
            data,
            unit=u.nmgy,
            uncertainty=StdDevUncertainty(error.data.astype(np.float32)),
            mask=~np.isfinite(data),
            wcs=WCS(image.header),
            meta=image.header,
        )

    def to_rgb(self) -> NDArray[np.uint8]:
        """Return a colour picture after Lupton et al. (2004), black where there is no imaging.

        Returns
        -------
        ndarray of uint8
            Shape ``(ny, nx, 3)``, the bottom row first, like the data. Red, green and blue are i,
            r and g where all three are there; else the bands by their wavelength. One band is
            grey. Where each band has its own grid, all are moved by a fraction of a pixel to that
            of the first.

        Raises
        ------
        ImageError
            If there are no data.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts, conf
        >>> from sdss_cutout.sandbox import Sandbox
        >>> target = SkyCoord(180.0, 30.0, unit="deg")
        >>> with Sandbox(noise=False) as sandbox, conf.set_temp("frames_url", sandbox.frames_url):
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     cutout = client.get(target, bands="r", size=64)
        >>> cutout.to_rgb().shape
        (64, 64, 3)
        """
        hdus = self.hdulist
        images = {band: hdus[band.upper()].data for band in self.bands}
        request = self.request
        if request.north_up:
            return to_rgb(images, pixel_area=(request.scale / request.archive.native_scale) ** 2)
        return to_rgb(images, places={band: _place_of(self, hdus, band) for band in self.bands})

    def plot(self, band: str | None = None, ax: Axes | None = None, *, mark: Any = None) -> Axes:
        """Draw the colour composite, or one band in grey, with coordinates and scale bar.

        Parameters
        ----------
        band : str, optional
            Which band.
        ax : `~matplotlib.axes.Axes`, optional
            Where to draw, by default in a new figure.
        mark : SkyCoord or Table, optional
            Positions to mark.

        Returns
        -------
        `~matplotlib.axes.Axes`
            The axes; ``ax.figure`` is the figure.

        Raises
        ------
        ImageError
            If there are no data.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts, conf
        >>> from sdss_cutout.sandbox import Sandbox
        >>> target = SkyCoord(180.0, 30.0, unit="deg")
        >>> with Sandbox(noise=False) as sandbox, conf.set_temp("frames_url", sandbox.frames_url):
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     cutout = client.get(target, bands="r", size=64)
        >>> cutout.plot("r").get_title()
        'J120000.00+300000.0, r'
        """
        from sdss_cutout._views.plot import plot_pixels

        if band is None:
            pixels, wcs, style = self.to_rgb(), WCS(self.hdulist[1].header), {}
        else:
            image = self[band]
            pixels, wcs, style = image.data, image.wcs, _grey(image.data)
        return plot_pixels(
            pixels, wcs, ax, top_first=False, mark=mark, simulated=looks_simulated(self),
            title=self.name if band is None else f"{self.name}, {band}", **style,
        )  # fmt: skip

    def save(self, directory: str | Path = ".") -> CalibratedCutout:
        """Write ``{name}.fits``, whole or not at all.

        A file of the same name is replaced.

        Parameters
        ----------
        directory : str or `~pathlib.Path`, optional
            Made if it does not exist. A path that ends in ``.fits`` is the file itself.

        Returns
        -------
        CalibratedCutout
            The same, with ``path``.

        Raises
        ------
        ImageError
            If there are no data.
        StoreError
            If the file cannot be written.
        RequestError
            If ``directory`` is the name of another kind of file, such as ``x.png``.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts, conf
        >>> from sdss_cutout.sandbox import Sandbox
        >>> target = SkyCoord(180.0, 30.0, unit="deg")
        >>> with Sandbox(noise=False) as sandbox, conf.set_temp("frames_url", sandbox.frames_url):
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     cutout = client.get(target, bands="r", size=64)
        >>> cutout.save("stamps").path.name
        'J120000.00+300000.0.fits'
        """
        content = self._existing()
        path = _place(directory, self.name)
        with translated(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        return replace(self, path=path)

    @classmethod
    def read(cls, path: str | Path) -> CalibratedCutout:
        """Read the file of a calibrated cutout, and check it.

        Parameters
        ----------
        path : str or `~pathlib.Path`
            The file.

        Returns
        -------
        CalibratedCutout
            The same as was saved, with the status ``kept``.

        Raises
        ------
        ImageError
            If the file is missing, damaged or altered.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import CalibratedCutout, SDSSCutouts, conf
        >>> from sdss_cutout.sandbox import Sandbox
        >>> target = SkyCoord(180.0, 30.0, unit="deg")
        >>> with Sandbox(noise=False) as sandbox, conf.set_temp("frames_url", sandbox.frames_url):
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     cutout = client.get(target, bands="r", size=64)
        ...     saved = cutout.save("stamps")
        >>> CalibratedCutout.read(saved.path)
        <CalibratedCutout J120000.00+300000.0: kept, r, 64 x 64 pix, native pixels>
        """
        path = Path(path).expanduser()
        content = _read_file(path)
        header = _checked(content, path)
        return cls(
            name=path.stem,
            request=request_of(header),
            status=KEPT,
            coverage=float(header["COVERAGE"]),
            path=path,
            nbytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            origin=str(header["ORIGIN"]),
            date=str(header["DATE"]),
            in_memory_content=content,
        )


def preview_of(path: Path) -> Preview:
    """Return what the contact sheet shows of a file; nothing where it is missing or damaged."""
    from sdss_cutout._views.preview import Preview, composite_preview

    try:
        cutout = CalibratedCutout.read(path)
    except ImageError:
        return Preview(b"", b"")
    return composite_preview(cutout, WCS(cutout.hdulist[1].header))


def _place_of(cutout: CalibratedCutout, hdus: fits.HDUList, band: str) -> tuple[float, float]:
    """Return the column and row of the target in a band."""
    wcs = WCS(hdus[band.upper()].header)
    x, y = wcs.all_world2pix(cutout.request.ra, cutout.request.dec, 0)
    return float(x), float(y)


def _grey(data: NDArray[np.float32]) -> dict[str, Any]:
    """Return how one band is drawn: from below the sky to bright, dark sky dark."""
    from astropy.visualization import AsinhStretch, ImageNormalize

    finite = data[np.isfinite(data)]
    low, high = np.percentile(finite, (1, 99.8)) if finite.size else (0, 1)
    norm = ImageNormalize(vmin=low, vmax=max(high, low + 1e-6), stretch=AsinhStretch(0.05))
    return {"cmap": "gray", "norm": norm}


def _place(path: str | Path, name: str) -> Path:
    """Return the file for a cutout, from a folder or the file's own path."""
    folder, stem = place_of(path, name, bands="r")
    return Path(paths_of(folder, stem, bands="r")[0])


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{error.filename}: {error.strerror}") from error


def _checked(content: bytes, path: Path) -> fits.Header:
    """Return the primary header of a file that is whole."""
    try:
        return check_hdus(content)[0].header
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error


def calibrated_cutout_of_images(
    name: str,
    request: CalibratedRequest,
    images: Sequence[BandImage],
    *,
    attempts: int,
    creator: str,
) -> CalibratedCutout:
    """Return the cutout of the images of its bands, with its file in memory."""
    date = timestamp()
    provenance = CalibratedProvenance(name=name, date=date, creator=creator)
    content = file_bytes(images, request, provenance)
    return CalibratedCutout(
        name=name,
        request=request,
        status=OK,
        coverage=min(image.coverage for image in images),
        attempts=attempts,
        nbytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        origin=", ".join(sorted({origin for image in images for origin in image.origins})),
        date=date,
        in_memory_content=content,
    )


def calibrated_cutout_of_outcome(
    outcome: Outcome, request: CalibratedRequest, *, content: bytes = b"", path: Path | None = None
) -> CalibratedCutout:
    """Return the cutout of an outcome, with its file in memory or on disk."""
    return CalibratedCutout(
        **told_by(outcome), request=request, path=path, in_memory_content=content
    )


CalibratedCutout.__module__ = "sdss_cutout"
