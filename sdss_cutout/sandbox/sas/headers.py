"""Headers and the astrometry table of frame files, key for key as real ones have them."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits

from sdss_cutout.sandbox import projection
from sdss_cutout.sandbox.survey import camera
from sdss_cutout.sandbox.survey.fields import RERUN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sdss_cutout.sandbox.survey.astrometry import AsTrans
    from sdss_cutout.sandbox.survey.fields import Field

    Card = tuple[str, object] | tuple[str, object, str]

ORIGIN = "SIMULATED"
COMMENT = "SIMULATED by sdss_cutout sandbox, not SDSS data"
_MJD_ZERO = datetime(1858, 11, 17)
_TEXTS = (
    ("VERSION", "v5_6_3"), ("DERV_VER", "NOCVS:v8_23"), ("ASTR_VER", "NOCVS:v5_24"),
    ("ASTRO_ID", "SIMULATED"), ("BIAS_ID", "PS"), ("FRAME_ID", "SIMULATED"), ("KO_VER", "devel"),
    ("PS_ID", "SIMULATED"), ("ATVSN", "NOCVS:v5_24", "ASTROTOOLS version tag"),
)  # fmt: skip


def has_unit(release: int) -> bool:
    """Whether the frames of a release carry BUNIT: early ones do not."""
    return release >= 10


def mjd_of(field: Field, band: str) -> float:
    """MJD (TAI) when row 0 of the field was read."""
    seconds = field.first_row * camera.ROW_SECONDS + camera.BAND_DELAY[band]
    return field.run.mjd + seconds / 86_400


def primary(field: Field, band: str, release: int, calib: NDArray[np.float32]) -> fits.Header:
    """The header of the image."""
    header = fits.Header()
    cards: list[Card] = [
        *_time_cards(field, band), *_run_cards(field, band),
        *_wcs_cards(field.astrans(band), field),
        ("NMGY", float(calib.mean()), "Calibration factor [nMgy per count]"),
        ("NMGYIVAR", 0.150716, "Calibration factor inverse variance"),
        ("VERSIDL", "7.0", "Version of IDL"), ("VERSUTIL", "v5_5_5", "Version of idlutils"),
        ("VERSPOP", "v1_11_1", "Version of photoop product"),
        ("PCALIB", ORIGIN, "Value of PHOTO_CALIB"), ("PSKY", ORIGIN, "Value of PHOTO_SKY"),
        ("RERUN", str(RERUN), "rerun"),
    ]  # fmt: skip
    if has_unit(release):
        cards.append(("BUNIT", "nanomaggy", "1 nanomaggy = 3.631e-6 Jy"))
    cards.append(("COMMENT", COMMENT))
    header.extend(cards)
    return header


def _time_cards(field: Field, band: str) -> list[Card]:
    mjd = mjd_of(field, band)
    when = _MJD_ZERO + timedelta(days=mjd)
    ra, dec = field.centre
    return [
        ("TAI", round(mjd * 86_400, 2), "1st row - Number of seconds since Nov 17 1858"),
        ("RA", round(ra, 6), "1st row - Right ascension of telescope boresigh"),
        ("DEC", round(dec, 6), "1st row - Declination of telescope boresight (d"),
        ("SPA", 0.0, "1st row - Camera col position angle wrt north ("),
        ("IPA", 0.0, "1st row - Instrument rotator position angle (de"),
        ("IPARATE", 0.0, "1st row - Instrument rotator angular velocity ("),
        ("AZ", 180.0, "1st row - Azimuth  (encoder) of tele (0=N?) (de"),
        ("ALT", 60.0, "1st row - Altitude (encoder) of tele        (de"),
        ("FOCUS", 0.0, "1st row - Focus piston (microns?)"),
        ("DATE-OBS", f"{when:%Y-%m-%d}", "1st row - TAI date"),
        ("TAIHMS", f"{when:%H:%M:%S}.{when.microsecond // 10_000:02d}", "1st row - TAI time"),
        ("ORIGIN", ORIGIN), ("TELESCOP", "2.5m"), ("TIMESYS", "TAI"),
    ]  # fmt: skip


def _run_cards(field: Field, band: str) -> list[Card]:
    run = field.run
    exposure = run.cols * camera.ROW_SECONDS
    return [
        ("RUN", run.number, "Run number"),
        ("FRAME", field.number, "Frame sequence number within the run"),
        ("CCDLOC", 10 * (1 + "riuzg".index(band)) + field.camcol, "Survey location of CCD"),
        ("STRIPE", run.stripe, "Stripe index number (23 <--> eta=0)"),
        ("STRIP", run.strip, "Strip in the stripe being tracked."),
        ("FLAVOR", "science", "Flavor of this run"),
        ("SYS_SCN", "mean", "System of the scan great circle (e.g., mean)"),
        ("EQNX_SCN", 2000.0, "Equinox of the scan great circle. (years)"),
        ("NODE", run.node, "RA of the great circle's ascending node (deg)"),
        ("INCL", run.incl, "Great circle's inclination wrt cel. eq. (deg)"),
        ("XBORE", 0.0, "Boresight x offset from the array center (mm)"),
        ("YBORE", 0.0, "Boresight x offset from the array center (mm)"),
        ("OBJECT", f"{run.stripe} {run.strip}", "e.g., 'stripe 50.6 degrees, north strip'"),
        ("EXPTIME", f"{exposure:.6f}", "Exposure time (seconds)"),  # a text, as in real ones
        ("SYSTEM", "FK5", "System of the TCC coordinates (e.g., mean)"),
        ("CCDMODE", "DRIFT", "'STARING' or 'DRIFT'"),
        ("C_OBS", round(camera.ROW_SECONDS * 1e6), "CCD row clock rate (usec/row)"),
        ("COLBIN", 1, "Binning factor perpendicular to the columns"),
        ("ROWBIN", 1, "Binning factor perpendicular to the rows"),
        ("DAVERS", "v14_1", "Version of DA software"),
        ("CAMROW", 1 + "riuzg".index(band), "Row in the imaging camera"),
        ("BADLINES", 0, "Number of bad lines in frame"), ("EQUINOX", 2000.0),
        ("SOFTBIAS", 1000, 'software "bias" added to all DN'), ("FILTER", band, "filter used"),
        ("CAMCOL", field.camcol, "column in the imaging camera"), *_TEXTS,
    ]  # fmt: skip


def _wcs_cards(transform: AsTrans, field: Field) -> list[Card]:
    """A plain TAN at the middle: as in real frames it leaves out the distortion."""
    rows, cols = field.shape
    ra, dec = (float(value) for value in transform.sky(rows // 2 + 0.5, cols // 2 + 0.5))
    cd = _linear(transform, ra, dec, rows, cols)
    return [
        ("RADECSYS", "ICRS", "International Celestial Ref. System"),
        ("CTYPE1", "RA---TAN", "Coordinate type"), ("CTYPE2", "DEC--TAN", "Coordinate type"),
        ("CUNIT1", "deg", "Units"), ("CUNIT2", "deg", "Units"),
        ("CRPIX1", cols // 2 + 1.0, "X of reference pixel"),
        ("CRPIX2", rows // 2 + 1.0, "Y of reference pixel"),
        ("CRVAL1", ra, "RA of reference pixel (deg)"),
        ("CRVAL2", dec, "Dec of reference pixel (deg)"),
        ("CD1_1", cd[0][0], "RA deg per column pixel"), ("CD1_2", cd[0][1], "RA deg per row pixel"),
        ("CD2_1", cd[1][0], "Dec deg per column pixel"),
        ("CD2_2", cd[1][1], "Dec deg per row pixel"),
    ]  # fmt: skip


def _linear(transform: AsTrans, ra: float, dec: float, rows: int, cols: int) -> list[list[float]]:
    """Degrees east and north per column and per row, by the six linear terms alone."""
    row, col = rows // 2 + 0.5, cols // 2 + 0.5
    vectors = projection.normal(
        *transform.straight.sky([row, row, row - 0.5, row + 0.5], [col - 0.5, col + 0.5, col, col])
    )
    west, north = projection.frame(ra, dec)
    by_col, by_row = vectors[1] - vectors[0], vectors[3] - vectors[2]
    return [[math.degrees(step @ axis) for step in (by_col, by_row)] for axis in (-west, north)]


def astrans_table(field: Field, band: str) -> fits.BinTableHDU:
    """The table of one row that has the astrometric solution."""
    t = field.astrans(band)
    rows, cols = field.shape
    frame_mjd = mjd_of(field, band) + (rows / 2 - cols / 2) * camera.ROW_SECONDS / 86_400
    values: list[tuple[str, str, object]] = [
        ("RUN", "J", field.run.number), ("RERUN", "3A", str(RERUN)), ("CAMCOL", "J", field.camcol),
        ("FILTER", "1A", band), ("NODE", "D", t.node), ("INCL", "D", t.incl),
        ("NAXIS", "2J", (cols, rows)), ("FIELD", "J", field.number),
        *((name.upper(), "D", getattr(t, name)) for name in "abcdef"),
        *((f"DROW{power}", "D", term) for power, term in enumerate(t.drow)),
        *((f"DCOL{power}", "D", term) for power, term in enumerate(t.dcol)),
        ("CSROW", "D", camera.COLOUR_ROW), ("CSCOL", "D", camera.COLOUR_COL),
        ("CCROW", "D", camera.COLOUR_ROW * camera.COLOUR_CUT),
        ("CCCOL", "D", camera.COLOUR_COL * camera.COLOUR_CUT),
        ("RICUT", "D", camera.COLOUR_CUT), ("MJD", "D", frame_mjd), ("AIRMASS", "D", 1.15),
        ("MUERR", "E", 0.045), ("NUERR", "E", 0.045),
    ]  # fmt: skip
    return fits.BinTableHDU.from_columns(
        [fits.Column(name, form, array=np.array([value])) for name, form, value in values]
    )
