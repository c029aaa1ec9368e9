"""What the Science Archive Server (SAS) and its frames are. Facts only, each with its source.

Sources are named as in the evidence this project keeps: ``S`` is a project's own source, ``D``
official documentation (https://data.sdss.org/datamodel), ``V`` verified on a real frame.
"""

from __future__ import annotations

from dataclasses import dataclass

from sdss_cutout._service.skyserver import Limits

__all__ = ["BANDS", "FIELD_SEARCH_PATH", "SAS", "FrameArchive"]

BANDS = "ugriz"

# S: SDSSFields/NewSDSSFields.cs, ProcessRequest.cs, at the root of SkyServer. It searches a
# circle; the route for rectangles compares right ascensions plainly and fails at 0.
FIELD_SEARCH_PATH = "/dr{release}/SkyServerWS/SDSSFields/FieldArray"

# A value that changed with a run: the last run before, the value up to it, the value after it.
_Value = float | tuple[int, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameArchive:
    """The facts about an archive of frames.

    Attributes
    ----------
    name : str
        What it is called in messages.
    default_url : str
        Its root.
    first_release, last_release : int
        The data releases that it has.
    max_connections : int
        Requests under way at the same time.
    max_rate : float
        Requests per second.
    shape : tuple of int
        Rows and columns of a frame.
    rows_per_field : int
        Rows from one field of a run to the next.
    native_scale : float
        Arcsec per pixel of a frame.
    field_radius : float
        Arcmin by which a field reaches beyond its centre.
    rerun : str
        The only processing that counts.
    max_frame_bytes : int
        Size of a frame, decompressed, at most.
    default_size : int
        Pixels of a cutout where none are asked for.
    limits : Limits
        What a cutout may be.
    max_width : float
        Arcmin that a cutout may be wide or high.
    gain_and_dark_variance : tuple
        For each camera column, from 1, those of u, g, r, i and z: `noise_of` tells them.
    """

    name: str
    default_url: str
    first_release: int
    last_release: int
    max_connections: int
    max_rate: float
    shape: tuple[int, int]
    rows_per_field: int
    native_scale: float
    field_radius: float
    rerun: str
    max_frame_bytes: int
    default_size: int
    limits: Limits
    max_width: float
    gain_and_dark_variance: tuple[tuple[tuple[_Value, _Value], ...], ...]

    @property
    def default_scale(self) -> float:
        """The scale of cutouts where none is asked for."""
        return self.native_scale

    def limits_for(self, _overlays: str) -> Limits:
        """Return the limits that hold for a cutout; there are no overlays here."""
        return self.limits

    def frame_path(
        self, release: int, rerun: str, run: int, camcol: int, field: int, band: str
    ) -> str:
        """Return the path of a frame below the root.

        The pseudo-runs 106 and 206, coadds of Stripe 82, stand for 100006 and 200006 in the path
        (S: spUrlFitsSupport.sql).
        """
        run = {106: 100006, 206: 200006}.get(run, run)
        folder = f"/{_tree(release)}/photoObj/frames/{rerun}/{run}/{camcol}"
        return f"{folder}/frame-{band}-{run:06d}-{camcol}-{field:04d}.fits.bz2"

    def noise_of(self, run: int, camcol: int, band: str) -> tuple[float, float]:
        """Return the gain (electrons per count) and the dark variance (counts squared)."""
        gain, dark_variance = self.gain_and_dark_variance[camcol - 1][BANDS.index(band)]
        return _at_run(gain, run), _at_run(dark_variance, run)


def _tree(release: int) -> str:
    """Return the folder of a release.

    S: astroquery sdss/core.py; S: sqlloader spUrlFitsSupport.sql, for DR18 and later. DR8's own
    frames are not served any more, DR9's stand for them (S: astrometry.net sdss/dr8.py).
    """
    if release <= 12:
        return f"dr{max(release, 9)}/boss"
    if release <= 17:
        return f"dr{release}/eboss"
    return f"dr{release}/prior-surveys/sdss4-dr17-eboss"


def _at_run(value: _Value, run: int) -> float:
    if isinstance(value, tuple):
        last_run, before, after = value
        return before if run <= last_run else after
    return value


SAS = FrameArchive(
    name="the SDSS Science Archive Server",
    # S: astroquery sdss/core.py.
    default_url="https://data.sdss.org/sas",
    first_release=8,
    last_release=19,
    # No limit is published; these are this package's own choice.
    max_connections=4,
    max_rate=2.0,
    # D: frame.html; V.
    shape=(1489, 2048),
    # D: sdss3.org dr8 imaging_basics: the first 128 rows of a field are the last of the one before.
    rows_per_field=1361,
    # V: 0.39596; not 0.396127, which is the scale of the picture service.
    native_scale=0.396,
    # S: SiapTable.cs, ImgCutout.cs: fields are searched by their centres.
    field_radius=8.4,
    # S: astrometry.net sdss/fields.py: the other reruns in the list of fields are dropped by all.
    rerun="301",
    # V: a frame has 12.4 MB.
    max_frame_bytes=16 * 2**20,
    # No server limits a cutout; these keep it within the memory of a small computer.
    default_size=200,
    limits=Limits(min_size=1, max_size=4096, min_scale=0.05, max_scale=10.0),
    max_width=60.0,
    # D: frame.html; V: psField of run 1000, camera column 1.
    gain_and_dark_variance=(
        ((1.62, 9.61), (3.32, 15.6025), (4.71, 1.8225), (5.165, 7.84), (4.745, 0.81)),
        (
            ((1100, 1.595, 1.825), 12.6025),
            (3.855, 1.44),
            (4.6, 1.0),
            (6.565, (1500, 5.76, 6.25)),
            (5.155, 1.0),
        ),
        ((1.59, 8.7025), (3.845, 1.3225), (4.72, 1.3225), (4.86, 4.6225), (4.885, 1.0)),
        (
            (1.6, 12.6025),
            (3.995, 1.96),
            (4.76, 1.3225),
            (4.885, (1500, 6.25, 7.5625)),
            (4.775, (1500, 9.61, 12.6025)),
        ),
        (
            (1.47, 9.3025),
            (4.05, 1.1025),
            (4.725, 0.81),
            (4.64, 7.84),
            (3.48, (1500, 1.8225, 2.1025)),
        ),
        ((2.17, 7.0225), (4.035, 1.8225), (4.895, 0.9025), (4.76, 5.0625), (4.69, 1.21)),
    ),
)
