"""Judges what is assumed of the searches for fields. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

import numpy as np
from astropy.coordinates import angular_separation

from sdss_cutout._check.answers import Answers, Judge, Seen, UnansweredError, differs, verdict
from sdss_cutout._check.asked import FIELD_RA_DEC, FIELD_RADIUS
from sdss_cutout._check.verdicts.tables import error_words, json_rows
from sdss_cutout._errors import QueryError
from sdss_cutout._frames.frame import FrameKey
from sdss_cutout._frames.selection import Field, central_field, read_fields
from sdss_cutout._service.sas import SAS
from sdss_cutout._transfer.sql.table import read_table

__all__ = ["BAND", "JUDGES", "frame_key"]

BAND = "r"


def _fields(answers: Answers) -> list[Field]:
    rows = json_rows(answers.ok("field_array"), "field_array")
    try:
        return read_fields(rows, SAS)
    except KeyError as error:
        raise UnansweredError(f"the fields have no {error.args[0]}") from None
    except (TypeError, ValueError, AttributeError):
        raise UnansweredError("the fields' numbers are not read") from None


def _central_field(answers: Answers) -> Field:
    field = central_field(_fields(answers), *FIELD_RA_DEC)
    if field is None:
        raise UnansweredError("no field covers the position")
    return field


def frame_key(answers: Answers) -> FrameKey:
    """Return the frame that is asked for: of a field that covers the position."""
    return _central_field(answers).key(BAND)


def _array(answers: Answers) -> Seen:
    status = answers.response("field_array").status
    if status != 200:
        return differs(str(status))
    try:
        fields = _fields(answers)
    except UnansweredError as error:
        return differs(str(error))
    return verdict(bool(fields), f"{len(fields)} fields of rerun {SAS.rerun}")


def _radius(answers: Answers) -> Seen:
    fields = _fields(answers)
    if not fields:
        raise UnansweredError("no fields")
    ra, dec = (np.radians([getattr(field, name) for field in fields]) for name in ("ra", "dec"))
    distances = np.degrees(angular_separation(*np.radians(FIELD_RA_DEC), ra, dec)) * 60
    covers = central_field(fields, *FIELD_RA_DEC) is not None
    text = f"centres within {distances.max():.1f} arcmin of {FIELD_RADIUS:g}"
    text += ", one field covers it" if covers else ", none covers it"
    return verdict(distances.max() <= FIELD_RADIUS + _ROUNDED and covers, text)


_ROUNDED = 0.05


def _told_paths(answers: Answers) -> list[str]:
    """Return the paths of the frames that the search names, below the SAS's root."""
    found = json_rows(answers.ok("field_array"), "field_array")
    rows = [{str(key).lower(): value for key, value in row.items()} for row in found]
    if not rows or any(f"{BAND}_url" not in row for row in rows):
        raise UnansweredError("the fields have no r_url")
    return [_below_root(str(row[f"{BAND}_url"])) for row in rows if _is_of_rerun(row["rerun"])]


def _is_of_rerun(rerun: object) -> bool:
    return str(rerun).strip() == SAS.rerun


def _below_root(url: str) -> str:
    return urlsplit(url.strip()).path.removeprefix("/sas")


def _path(answers: Answers) -> Seen:
    release = answers.site.release
    built = {field.key(BAND).url("", SAS, release) for field in _fields(answers)}
    told = set(_told_paths(answers))
    other = sorted(told - built)
    if other:
        return differs(f"for example {other[0][:120]}")
    return verdict(bool(told), f"{len(told)} paths are as built")


def _urls(answers: Answers) -> Seen:
    response = answers.response("field_urls")
    if response.status != 200:
        return differs(str(response.status))
    try:
        table = read_table(response.content)
    except QueryError:
        return differs("not a table")
    names = {name.lower(): name for name in table.colnames}
    if f"{BAND}_url" not in names:
        return differs(f"the columns {', '.join(table.colnames)[:60]}")
    urls = {_below_root(str(url)) for url in table[names[f"{BAND}_url"]]}
    missing = set(_told_paths(answers)) - urls
    return verdict(not missing, f"{len(urls)} URLs, {len(missing)} of FieldArray's missing")


def _primary_field(answers: Answers) -> Seen:
    response = answers.response("primary_sql")
    if response.status != 200:
        return differs(str(response.status))
    if words := error_words(response.content):
        return differs(f"an error: {words[:60]}")
    try:
        table = read_table(response.content)
    except QueryError:
        return differs("not a table")
    if [name.lower() for name in table.colnames] != ["target", "primaryfieldid"]:
        return differs(f"the columns {', '.join(table.colnames)[:60]}")
    if len(table) != 1:
        return differs(f"{len(table)} rows")
    found = str(table.columns[1][0]) in {str(field.field_id) for field in _fields(answers)}
    return verdict(found, f"a field that FieldArray {'has' if found else 'does not have'}, too")


JUDGES: dict[str, Judge] = {
    "sql.primary_field": _primary_field,
    "fields.array": _array,
    "fields.radius": _radius,
    "fields.path": _path,
    "fields.urls": _urls,
}
