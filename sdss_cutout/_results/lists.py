"""Many outcomes: lists and reports, the table, selections, and trying again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast, overload

import numpy as np
from astropy.table import Table, vstack
from numpy.typing import NDArray

from sdss_cutout._progress import summarise
from sdss_cutout._request.chunk import AnyBatch, TargetChunk
from sdss_cutout._results.columns import RESULT_COLUMNS, result_table
from sdss_cutout._results.cutout import Cutout
from sdss_cutout._results.outcome import FAILED, Outcomes
from sdss_cutout._results.selection import rows_of
from sdss_cutout._results.stored import StoredCutouts
from sdss_cutout._targets.targets import Targets
from sdss_cutout._views.marks import mark_columns, read_marks  # Table.read knows the files, too

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sdss_cutout._export.export import Export

__all__ = ["CutoutList", "DownloadReport", "Rerun"]

# Numbers of rows, a mask or names, as a list, array or column.
Rows = Sequence[Any] | NDArray[Any]


class _Results(Sequence[Cutout]):
    """What lists and reports have in common."""

    __slots__ = ()

    if TYPE_CHECKING:  # at run time they would become the defaults of the fields of dataclasses

        @property
        def cutouts(self) -> Sequence[Cutout]: ...
        @property
        def input_table(self) -> Table: ...

    def __len__(self) -> int:
        return len(self.cutouts)

    def __iter__(self) -> Iterator[Cutout]:
        return iter(self.cutouts)

    @overload
    def __getitem__(self, index: int | str) -> Cutout: ...
    @overload
    def __getitem__(self, index: slice | Rows) -> CutoutList: ...
    def __getitem__(self, index: int | str | slice | Rows) -> Cutout | CutoutList:
        rows = rows_of(index, self._names())
        if isinstance(rows, int):
            return self.cutouts[rows]
        table = self.input_table
        return CutoutList(_taken(self.cutouts, rows), table[rows] if table.colnames else table)

    def iter_unread(self) -> Iterator[Cutout]:
        """Go through the cutouts without reading the pictures that are on disk.

        Each reads its picture when its content is asked for, so one file that is gone or damaged
        does not end the loop.

        Returns
        -------
        iterator of Cutout

        Examples
        --------
        >>> import tempfile
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     report = client.download(SkyCoord([19.0], [0.0], unit="deg"), folder, size=64)
        >>> [cutout.name for cutout in report.iter_unread()]  # the folder is gone
        ['J011600.00+000000.0']
        """
        cutouts = self.cutouts
        if isinstance(cutouts, StoredCutouts):
            return map(cutouts.unread, range(len(cutouts)))
        return iter(cutouts)

    def _names(self) -> Sequence[str]:
        cutouts = self.cutouts
        if isinstance(cutouts, StoredCutouts):
            return cutouts.names
        return [cutout.name for cutout in cutouts]

    @property
    def table(self) -> Table:
        """One row per target: the input columns, then ours; made again at each access."""
        return result_table(self.input_table, _columns(self.cutouts))

    @property
    def failed(self) -> Table:
        """The rows of `table` whose status is ``failed``."""
        table = self.table
        return table[table["status"] == FAILED] if len(table) else table

    @property
    def counts(self) -> dict[str, int]:
        """How many targets ended as ``ok``, ``kept``, ``outside`` and ``failed``."""
        cutouts = self.cutouts
        if isinstance(cutouts, StoredCutouts):
            return cutouts.outcomes.counts()
        statuses = [cutout.status for cutout in cutouts]
        return {status: statuses.count(status) for status in Outcomes().counts()}

    def montage(
        self,
        *,
        ncols: int = 10,
        titles: str | Sequence[str] | None = "name",
        order: str | None = None,
        reverse: bool = False,
        tile: float = 1.2,
    ) -> Figure:
        """Draw the pictures side by side; outside and failed targets are shown, too.

        Parameters
        ----------
        ncols : int, optional
            Pictures per line.
        titles : str or sequence of str, optional
            The text under each picture: a column of `table`, or one text per target; None for
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
            If there is no such column, or ``titles`` does not have one text per target.

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

    def with_marks(self, marks: str | Path | Table) -> CutoutList:
        """Return the same cutouts with the marks that were made on a contact sheet.

        Parameters
        ----------
        marks : str, `~pathlib.Path` or `~astropy.table.Table`
            The file that the page exported, or what `read_marks` returned. Names of other targets
            are ignored.

        Returns
        -------
        CutoutList
            Its table has the columns ``mark`` and ``comment``, empty where there is none.

        Raises
        ------
        TargetError
            If the file cannot be read, or none of its marks belongs to one of the targets.

        Examples
        --------
        >>> from astropy.table import Table
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Sandbox
        >>> targets = Table({"id": [7050, 7051], "ra": [20.1, 20.2], "dec": [0.5, 0.5]})
        >>> with Sandbox() as sandbox:
        ...     cutouts = SDSSCutouts(base_url=sandbox.base_url).get(targets, size=64)
        >>> marks = Table({"name": ["7051"], "mark": ["spiral"]})  # or "marks.csv"
        >>> print(cutouts.with_marks(marks).table["id", "mark"])
         id   mark
        ---- ------
        7050
        7051 spiral
        """
        found = mark_columns(
            self._names(), marks if isinstance(marks, Table) else read_marks(marks)
        )
        table = self.input_table.copy()
        for name in found.colnames:
            table[name] = found[name]
        return CutoutList(self.cutouts, table)

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

        Targets without a picture are left out and counted. The set has the columns of `table`, and
        ``ra``, ``dec`` and ``release`` of each picture and its FITS header as text, ``wcs``.
        Identifiers keep all their digits.

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
            The columns of `table` to export; by default all.
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


