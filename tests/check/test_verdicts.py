"""Verdicts on what was made elsewhere: real pictures, a real frame, and nonsense."""

from __future__ import annotations

import bz2
import contextlib
import re

import numpy as np
import pytest
from astropy.io import fits
from jpegs import GOOD

import sdss_cutout
from sdss_cutout._check.answers import Answers, UnansweredError
from sdss_cutout._check.drawn import cross
from sdss_cutout._check.questions import QUESTIONS
from sdss_cutout._check.report import NOT_JUDGED, judge
from sdss_cutout._check.run import JUDGES
from sdss_cutout._check.signature import SKYSERVER_SIGNATURE, read_signature
from sdss_cutout._image.jpeg import decode_jpeg
from sdss_cutout._request.site import check_site
from sdss_cutout._service.facts import FACTS
from sdss_cutout._transfer.classify import Response

SITE = check_site("http://sky.example", 17)


def answers(**responses):
    return Answers(
        site=SITE,
        responses={
            name: Response(url="", status=200, reason="OK", content=content)
            for name, content in responses.items()
        },
    )


def verdict(fact, **responses):
    return judge(FACTS[fact], JUDGES[fact], answers(**responses))


# --------------------------------------------------------------------------------- real material


def test_real_pictures_have_the_signature(shared_data):
    paths = [*(shared_data / "real_dr12").glob("*.jpg"), shared_data / "TestGalaxy.jpeg"]
    assert len(paths) > 10
    for path in paths:
        assert read_signature(path.read_bytes()) == SKYSERVER_SIGNATURE


def test_the_cross_of_a_real_picture(shared_data):
    pixels = decode_jpeg((shared_data / "TestGalaxy.jpeg").read_bytes()).astype(np.int16)
    assert cross(np.zeros_like(pixels), pixels) == (256, 256)
    assert cross(np.zeros_like(pixels), np.zeros_like(pixels)) is None


@pytest.fixture(scope="module")
def real_frame(shared_data):
    """The real frame, of whose image only a corner was kept."""
    return (shared_data / "frame" / "frame-r-001000-1-0100.fits.bz2").read_bytes()


@pytest.mark.parametrize(
    "fact",
    [
        "frame.header", "frame.unit", "frame.calibration", "frame.sky", "frame.index",
        "frame.astrometry",
    ],
)  # fmt: skip
def test_a_real_frame_holds(real_frame, fact):
    found = verdict(fact, frame=real_frame)
    assert found.verdict == "holds", found.seen


def test_a_real_frame_tells_how_its_pixels_count(real_frame):
    # Measured over the whole frame before: median 0.029 arcsec at + 0.5, 0.30 at + 0, 0.26 at + 1;
    # 0.135 at most.
    seen = verdict("frame.index", frame=real_frame).seen
    medians = [float(number) for number in re.findall(r"(\d\.\d+) at", seen)]
    assert medians == pytest.approx([0.30, 0.029, 0.26], abs=0.02)
    seen = verdict("frame.astrometry", frame=real_frame).seen
    assert float(seen.split()[2]) == pytest.approx(0.135, abs=0.01)


def test_a_frame_that_was_cut_differs(real_frame):
    found = verdict("frame.parts", frame=real_frame)
    assert (found.verdict, found.seen) == (
        "differs", "image 100 x 100, image 100, table of 1, table of 1"
    )  # fmt: skip


# --------------------------------------------------------------------------------------- nonsense


def _fits_file():
    return bz2.compress(fits.PrimaryHDU(np.zeros((2, 2), "f4")).header.tostring().encode() * 2)


NONSENSE = {
    "nothing": b"",
    "zeros": bytes(5_000),
    "page": b"<html><title>Moved</title></html>",
    "JPEG": GOOD,
    "cut JPEG": GOOD[:400],
    "empty list": b"[]",
    "empty object": b"{}",
    "number": b"17",
    "text": b'"text"',
    "empty rows": b'[{"TableName": "Table1", "Rows": []}]',
    "rows of nothing": b'[{"TableName": "Table1", "Rows": [{}, {}]}]',
    "rows of lists": b'[{"TableName": "Table1", "Rows": [[1, 2]]}]',
    "rows of numbers": b'[{"TableName": "Table1", "Rows": [1]}]',
    "rows of null": b'[{"TableName": "Table1", "Rows": null}]',
    "table of nothing": b"#Table1\n",
    "table of names": b"#Table1\nobjID,ra,dec,r\n",
    "table of text": b"#Table1\nobjID,ra,dec,r\neast,north,west,south\n",
    "table of blanks": b"#Table1\nobjID,ra,dec,r\n,,,\n",
    "table of infinities": b"#Table1\nobjID,ra,dec,r\n1,inf,nan,2\n",
    "table of no place": b"#Table1\nobjID,ra,dec,r\n1,400,100,2\n",
    "bzip2": bz2.compress(b"text"),
    "small FITS": _fits_file(),
    "FITS without data": bz2.compress(fits.PrimaryHDU().header.tostring().encode()),
}


@pytest.mark.parametrize("name", NONSENSE)
@pytest.mark.parametrize("status", [200, 302, 400, 404, 500, 503])
def test_nonsense_is_judged(name, status):
    response = Response(url="", status=status, reason="", content=NONSENSE[name])
    found = Answers(site=SITE, responses=dict.fromkeys((q.id for q in QUESTIONS), response))
    for fact in FACTS.values():
        seen = judge(fact, JUDGES[fact.id], found).seen
        assert not seen.startswith(NOT_JUDGED), f"{fact.id}: {seen}"


@pytest.mark.parametrize("name", NONSENSE)
def test_questions_after_nonsense(name):
    found = answers(**{question.id: NONSENSE[name] for question in QUESTIONS})
    for question in QUESTIONS:
        with contextlib.suppress(UnansweredError):
            assert question.url(found, "http://sas.example").startswith("http://")


def test_a_verdict_that_fails_is_unknown():
    def fail(_answers):
        raise RuntimeError("/home/someone/secret")

    found = judge(FACTS["picture.size"], fail, answers())
    assert (found.verdict, found.seen) == ("unknown", f"{NOT_JUDGED} (RuntimeError)")


# ------------------------------------------------------------------------------------------ facts


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
def test_facts_say_where_they_are_from_and_who_relies_on_them(fact):
    subject, _, name = fact.id.partition(".")
    assert subject
    assert name
    assert len(fact.statement) <= 110
    assert fact.source[0] in "SHDUV"
    path = fact.used_by.replace(".", "/")
    package = sdss_cutout.__path__[0]
    with open(f"{package}/{path}.py", encoding="utf-8") as module:
        assert module.read()
