"""Targets that come in chunks are taken as they come, and not held."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table

from sdss_cutout import SDSSCutouts, TargetError
from sdss_cutout._store.manifest import Manifest
from sdss_cutout.sandbox import Sandbox


@pytest.fixture(scope="module")
def fast():
    with Sandbox(fast=True) as server:
        yield server


@pytest.fixture
def fast_client(fast):
    return SDSSCutouts(base_url=fast.base_url, max_rate=50_000, show_progress=False)


def chunk(start, stop):
    rows = np.arange(start, stop)
    return Table({"id": [f"t{row}" for row in rows], "ra": rows / 50, "dec": rows / 100})


def chunks(*sizes):
    start = 0
    for size in sizes:
        yield chunk(start, start + size)
        start += size


def frames(*sizes):
    for table in chunks(*sizes):
        yield table.to_pandas()


def coordinates(*sizes):
    for table in chunks(*sizes):
        yield SkyCoord(table["ra"], table["dec"], unit="deg")


def single_coordinates(*sizes):
    for positions in coordinates(*sizes):
        yield from positions


def recorded(folder):
    manifest = Manifest(folder / "manifest.sqlite", read_only=True)
    names = [entry.name for entry in manifest.entries()]
    manifest.close()
    return names


@pytest.mark.parametrize("kind", [chunks, frames, coordinates, single_coordinates])
def test_every_target_of_every_chunk_has_a_row(fast_client, tmp_path, kind):
    report = fast_client.download(kind(30, 1, 20), tmp_path, size=64)
    assert len(report.table) == report.counts["ok"] == 51
    assert len(set(report.table["name"])) == 51
    assert sorted(recorded(tmp_path)) == sorted(report.table["name"])


def test_chunks_are_taken_as_they_are_needed_and_let_go(fast_client, tmp_path):
    """What was read before is on the disk, and its tables are gone, when more is asked for."""
    size, count = 300, 8
    alive, ahead = [], []

    def watched():
        tables = []
        for number in range(count):
            gc.collect()
            alive.append(sum(table() is not None for table in tables))
            ahead.append(number * size - len(list(tmp_path.glob("*.jpg"))))
            table = chunk(number * size, (number + 1) * size)
            tables.append(weakref.ref(table))
            yield table
            del table

    report = fast_client.download(watched(), tmp_path, size=64)
    assert report.counts["ok"] == size * count
    # One chunk whose last targets are under way, one in the queue, one that is being read.
    assert max(alive) <= 3
    assert max(ahead) <= 2 * size


def test_names_are_unique_across_chunks(fast_client, tmp_path):
    position = SkyCoord([10.0, 20.0], [0.0, 0.0], unit="deg")
    report = fast_client.download(iter([position, position]), tmp_path, size=64)
    first, second = "J004000.00+000000.0", "J012000.00+000000.0"
    assert list(report.table["name"]) == [first, second, f"{first}_2", f"{second}_2"]


def test_a_wrong_target_in_a_later_chunk_stops_there_and_keeps_what_came(fast_client, tmp_path):
    def wrong():
        yield chunk(0, 300)
        yield Table({"id": ["bad"], "ra": [10.0], "dec": [91.0]})

    with pytest.raises(TargetError, match=r"target 300: dec = 91\.0 deg is outside"):
        fast_client.download(wrong(), tmp_path, size=64)
    came = len(list(tmp_path.glob("*.jpg")))
    assert came > 0
    assert fast_client.download(chunk(0, 300), tmp_path, size=64).counts["kept"] == came


def test_a_name_that_comes_again_in_a_later_chunk_is_refused(fast_client, tmp_path):
    with pytest.raises(TargetError, match="target 20: column 'id': the name 't0' is taken by"):
        fast_client.download(iter([chunk(0, 20), chunk(0, 5)]), tmp_path, size=64)


def test_what_the_generator_raises_is_raised(fast_client, tmp_path):
    def broken():
        yield chunk(0, 20)
        raise OSError("the tape has torn")

    with pytest.raises(OSError, match="the tape has torn"):
        fast_client.download(broken(), tmp_path, size=64)


def test_a_stream_is_started_again_where_it_ended(fast_client, fast, tmp_path):
    fast_client.download(chunks(40, 40), tmp_path, size=64)
    before = fast.counts["pictures"]
    report = fast_client.download(chunks(50, 50), tmp_path, size=64)
    assert report.counts == {"ok": 20, "kept": 80, "outside": 0, "failed": 0}
    assert fast.counts["pictures"] == before + 20


def test_a_stream_can_be_distributed(fast_client, tmp_path):
    with ThreadPoolExecutor(2) as executor:
        report = fast_client.download(chunks(40, 40), tmp_path, size=64, executor=executor)
    assert report.counts["ok"] == 80


def test_a_stream_is_not_held_in_memory(fast_client):
    with pytest.raises(TargetError, match="can be downloaded, but not held in memory"):
        fast_client.get(chunks(2), size=64)


def test_parquet_by_batches(fast_client, tmp_path):
    """The recipe of the documentation."""
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "targets.parquet"
    chunk(0, 90).to_pandas().to_parquet(path)

    batches = parquet.ParquetFile(path).iter_batches(40, columns=["id", "ra", "dec"])
    report = fast_client.download(
        (batch.to_pandas() for batch in batches), tmp_path / "cutouts", size=64
    )
    assert list(report.table["name"]) == [f"t{row}" for row in range(90)]


def test_fits_by_rows(fast_client, tmp_path):
    """The recipe of the documentation."""
    path = tmp_path / "targets.fits"
    chunk(0, 90).write(path)

    def rows(step):
        with fits.open(path, memmap=True) as hdus:
            data = hdus[1].data
            for start in range(0, len(data), step):
                yield Table(data[start : start + step])["id", "ra", "dec"]

    report = fast_client.download(rows(40), tmp_path / "cutouts", size=64)
    assert list(report.table["name"]) == [f"t{row}" for row in range(90)]
