"""The client: wires the layers together."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypedDict, TypeVar, Unpack, overload

import numpy as np
from astropy import log
from astropy.config.paths import get_cache_dir
from astropy.table import Table

from sdss_cutout._config import conf, number_not_negative, positive_number, whole_number
from sdss_cutout._errors import TargetError
from sdss_cutout._progress import Progress
from sdss_cutout._request.batch import concatenate
from sdss_cutout._request.calibrated import CalibratedBatch, build_calibrated_requests
from sdss_cutout._request.chunk import AnyBatch, TargetChunk, split
from sdss_cutout._request.geometry import refuse_arrays
from sdss_cutout._request.options import RequestOptions
from sdss_cutout._request.request import build_requests
from sdss_cutout._request.site import Site, check_root, check_site
from sdss_cutout._results.cutout import Cutout, cutout_of_outcome, picture_of_answer
from sdss_cutout._results.lists import CutoutList, DownloadReport
from sdss_cutout._results.outcome import KEPT, OK, Outcome, Outcomes, outcome_of_answer
from sdss_cutout._results.stored import AnyCutout, StoredCutouts, stored_cutout
from sdss_cutout._service.sas import SAS
from sdss_cutout._service.skyserver import explore_url, navigate_url
from sdss_cutout._store.layout import directory_path
from sdss_cutout._targets.targets import Targets, read_targets, stream_targets
from sdss_cutout._transfer.session import Session

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import astropy.units as u
    import pandas as pd
    from astropy.coordinates import SkyCoord
    from astropy.table import Row
    from numpy.typing import NDArray

    from sdss_cutout._download.calibrated.run import CalibratedSource
    from sdss_cutout._download.run import Fetch
    from sdss_cutout._request.request import CutoutRequest
    from sdss_cutout._results.calibrated import CalibratedCutout
    from sdss_cutout._transfer.classify import Answer
    from sdss_cutout._transfer.fetch import FetchSettings, Finisher, Task

__all__ = ["SDSSCutouts"]

T = TypeVar("T")


class ColourOptions(TypedDict, total=False):
    """What `SDSSCutouts.get` takes beside targets, names and bands."""

    scale: u.Quantity | None
    size: int | u.Quantity | None
    width: int | u.Quantity | None
    height: int | u.Quantity | None
    fov: u.Quantity | str | None
    overlays: str | Sequence[str] | None
    mark: Any


class PictureOptions(ColourOptions, total=False):
    """What `SDSSCutouts.get` takes beside targets and names, for calls that pass it on."""

    bands: str | None


# For type checkers. Text may be a position or a file, and a SkyCoord may be an array: their type
# does not tell whether they are a single target. While astropy is not typed, mypy takes its classes
# for anything, and says of the later overloads that they never match.
if TYPE_CHECKING:
    Many: TypeAlias = os.PathLike[str] | list[Any] | tuple[Any, ...] | NDArray[Any]
    PerhapsOne: TypeAlias = str | SkyCoord | Row


class OnResult(Protocol):
    """Is called with each outcome of a download as it comes, in the calling thread."""

    def __call__(self, cutout: Any, /) -> object:
        """Take note of an outcome; what this returns is ignored."""
        ...


class SDSSCutouts:
    """Downloads SDSS images of positions on the sky, checked, each with its WCS.

    Settings that are None are read from ``sdss_cutout.conf`` at each call.

    Parameters
    ----------
    data_release : int, optional
        SDSS data release, 17 by default.
    base_url : str, optional
        Root of the SkyServer site, ``https://skyserver.sdss.org`` by default.
    max_connections : int, optional
        Requests under way at the same time, 8 by default.
    max_rate : float, optional
        Requests per second, of all connections together and retries included, 10 by default.
        It is spread evenly, falls when the server says that it is overloaded, and recovers.
    timeout : float, optional
        Seconds that one attempt may take as a whole, 30 by default.
    max_attempts : int, optional
        Requests for one target before it has ``failed``, 5 by default.
    show_progress : bool, optional
        Whether to show a progress bar on a terminal or in a notebook.

    Examples
    --------
    >>> import astropy.units as u
    >>> from astropy.coordinates import SkyCoord
    >>> from sdss_cutout import SDSSCutouts
    >>> target = SkyCoord(19.023342, -0.014911, unit="deg")
    >>> SDSSCutouts().url(target, scale=0.3 * u.arcsec / u.pix, size=180)
    'https://skyserver.sdss.org/dr17/SkyServerWS/ImgCutout/getjpeg?ra=19.023342&dec=-0.014911&scale=0.3&width=180&height=180'
    """

    def __init__(
        self,
        data_release: int | None = None,
        *,
        base_url: str | None = None,
        max_connections: int | None = None,
        max_rate: float | None = None,
        timeout: float | None = None,
        max_attempts: int | None = None,
        show_progress: bool | None = None,
    ) -> None:
        self.data_release = data_release
        self.base_url = base_url
        self.max_connections = max_connections
        self.max_rate = max_rate
        self.timeout = timeout
        self.max_attempts = max_attempts
        self.show_progress = show_progress
        # Wrong settings are refused here rather than in the first call.
        self._site()
        self._settings()
        self._archive = SAS
        self._open()

    def _open(self) -> None:
        self._session, self._frame_session = Session(), Session()

    def __getstate__(self) -> dict[str, Any]:
        """Return the settings: limits and connections stay with this object."""
        return {k: v for k, v in vars(self).items() if k not in ("_session", "_frame_session")}

    def __setstate__(self, settings: dict[str, Any]) -> None:
        vars(self).update(settings)
        self._open()

    def __enter__(self) -> SDSSCutouts:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; a later call opens new ones.

        A script need not call this, nor use the client in a ``with`` statement: connections that
        are not used any more are closed with the client.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts
        >>> with SDSSCutouts() as client:
        ...     client.navigate_url(SkyCoord(19, 0, unit="deg"))
        'https://skyserver.sdss.org/dr17/VisualTools/navi?ra=19.0&dec=0.0'
        """
        self._session.close()
        self._frame_session.close()

    def __repr__(self) -> str:
        site = self._site()
        return f"<SDSSCutouts of DR{site.release} at {site.base_url}>"

    def _setting(self, name: str) -> Any:
        given = getattr(self, name)
        return getattr(conf, name) if given is None else given

    def _site(self) -> Site:
        return check_site(self._setting("base_url"), self._setting("data_release"))

    def _settings(self) -> FetchSettings:
        from sdss_cutout._transfer.fetch import FetchSettings

        return FetchSettings(
            max_connections=whole_number("max_connections", self._setting("max_connections")),
            max_rate=positive_number("max_rate", self._setting("max_rate")),
            max_attempts=whole_number("max_attempts", self._setting("max_attempts")),
            timeout=positive_number("timeout", self._setting("timeout")),
            auth=self._site().auth,
        )

    def _calibrated_source(self) -> CalibratedSource:
        """Return the way to calibrated cutouts: SkyServer's search, and the archive of frames."""
        from sdss_cutout._download.calibrated.run import CalibratedSource, FrameSource

        archive, settings, site = self._archive, self._settings(), self._site()
        root, auth = check_root("frames_url", str(conf.frames_url), archive.default_url)
        return CalibratedSource(
            site=site,
            session=self._session,
            settings=settings,
            frame_session=self._frame_session,
            # Its own limits, whatever those for SkyServer are.
            frame_settings=replace(
                settings, max_connections=archive.max_connections, max_rate=archive.max_rate,
                auth=auth,
            ),
            frames=FrameSource(
                root=root, release=site.release, archive=archive, cache=_frame_cache(),
                cache_bytes=1e9 * number_not_negative("frame_cache_size", conf.frame_cache_size),
                creator=_creator(),
            ),
        )  # fmt: skip

    def _requests(
        self, targets: Targets, options: RequestOptions, *, avm: bool = False
    ) -> AnyBatch:
        """Return the requests for targets: for pictures, or for calibrated data."""
        if options.bands is None:
            return build_requests(targets, self._site(), options)
        return build_calibrated_requests(
            targets, self._site(), options, options.bands, avm=avm, archive=self._archive
        )

    def _job(
        self,
        directory: str | Path,
        bands: str | None,
        overwrite: bool,
        avm: bool,
        executor: Executor | None,
        on_result: OnResult | None,
    ) -> _Job:
        return _Job(
            client=self, directory=directory_path(directory).absolute(), bands=bands or "",
            overwrite=overwrite, avm=avm, executor=executor, on_result=on_result,
        )  # fmt: skip

    # --------------------------------------------------------------------------- pictures

    @overload
    def get(
        self,
        targets: Many,
        *,
        names: str | Sequence[str] | None = None,
        bands: str | None = None,
        **options: Unpack[ColourOptions],
    ) -> CutoutList: ...
    @overload
    def get(
        self,
        targets: PerhapsOne,
        *,
        names: str | Sequence[str] | None = None,
        bands: None = None,
        **options: Unpack[ColourOptions],
    ) -> Cutout | Any: ...
    @overload
    def get(  # type: ignore[overload-overlap]
        self,
        targets: PerhapsOne,
        *,
        names: str | Sequence[str] | None = None,
        bands: str,
        **options: Unpack[ColourOptions],
    ) -> CalibratedCutout | Any: ...
    @overload
    def get(
        self,
        targets: Table | pd.DataFrame,
        *,
        names: str | Sequence[str] | None = None,
        bands: str | None = None,
        **options: Unpack[ColourOptions],
    ) -> CutoutList: ...
    @overload
    def get(  # type: ignore[overload-cannot-match]
        self,
        targets: Any,
        *,
        names: str | Sequence[str] | None = None,
        bands: str | None = None,
        **options: Unpack[ColourOptions],
    ) -> Any: ...
    def get(
        self,
        targets: Any,
        *,
        scale: u.Quantity | None = None,
        size: int | u.Quantity | None = None,
        width: int | u.Quantity | None = None,
        height: int | u.Quantity | None = None,
        fov: u.Quantity | None = None,
        overlays: str | Sequence[str] | None = None,
        mark: Any = None,
        names: str | Sequence[str] | None = None,
        bands: str | None = None,
    ) -> Cutout | CalibratedCutout | CutoutList:
        """Get pictures into memory.

        Any two of ``scale``, ``fov`` and the width in pixels fix the third; where only one is
        given, ``scale`` takes its default. Each may be an array with one value per target.

        Parameters
        ----------
        targets : SkyCoord, Table, QTable, Row, DataFrame, path, str or sequence of SkyCoord
            Positions in any frame; a table with a SkyCoord column, or with columns of right
            ascension and declination under their usual names (degrees, unless they have units);
            the path of such a table; or the name of an object.
        scale : `~astropy.units.Quantity`, optional
            Angle per pixel, or its inverse; 0.396127 arcsec/pix by default.
        size : int or `~astropy.units.Quantity`, optional
            Width and height in pixels; 200 by default.
        width, height : int or `~astropy.units.Quantity`, optional
            The sides of a rectangle, in pixels; where one is missing it is as long as the other.
        fov : `~astropy.units.Quantity`, optional
            Angle across the width. With ``scale``, the width is rounded to whole pixels.
        overlays : str or sequence of str, optional
            What the server draws over the picture: its letters, ``"GL"``, or names,
            ``["grid", "label"]``.
        mark : targets or str, optional
            What the server marks: positions, a filter such as ``"SR(10,20)"`` (stars of r from
            10 to 20), or SQL that selects ra and dec.
        names : str or sequence of str, optional
            The stems of the files: the name of a column, or one name per target. By default a
            column called name, id or objid, else names such as ``J011605.60-000053.6``.
        bands : str, optional
            Calibrated data in these of ``ugriz``, as ``"gri"``, in place of a picture. Without
            ``scale`` the pixels are the survey's own, on the grid of its frames; with it, or
            with ``fov`` and ``size`` together, they are resampled with north up. It does not go
            with ``overlays`` and ``mark``.

        Returns
        -------
        Cutout, CalibratedCutout or CutoutList
            A `Cutout` for a single target, with ``bands`` a `CalibratedCutout`; else a
            `CutoutList` in the targets' order.

        Raises
        ------
        TargetError, RequestError
            If a target or an option cannot be used; nothing was sent.
        OutsideFootprintError, ServiceError
            If there is no picture of a single target. A list reports this in its table.

        Examples
        --------
        >>> import astropy.units as u
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> with Sandbox() as sandbox:
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     cutout = client.get(SkyCoord(19.0, 0.0, unit="deg"), fov=1 * u.arcmin, size=150)
        >>> cutout
        <Cutout J011600.00+000000.0: ok, 150 x 150 pix, 0.4 arcsec/pix>
        """
        options = RequestOptions(
            scale=scale, size=size, width=width, height=height, fov=fov, overlays=overlays,
            mark=mark, bands=bands,
        )  # fmt: skip
        if isinstance(targets, Iterator):
            raise TargetError("a stream of targets can be downloaded, but not held in memory")
        read = read_targets(targets, names=names)
        cutouts = self._get(read, options)
        if read.scalar:
            cutouts[0].raise_for_status()
            return cutouts[0]
        return cutouts

    def download(
        self,
        targets: Any,
        directory: str | Path,
        *,
        scale: u.Quantity | None = None,
        size: int | u.Quantity | None = None,
        width: int | u.Quantity | None = None,
        height: int | u.Quantity | None = None,
        fov: u.Quantity | None = None,
        overlays: str | Sequence[str] | None = None,
        mark: Any = None,
        names: str | Sequence[str] | None = None,
        bands: str | None = None,
        overwrite: bool = False,
        avm: bool = False,
        executor: Executor | None = None,
        on_result: OnResult | None = None,
    ) -> DownloadReport:
        """Get pictures into a directory: ``{name}.jpg`` and ``{name}.wcs``, and a manifest.

        With ``bands`` it gets calibrated data, ``{name}.fits``.

        What exists in the directory is kept. Run again after an
        interruption, a download fetches what is missing and nothing else.

        Parameters
        ----------
        targets : SkyCoord, Table, QTable, Row, DataFrame, path, str, sequence or iterator
            As for `get`. It may also be an iterator over tables, DataFrames or coordinates:
            these are taken as they come, are refused when they come, and are not held;
            ``names`` is then a column.
        directory : str or `~pathlib.Path`
            Made if it does not exist.
        scale, size, width, height, fov, overlays, mark, names, bands : optional
            As for `get`. Calibrated data are files ``{name}.fits``.
        overwrite : bool, optional
            Fetch again what exists, even if it is from a different request.
        avm : bool, optional
            Write the sky coordinates into the pictures, too, as AVM.
        executor : `concurrent.futures.Executor`, optional
            Fetch in its workers, which share ``max_rate`` and ``max_connections`` and write to
            the same directory.
        on_result : callable, optional
            Called with each outcome, a `Cutout`, as it comes, in the calling thread. Its picture
            is read from the file when it is asked for.

        Returns
        -------
        DownloadReport
            The outcome of each target, in the order of the targets.

        Raises
        ------
        TargetError, RequestError
            If a target or an option cannot be used, or a name is taken; nothing was sent.
        StoreError
            If the directory cannot be used.

        Examples
        --------
        >>> import tempfile
        >>> from astropy.table import Table
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> targets = Table({"id": [7050, 7051], "ra": [20.1375, 20.1391], "dec": [-0.06, -0.15]})
        >>> with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     report = client.download(targets, folder, size=64)
        ...     again = client.download(targets, folder, size=64)
        >>> report.counts
        {'ok': 2, 'kept': 0, 'outside': 0, 'failed': 0}
        >>> again.counts
        {'ok': 0, 'kept': 2, 'outside': 0, 'failed': 0}
        """
        options = RequestOptions(
            scale=scale, size=size, width=width, height=height, fov=fov, overlays=overlays,
            mark=mark, bands=bands,
        )  # fmt: skip
        job = self._job(directory, bands, overwrite, avm, executor, on_result)
        return self._download(targets, options, names, job)

    @overload
    def url(
        self,
        targets: Many,
        *,
        names: str | Sequence[str] | None = None,
        **options: Unpack[PictureOptions],
    ) -> list[str]: ...
    @overload
    def url(
        self,
        targets: PerhapsOne,
        *,
        names: str | Sequence[str] | None = None,
        **options: Unpack[PictureOptions],
    ) -> str | Any: ...
    @overload
    def url(  # type: ignore[overload-cannot-match]
        self,
        targets: Table | pd.DataFrame,
        *,
        names: str | Sequence[str] | None = None,
        **options: Unpack[PictureOptions],
    ) -> list[str]: ...
    @overload
    def url(  # type: ignore[overload-cannot-match]
        self,
        targets: Any,
        *,
        names: str | Sequence[str] | None = None,
        **options: Unpack[PictureOptions],
    ) -> Any: ...
    def url(
        self,
        targets: Any,
        *,
        names: str | Sequence[str] | None = None,
        **options: Unpack[PictureOptions],
    ) -> str | list[str]:
        """Return the URLs that would be asked for; sends nothing.

        Parameters
        ----------
        targets : SkyCoord, Table, QTable, Row, DataFrame, path, str or sequence of SkyCoord
            As for `get`.
        names : str or sequence of str, optional
            As for `get`.
        **options
            ``scale``, ``size``, ``width``, ``height``, ``fov``, ``overlays``, ``mark`` and
            ``bands``, as for `get`.

        Returns
        -------
        str or list of str
            One URL for a single target, else a list in the targets' order.

        Raises
        ------
        TargetError, RequestError
            If a target or an option cannot be used.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts
        >>> SDSSCutouts(16).url(SkyCoord(19, 0, unit="deg"), overlays=["grid", "label"])
        'https://skyserver.sdss.org/dr16/SkyServerWS/ImgCutout/getjpeg?ra=19.0&dec=0.0&scale=0.396127&width=200&height=200&opt=GL'
        """
        read = read_targets(targets, names=names)
        urls = self._requests(read, RequestOptions(**options)).urls()
        return urls[0] if read.scalar else urls

    # -------------------------------------------------------------------------------- SQL

    def query_sql(self, sql: str) -> Table:
        """Return the rows that an SQL query selects from the SDSS catalogue, through astroquery.

        Parameters
        ----------
        sql : str
            The query, in SkyServer's dialect. The server returns 500,000 rows at most and takes
            60 queries per minute; more of them wait.

        Returns
        -------
        `~astropy.table.Table`
            Identifiers are uint64, exact to the last digit; missing values are masked.

        Raises
        ------
        QueryError
            With the server's message, whatever form it has.

        Examples
        --------
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> with Sandbox() as sandbox:
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     table = client.query_sql("SELECT TOP 3 objID, ra, dec FROM Galaxy WHERE r < 17")
        >>> len(table), table["objID"].dtype
        (3, dtype('uint64'))
        """
        table = self._session.query_sql(sql, self._site(), self._settings())
        table.meta["query"] = sql
        return table

    def get_sql(
        self,
        sql: str,
        *,
        names: str | Sequence[str] | None = None,
        **options: Unpack[PictureOptions],
    ) -> CutoutList:
        """Query and get the pictures into memory, in one step.

        Parameters
        ----------
        sql : str
            As for `query_sql`; it selects ra and dec, and best objID for the names.
        names : str or sequence of str, optional
            As for `get`.
        **options
            ``scale``, ``size``, ``width``, ``height``, ``fov``, ``overlays``, ``mark`` and
            ``bands``, as for `get`.

        Returns
        -------
        CutoutList
            One cutout per row, with the query's columns in its table.

        Raises
        ------
        QueryError, TargetError, RequestError
            As `query_sql` and `get` do.

        Examples
        --------
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> with Sandbox() as sandbox:
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     client.get_sql("SELECT TOP 2 objID, ra, dec FROM Galaxy WHERE r < 17", size=64)
        <CutoutList of 2: ok 2>
        """
        return self._get(read_targets(self.query_sql(sql), names=names), RequestOptions(**options))

    def download_sql(
        self,
        sql: str,
        directory: str | Path,
        *,
        names: str | Sequence[str] | None = None,
        overwrite: bool = False,
        avm: bool = False,
        executor: Executor | None = None,
        on_result: OnResult | None = None,
        **options: Unpack[PictureOptions],
    ) -> DownloadReport:
        """Query and get the pictures into a directory, in one step.

        Parameters
        ----------
        sql : str
            As for `query_sql`; it selects ra and dec, and best objID for the names.
        directory : str or `~pathlib.Path`
            As for `download`.
        names : str or sequence of str, optional
            As for `get`.
        overwrite, avm : bool, optional
            As for `download`.
        executor : `concurrent.futures.Executor`, optional
            As for `download`.
        on_result : callable, optional
            As for `download`.
        **options
            ``scale``, ``size``, ``width``, ``height``, ``fov``, ``overlays``, ``mark`` and
            ``bands``, as for `get`.

        Returns
        -------
        DownloadReport
            One row per row of the query, with the query's columns.

        Raises
        ------
        QueryError, TargetError, RequestError, StoreError
            As `query_sql` and `download` do.

        Examples
        --------
        >>> import tempfile
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     sql = "SELECT TOP 2 objID, ra, dec FROM Galaxy WHERE r < 17"
        ...     client.download_sql(sql, folder, size=64).counts
        {'ok': 2, 'kept': 0, 'outside': 0, 'failed': 0}
        """
        bands = options.get("bands")
        job = self._job(directory, bands, overwrite, avm, executor, on_result)
        return self._download(self.query_sql(sql), RequestOptions(**options), names, job)

    # ------------------------------------------------------------------------------ links

    def navigate_url(self, target: Any) -> str:
        """Return the link to SkyServer's Navigate page for a position; sends nothing.

        Parameters
        ----------
        target : SkyCoord or Row
            One target, in any form that `get` takes.

        Returns
        -------
        str

        Raises
        ------
        TargetError
            If this is not one target.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts
        >>> SDSSCutouts().navigate_url(SkyCoord(19, 0, unit="deg"))
        'https://skyserver.sdss.org/dr17/VisualTools/navi?ra=19.0&dec=0.0'
        """
        read, site = read_targets(target), self._site()
        if len(read) != 1:
            raise TargetError(f"navigate_url takes one target, not {len(read)}")
        return navigate_url(site.base_url, site.release, float(read.ra[0]), float(read.dec[0]))

    def explore_url(self, objid: int | str) -> str:
        """Return the link to SkyServer's Explore page for an object; sends nothing.

        Parameters
        ----------
        objid : int or str
            The object's objID, exact: a floating-point number has lost digits and is refused.

        Returns
        -------
        str

        Raises
        ------
        TargetError
            If this is not a valid objID.

        Examples
        --------
        >>> from sdss_cutout import SDSSCutouts
        >>> SDSSCutouts().explore_url(1237648720693755918)
        'https://skyserver.sdss.org/dr17/VisualTools/explore/summary?id=1237648720693755918'
        """
        site = self._site()
        exact = isinstance(objid, int | np.integer) and not isinstance(objid, bool)
        if not (exact or (isinstance(objid, str) and objid.isascii() and objid.isdigit())):
            raise TargetError(f"objid = {objid!r} is not a whole number")
        if not 0 <= int(objid) < 2**64:
            raise TargetError(f"objid = {objid} is outside 0..2**64 - 1")
        return explore_url(site.base_url, site.release, int(objid))

    # --------------------------------------------------------------------------- the wiring

    def _get(self, targets: Targets, options: RequestOptions) -> CutoutList:
        from sdss_cutout._transfer.fetch import FetchTask

        requests, names = self._requests(targets, options), targets.names()
        total = len(targets)
        cutouts: dict[int, Any] = {}
        rows = requests.in_order_of_work(np.arange(total))
        tasks = (
            FetchTask(index=row, name=names[row], request=request)
            for row, request in zip(rows.tolist(), iter(requests.take(rows)), strict=True)
        )
        with Progress(total, show=total > 1 and self._setting("show_progress")) as progress:
            for index, cutout in self._cutouts(tasks, requests):
                cutouts[index] = cutout
                progress.add(cutout.status)
        return CutoutList(tuple(cutouts[index] for index in range(total)), targets.table)

    def _cutouts(self, tasks: Iterator[Any], requests: AnyBatch) -> Iterator[tuple[int, AnyCutout]]:
        """Yield the row and the cutout of each task."""
        if isinstance(requests, CalibratedBatch):
            _require_reproject(requests)
            return self._calibrated_source().make(tasks, _row_and_cutout)
        return self._fetched(tasks, _cutout_of_answer)

    def _fetched(self, tasks: Iterator[Task], finish: Finisher[CutoutRequest, T]) -> Iterator[T]:
        """Yield what ``finish`` makes of the answers."""
        return self._session.fetch(tasks, finish, self._settings())

    def _download(
        self, targets: Any, options: RequestOptions, names: str | Sequence[str] | None, job: _Job
    ) -> DownloadReport:
        seen: list[TargetChunk] = []
        if isinstance(targets, Iterator):
            stream = self._stream(targets, options, names, avm=job.avm)
            outcomes = job.run(_remembered(stream, seen), total=None)
        else:
            read = read_targets(targets, names=names)
            requests = self._requests(read, options, avm=job.avm)
            _require_reproject(requests)
            seen = list(split(read, requests))
            outcomes = job.run(seen, total=len(read))
        kind = RequestOptions(bands=options.bands)
        nothing = self._requests(read_targets(Table({"ra": [], "dec": []})), kind)
        return _report(job, seen, outcomes, nothing)

    def _stream(
        self,
        chunks: Iterator[Any],
        options: RequestOptions,
        names: str | Sequence[str] | None,
        *,
        avm: bool,
    ) -> Iterator[TargetChunk]:
        refuse_arrays(options)
        for targets in stream_targets(chunks, names=names):
            requests = self._requests(targets, options, avm=avm)
            _require_reproject(requests)
            yield TargetChunk(targets=targets, names=targets.names(), requests=requests)


