"""When a run ends because no connection can be made."""

from __future__ import annotations

import pytest

from sdss_cutout._transfer.classify import Answer, Kind
from sdss_cutout._transfer.early_end import EarlyEnd


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def noted(early_end, count, message="refused", *, is_last=False, unreachable=True):
    answer = Answer(kind=Kind.FAULT, message=message, unreachable=unreachable)
    return [early_end.note(index, answer, is_last=is_last) for index in range(count)]


def test_the_early_end_needs_twenty_targets_and_some_seconds():
    clock = Clock()
    early_end = EarlyEnd(clock=clock)
    assert not any(noted(early_end, 30))
    clock.now += 4.9
    assert not any(noted(early_end, 30))
    clock.now += 0.2
    assert noted(early_end, 1) == [True]
    assert early_end.reason == "refused"


def test_the_early_end_comes_at_once_where_twenty_targets_were_given_up():
    early_end = EarlyEnd(clock=Clock())
    assert noted(early_end, 21, is_last=True) == [False] * 19 + [True, False]


@pytest.mark.parametrize("other", [{"message": "not resolved"}, {"unreachable": False}])
def test_another_failure_is_not_the_same_reason(other):
    early_end = EarlyEnd(clock=Clock())
    noted(early_end, 10, is_last=True)
    noted(early_end, 1, **other)
    assert not any(noted(early_end, 50, is_last=True))
    assert early_end.reason == ""
