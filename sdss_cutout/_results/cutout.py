"""One target's outcome, with its picture where there is one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astropy.io import fits
from astropy.wcs import WCS

from sdss_cutout._config import conf
from sdss_cutout._errors import ImageError
from sdss_cutout._image.header import (
    Provenance,
    make_sidecar,
    read_header,
    request_of_header,
    wcs_of_header,
)
from sdss_cutout._image.jpeg import decode_jpeg
from sdss_cutout._image.sidecar import parse_url
from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._request.site import check_site
from sdss_cutout._results.outcome import KEPT, Outcome
from sdss_cutout._results.target_result import TargetResult, told_by
from sdss_cutout._store.files import scratch_folder, translated
from sdss_cutout._store.layout import paths_of, place_of, sidecar_of
from sdss_cutout._store.pictures import (
    Picture,
    measure_picture,
    read_known_picture,
    read_picture,
    with_avm,
    write_picture,
)

if TYPE_CHECKING:
    import numpy as np
    from astropy.nddata import NDData
    from astropy.table import Table
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from numpy.typing import NDArray

__all__ = ["Cutout", "cutout_of_outcome", "picture_of_answer"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Cutout(TargetResult):
    """One target's picture and its sky coordinates, or why there is none.

    Attributes
    ----------
    name : str
        The target's name, the stem of its files.
    request : object
        What was asked for: ``ra`` and ``dec`` in degrees, ``scale`` in arcsec per pixel,
        ``width`` and ``height`` in pixels, ``overlays``, ``release`` and ``url``.
    status : str
        ``ok``, ``kept`` (was on disk already), ``outside`` (no SDSS imaging there) or ``failed``.
    coverage : float
        The part of the picture that has imaging, 0 to 1.
    attempts : int
        How many requests were sent.
    error : str
        What went wrong; empty if nothing did.
    http_status : int
        HTTP status of the last answer where there is no picture; 0 if there was none.
    reason : str
        Reason phrase of that answer.
    path, sidecar : `~pathlib.Path` or None
        The files, where there are any.
    nbytes : int
        Size of the JPEG; 0 if there is none.
    sha256 : str
        Checksum of the JPEG, hexadecimal; empty if there is none.
    origin, date : str
        What the server calls itself, and when it answered.
    picture : Picture or None
        The picture where it is in memory; `content` reads it from ``path`` where it is not.

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

    request: CutoutRequest
    sidecar: Path | None = None
    picture: Picture | None = None

    def __repr__(self) -> str:
        request = self.request
        what = (
            f"{request.width} x {request.height} pix, {request.scale:g} arcsec/pix"
            if self.has_picture
            else self.error
        )
        return f"<Cutout {self.name}: {self.status}, {what}>"

    @property
    def has_picture(self) -> bool:
        """Whether there is a picture, in memory or in a file."""
        return self.picture is not None or self.path is not None

    @property
    def content(self) -> bytes:
        """The JPEG; empty if there is none.

        Raises
        ------
        ImageError
            If the picture is in a file that is missing, damaged or altered.
        """
        return self._loaded().content

    @property
    def sidecar_bytes(self) -> bytes:
        """The sidecar, a FITS header without data, as it is written; empty if there is none."""
        return self._loaded().sidecar_bytes

    @property
    def data(self) -> NDArray[np.uint8]:
        """The pixels, shape ``(ny, nx, 3)``: red, green, blue; row 0 is north, x grows west.

        Raises
        ------
        ImageError
            If there is no picture.
        """
        return decode_jpeg(self._existing().content)

    @property
    def header(self) -> fits.Header:
        """The FITS header of the sidecar: WCS and provenance."""
        return read_header(self._existing().sidecar_bytes)

    @property
    def wcs(self) -> WCS:
        """The `~astropy.wcs.WCS` of `data`, pixel indices from 0."""
        return wcs_of_header(self.header)

    def _existing(self) -> Picture:
        if not self.has_picture:
            raise ImageError(f"{self.name}: there is no picture, {self.status}: {self.error}")
        return self._loaded()

    def _loaded(self) -> Picture:
        if self.picture is not None:
            return self.picture
        if self.path is None:
            return Picture(b"", b"")
        return read_known_picture(self.path, self.sha256)

    def in_memory(self) -> Cutout:
        """Return the same cutout with its picture in memory, read and checked if it was not.

        Returns
        -------
        Cutout

        Raises
        ------
        ImageError
            If the picture is in a file that is missing, damaged or altered.

        Examples
        --------
        >>> import tempfile
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     report = client.download(SkyCoord([19.0], [0.0], unit="deg"), folder, size=64)
        ...     cutout = report[0].in_memory()
        >>> cutout.data.shape
        (64, 64, 3)
        """
        return replace(self, picture=self._loaded()) if self.has_picture else self

    def plot(self, ax: Axes | None = None, *, mark: Any = None) -> Axes:
        """Draw the picture with its coordinates, scale bar, compass and name.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, optional
            Where to draw, by default in a new figure with coordinates along its sides. A
            `~astropy.visualization.wcsaxes.WCSAxes` takes the picture's WCS; any other Axes, such
            as those of ``plt.subplots(5, 10)``, show the picture without coordinates. What does
            not fit into small axes is left out.
        mark : SkyCoord or Table, optional
            Positions to mark, in any form that is understood as targets; those that are not in
            the picture are left out.

        Returns
        -------
        `~matplotlib.axes.Axes`
            The axes, north up and east left; ``ax.figure`` is the figure.

        Raises
        ------
        ImageError
            If there is no picture.
        TargetError
            If ``mark`` holds no positions.
        RequestError
            If ``ax`` is neither WCSAxes nor plain Axes.

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
        from sdss_cutout._views.plot import plot_picture

        return plot_picture(self, ax, mark=mark)

    def imshow(self, ax: Axes) -> AxesImage:
        """Draw the pixels and nothing else, the right way up.

        Matplotlib's own ``imshow`` on WCSAxes puts row 0 at the bottom, which is against the WCS
        of a JPEG if that is given as an image of Pillow's.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`
            Where to draw. A `~astropy.visualization.wcsaxes.WCSAxes` takes the picture's WCS, if
            it does not have it.

        Returns
        -------
        `~matplotlib.image.AxesImage`
            As Matplotlib's ``imshow`` returns it.

        Raises
        ------
        ImageError
            If there is no picture.
        RequestError
            If ``ax`` is neither WCSAxes nor plain Axes.

        Examples
        --------
        >>> import matplotlib.pyplot as plt
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> target = SkyCoord(19.0, 0.0, unit="deg")
        >>> with Sandbox() as sandbox:
        ...     cutout = SDSSCutouts(base_url=sandbox.base_url).get(target)
        >>> ax = plt.figure().add_subplot(projection=cutout.wcs)
        >>> image = cutout.imshow(ax)
        >>> bool(ax.yaxis_inverted())
        True
        """
        from sdss_cutout._views.plot import show_picture

        return show_picture(self, ax)

    def chart(
        self,
        path: str | Path | None = None,
        *,
        stars: int = 5,
        slit: Any = None,
        title: str | None = None,
        notes: str | Sequence[str] | None = None,
    ) -> Figure:
        """Draw a finding chart: dark on light, with offset stars, and what else an observer needs.

        The offset stars are the brightest in the field that stand alone, from the catalogue of
        the server that the picture came from. Where it cannot be asked the chart is drawn
        without them, and says so; the reason goes to Astropy's log, too.

        Parameters
        ----------
        path : str or `~pathlib.Path`, optional
            Where to write the chart: ``.pdf``, ``.png`` or ``.jpg``, the latter two below 1 MB.
            A chart that is written is not shown by pyplot.
        stars : int, optional
            How many offset stars, 0 to 26. They have letters, magnitudes and the offset from the
            star to the target in arcsec east and north.
        slit : str or tuple of `~astropy.units.Quantity`, optional
            A slit to draw on the target: ``"120x1.5@35"``, length and width in arcsec and the
            position angle in degrees from north through east, or these three as quantities.
        title : str, optional
            The title, by default the target's name.
        notes : str or sequence of str, optional
            Lines of your own, such as the run and the principal investigator.

        Returns
        -------
        `~matplotlib.figure.Figure`
            The chart, one page.

        Raises
        ------
        ImageError
            If there is no picture.
        RequestError
            If ``path``, ``stars`` or ``slit`` cannot be used.
        StoreError
            If the file cannot be written.

        Examples
        --------
        >>> import astropy.units as u
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> with Sandbox() as sandbox:
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     cutout = client.get(SkyCoord(20.0, 0.0, unit="deg"), fov=5 * u.arcmin, size=600)
        ...     notes = ["Run 116.ABCD.001", "PI A. Observer"]
        ...     figure = cutout.chart("chart.pdf", stars=3, slit="120x1.5@35", notes=notes)
        """
        from sdss_cutout._views.chart.chart import make_chart

        return make_chart(
            self, path, self._query_sql, stars=stars, slit=slit, title=title, notes=notes
        )

    def _query_sql(self, sql: str) -> Table:
        """Ask the server that the picture came from."""
        from sdss_cutout._transfer.fetch import FetchSettings
        from sdss_cutout._transfer.session import Session

        server = parse_url(self.url)
        base_url, release = (
            (server.base_url, server.release) if server else (conf.base_url, conf.data_release)
        )
        site = check_site(base_url, release)
        settings = FetchSettings(
            max_connections=1,
            max_rate=conf.max_rate,
            max_attempts=min(conf.max_attempts, 2),  # a chart can do without
            timeout=conf.timeout,
            auth=site.auth,
        )
        with Session() as session:
            return session.query_sql(sql, site, settings)

    def save(self, directory: str | Path = ".", *, avm: bool = False) -> Cutout:
        """Write ``{name}.jpg`` and ``{name}.wcs``, each whole or not at all.

        Files of the same names are replaced.

        Parameters
        ----------
        directory : str or `~pathlib.Path`, optional
            Made if it does not exist. A path that ends in ``.jpg`` is the picture's own file,
            whose sidecar is written beside it.
        avm : bool, optional
            Write the sky coordinates into the picture, too, as AVM.

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
        RequestError
            If ``directory`` is the name of another kind of file, such as ``pic.png``.

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
        picture = with_avm(self._existing()) if avm else self._existing()
        folder, stem = place_of(directory, self.name)
        with translated(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with scratch_folder(folder) as scratch:
                write_picture(folder, scratch, stem, picture)
        path, sidecar = paths_of(folder, stem)
        return replace(
            self,
            path=Path(path),
            sidecar=Path(sidecar),
            nbytes=len(picture.content),
            sha256=hashlib.sha256(picture.content).hexdigest(),
            picture=picture,
        )

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
        path = Path(path).expanduser()
        picture, header = read_picture(path)
        request = request_of_header(header)
        coverage = measure_picture(path, picture, request)
        return cls(
            name=path.stem,
            request=request,
            status=KEPT,
            coverage=coverage,
            path=path,
            sidecar=sidecar_of(path),
            nbytes=len(picture.content),
            sha256=hashlib.sha256(picture.content).hexdigest(),
            origin=str(header.get("ORIGIN", "")),
            date=str(header.get("DATE", "")),
            picture=picture,
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
        from sdss_cutout._image.colour_data import ColourData

        return ColourData(self.data, wcs=self.wcs, meta=dict(self.header))

    def _repr_jpeg_(self) -> bytes | None:
        return self.content or None


def cutout_of_outcome(
    outcome: Outcome,
    request: CutoutRequest,
    *,
    picture: Picture | None = None,
    path: Path | None = None,
) -> Cutout:
    """Return the cutout of an outcome, with its picture in memory or in a file."""
    return Cutout(
        **told_by(outcome),
        request=request,
        path=path,
        sidecar=None if path is None else sidecar_of(path),
        picture=picture,
    )


def picture_of_answer(
    content: bytes, request: CutoutRequest, outcome: Outcome, creator: str
) -> Picture:
    """Return the picture in an answer, with its sidecar."""
    provenance = Provenance(
        name=outcome.name,
        origin=outcome.origin,
        date=outcome.date,
        sha256=outcome.source_sha256,
        creator=creator,
    )
    return Picture(content, make_sidecar(request, provenance))


Cutout.__module__ = "sdss_cutout"