def _cutout_of_answer(task: Task, answer: Answer, attempts: int) -> tuple[int, Cutout]:
    """Return a target's row and its cutout in memory."""
    outcome = outcome_of_answer(task.index, task.name, answer, attempts)
    picture = None
    if outcome.status == OK:
        picture = picture_of_answer(answer.content, task.request, outcome, _creator())
    return task.index, cutout_of_outcome(outcome, task.request, picture=picture)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """Brings targets to their outcomes in a directory; what a report tries again with."""

    client: SDSSCutouts
    directory: Path
    bands: str
    overwrite: bool
    avm: bool
    executor: Executor | None
    on_result: OnResult | None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what another process can use: neither the executor nor the caller's function."""
        return _job, (self.client, self.directory, self.bands, self.overwrite, self.avm)

    def __call__(self, chunks: Iterable[TargetChunk], /) -> Outcomes:
        """Try the targets of a report again."""
        chunks = list(chunks)
        return self.run(chunks, total=sum(map(len, chunks)))

    def run(self, chunks: Iterable[TargetChunk], *, total: int | None) -> Outcomes:
        """Bring the targets to their outcomes; where ``total`` is None they are a stream."""
        # Here, as requests, SQLite and the like would double the time of `import sdss_cutout`.
        from sdss_cutout._download.run import download
        from sdss_cutout._store.directory import DownloadDirectory

        source = self.client._calibrated_source() if self.bands else None
        with (
            DownloadDirectory(
                self.directory,
                creator=_creator(),
                bands=self.bands,
                avm=self.avm,
                overwrite=self.overwrite,
                verify_up_to=conf.verify_up_to,
            ) as directory,
            Progress(total, show=self.client._setting("show_progress")) as progress,
        ):
            folders = {"directory": str(directory.path), "scratch": str(directory.scratch)}
            fetched = self._pictures(folders) if source is None else self._frames(folders, source)
            on_outcome = _Watcher(
                directory=directory.path, progress=progress, on_result=self.on_result
            )
            return download(chunks, directory, fetched, on_outcome, plan_first=total is not None)

    def _pictures(self, folders: dict[str, str]) -> Fetch:
        """Return what fetches and writes pictures."""
        from sdss_cutout._download.executors import distribute
        from sdss_cutout._download.writer import PictureWriter

        client, writer = self.client, PictureWriter(creator=_creator(), avm=self.avm, **folders)
        if self.executor is None:
            return partial(client._fetched, finish=writer.write)
        return partial(
            distribute, executor=self.executor, session=client._session,
            settings=client._settings(), writer=writer,
        )  # fmt: skip

    def _frames(self, folders: dict[str, str], source: CalibratedSource) -> Fetch:
        """Return what fetches frames, and writes what is cut from them."""
        from sdss_cutout._download.calibrated.distributed import distribute_calibrated
        from sdss_cutout._download.calibrated.writer import CalibratedWriter

        writer = CalibratedWriter(frames=source.frames, **folders)
        if self.executor is None:
            return partial(source.make, finish=writer.write)
        return partial(distribute_calibrated, executor=self.executor, source=source, writer=writer)


