"""Evenly spaced requests, on a clock that the test sets."""

from __future__ import annotations

import itertools
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout._transfer.rate_limiter import LimiterState, QueryBudget, RateLimiter

RUNNING = threading.Event()


class Clock:
    """Stands still but for what is waited."""

    def __init__(self):
        self.now = 1000.0
        self.late = 0.0  # by how much every wait takes longer

    def __call__(self):
        return self.now

    def wait(self, condition, seconds):
        assert 0 < seconds < 1e6
        self.now += seconds + self.late


def limiter_at(rate, clock, **options):
    return RateLimiter(rate, clock=clock, wait=clock.wait, **options)


def times_of(limiter, clock, count, *, work=0.0):
    """Take tokens one after the other, and return when each may be used."""
    times = []
    for _ in range(count):
        assert limiter.wait(RUNNING) == 0
        times.append(clock.now - 1000)
        clock.now += work
    return times


def spaces(times):
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def test_requests_are_spaced_evenly_from_the_first():
    clock = Clock()
    times = times_of(limiter_at(10, clock), clock, 30)
    assert times[0] == 0
    assert spaces(times) == pytest.approx([0.1] * 29, abs=1e-6)


def test_what_was_not_used_is_not_saved_up():
    clock = Clock()
    limiter = limiter_at(10, clock)
    times_of(limiter, clock, 3)
    clock.now += 60
    assert spaces(times_of(limiter, clock, 10)) == pytest.approx([0.1] * 9, abs=1e-6)


@given(st.lists(st.floats(0, 0.3), min_size=2, max_size=40), st.sampled_from([1.0, 10.0, 400.0]))
def test_no_window_holds_more_than_the_rate_allows(pauses, rate):
    clock = Clock()
    limiter = limiter_at(rate, clock)
    times = []
    for pause in pauses:
        clock.now += pause
        limiter.wait(RUNNING)
        times.append(clock.now)
    for first, last in itertools.combinations(range(len(times)), 2):
        assert times[last] - times[first] >= (last - first) / rate - 0.002 - 1e-6


def test_threads_that_wake_up_late_do_not_lower_the_rate():
    clock = Clock()
    clock.late = 0.001
    times = times_of(limiter_at(200, clock), clock, 201)
    assert times[-1] == pytest.approx(1.0, abs=0.01)


def test_a_burst_of_503_halves_the_rate_once():
    clock = Clock()
    limiter = limiter_at(10, clock)
    sent_at = clock.now
    for _ in range(8):  # all of them were under way when the first was answered
        clock.now += 0.7
        limiter.on_overload(None, sent_at=sent_at)
    assert limiter.rate == 5
    limiter.on_overload(None, sent_at=clock.now)
    assert limiter.rate == 2.5


def test_503_within_a_second_halve_the_rate_once():
    clock = Clock()
    limiter = limiter_at(10, clock)
    for _ in range(9):
        limiter.on_overload(None, sent_at=clock.now)
        clock.now += 0.1
    assert limiter.rate == 5


def test_the_rate_falls_so_far_and_recovers():
    clock = Clock()
    limiter = limiter_at(64, clock)
    for _ in range(20):
        clock.now += 2
        limiter.on_overload(None, sent_at=clock.now)
    assert limiter.rate == 1
    for _ in range(49):
        limiter.on_success()
    assert 60 < limiter.rate < 64
    limiter.on_success()
    limiter.on_success()
    assert limiter.rate == 64


def test_a_halved_rate_spaces_requests_twice_as_far():
    clock = Clock()
    limiter = limiter_at(10, clock)
    times_of(limiter, clock, 2)
    limiter.on_overload(None, sent_at=clock.now)
    assert spaces(times_of(limiter, clock, 5))[1:] == pytest.approx([0.2] * 3, abs=1e-6)


