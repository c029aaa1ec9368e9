"""Many outcomes: the table, what failed, and trying that again."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import astropy.units as u
import numpy as np
from astropy.table import Column, Table, hstack, vstack

from sdss_cutout._progress import summarise
from sdss_cutout._request.chunk import Part
from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._results.cutout import Cutout
from sdss_cutout._results.input_columns import beside_ours
from sdss_cutout._results.outcome import COLUMNS, FAILED, KEPT, OK, Outcomes
from sdss_cutout._store.files import PICTURE, SIDECAR

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sdss_cutout._export.export import Export

__all__ = ["CutoutList", "DownloadReport", "outcome_table"]


def outcome_table(given: Table, ours: dict[str, Any]) -> Table:
    """Return the given columns with ours behind them."""
    table = Table(
        [Column(np.asarray(ours[name], dtype=_TYPES[name]), name=name) for name in COLUMNS]
    )
    table["scale"].unit = u.arcsec / u.pix
    table["nbytes"].unit = u.byte
    given = beside_ours(given)
    return hstack([given, table], join_type="exact") if given.colnames else table


_TYPES = {
    "name": "U", "status": "U", "path": "U", "sidecar": "U", "url": "U", "width": "i8",
    "height": "i8", "scale": "f8", "coverage": "f8", "nbytes": "i8", "sha256": "U",
    "attempts": "i8", "error": "U",
}  # fmt: skip


class _Results(Sized, Iterable[Cutout]):
    """What lists and reports have in common."""

    __slots__ = ()

    @property
    @abc.abstractmethod
    def table(self) -> Table:
        """One row a target: the targets' own columns, then ours."""

    @property
    def failed(self) -> Table:
        """The rows of `table` whose status is ``failed``."""
        table = self.table
        return table[table["status"] == FAILED] if len(table) else table

    def montage(
        self,
        *,
        ncols: int = 10,
        titles: str | Sequence[str] | None = "name",
        order: str | None = None,
        reverse: bool = False,
        tile: float = 1.2,
    ) -> Figure:
        """Draw the pictures side by side; outside and failed targets show as such.

        Parameters
        ----------
        ncols : int, optional
            Pictures a line.
        titles : str or sequence of str, optional
            What stands above each picture: a column of `table`, or one text a target; None for
            nothing.
        order : str, optional
            The column of `table` to sort by; missing values come last. By default the pictures
            are in the targets' order.
        reverse : bool, optional
            Whether to begin with the largest.
        tile : float, optional
            Width and height of a picture in inches.

        Returns
        -------
        `~matplotlib.figure.Figure`

        Raises
        ------
        RequestError
            If there is no such column, or ``titles`` are not one a target.

        Examples
        --------
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> with Sandbox() as sandbox:
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     sql = "SELECT TOP 6 objID, ra, dec, r FROM Galaxy WHERE r < 17"
        ...     cutouts = client.get_sql(sql, size=64)
        >>> figure = cutouts.montage(ncols=3, titles="r", order="r")
        >>> len(figure.axes[0].images)
        6
        """
        from sdss_cutout._views.montage import montage_figure

        return montage_figure(
            self, self.table, ncols=ncols, titles=titles, order=order, reverse=reverse, tile=tile
        )

    def export(
        self,
        path: str | Path,
        format: str = "imagefolder",  # noqa: A002
        *,
        label: str | None = None,
        split: Mapping[str, float] | str | None = None,
        seed: int = 0,
        columns: Sequence[str] | None = None,
        overwrite: bool = False,
    ) -> Export:
        """Write the pictures as a training set, whole or not at all.

        Targets without a picture are left out and counted. The columns of `table` go along, and
        with them ``ra``, ``dec`` and ``release`` of each picture and its FITS header as text,
        ``wcs``. Identifiers keep all their digits.

        Parameters
        ----------
        path : str or `~pathlib.Path`
            The folder, or the file, to be made.
        format : str, optional
            ``imagefolder`` (pictures in folders, with their table), ``parquet``, ``webdataset``
            (tar files), ``hdf5`` (arrays; the only one for calibrated cutouts) or ``zoobot`` (a
            table with the paths of the pictures); also ``zooniverse`` (pictures with a manifest),
            ``ds9`` (regions) and ``votable`` (a table with links), which cannot be split.
        label : str, optional
            The column with the label, which is called ``label`` in the set. No label may be
            missing.
        split : mapping of str to float, or str, optional
            The part of the pictures for each split, as ``{"train": 0.8, "test": 0.2}``, or the
            column that has the splits; by default all pictures are in ``train``. Pictures that
            overlap on the sky, and those of equal ``objid``, are always in the same split.
        seed : int, optional
            Another number gives another division.
        columns : sequence of str, optional
            The columns of `table` that go along; by default all.
        overwrite : bool, optional
            Replace what is at ``path``.

        Returns
        -------
        Export
            Where it is, and how many pictures are in each split.

        Raises
        ------
        RequestError
            If there is no such format or column, or the splits are not possible.
        TargetError
            If no target has a picture, or one has no label.
        ImageError
            If a picture is missing or damaged.
        StoreError
            If ``path`` exists already, or cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> sql = "SELECT TOP 10 objID, ra, dec, g, r FROM Galaxy WHERE r < 17 ORDER BY objID"
        >>> with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        ...     cutouts = SDSSCutouts(base_url=sandbox.base_url).get_sql(sql, size=64)
        ...     training_set = cutouts.export(f"{folder}/set", "webdataset", columns=["g", "r"])
        >>> training_set.counts
        {'train': 10}
        """
        from sdss_cutout._export.export import export

        return export(
            self, path, format, label=label, split=split, seed=seed, columns=columns,
            overwrite=overwrite,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class CutoutList(_Results, Sequence[Cutout]):
    """The cutouts of a list of targets, in the targets' order, whatever happened to each.

    Attributes
    ----------
    cutouts : tuple of Cutout
        One a target.
    given : `~astropy.table.Table`
        The columns that came with the targets.

    Examples
    --------
    >>> from astropy.coordinates import SkyCoord
    >>> from sdss_cutout import SDSSCutouts
    >>> from sdss_cutout.sandbox import Sandbox
    >>> with Sandbox() as sandbox:
    ...     client = SDSSCutouts(base_url=sandbox.base_url)
    ...     cutouts = client.get(SkyCoord([20.1, 86.4], [-0.1, 28.9], unit="deg"), size=64)
    >>> cutouts
    <CutoutList of 2: ok 1, outside 1>
    >>> cutouts[0].data.shape
    (64, 64, 3)
    >>> print(cutouts.table["name", "status", "coverage"])
            name         status coverage
    ------------------- ------- --------
    J012024.00-000600.0      ok      1.0
    J054536.00+285400.0 outside      0.0
    """

    cutouts: tuple[Cutout, ...]
    given: Table

    def __len__(self) -> int:
        return len(self.cutouts)

    @overload
    def __getitem__(self, index: int) -> Cutout: ...
    @overload
    def __getitem__(self, index: slice) -> CutoutList: ...
    def __getitem__(self, index: int | slice) -> Cutout | CutoutList:
        if isinstance(index, slice):
            given = self.given[index] if self.given.colnames else self.given
            return CutoutList(self.cutouts[index], given)
        return self.cutouts[index]

    def __repr__(self) -> str:
        statuses = [cutout.status for cutout in self.cutouts]
        counts = {status: statuses.count(status) for status in dict.fromkeys(statuses)}
        return f"<CutoutList of {len(self)}: {summarise(counts)}>"

    @property
    def table(self) -> Table:
        """One row a target: the targets' own columns, then ours."""
        rows = self.cutouts
        ours = {
            "name": [c.name for c in rows],
            "status": [c.status for c in rows],
            "path": [str(c.path or "") for c in rows],
            "sidecar": [str(c.sidecar or "") for c in rows],
            "url": [c.url for c in rows],
            "width": [c.request.width for c in rows],
            "height": [c.request.height for c in rows],
            "scale": [c.request.scale for c in rows],
            "coverage": [c.coverage for c in rows],
            "nbytes": [len(c.content) for c in rows],
            "sha256": [c.sha256 for c in rows],
            "attempts": [c.attempts for c in rows],
            "error": [c.error for c in rows],
        }
        return outcome_table(self.given, ours)

    def _repr_html_(self) -> str:
        from sdss_cutout._views.notebook import list_html

        return list_html(self)


@dataclass(frozen=True, slots=True, repr=False, eq=False, kw_only=True)
class DownloadReport(_Results):
    """What came of each target of a download, in the targets' order.

    Attributes
    ----------
    directory : `~pathlib.Path`
        Where the pictures are.

    Examples
    --------
    >>> import tempfile
    >>> from astropy.coordinates import SkyCoord
    >>> from sdss_cutout import SDSSCutouts
    >>> from sdss_cutout.sandbox import Sandbox
    >>> with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
    ...     client = SDSSCutouts(base_url=sandbox.base_url)
    ...     targets = SkyCoord([20.1, 86.4], [-0.1, 28.9], unit="deg")
    ...     report = client.download(targets, folder, size=64)
    >>> print(report.table["name", "status", "attempts"])
            name         status attempts
    ------------------- ------- --------
    J012024.00-000600.0      ok        1
    J054536.00+285400.0 outside        1
    >>> len(report.failed)
    0
    """

    directory: Path
    parts: tuple[Part, ...]
    outcomes: Outcomes
    rerun: Callable[[list[Part]], Outcomes]

    def __len__(self) -> int:
        return len(self.outcomes)

    def __iter__(self) -> Iterator[Cutout]:
        """Yield the cutouts, each read from its file as it is reached."""
        columns = self.outcomes.columns()
        rows = zip(columns["status"], columns["attempts"], columns["error"], strict=True)
        for (name, request), (status, attempts, error) in zip(self._asked(), rows, strict=True):
            if status in (OK, KEPT):
                cutout = Cutout.read(self.directory / f"{name}{PICTURE}")
                yield replace(cutout, status=status, attempts=attempts)
            else:
                yield Cutout(
                    name=name, request=request, status=status, attempts=attempts, error=error
                )

    def __repr__(self) -> str:
        return f"<DownloadReport of {len(self)} in {self.directory}: {summarise(self.counts)}>"

    @property
    def counts(self) -> dict[str, int]:
        """How many targets ended as ``ok``, ``kept``, ``outside`` and ``failed``."""
        return self.outcomes.counts()

    @property
    def table(self) -> Table:
        """One row a target: the targets' own columns, then ours; made anew at each access."""
        given = [part.targets.table for part in self.parts]
        return outcome_table(
            vstack(given, join_type="outer", metadata_conflicts="silent") if given else Table(),
            self._ours(),
        )

    def _asked(self) -> Iterator[tuple[str, CutoutRequest]]:
        for part in self.parts:
            yield from zip(part.names, part.requests, strict=True)

    def _ours(self) -> dict[str, Any]:
        columns: dict[str, Any] = dict(self.outcomes.columns())
        names = [name for part in self.parts for name in part.names]
        has_picture = [status in (OK, KEPT) for status in columns["status"]]
        stems = [
            str(self.directory / name) if there else ""
            for name, there in zip(names, has_picture, strict=True)
        ]
        columns |= {
            "name": names,
            "path": [f"{stem}{PICTURE}" if stem else "" for stem in stems],
            "sidecar": [f"{stem}{SIDECAR}" if stem else "" for stem in stems],
            "url": [url for part in self.parts for url in part.requests.urls()],
        }
        for name in ("width", "height", "scale"):
            values = [getattr(part.requests, name) for part in self.parts]
            columns[name] = np.concatenate(values) if values else []
        return columns

    def retry(self) -> DownloadReport:
        """Try the failed targets again.

        Returns
        -------
        DownloadReport
            A new one, of the same length and in the same order.

        Raises
        ------
        StoreError
            If the directory cannot be used.

        Examples
        --------
        >>> import tempfile
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Fault, Sandbox
        >>> with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        ...     sandbox.inject(Fault("html", times=1, match="ra=20.1"))
        ...     client = SDSSCutouts(base_url=sandbox.base_url, max_attempts=1)
        ...     targets = SkyCoord([20.1, 20.2], [0.5, 0.5], unit="deg")
        ...     report = client.download(targets, folder, size=64)
        ...     again = report.retry()
        >>> report.counts["failed"], again.counts["failed"]
        (1, 0)
        """
        rows = self.outcomes.rows(FAILED)
        merged = self.outcomes.copy()
        if rows:
            again = self.rerun(self._parts_of(rows))
            for new_row, row in enumerate(rows):
                merged.take_row(row, again, new_row)
        return replace(self, outcomes=merged)

    def _parts_of(self, rows: list[int]) -> list[Part]:
        """Return parts of these rows only, numbered from 0."""
        chosen = np.asarray(rows)
        parts, first_row = [], 0
        for part in self.parts:
            local = chosen - part.first_row
            local = local[(local >= 0) & (local < len(part.names))]
            if len(local):
                parts.append(part.take(local, first_row=first_row))
                first_row += len(local)
        return parts

    def write_html(self, path: str | Path | None = None) -> Path:
        """Write a page with the pictures, which opens from the disk without a server.

        It sorts and filters by any column, shows coordinates under the pointer and lets
        pictures be marked good or bad. It needs nothing but the files beside it.

        Parameters
        ----------
        path : str or `~pathlib.Path`, optional
            The page; by default ``index.html`` in the directory of the pictures.

        Returns
        -------
        `~pathlib.Path`
            The page.

        Raises
        ------
        StoreError
            If it cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     sql = "SELECT TOP 2 objID, ra, dec FROM Galaxy WHERE r < 17"
        ...     client.download_sql(sql, folder, size=64).write_html().name
        'index.html'
        """
        from sdss_cutout._views.sheet import write_sheet

        return write_sheet(self.directory, self.table, path)

    def _repr_html_(self) -> str:
        from sdss_cutout._views.notebook import report_html

        return report_html(self)


CutoutList.__module__ = DownloadReport.__module__ = "sdss_cutout"
