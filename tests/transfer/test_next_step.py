"""What follows each answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout._transfer.classify import Answer, Kind
from sdss_cutout._transfer.next_step import Finish, Follow, Retry, next_step


def step(answer, *, attempts=1, redirects=0, max_attempts=5, jitter=0.0):
    return next_step(
        answer,
        attempts=attempts,
        redirects=redirects,
        max_attempts=max_attempts,
        jitter=lambda: jitter,
    )


@pytest.mark.parametrize("kind", [Kind.OK, Kind.OUTSIDE, Kind.REFUSED])
def test_what_cannot_get_better_is_finished(kind):
    answer = Answer(kind=kind, message="as it is")
    assert step(answer) == Finish(answer)


@pytest.mark.parametrize("kind", [Kind.FAULT, Kind.OVERLOAD])
def test_faults_are_tried_again_ever_later(kind):
    answer = Answer(kind=kind)
    waits = [step(answer, attempts=n, max_attempts=99).after for n in range(1, 12)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert step(answer, attempts=3, jitter=1.0) == Retry(2.5)
    assert step(answer, attempts=5) == Finish(answer)


def test_the_last_attempt_is_the_last():
    answer = Answer(kind=Kind.FAULT)
    assert isinstance(step(answer, attempts=1, max_attempts=1), Finish)
    assert isinstance(step(answer, attempts=10_000, max_attempts=10_001), Retry)


def test_redirects_are_followed_up_to_a_limit():
    answer = Answer(kind=Kind.REDIRECT, location="https://sky.example/b")
    assert step(answer, redirects=4) == Follow("https://sky.example/b")
    assert isinstance(step(answer, redirects=5), Retry)
    end = step(answer, redirects=5, max_attempts=1)
    assert end.answer.message == "more than 5 redirects, one after the other"
    assert end.answer.kind is Kind.FAULT


@pytest.mark.parametrize("kind", [Kind.OVERLOAD, Kind.FAULT])
def test_a_delay_that_is_too_long_is_the_end(kind):
    answer = Answer(kind=kind, status=503, message="503 Busy", retry_after=601)
    end = step(answer)
    assert (end.answer.kind, end.answer.status) == (Kind.REFUSED, 503)
    assert end.answer.message == (
        "503 Busy; the server asks for a delay of 601 s (Retry-After), more than the 600 s that "
        "are waited for; try again later"
    )
    assert isinstance(step(Answer(kind=kind, retry_after=600)), Retry)


@given(
    st.sampled_from(Kind),
    st.none() | st.floats(0, 1e9),
    st.integers(1, 10**6),
    st.integers(0, 9),
    st.integers(1, 10**6),
)
def test_no_answer_is_tried_for_ever(kind, retry_after, attempts, redirects, most):
    answer = Answer(kind=kind, retry_after=retry_after, location="https://sky.example/")
    match next_step(answer, attempts=attempts, redirects=redirects, max_attempts=most):
        case Retry(after):
            assert attempts < most
            assert 0.5 <= after <= 60.5
        case Follow(url):
            assert redirects < 5
            assert url
        case Finish(last):
            assert last.kind is not Kind.REDIRECT
