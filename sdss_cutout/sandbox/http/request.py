"""One request, taken apart."""

from __future__ import annotations

import email.policy
import re
from dataclasses import dataclass, field
from email.parser import BytesParser
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from sdss_cutout.sandbox import rules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import MIMEPart

LATEST_IMAGING = 17  # the release of a path that names none
_WHERE = r"(?:/dr(?P<release>[0-9]{1,2})|/public)?"  # the release may be missing
_SEARCH = _WHERE + r"/skyserverws/searchtools/"
_ROUTES = {  # the server reads paths in any case
    "picture": _WHERE + r"/(?:skyserverws/)?imgcutout/getjpeg(?:\.aspx)?",
    "sql_search": _SEARCH + "sqlsearch",
    "cross_id": _SEARCH + "crossidsearch",
    "radial_search": _SEARCH + "radialsearch",
    "rectangular_search": _SEARCH + "rectangularsearch",
    "results_page": _WHERE + r"(?:/en)?/tools/search/(?:x_results|x_sql)\.aspx?",
    "cross_id_page": _WHERE + r"(?:/en)?/tools/(?:search|crossid)/x_crossid\.aspx?",
    "fields": _WHERE
    + r"/skyserverws/sdssfields/(?:urlsoffields|listoffields|fieldarray|fieldarrayrect)",
}
_PATTERNS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _ROUTES.items()}
_PATTERNS["frame"] = re.compile(r"/sas/dr(?P<release>[0-9]{1,2})/.+")  # of a file system
_KINDS = {"picture": "picture", "fields": "fields", "frame": "frame"}  # the others are "sql"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request.

    Attributes
    ----------
    target, path : str
        The target in the request line, and the part of it before the question mark.
    query : dict
        The parameters in the URL.
    route : str
        Which of the server's routes it is for; "control" for the sandbox's own.
    """

    method: str
    target: str
    path: str
    query: dict[str, str]
    route: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Request:
        """Find the route of a request; names of headers are in lower case."""
        # Not with urlsplit, which raises on some of what a request line can contain.
        path, _, query = target.partition("#")[0].partition("?")
        return cls(
            method=method, target=target, path=path, route=_route(path), body=body,
            query=dict(parse_qsl(query, keep_blank_values=True)), headers=headers,
        )  # fmt: skip

    @property
    def _content_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def kind(self) -> str:
        """What it is counted as."""
        return _KINDS.get(self.route, "sql") if self.route in _PATTERNS else "other"

    @property
    def release(self) -> int:
        """The data release that the path names."""
        found = re.search(r"/dr(\d+)", self.path, re.IGNORECASE)
        return int(found[1]) if found else LATEST_IMAGING

    @property
    def last_part(self) -> str:
        """What follows the last slash of the path, in lower case."""
        return self.path.rpartition("/")[2].lower()

    @property
    def command(self) -> str:
        """The SQL of a query."""
        return self.fields.get("cmd", "") or self.fields.get("uquery", "")

    @cached_property
    def fields(self) -> dict[str, str]:
        """The parameters in the URL and in a form."""
        if self._content_type.startswith("application/x-www-form-urlencoded"):
            text = self.body.decode("utf-8", "replace")
            return self.query | dict(parse_qsl(text, keep_blank_values=True))
        parts = {name: text for name, (text, is_file) in self._parts.items() if not is_file}
        return self.query | parts

    @cached_property
    def upload(self) -> str:
        """A list that was sent along: as a file, as the field ``paste``, or as the whole body."""
        for text, is_file in self._parts.values():
            if is_file:
                return text
        if "paste" in self.fields or "form" in self._content_type:
            return self.fields.get("paste", "")
        return self.body.decode("utf-8", "replace")

    @cached_property
    def _parts(self) -> dict[str, tuple[str, bool]]:
        """The parts of a form by name, each with whether it is a file."""
        if not self._content_type.startswith("multipart/form-data"):
            return {}
        head = f"Content-Type: {self._content_type}\r\n\r\n".encode("latin-1", "replace")
        message = BytesParser(policy=email.policy.HTTP).parsebytes(head + self.body)
        return {
            str(part.get_param("name", header="content-disposition")): _content(part)
            for part in message.iter_parts()
        }


def _content(part: MIMEPart) -> tuple[str, bool]:
    payload = part.get_payload(decode=True)
    text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    return text, part.get_filename() is not None


def _route(path: str) -> str:
    if path.startswith("/sandbox/") or path == "/":
        return "control"
    for name, pattern in _PATTERNS.items():
        found = pattern.fullmatch(path)
        if found and int(found["release"] or rules.RELEASES[0]) in rules.RELEASES:
            return name
    return "unknown"