def _taken(cutouts: Sequence[Cutout], rows: NDArray[np.int64]) -> Sequence[Cutout]:
    if isinstance(cutouts, StoredCutouts):
        return cutouts.take(rows)
    return tuple(cutouts[row] for row in rows.tolist())


def _columns(cutouts: Sequence[Cutout]) -> dict[str, Sequence[Any]]:
    """Return the values of the result columns."""
    if isinstance(cutouts, StoredCutouts):
        return cutouts.columns()
    rows = [cutout.row() for cutout in cutouts]
    return {column.name: [row[column.name] for row in rows] for column in RESULT_COLUMNS}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class CutoutList(_Results):
    """The cutouts of a list of targets, in the order of the targets, with pictures or without.

    Attributes
    ----------
    cutouts : sequence of Cutout
        One per target.
    input_table : `~astropy.table.Table`
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

    cutouts: Sequence[Cutout]
    input_table: Table

    def __repr__(self) -> str:
        return f"<CutoutList of {len(self)}: {summarise(self.counts)}>"

    def _repr_html_(self) -> str:
        from sdss_cutout._views.notebook import list_html

        return list_html(self)


class Rerun(Protocol):
    """What tries targets again; it pickles, so that a report does."""

    def __call__(self, chunks: Iterable[TargetChunk], /) -> Outcomes:
        """Bring these targets to their outcomes."""
        ...


@dataclass(frozen=True, slots=True, repr=False, eq=False, kw_only=True)
class DownloadReport(_Results):
    """The outcome of each target of a download, in the order of the targets.

    Attributes
    ----------
    cutouts : sequence of Cutout
        One per target, each read from its file when it is asked for.

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

    cutouts: StoredCutouts
    input_tables: tuple[Table, ...]
    rerun: Rerun

    def __repr__(self) -> str:
        return f"<DownloadReport of {len(self)} in {self.directory}: {summarise(self.counts)}>"

    @property
    def directory(self) -> Path:
        """Where the pictures are, an absolute path."""
        return self.cutouts.directory

    @property
    def input_table(self) -> Table:
        """The columns that came with the targets; none for a stream, whose manifest has them."""
        if not self.input_tables:
            return Table()
        return vstack(list(self.input_tables), join_type="outer", metadata_conflicts="silent")

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
        outcomes = self.cutouts.outcomes.copy()
        rows = outcomes.rows(FAILED)
        if rows:
            again = self.rerun([self._chunk_of(np.array(rows))])
            for new_row, row in enumerate(rows):
                outcomes.take_row(row, again, new_row)
        return replace(self, cutouts=replace(self.cutouts, outcomes=outcomes))

    def _chunk_of(self, rows: NDArray[np.int64]) -> TargetChunk:
        """Return these rows as targets to be fetched, numbered from 0."""
        requests = cast("AnyBatch", self.cutouts.requests).take(rows)
        table = self.input_table
        return TargetChunk(
            targets=Targets(
                ra=requests.ra,
                dec=requests.dec,
                table=table[rows] if table.colnames else table,
            ),
            names=[self.cutouts.names[row] for row in rows.tolist()],
            requests=requests,
        )

    def write_html(self, path: str | Path | None = None) -> Path:
        """Write a page with the pictures, which opens from the disk without a server.

        It searches, sorts and filters by any column, and shows the coordinates under the pointer.
        Pictures can be sorted into classes, with comments, which `DownloadReport.with_marks`
        reads. It needs nothing but the files beside it.

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
        from sdss_cutout._results.calibrated import preview_of
        from sdss_cutout._views.sheet import write_sheet

        return write_sheet(self.directory, self.table, path, preview=preview_of)

    def _repr_html_(self) -> str:
        from sdss_cutout._views.notebook import report_html

        return report_html(self)


CutoutList.__module__ = DownloadReport.__module__ = "sdss_cutout"
