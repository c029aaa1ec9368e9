"""Fetching in the workers of an executor; one of them dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import numpy as np
import pytest
from astropy.table import Table

from sdss_cutout import SDSSCutouts, StoreError
from sdss_cutout._download import executors as _distribute
from sdss_cutout._download.writer import PictureWriter
from sdss_cutout._request.options import RequestOptions
from sdss_cutout._request.request import build_requests
from sdss_cutout._request.site import check_site
from sdss_cutout._store.manifest import Manifest
from sdss_cutout._targets.targets import read_targets
from sdss_cutout._transfer import next_step
from sdss_cutout._transfer.fetch import FetchSettings, Task
from sdss_cutout._transfer.rate_limiter import LimiterState
from sdss_cutout.sandbox import Fault, Sandbox


@pytest.fixture
def fast():
    with Sandbox(fast=True) as server:
        yield server


def client_of(server, *, connections=6, rate=5_000):
    return SDSSCutouts(
        base_url=server.base_url, max_connections=connections, max_rate=rate, show_progress=False
    )


def table_of(count):
    rows = np.arange(count)
    return Table({"id": [f"t{row}" for row in rows], "ra": 10 + rows / 100, "dec": rows / 200})


def tasks_of(server, count):
    targets = read_targets(table_of(count))
    requests = build_requests(targets, check_site(server.base_url, 17), RequestOptions(size=64))
    return [
        Task(index=index, name=f"t{index}", request=request)
        for index, request in enumerate(requests)
    ]


def watched_download(server, folder, count, executor, on_result, **settings):
    """Download, with a word to the test about each outcome."""
    return client_of(server, **settings).download(
        table_of(count), folder, size=64, executor=executor, on_result=on_result
    )


def processes(count):
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))


def requests_of(server):
    return server.counts["pictures"]


def assert_whole(report, folder, count):
    assert report.counts["ok"] == count
    assert list(report.table["id"]) == list(report.table["name"]) == list(table_of(count)["id"])
    assert len(list(folder.glob("*.jpg"))) == len(list(folder.glob("*.wcs"))) == count
    assert not list(folder.glob(".run-*"))
    manifest = Manifest(folder / "manifest.sqlite", read_only=True)
    assert len(manifest) == count
    manifest.close()


class Refusing(Executor):
    """Loses the worker of the first so many chunks."""

    def __init__(self, losses):
        self.losses = losses
        self.submitted = 0

    def submit(self, function, /, *args, **kwargs):
        self.submitted += 1
        future = Future()
        if self.submitted <= self.losses:
            future.set_exception(BrokenProcessPool("a process ended"))
        else:
            future.set_result(function(*args, **kwargs))
        return future


# ------------------------------------------------------------------------------- executors


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, processes])
def test_every_target_has_its_outcome(fast, tmp_path, pool):
    with pool(2) as executor:
        report = client_of(fast).download(table_of(60), tmp_path, size=64, executor=executor)
    assert_whole(report, tmp_path, 60)
    assert requests_of(fast) == 60
    assert fast.max_in_flight <= 6


def test_a_finished_directory_is_not_asked_for_again(fast, tmp_path):
    with ThreadPoolExecutor(2) as executor:
        client_of(fast).download(table_of(20), tmp_path, size=64, executor=executor)
        report = client_of(fast).download(table_of(30), tmp_path, size=64, executor=executor)
    assert report.counts == {"ok": 10, "kept": 20, "outside": 0, "failed": 0}
    assert requests_of(fast) == 30


def test_overwrite_fetches_again(fast, tmp_path):
    with ThreadPoolExecutor(2) as executor:
        for _ in range(2):
            report = client_of(fast).download(
                table_of(20), tmp_path, size=64, executor=executor, overwrite=True
            )
    assert report.counts["ok"] == 20
    assert requests_of(fast) == 40


def test_relative_directories_are_the_callers(fast, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor(1) as executor:
        client_of(fast).download(table_of(2), "pictures", size=64, executor=executor)
    assert (tmp_path / "pictures" / "t1.jpg").exists()


def test_what_the_work_raises_is_raised(fast, tmp_path, monkeypatch):
    monkeypatch.setattr(_distribute.os.path, "isdir", lambda path: False)
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(StoreError, match="all workers must see it under this path"),
    ):
        client_of(fast).download(table_of(2), tmp_path, size=64, executor=executor)


# --------------------------------------------------------------------------------- the budget


@pytest.mark.parametrize(("workers", "connections"), [(1, 8), (3, 8), (4, 4), (50, 8), (2, 1)])
def test_the_shares_are_the_budget(workers, connections):
    budget = FetchSettings(max_connections=connections, max_rate=10.0, max_attempts=3, timeout=5.0)
    shares = _distribute._shares(budget, workers)
    assert len(shares) == min(workers, connections)
    assert sum(share.max_connections for share in shares) == connections
    assert sum(share.max_rate for share in shares) == pytest.approx(10.0)
    assert all(share.max_connections >= 1 for share in shares)


def test_no_more_chunks_are_under_way_than_there_are_shares(fast, tmp_path):
    class Waiting(Executor):
        _max_workers = 100

        def __init__(self):
            self.queue = []
            self.most = 0

        def submit(self, function, /, *args, **kwargs):
            future = Future()
            self.queue.append((future, function, args))
            self.most = max(self.most, len(self.queue))
            if len(self.queue) == 3:  # as many as there are connections
                for waiting, work, given in self.queue:
                    waiting.set_result(work(*given))
                self.queue.clear()
            return future

    executor = Waiting()
    client = client_of(fast, connections=3)
    report = client.download(table_of(24), tmp_path, size=64, executor=executor)
    assert report.counts["ok"] == 24
    assert executor.most == 3


def test_chunks_begin_small_and_stay_bounded():
    sizes = [len(c.tasks) for c in _distribute._chunks(iter(range(2_000)), 2, 100_000.0)]
    assert sizes[:6] == [8, 8, 16, 16, 32, 32]
    assert max(sizes) == 200
    assert sum(sizes) == 2_000
    slow = [len(c.tasks) for c in _distribute._chunks(iter(range(20)), 8, 4.0)]
    assert set(slow) == {5}


class OneByOne(Executor):
    """Works where it is submitted, and notes with what."""

    _max_workers = 2

    def __init__(self):
        self.states = []

    def submit(self, function, /, chunk, share, state, writer):
        self.states.append(state)
        future = Future()
        # Nobody wants to wait here for when the chunk may begin.
        future.set_result(function(chunk, share, replace(state, due_after=0.0), writer))
        return future


def test_chunks_draw_on_the_clients_budget(fast, tmp_path):
    class ThreeAtOnce(OneByOne):
        _max_workers = 3
        given = ()

        def submit(self, function, /, chunk, share, state, writer):
            self.states.append(state)
            self.given = [*self.given, (Future(), chunk, share, writer)]
            if len(self.given) == 3:
                for future, chunk, share, writer in self.given:
                    fast_share = replace(share, max_rate=1e6)
                    future.set_result(function(chunk, fast_share, LimiterState(), writer))
            return self.given[-1][0]

    client = client_of(fast, connections=3, rate=0.05)  # a chunk of one is worth 20 s
    executor = ThreeAtOnce()
    client.download(table_of(3), tmp_path, size=64, executor=executor)
    assert [state.due_after for state in executor.states] == pytest.approx([0, 20, 40], abs=9)
    limiter = client._session.limiter
    assert limiter.state().taken == 3
    assert limiter.reserve(1) == pytest.approx(60, abs=9)


def test_attempts_beyond_the_first_are_paid_for(sandbox, tmp_path):
    sandbox.inject(Fault("error_json", times=1))
    client = client_of(sandbox, connections=2)
    report = client.download(table_of(10), tmp_path, size=64, executor=OneByOne())
    assert set(report.table["attempts"]) == {2}
    assert client._session.limiter.state().taken == 20


def test_the_next_chunks_know_what_the_server_asked_for(sandbox, tmp_path):
    sandbox.inject(Fault("too_many_requests", match="ra=10.0", retry_after=3600))
    client = client_of(sandbox, connections=1)
    executor = OneByOne()
    report = client.download(table_of(24), tmp_path, size=64, executor=executor)
    assert report.counts["failed"] == 24
    assert all("Retry-After" in error for error in report.table["error"])
    assert len(sandbox.picture_requests) == 1
    assert executor.states[0].retry_after == 0
    assert executor.states[-1].retry_after > 3500
    cutouts = client.get(table_of(2), size=64)  # and so do the client's own calls
    assert set(cutouts.table["attempts"]) == {0}
    assert len(sandbox.picture_requests) == 1


def test_a_rate_that_fell_stays_low_in_the_next_chunk(sandbox, tmp_path):
    sandbox.inject(Fault("service_unavailable", match="ra=10.07", times=1))
    client = client_of(sandbox, connections=1)
    executor = OneByOne()
    report = client.download(table_of(16), tmp_path, size=64, executor=executor)
    assert report.counts["ok"] == 16
    assert executor.states[0].factor == 1
    assert 0.5 <= executor.states[1].factor < 1


def test_a_dead_network_ends_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(next_step, "_FIRST_WAIT", 0.001)
    with Sandbox() as server:
        pass  # closed again: nothing listens there
    report = client_of(server).download(table_of(300), tmp_path, size=64, executor=OneByOne())
    assert report.counts["failed"] == 300
    attempts = list(report.table["attempts"])
    assert 20 <= sum(number > 0 for number in attempts) < 100
    assert report.table["error"][299].startswith("not tried: the first 20 targets failed because")


# ------------------------------------------------------------------------------- lost workers


def test_a_lost_chunk_is_done_again(fast, tmp_path):
    executor = Refusing(losses=2)
    report = client_of(fast).download(table_of(5), tmp_path, size=64, executor=executor)
    assert_whole(report, tmp_path, 5)
    assert executor.submitted == 3


def test_a_chunk_that_is_always_lost_ends_failed(fast, tmp_path):
    executor = Refusing(losses=3)
    report = client_of(fast).download(table_of(5), tmp_path, size=64, executor=executor)
    assert report.counts["failed"] == 5
    assert "lost its worker (BrokenProcessPool: a process ended)" in report.table["error"][0]
    again = client_of(fast).download(table_of(5), tmp_path, size=64)
    assert again.counts["ok"] == 5


def writer_in(folder):
    scratch = folder / "scratch"
    scratch.mkdir()
    return PictureWriter(directory=str(folder), scratch=str(scratch), creator="test", avm=False)


def test_what_a_lost_worker_has_finished_is_not_fetched_again(fast, tmp_path):
    settings = FetchSettings(max_connections=1, max_rate=5_000.0, max_attempts=2, timeout=5.0)
    tasks = tasks_of(fast, 6)
    writer = writer_in(tmp_path)
    chunks = [_distribute._Chunk(0, tasks[:4], 1), _distribute._Chunk(0, tasks, 2)]
    first, second = (
        _distribute._work(chunk, settings, LimiterState(), writer).outcomes for chunk in chunks
    )
    assert requests_of(fast) == 6
    assert {o.index: o for o in second}.items() >= {o.index: o for o in first}.items()


def test_a_line_cut_by_the_loss_spoils_no_other(fast, tmp_path):
    writer = writer_in(tmp_path)
    journal = _distribute._Journal(writer, 0)
    outcome = _distribute.Outcome(index=1, name="a", status="ok", coverage=1.0)
    journal.note(outcome)
    with journal._path.open("a") as file:
        file.write('\n{"index": 2, "na')
    journal.note(replace(outcome, index=3))
    assert sorted(journal.read()) == [1, 3]


def test_a_broken_pool_ends_its_targets_failed_and_a_second_run_goes_on(fast, tmp_path):
    with processes(2) as executor:
        victims = []

        def kill(cutout):
            if not victims:
                victims.extend(executor._processes)
                os.kill(victims[0], signal.SIGKILL)

        report = watched_download(fast, tmp_path, 150, executor, kill)
    counts = report.counts
    assert counts["ok"] + counts["failed"] == 150
    assert counts["failed"] > 0
    assert "BrokenProcessPool" in report.table["error"][report.table["status"] == "failed"][0]
    client_of(fast).download(table_of(150), tmp_path, size=64)
    # A process that is killed has written, but not told of, some of its chunk; at most what was
    # under way is asked for twice.
    assert 150 <= requests_of(fast) <= 150 + 6


@pytest.mark.filterwarnings("ignore")  # Dask's own
def test_dask_with_a_killed_worker(fast, tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
    count = 300
    with (
        distributed.LocalCluster(
            n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as dask,
    ):
        pids = list(dask.run(os.getpid).values())
        seen = []

        def kill(cutout):
            seen.append(cutout)
            if len(seen) == 20:
                os.kill(pids[0], signal.SIGKILL)

        report = watched_download(fast, tmp_path, count, dask.get_executor(), kill, rate=400)
    assert_whole(report, tmp_path, count)
    assert len(seen) == count
    assert fast.max_in_flight <= 6
    # At most what the killed worker's four threads held, and the responses that waited for them.
    assert count <= requests_of(fast) <= count + 4 + 16


# ------------------------------------------------------------------------------ interruption


def test_giving_up_cancels_what_is_queued(fast, tmp_path):
    class Queue(Executor):
        _max_workers = 2

        def __init__(self):
            self.futures = []

        def submit(self, function, /, *args, **kwargs):
            self.futures.append(Future())
            if len(self.futures) == 1:
                self.futures[0].set_result(function(*args, **kwargs))
            return self.futures[-1]

    executor = Queue()

    def stop(cutout):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watched_download(fast, tmp_path, 30, executor, stop)
    assert [future.cancelled() for future in executor.futures] == [False, True]
