"""The responses to the questions, and what the facts are judged by. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._errors import ImageError
from sdss_cutout._image.jpeg import decode_jpeg
from sdss_cutout._request.site import Site
from sdss_cutout._transfer.classify import Response

__all__ = ["Answers", "Judge", "Seen", "UnansweredError", "differs", "holds", "verdict"]


class UnansweredError(Exception):
    """A fact cannot be judged; the message says why, in a few words."""


class Seen(NamedTuple):
    """Whether a fact holds, and what was seen."""

    holds: bool
    text: str


def holds(text: str) -> Seen:
    """Return that the fact holds."""
    return Seen(True, text)


def differs(text: str) -> Seen:
    """Return that the server differs."""
    return Seen(False, text)


def verdict(is_so: bool, text: str) -> Seen:
    """Return whether the fact holds."""
    return Seen(bool(is_so), text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What came.

    Attributes
    ----------
    site : Site
        Which server and release were asked.
    responses : mapping of str to Response
        By the questions' ids; a question that was not asked has none.
    """

    site: Site
    responses: Mapping[str, Response]

    def response(self, question: str) -> Response:
        """Return the response to a question, if it is an answer to it.

        Raises
        ------
        UnansweredError
            If it was not asked, or no answer came, or the server was overloaded.
        """
        if reason := self.missing(question):
            raise UnansweredError(reason)
        return self.responses[question]

    def missing(self, question: str) -> str:
        """Return why there is no answer to a question; empty if there is one."""
        response = self.responses.get(question)
        if response is None:
            return f"not asked: {question}"
        if response.failure:
            return f"no answer ({question}): {response.failure}"
        if response.status in _OVERLOADED:
            return f"the server is overloaded ({question}): {response.status}"
        return ""

    def ok(self, question: str) -> bytes:
        """Return the body of a 200."""
        response = self.response(question)
        if response.status != 200:
            raise UnansweredError(f"the answer is {response.status} ({question})")
        return response.content

    def picture(self, question: str) -> NDArray[np.int16]:
        """Return the pixels of a picture that came with 200, signed, as they are subtracted."""
        try:
            return decode_jpeg(self.ok(question)).astype(np.int16)
        except ImageError:
            raise UnansweredError(f"the answer is not a JPEG ({question})") from None

    def json(self, question: str) -> Any:
        """Return what the JSON of an answer says, whatever its status."""
        return parse_json(self.response(question).content, question)


_OVERLOADED = (429, 502, 503, 504)

Judge = Callable[[Answers], Seen]


def parse_json(content: bytes, question: str) -> Any:
    """Return what JSON says."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise UnansweredError(f"the answer is not JSON ({question})") from None
