"""Every fact that the package assumes of SkyServer and the SAS, under an id. Facts only.

``sdss-cutout check`` asks a server whether they hold; the sandbox can break each of them. Sources
are named as in the other modules here: ``S`` is the server's own code or a project's, ``H`` help
pages, ``D`` official documentation, ``U`` what users reported, ``V`` verified on real files.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FACTS", "Fact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact.

    Attributes
    ----------
    id : str
        What it is called in reports: its subject, a dot, and one or two words.
    statement : str
        What is assumed, in one line.
    source : str
        Where it is known from.
    used_by : str
        The module of the package that relies on it.
    """

    id: str
    statement: str
    source: str
    used_by: str


def _fact(id: str, statement: str, source: str, used_by: str) -> Fact:  # noqa: A002
    return Fact(id=id, statement=statement, source=source, used_by=used_by)


_PICTURES = (
    _fact(
        "picture.route",
        "GET /dr{N}/SkyServerWS/ImgCutout/getjpeg answers 200 with a JPEG",
        "S: getJpegController.cs", "_service.skyserver",
    ),
    _fact(
        "picture.size",
        "the JPEG has the width and the height that were asked for",
        "S: ImgCutout.cs", "_image.jpeg",
    ),
    _fact(
        "picture.signature",
        "the JPEG is JFIF 1.01 with 96 dpi, quality 75 and 4:2:0 subsampling, without EXIF",
        "S: SDSSGraphicsEnv.cs getBuffer; V: 240 pictures", "_image.avm",
    ),
    _fact(
        "picture.size_limits",
        "a width above 2048 and a height below 64 are clipped to these, without an error",
        "S: ImgCutout.cs validateInput", "_request.geometry",
    ),
    _fact(
        "picture.min_scale",
        "a scale below 0.015 arcsec/pix is clipped to it, without an error",
        "S: ImgCutout.cs validateInput", "_request.geometry",
    ),
    _fact(
        "picture.max_scale",
        "100 arcsec/pix is drawn as asked: the limit is 2400, not the 60 of the help page",
        "S: ImgCutout.cs validateInput", "_request.geometry",
    ),
    _fact(
        "picture.projection",
        "the projection is orthographic (FITS SIN), not gnomonic (TAN)",
        "S: projection.cs", "_image.header",
    ),
    _fact(
        "picture.reference_pixel",
        "the position asked for is 0-based pixel index (w/2, h/2), where the grid's cross stands",
        "S: SDSSGraphicsEnv.cs; V: real pictures", "_image.header",
    ),
    _fact(
        "picture.content",
        "a star lies where the WCS says, within half a source pixel (0.2 arcsec)",
        "S: SDSSGraphicsEnv.cs getAffineTransform; V: 19 pictures", "_image.header",
    ),
    _fact(
        "picture.wrap",
        "a declination beyond 90 deg is folded over the pole, without an error",
        "S: ImgCutout.cs validateInput", "_targets.directions",
    ),
    _fact(
        "outside.status",
        "a position without SDSS imaging is answered with 404",
        "S: getJpegController.cs; U", "_transfer.classify",
    ),
    _fact(
        "outside.reason",
        "the 404's reason phrase says that the position is outside the footprint",
        "S: getJpegController.cs; U", "_transfer.classify",
    ),
    _fact(
        "outside.body",
        "its body is a JPEG of the size asked for, black but for painted text",
        "S: getJpegController.cs; U", "_transfer.classify",
    ),
    _fact(
        "error.status",
        "a parameter that is not a number is answered with 400",
        "S: CustomFilter.cs", "_transfer.classify",
    ),
    _fact(
        "error.body",
        "the 400's body is JSON with ErrorCode, ErrorType and ErrorMessage",
        "S: CustomFilter.cs", "_transfer.error_text",
    ),
)  # fmt: skip

_OVERLAYS = (
    _fact(
        "overlay.grid",
        "the letter G draws a cross",
        "S: SDSSGraphicsEnv.cs drawGrid", "_service.skyserver",
    ),
    _fact(
        "overlay.label",
        "the letter L draws a label in the upper part",
        "S: SDSSGraphicsEnv.cs drawLabel", "_service.skyserver",
    ),
    _fact(
        "overlay.invert",
        "the letter I inverts the picture",
        "S: SDSSGraphicsEnv.cs Invert", "_service.skyserver",
    ),
    _fact(
        "overlay.unread",
        "the letter R, and a mark that is not valid, are passed over without an error",
        "S: ImgCutout.cs validateInput, validateQuery", "_request.overlays",
    ),
    _fact(
        "overlay.two_mass",
        "with the letter X the least size is 250 pixels",
        "S: ImgCutout.cs validateInput", "_service.skyserver",
    ),
    _fact(
        "mark.place",
        "marks are drawn where the WCS says, on average to 0.3 pixels across",
        "S: projection.cs, SDSSGraphicsEnv.cs; how it rounds was never seen", "_image.header",
    ),
    _fact(
        "mark.list",
        "a list of positions, with a first line 'ra dec', is marked in fuchsia",
        "S: ImgCutout.cs validateQuery, SDSSGraphicsEnv.cs drawQueryObj", "_request.overlays",
    ),
)  # fmt: skip

