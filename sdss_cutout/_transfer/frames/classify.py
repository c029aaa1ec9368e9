"""Requests for fields and frames, and what the responses to them mean."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field
from functools import partial

from sdss_cutout._errors import ImageError
from sdss_cutout._frames.frame import Frame, FrameKey, read_frame
from sdss_cutout._frames.selection import read_fields
from sdss_cutout._service.sas import FrameArchive
from sdss_cutout._transfer.classify import Answer, Kind, Response, classify_response, fault
from sdss_cutout._transfer.error_text import error_text

__all__ = [
    "FieldSearchRequest",
    "FrameRequest",
    "classify_fields",
    "classify_frame",
    "decode_frame",
]

# A field takes 3 kB, and Stripe 82 has up to a thousand of them around a cutout of a degree.
_LARGEST_SEARCH = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSearchRequest:
    """A search for the fields around a position."""

    url: str
    archive: FrameArchive = field(repr=False)
    largest_body: int = _LARGEST_SEARCH


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRequest:
    """A frame."""

    url: str
    key: FrameKey
    archive: FrameArchive = field(repr=False)

    @property
    def largest_body(self) -> int:
        """Compressed, a frame is smaller than it may be decompressed."""
        return self.archive.max_frame_bytes


def classify_fields(request: FieldSearchRequest, response: Response) -> Answer:
    """Return what a response to a search means; ``value`` is the list of fields."""
    return classify_response(response, partial(_check_fields, request))


def classify_frame(request: FrameRequest, response: Response) -> Answer:
    """Return what a response means; ``value`` is the frame.

    The frame is decompressed here, once. A 404 is a fault: the search has named the frame.
    """
    return classify_response(response, partial(_check_frame, request))


# Frames that are decompressed at the same time. More than there are processors compete for their
# caches: with 6 threads on 2 processors a frame takes 0.88 s of CPU instead of 0.45 s.
_decoding = threading.BoundedSemaphore(os.cpu_count() or 1)


def _begin_again() -> None:
    """Forget who decompresses: a fork has none of its parent's threads."""
    global _decoding
    _decoding = threading.BoundedSemaphore(os.cpu_count() or 1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again)


def decode_frame(content: bytes, request: FrameRequest) -> Frame:
    """Return the frame in a file that was asked for.

    Raises
    ------
    ImageError
        If this is not the whole file of that frame.
    """
    with _decoding:
        return read_frame(content, request.key, request.archive, url=request.url)


def _check_fields(request: FieldSearchRequest, content: bytes) -> Answer:
    try:
        fields = read_fields(json.loads(content)[0]["Rows"], request.archive)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        words = error_text(content)
        return fault(f"200, but it is not a list of fields{': ' if words else ''}{words}")
    return Answer(kind=Kind.OK, value=fields)


def _check_frame(request: FrameRequest, content: bytes) -> Answer:
    try:
        frame = decode_frame(content, request)
    except ImageError as error:
        # What is compressed has no words to tell.
        words = "" if content.startswith(b"BZh") else error_text(content)
        return fault(f"200, but {error}{': ' if words else ''}{words}")
    return Answer(kind=Kind.OK, content=content, value=frame)
