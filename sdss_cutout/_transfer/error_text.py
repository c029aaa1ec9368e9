"""Turns what a server says in a page, in JSON or in a header into one line of plain text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

__all__ = ["error_text", "one_line"]

_LONGEST_LINE = 300
_LONGEST_PAGE = 65_536


def one_line(text: str) -> str:
    """Return foreign text as one short printable line, safe on a terminal, without passwords."""
    short = " ".join(text.split())[: 10 * _LONGEST_LINE]
    printable = "".join(c if c.isprintable() else " " for c in short)
    line = re.sub(r"://[^/\s]*@", "://", " ".join(printable.split()))
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"


def error_text(content: bytes) -> str:
    """Return what an error page says, as one line of text; empty for a JPEG."""
    if content.startswith(b"\xff\xd8"):
        return ""
    text = content[:_LONGEST_PAGE].decode("utf-8", "replace").strip()
    return one_line(_json_message(text) or _page_message(text))


def _json_message(text: str) -> str:
    """Return the ErrorMessage of SkyServer's JSON (S: CustomFilter.cs)."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(found, dict):
        return ""
    return next((str(v) for k, v in found.items() if k.lower() == "errormessage"), "")


def _page_message(text: str) -> str:
    page = _Page()
    # Without `close`, which takes minutes for 64 kB of tags that do not end; what follows
    # such a tag is not shown by a browser either.
    page.feed(f"{text}\n")
    return " ".join(page.text).strip() or "".join(page.title)


class _Page(HTMLParser):
    """Collects the text that a browser would show, and the title."""

    _HIDDEN = frozenset({"script", "style", "head"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.title: list[str] = []
        self._inside = ""  # the element that hides its text
        self._in_title = False

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag == "title":
            self._in_title = True
        elif tag == "body":
            self._inside = ""  # a head need not be closed
        elif tag in self._HIDDEN and not self._inside:
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title.append(data)
        elif not self._inside:
            self.text.append(data)