def _job(client: SDSSCutouts, directory: Path, bands: str, overwrite: bool, avm: bool) -> _Job:
    return _Job(
        client=client, directory=directory, bands=bands, overwrite=overwrite, avm=avm,
        executor=None, on_result=None,
    )  # fmt: skip


def _frame_cache() -> Path | None:
    """Return the folder in which frames are kept."""
    if conf.frame_cache:
        return Path(conf.frame_cache).expanduser().absolute()
    try:
        return Path(get_cache_dir()) / "sdss_cutout" / "frames"
    except OSError as error:  # the home directory is read-only
        log.warning("frames are not kept: %s", error)
        return None


def _require_reproject(requests: AnyBatch) -> None:
    """Refuse mosaics where reproject is not installed, before anything is sent."""
    if isinstance(requests, CalibratedBatch) and requests.north_up:
        from sdss_cutout._frames.mosaic import reproject_function

        reproject_function()


def _row_and_cutout(
    index: int, cutout: CalibratedCutout, _answer: Answer
) -> tuple[int, CalibratedCutout]:
    return index, cutout


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watcher:
    """Shows the progress of a download, and tells the caller of each outcome."""

    directory: Path
    progress: Progress
    on_result: OnResult | None

    def many_kept(self, chunk: TargetChunk, rows: Sequence[int], outcomes: Outcomes) -> None:
        """Take note of pictures that exist already."""
        self.progress.add(KEPT, len(rows))
        if self.on_result is not None:
            for row in rows:
                self._tell(chunk, outcomes.outcome(chunk.first_row + row, chunk.names[row]))

    def one(self, chunk: TargetChunk, outcome: Outcome) -> None:
        """Take note of one outcome."""
        self.progress.add(outcome.status)
        self._tell(chunk, outcome)

    def _tell(self, chunk: TargetChunk, outcome: Outcome) -> None:
        if self.on_result is None:
            return
        request = chunk.requests[outcome.index - chunk.first_row]
        self.on_result(stored_cutout(outcome, request, self.directory))


def _report(
    job: _Job, chunks: Sequence[TargetChunk], outcomes: Outcomes, nothing: AnyBatch
) -> DownloadReport:
    """Return the outcomes of the chunks of a download; ``nothing`` is no requests of their kind."""
    requests = concatenate([chunk.requests for chunk in chunks] or [nothing])
    cutouts = StoredCutouts(
        directory=job.directory,
        names=[name for chunk in chunks for name in chunk.names],
        requests=requests,
        outcomes=outcomes,
    )
    tables = tuple(chunk.targets.table for chunk in chunks if chunk.targets.table.colnames)
    # What is tried again must not overwrite what another run has saved since.
    return DownloadReport(cutouts=cutouts, input_tables=tables, rerun=replace(job, overwrite=False))


def _remembered(chunks: Iterator[TargetChunk], seen: list[TargetChunk]) -> Iterator[TargetChunk]:
    """Note the chunks that pass, without the input columns: those are in the manifest."""
    for chunk in chunks:
        seen.append(chunk.without_input_columns())
        yield chunk


def _creator() -> str:
    return f"sdss_cutout {importlib.metadata.version('sdss_cutout')}"


SDSSCutouts.__module__ = "sdss_cutout"
