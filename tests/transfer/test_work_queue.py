"""What workers get, and when."""

from __future__ import annotations

import threading

import pytest

from sdss_cutout._transfer import work_queue
from sdss_cutout._transfer.classify import Response
from sdss_cutout._transfer.work_queue import Attempt, FetchTask, Workload, WorkQueue


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def attempt(index):
    return Attempt(FetchTask(index=index, name=str(index), request=None))


def queue_of(*attempts, connections=2, workers=4, clock=None):
    queue = WorkQueue(connections, workers, clock=clock or Clock())
    for each in attempts:
        queue.put(each)
    return queue


def test_attempts_come_in_order():
    first, second = attempt(0), attempt(1)
    queue = queue_of(first, second)
    assert [queue.get(0), queue.get(1)] == [first, second]


def test_a_delayed_attempt_comes_when_it_is_due_and_not_before():
    clock = Clock()
    delayed, ready = attempt(0), attempt(1)
    queue = queue_of(clock=clock)
    queue.put(delayed, delay=60)
    queue.put(ready)
    clock.now += 59.9
    assert queue.get(0) is ready
    queue.release()
    queue.put(attempt(2))
    clock.now += 0.2
    assert queue.get(0) is delayed  # before those that are ready


def test_delays_can_be_ended():
    queue = queue_of()
    late, early = attempt(0), attempt(1)
    queue.put(late, delay=60)
    queue.put(early, delay=30)
    queue.end_delays()
    assert [queue.get(0), queue.get(0)] == [early, late]


def test_no_more_are_under_way_than_there_are_connections():
    queue = queue_of(attempt(0), attempt(1), connections=1)
    answered = queue.get(0)
    answered.response = Response(status=200)
    queue.release(answered)
    assert queue.get(0).task.index == 1  # the server has something to do first
    assert queue.get(1) is answered  # while the connection is in use
    taken = []
    waiting = threading.Thread(target=lambda: taken.append(queue.get(2)))
    queue.put(attempt(2))
    waiting.start()
    waiting.join(0.05)
    assert not taken
    queue.release()
    waiting.join(10)
    assert taken[0].task.index == 2


def test_responses_are_classified_before_too_many_wait(monkeypatch):
    monkeypatch.setattr(work_queue, "_MOST_RESPONSES", 1)
    queue = queue_of(attempt(0), attempt(1))
    answered = queue.get(0)
    answered.response = Response(status=200)
    queue.release(answered)
    assert queue.get(0) is answered


def test_workers_that_are_too_many_wait():
    queue = queue_of(attempt(0), workers=1)
    taken = []
    second = threading.Thread(target=lambda: taken.append(queue.get(1)))
    second.start()
    second.join(0.05)
    assert not taken
    queue.set_workers(2)
    second.join(10)
    assert taken[0].task.index == 0


def test_closing_lets_all_workers_go():
    queue = queue_of(workers=1)
    taken = []
    workers = [threading.Thread(target=lambda n=n: taken.append(queue.get(n))) for n in range(3)]
    for worker in workers:
        worker.start()
    queue.close()
    for worker in workers:
        worker.join(10)
    assert taken == [None] * 3


def test_room_is_bounded(monkeypatch):
    monkeypatch.setattr(work_queue, "_MOST_DELAYED", 3)
    queue = queue_of(connections=8)
    assert queue.room() == 16
    for index in range(250):
        queue.put(attempt(index))
    assert queue.is_backlogged()
    assert queue.room() == 6
    for index in range(3):
        queue.put(attempt(index), delay=60)
    assert queue.room() == 0


def test_an_attempt_goes_where_it_was_redirected_to():
    request = type("Request", (), {"url": "http://sky.example/a"})()
    one = Attempt(FetchTask(index=0, name="a", request=request))
    assert one.url == "http://sky.example/a"
    one.redirects += ("https://sky.example/b",)
    assert one.url == "https://sky.example/b"


@pytest.mark.parametrize(("busy", "useful"), [(1.0, 6), (0.8, 8), (0.1, 8)])
def test_fewer_workers_where_one_processor_is_busy(monkeypatch, busy, useful):
    clock = Clock()
    monkeypatch.setattr(work_queue.time, "monotonic", clock)
    load = Workload(8)
    clock.now += 1
    load.cpu[0] = busy
    assert load.note(50) == (useful != 8)
    assert (load.useful, load.rate) == (useful, 50)
    clock.now += 1
    assert load.note(0) == (useful != 8)  # nothing was worked meanwhile
    assert load.useful == min(8, useful + 1)
