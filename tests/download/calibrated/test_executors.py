"""Calibrated cutouts in the workers of an executor; one of them dies."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from archive import small_client, where
from astropy.table import Table

from sdss_cutout import CalibratedCutout, read_cutouts
from sdss_cutout._transfer import next_step
from sdss_cutout.sandbox import Fault


def targets_of(sandbox, count=24):
    ra, dec = where(sandbox, "middle")
    rows = np.arange(count)
    return Table({
        "id": [f"t{row}" for row in rows],
        "ra": ra + 0.002 * (rows % 6),
        "dec": dec + 0.01 * (rows // 6),
    })  # fmt: skip


def processes(count):
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))


def frame_names(sandbox):
    return [record.path.rpartition("/")[2] for record in sandbox.frame_requests]


def assert_whole(report, folder, count):
    assert report.counts["ok"] == count
    assert list(report.table["name"]) == [f"t{row}" for row in range(count)]
    for row in range(count):
        assert CalibratedCutout.read(folder / f"t{row}.fits").bands == "gr"
    assert not list(folder.glob(".run-*"))
    assert read_cutouts(folder).counts["ok"] == count


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, processes])
def test_every_target_has_its_outcome(exact, tmp_path, pool):
    table = targets_of(exact)
    with pool(2) as executor:
        report = small_client(exact).download(
            table, tmp_path, bands="gr", size=24, executor=executor
        )
    assert_whole(report, tmp_path, 24)
    assert len(set(frame_names(exact))) == len(frame_names(exact))
    assert exact.max_frames_in_flight <= 4
    exact.reset()
    again = small_client(exact).download(table, tmp_path, bands="gr", size=24)
    assert again.counts["kept"] == 24
    assert not exact.requests


class Refusing(Executor):
    """Loses the worker of the first so many chunks."""

    _max_workers = 2

    def __init__(self, losses=0):
        self.losses = losses
        self.chunks = []

    def submit(self, function, /, chunk, share, state, writer):
        from concurrent.futures.process import BrokenProcessPool

        self.chunks.append(chunk)
        future = Future()
        if len(self.chunks) <= self.losses:
            future.set_exception(BrokenProcessPool("a process ended"))
        else:
            future.set_result(function(chunk, share, state, writer))
        return future


def test_a_lost_chunk_is_done_again(exact, tmp_path):
    executor = Refusing(losses=2)
    report = small_client(exact).download(
        targets_of(exact), tmp_path, bands="gr", size=24, executor=executor
    )
    assert_whole(report, tmp_path, 24)


def test_a_chunk_is_a_field_and_costs_its_frames(exact, tmp_path):
    executor = Refusing()
    client = small_client(exact)
    client.download(targets_of(exact), tmp_path, bands="gr", size=24, executor=executor)
    fields = [{(t.fields[0].strip, t.fields[0].field) for t in c.tasks} for c in executor.chunks]
    assert all(len(some) == 1 for some in fields)
    assert len(set.union(*fields)) == len(fields)
    assert client._frame_session.limiter.state().taken >= len(frame_names(exact))
    assert client._frame_session.limiter.state().taken <= len(frame_names(exact)) + 4


def test_outside_and_failed_are_reported(exact, tmp_path, monkeypatch):
    monkeypatch.setattr(next_step, "_FIRST_WAIT", 0.001)
    table = targets_of(exact, 6)
    table.add_row(("far", 266.4, -29.0))
    exact.inject(Fault("frame_wrong_field"))
    report = small_client(exact, max_attempts=2).download(
        table, tmp_path, bands="r", size=24, executor=Refusing()
    )
    assert list(report.table["status"]) == ["failed"] * 6 + ["outside"]
    exact.reset()
    assert report.retry().counts == {"ok": 6, "kept": 0, "outside": 1, "failed": 0}


@pytest.mark.filterwarnings("ignore")  # Dask's own
def test_dask_with_a_killed_worker(exact, tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
    table = targets_of(exact)
    victims = []
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as dask,
    ):
        victims.extend(dask.run(os.getpid).values())

        def kill(_cutout):
            if len(victims) == 2:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victims.pop(), signal.SIGKILL)

        report = small_client(exact).download(
            table, tmp_path, bands="gr", size=24, executor=dask.get_executor(), on_result=kill
        )
    assert_whole(report, tmp_path, 24)
