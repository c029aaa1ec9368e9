"""The one rule for skip, fetch, repair or refuse."""

from __future__ import annotations

import pytest

from sdss_cutout import ImageError, TargetError
from sdss_cutout._store.decide import Action, Wanted, decide
from sdss_cutout._store.existing import FileSizes
from sdss_cutout._store.manifest import ManifestEntry
from sdss_cutout._store.pictures import Condition

URL = "http://h/getjpeg?ra=1"
WANTED = Wanted(17, "a", URL, "a.jpg")
NO_FILES, PICTURE, PAIR = FileSizes(None, None), FileSizes(900, None), FileSizes(900, 2880)


def entry(status="ok", url=URL, name="a"):
    return ManifestEntry(
        key="a", name=name, status=status, url=url, ra=1.0, dec=2.0, width=64, height=64,
        scale=0.4, overlays="", bands="", release=17, coverage=1.0, nbytes=900, sha256="00",
        source_sha256="00", attempts=1, error="", origin="", date="",
    )  # fmt: skip


def decided(known, sizes, condition=Condition.WHOLE, found=None):
    def read(_):
        if found is None:
            raise ImageError("a.jpg is cut")
        return found

    return decide(WANTED, known, sizes, condition=lambda _: condition, read=read).action


@pytest.mark.parametrize(
    ("known", "sizes", "condition", "action"),
    [
        (None, NO_FILES, None, Action.FETCH),
        (entry("failed"), NO_FILES, None, Action.FETCH),
        (entry("outside"), NO_FILES, None, Action.KEEP),
        (entry("outside", url="http://h/other"), NO_FILES, None, Action.FETCH),
        (entry(), NO_FILES, None, Action.FETCH),
        (entry(), PAIR, Condition.WHOLE, Action.KEEP),
        (entry(), PAIR, Condition.REPAIRABLE, Action.REPAIR),
        (entry(), PAIR, Condition.ALTERED, Action.FETCH),
        (entry(), FileSizes(899, 2880), Condition.WHOLE, Action.FETCH),
        (entry(), FileSizes(0, 2880), Condition.WHOLE, Action.FETCH),
        (entry("failed"), PAIR, None, Action.FETCH),
    ],
)
def test_what_is_done(known, sizes, condition, action):
    assert decided(known, sizes, condition) is action


def test_a_picture_that_was_not_recorded_is_adopted():
    assert decided(None, PAIR, found=entry()) is Action.ADOPT
    assert decided(entry("failed"), PAIR, found=entry()) is Action.ADOPT


@pytest.mark.parametrize(
    ("known", "found", "message"),
    [
        (entry(url="http://h/other"), None, "belongs to a different request, http://h/other"),
        (None, entry(url="http://h/other"), "belongs to a different request, http://h/other"),
        (None, None, "already exists and is not a file of ours (a.jpg is cut)"),
        (entry(name="A"), None, "a.jpg is 'A' for some file systems, which exists"),
    ],
)
def test_what_is_refused(known, found, message):
    with pytest.raises(TargetError) as caught:
        decided(known, PICTURE, found=found)
    text = str(caught.value)
    assert text.startswith("target 17 ('a'): a.jpg ")
    assert message in text
    assert text.endswith("use another name or directory, or overwrite=True")
