"""The cache of frames: bounded, shared, whole."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from caching import URL, fetch_all, never

from sdss_cutout._store.frame_cache import FrameCache


def files_of(folder):
    return sorted(path for path in folder.iterdir() if path.is_file())


def test_what_is_kept_comes_back(tmp_path):
    cache = FrameCache(tmp_path / "new" / "folder", 1e6)
    assert cache.read(URL.format(1)) is None
    cache.write(URL.format(1), b"one")
    assert cache.read(URL.format(1)) == b"one"
    assert FrameCache(tmp_path / "new" / "folder", 1e6).read(URL.format(1)) == b"one"
    assert FrameCache(tmp_path / "new" / "folder", 1e6).read(URL.format(2)) is None


def test_servers_do_not_share_frames(tmp_path):
    cache = FrameCache(tmp_path, 1e6)
    cache.write(URL.format(1), b"real")
    assert cache.read(URL.format(1).replace("https://data.sdss.org", "http://127.0.0.1:1")) is None


def test_the_least_recently_used_are_removed(tmp_path):
    cache = FrameCache(tmp_path, 2_500)
    for number in range(2):
        cache.write(URL.format(number), bytes(1_000))
        [path] = [p for p in files_of(tmp_path) if f"-{number:04d}-" in p.name]
        os.utime(path, (number, number))
    cache.read(URL.format(0))  # used again
    cache.write(URL.format(2), bytes(1_000))
    assert [cache.read(URL.format(n)) is not None for n in range(3)] == [True, False, True]


def test_it_stays_within_its_size(tmp_path):
    cache = FrameCache(tmp_path, 5_000)
    for number in range(20):
        cache.write(URL.format(number), bytes(900))
        assert sum(path.stat().st_size for path in files_of(tmp_path)) <= 5_000
    assert len(files_of(tmp_path)) == 5


@pytest.mark.parametrize(("folder", "size"), [(None, 1e9), ("x", 0)])
def test_without_a_folder_or_a_size_nothing_is_kept(tmp_path, folder, size):
    cache = FrameCache(folder and tmp_path / folder, size)
    with cache.locked(URL, never):
        cache.write(URL, b"x")
    assert cache.read(URL) is None
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_used_is_told_of_once(tmp_path, caplog):
    (tmp_path / "file").touch()
    cache = FrameCache(tmp_path / "file" / "cache", 1e9)
    for _ in range(2):
        with cache.locked(URL, never):
            cache.write(URL, b"x")
    assert caplog.text.count("frames are not kept in") == 1
    assert cache.read(URL) is None


def test_a_lock_is_held_by_one(tmp_path):
    caches, inside, most = [FrameCache(tmp_path, 1e9) for _ in range(4)], [], []

    def hold(cache):
        for _ in range(5):
            with cache.locked(URL, never):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(hold, caches))
    assert set(most) == {1}
    assert not files_of(tmp_path)


def test_who_waits_can_be_ended(tmp_path):
    cache, over, waited = FrameCache(tmp_path, 1e9), threading.Event(), threading.Event()

    def wait():
        with cache.locked(URL, over.is_set):
            waited.set()

    with FrameCache(tmp_path, 1e9).locked(URL, never):
        thread = threading.Thread(target=wait)
        thread.start()
        assert not waited.is_set()
        over.set()
        thread.join(5)
        assert waited.is_set()


def test_processes_fetch_each_frame_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    arguments = (tmp_path / "cache", tmp_path / "log")
    processes = [context.Process(target=fetch_all, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert sorted(map(int, (tmp_path / "log").read_text().split())) == list(range(30))


def test_what_a_killed_process_has_left_is_removed(tmp_path):
    cache = FrameCache(tmp_path, 1e9)
    cache.write(URL.format(1), b"one")
    old, new = tmp_path / "parts" / "old", tmp_path / "parts" / "new"
    old.touch()
    new.touch()
    os.utime(old, (1, 1))
    cache.write(URL.format(2), b"two")
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["new"]