def test_retry_after_delays_the_next_request():
    clock = Clock()
    limiter = limiter_at(10, clock)
    limiter.wait(RUNNING)
    limiter.on_overload(300, sent_at=clock.now)
    limiter.on_overload(5, sent_at=clock.now)  # a shorter one does not take it back
    assert times_of(limiter, clock, 1) == [pytest.approx(300)]


def test_a_long_retry_after_is_told_and_not_waited_for():
    clock = Clock()
    limiter = limiter_at(10, clock)
    limiter.on_overload(601, sent_at=clock.now)
    assert limiter.wait(RUNNING) == 601
    clock.now += 1
    assert limiter.wait(RUNNING) == 600 or clock.now >= 1601


def test_the_rate_may_change():
    clock = Clock()
    limiter = limiter_at(0.01, clock)
    limiter.wait(RUNNING)
    limiter.set_max_rate(10)
    assert times_of(limiter, clock, 2) == pytest.approx([0.1, 0.2])
    limiter.set_max_rate(1)
    assert spaces(times_of(limiter, clock, 3))[1:] == pytest.approx([1.0])


def test_reserved_tokens_are_taken():
    clock = Clock()
    limiter = limiter_at(10, clock)
    assert limiter.reserve(8) == 0
    assert limiter.reserve(8) == pytest.approx(0.8)
    assert limiter.reserve(0) == pytest.approx(1.6)
    assert times_of(limiter, clock, 1) == [pytest.approx(1.6)]
    assert limiter.state().taken == 17


def test_one_limiter_tells_another():
    clock, other_clock = Clock(), Clock()
    other_clock.now = 5.0  # on another machine
    limiter = limiter_at(10, clock)
    limiter.on_overload(100, sent_at=clock.now)
    worker = RateLimiter(5, state=limiter.state(), clock=other_clock, wait=other_clock.wait)
    assert worker.rate == 2.5
    worker.wait(RUNNING)
    assert other_clock.now == pytest.approx(105)
    other_clock.now += 2
    worker.on_overload(40, sent_at=other_clock.now)
    clock.now += 102
    limiter.merge(worker.state())
    assert limiter.rate == 2.5
    assert times_of(limiter, clock, 1) == [pytest.approx(142)]
    limiter.merge(LimiterState(factor=0.5))  # one that saw no overload, and has recovered
    assert limiter.rate == 5


def test_a_stopped_run_does_not_wait_and_others_go_on():
    limiter = RateLimiter(0.001)
    stopped, running = threading.Event(), threading.Event()
    limiter.wait(running)
    ended = []
    threads = [
        threading.Thread(target=lambda event=event: ended.append(limiter.wait(event)))
        for event in (stopped, stopped, running)
    ]
    for thread in threads:
        thread.start()
    stopped.set()
    limiter.wake()
    for thread in threads[:2]:
        thread.join(10)
    assert [thread.is_alive() for thread in threads] == [False, False, True]
    limiter.set_max_rate(1e6)
    threads[2].join(10)
    assert ended == [0, 0, 0]


def test_many_threads_share_one_rate():
    limiter = RateLimiter(2_000)
    tokens = []
    threads = [
        threading.Thread(target=lambda: tokens.extend(limiter.wait(RUNNING) for _ in range(25)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tokens == [0] * 200
    assert limiter.state().taken == 200


def test_sixty_queries_a_minute_and_no_more():
    clock = Clock()
    budget = QueryBudget(60, 60.0, clock=clock, wait=clock.wait)
    times = []
    for _ in range(130):
        budget.wait(RUNNING)
        times.append(clock.now - 1000)
        clock.now += 0.1
    assert times[59] == pytest.approx(5.9)
    assert times[60] == pytest.approx(60)
    for first in range(70):
        assert times[first + 60] - times[first] >= 60 - 1e-6


def test_a_stopped_query_does_not_wait():
    budget = QueryBudget(1, 3600.0)
    stopped = threading.Event()
    budget.wait(stopped)
    thread = threading.Thread(target=budget.wait, args=(stopped,))
    thread.start()
    stopped.set()
    budget.wake()
    thread.join(10)
    assert not thread.is_alive()
