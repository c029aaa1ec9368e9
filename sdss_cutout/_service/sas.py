"""What the Science Archive Server (SAS) and its frames are. Facts only, each with its source.

Sources are named as in the evidence this project keeps: ``S`` is a project's own source, ``D``
official documentation (https://data.sdss.org/datamodel), ``V`` verified on a real frame.
"""

from __future__ import annotations

from types import MappingProxyType

from sdss_cutout._service.skyserver import Limits

__all__ = [
    "BANDS",
    "DEFAULT_SIZE",
    "DEFAULT_URL",
    "FIELD_RADIUS_ARCMIN",
    "FIELD_SEARCH_PATH",
    "FIRST_RELEASE",
    "FRAME_SHAPE",
    "GAIN_AND_DARK_VARIANCE",
    "LIMITS",
    "MAX_CONNECTIONS",
    "MAX_FRAME_BYTES",
    "MAX_RATE",
    "MAX_WIDTH_ARCMIN",
    "NATIVE_SCALE",
    "OVERLAP_ROWS",
    "RERUN",
    "ROWS_PER_FIELD",
    "frame_path",
    "gain_and_dark_variance",
]

# S: astroquery sdss/core.py.
DEFAULT_URL = "https://data.sdss.org/sas"
# No limit is published; these are this package's politeness.
MAX_CONNECTIONS, MAX_RATE = 4, 2.0

BANDS = "ugriz"

# D: frame.html; V. Rows and columns of a frame.
FRAME_SHAPE = (1489, 2048)
# D: sdss3.org dr8 imaging_basics. The first rows of a field are the last ones of the field before.
OVERLAP_ROWS = 128
ROWS_PER_FIELD = FRAME_SHAPE[0] - OVERLAP_ROWS
# V: arcsec per pixel; not 0.396127, which is the scale of the picture service.
NATIVE_SCALE = 0.396
# S: SiapTable.cs, ImgCutout.cs. Fields are searched by their centres, so this is added to the
# radius.
FIELD_RADIUS_ARCMIN = 8.4
# S: SDSSFields/NewSDSSFields.cs, ProcessRequest.cs. A circle: the route for rectangles compares
# right ascensions plainly and fails at 0.
FIELD_SEARCH_PATH = "/dr{release}/SkyServerWS/SDSSFields/FieldArray"
# S: astrometry.net sdss/fields.py: the other reruns in the list of fields are dropped by all.
RERUN = "301"
# V: 12.4 MB; a stream that decompresses to more is not a frame.
MAX_FRAME_BYTES = 16 * 2**20

# There is no server that limits a cutout; these keep it within the memory of a small computer.
DEFAULT_SIZE = 200
LIMITS = Limits(min_size=1, max_size=4096, min_scale=0.05, max_scale=10.0)
MAX_WIDTH_ARCMIN = 60.0

# S: astrometry.net sdss/dr8.py: DR8's own frames are not served any more; DR9's stand for them.
FIRST_RELEASE = 8


def _tree(release: int) -> str:
    """Return the folder of a release.

    S: astroquery sdss/core.py; S: sqlloader spUrlFitsSupport.sql, for DR18 and later.
    """
    if release <= 12:
        return f"dr{max(release, 9)}/boss"
    if release <= 17:
        return f"dr{release}/eboss"
    return f"dr{release}/prior-surveys/sdss4-dr17-eboss"


def frame_path(release: int, rerun: str, run: int, camcol: int, field: int, band: str) -> str:
    """Return the path of a frame below the root of the SAS.

    The pseudo-runs 106 and 206, coadds of Stripe 82, stand for 100006 and 200006 in the path
    (S: spUrlFitsSupport.sql).
    """
    run = {106: 100006, 206: 200006}.get(run, run)
    folder = f"/{_tree(release)}/photoObj/frames/{rerun}/{run}/{camcol}"
    return f"{folder}/frame-{band}-{run:06d}-{camcol}-{field:04d}.fits.bz2"


# D: frame.html; V: psField of run 1000, camcol 1. Gain in electrons per count, dark variance in
# counts squared, for the bands u, g, r, i and z of each camera column. Some changed with a run:
# (the run, what holds up to it, what holds after it).
_Value = float | tuple[int, float, float]
GAIN_AND_DARK_VARIANCE: MappingProxyType[int, tuple[tuple[_Value, _Value], ...]]
GAIN_AND_DARK_VARIANCE = MappingProxyType(
    {
        1: ((1.62, 9.61), (3.32, 15.6025), (4.71, 1.8225), (5.165, 7.84), (4.745, 0.81)),
        2: (
            ((1100, 1.595, 1.825), 12.6025),
            (3.855, 1.44),
            (4.6, 1.0),
            (6.565, (1500, 5.76, 6.25)),
            (5.155, 1.0),
        ),
        3: ((1.59, 8.7025), (3.845, 1.3225), (4.72, 1.3225), (4.86, 4.6225), (4.885, 1.0)),
        4: (
            (1.6, 12.6025),
            (3.995, 1.96),
            (4.76, 1.3225),
            (4.885, (1500, 6.25, 7.5625)),
            (4.775, (1500, 9.61, 12.6025)),
        ),
        5: (
            (1.47, 9.3025),
            (4.05, 1.1025),
            (4.725, 0.81),
            (4.64, 7.84),
            (3.48, (1500, 1.8225, 2.1025)),
        ),
        6: ((2.17, 7.0225), (4.035, 1.8225), (4.895, 0.9025), (4.76, 5.0625), (4.69, 1.21)),
    }
)


def gain_and_dark_variance(run: int, camcol: int, band: str) -> tuple[float, float]:
    """Return the gain (electrons per count) and the dark variance (counts squared)."""
    gain, dark_variance = GAIN_AND_DARK_VARIANCE[camcol][BANDS.index(band)]
    return _at_run(gain, run), _at_run(dark_variance, run)


def _at_run(value: _Value, run: int) -> float:
    if isinstance(value, tuple):
        last_run, before, after = value
        return before if run <= last_run else after
    return value
