"""What responses to searches and to requests for frames mean."""

from __future__ import annotations

import json

import pytest

from sdss_cutout._frames.frame import FrameKey
from sdss_cutout._service.sas import SAS
from sdss_cutout._transfer.classify import Kind, Response
from sdss_cutout._transfer.frames.classify import (
    FieldSearchRequest,
    FrameRequest,
    classify_fields,
    classify_frame,
)

SEARCH = FieldSearchRequest(url="https://h/x", archive=SAS)
FRAME = FrameRequest(url="https://h/f.bz2", key=FrameKey(1, "301", 1, 11, "r"), archive=SAS)
FIELD = {
    "run": 1, "rerun": 301, "camcol": 1, "field": 11, "fieldId": 5, "ra": 1.0, "dec": 2.0,
    "a": 1.0, "b": 1e-4, "c": 0.0, "d": 0.0, "e": 0.0, "f": 1e-4, "node": 95.0, "incl": 0.0,
}  # fmt: skip


def response(content, status=200, **headers):
    return Response(url="https://h/x", status=status, reason="R", headers=headers, content=content)


def test_a_list_of_fields():
    body = json.dumps([{"TableName": "Table1", "Rows": [FIELD]}]).encode()
    answer = classify_fields(SEARCH, response(body))
    assert answer.kind is Kind.OK
    assert [field.field_id for field in answer.value] == [5]


def test_no_fields_are_an_answer():
    answer = classify_fields(SEARCH, response(b'[{"TableName": "Table1", "Rows": []}]'))
    assert (answer.kind, answer.value) == (Kind.OK, [])


@pytest.mark.parametrize(
    "body",
    [b"<html><body>Maintenance</body></html>", b"[]", b"{}", b'[{"Rows": [{"run": 1}]}]', b"[[]]",
     b'[{"Rows": [null]}]', b'[{"Rows": [{"run": "x"}]}]', b"[" * 100_000, b"\xff\xd8\xff",
     b"null"],
)  # fmt: skip
def test_anything_else_is_a_fault(body):
    answer = classify_fields(SEARCH, response(body))
    assert answer.kind is Kind.FAULT
    assert answer.message.startswith("200, but it is not a list of fields")


def test_the_words_of_a_page_are_told():
    answer = classify_fields(SEARCH, response(b"<html><body>Maintenance</body></html>"))
    assert answer.message.endswith(": Maintenance")


@pytest.mark.parametrize("body", [b"<html>no</html>", b"BZh91AY&SY", b"x", b"SIMPLE  ="])
def test_what_is_not_a_frame_is_a_fault(body):
    answer = classify_frame(FRAME, response(body))
    assert answer.kind is Kind.FAULT
    assert answer.message.startswith("200, but ")


def test_a_missing_frame_is_a_fault_and_a_bad_search_is_refused():
    assert classify_frame(FRAME, response(b"", 404)).kind is Kind.FAULT
    assert classify_fields(SEARCH, response(b"", 400)).kind is Kind.REFUSED


def test_no_body_is_larger_than_a_frame():
    assert FRAME.largest_body == SAS.max_frame_bytes