_SQL = (
    _fact(
        "sql.results_page",
        "astroquery's route x_results.aspx answers a query with the columns asked for, as CSV",
        "S: astroquery sdss/core.py", "_transfer.sql.query",
    ),
    _fact(
        "sql.identifiers",
        "an objID comes with all its digits",
        "U: astroquery issues 475, 2839", "_transfer.sql.table",
    ),
    _fact(
        "sql.error_page",
        "a query that is not valid is answered there with 200 and a page of HTML",
        "U: astroquery issues 2706, 2082", "_transfer.sql.query",
    ),
    _fact(
        "sql.error_message",
        "a query that is refused is answered there with a table whose only column is error_message",
        "S: sqlloader spSQLSupport.sql", "_transfer.sql.table",
    ),
    _fact(
        "sql.first_line",
        "CSV from SqlSearch begins with the line #Table1",
        "S: OutputUtils.cs", "_transfer.sql.table",
    ),
    _fact(
        "sql.json",
        "without a format SqlSearch answers JSON, with a list of tables with Rows",
        "S: ProcessRequest.cs, OutputUtils.cs", "_service.skyserver",
    ),
    _fact(
        "sql.error_json",
        "a query that is not valid is answered by SqlSearch with 500 and JSON with ErrorMessage",
        "S: CustomFilter.cs", "_transfer.error_text",
    ),
    _fact(
        "sql.primary_field",
        "SQL gives the primary field at a position",
        "S: sqlloader WindowTables.sql, spRegion.sql", "_request.field_search",
    ),
)  # fmt: skip

_FIELDS = (
    _fact(
        "fields.array",
        "SDSSFields/FieldArray answers JSON with the numbers and the astrometry of fields",
        "S: SDSSFields/FieldQueries.cs, ProcessRequest.cs", "_frames.selection",
    ),
    _fact(
        "fields.radius",
        "the fields' centres lie within the radius, and a field that covers the position is found",
        "S: SDSSFields/FieldQueries.cs", "_request.calibrated",
    ),
    _fact(
        "fields.path",
        "the URLs that it gives for frames end in the paths that are built here",
        "S: sqlloader spUrlFitsSupport.sql; astroquery sdss/core.py", "_service.sas",
    ),
    _fact(
        "fields.urls",
        "SDSSFields/UrlsOfFields gives the same URLs, as CSV with the column r_url",
        "S: SDSSFields/FieldQueries.cs", "_service.sas",
    ),
)  # fmt: skip

_FRAMES = (
    _fact(
        "frame.file",
        "the frame is at its path in the SAS, compressed by bzip2, and of the field asked for",
        "S: astroquery sdss/core.py; D: frame.html", "_service.sas",
    ),
    _fact(
        "frame.parts",
        "it has an image of 1489 x 2048, 2048 calibrations, a sky table, and the asTrans table",
        "D: frame.html; V", "_frames.frame",
    ),
    _fact(
        "frame.header",
        "its header has RUN, CAMCOL, FRAME, FILTER, RERUN, NMGY, EXPTIME, TAI, and a TAN WCS in "
        "ICRS",
        "V", "_frames.frame",
    ),
    _fact(
        "frame.unit",
        "its pixels are nanomaggies, where BUNIT says a unit",
        "D: frame.html; U", "_frames.band_image",
    ),
    _fact(
        "frame.calibration",
        "NMGY is the mean of the calibrations",
        "V", "_frames.frame",
    ),
    _fact(
        "frame.sky",
        "the sky has one index for each column and each row of the image",
        "D: frame.html; V", "_frames.noise",
    ),
    _fact(
        "frame.index",
        "asTrans counts rows and columns from 0.5 at the first pixel's centre",
        "V; S: tractor sdss.py", "_frames.astrometry",
    ),
    _fact(
        "frame.astrometry",
        "the header's TAN is within 0.2 arcsec of asTrans over the whole frame",
        "V; D: imaging/images", "_frames.astrometry",
    ),
)  # fmt: skip

FACTS = {fact.id: fact for fact in (*_PICTURES, *_OVERLAYS, *_SQL, *_FIELDS, *_FRAMES)}
