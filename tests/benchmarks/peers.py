"""What is compared: each peer brings the same pictures to the same kind of directory.

Run as a program of its own by ``compare.py``, so that its CPU time and memory are its own:
``python peers.py PEER TARGETS.csv DIRECTORY --connections 8 --base-url URL``.
It prints the seconds from the first to the last picture; imports are not part of them.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import importlib
import itertools
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from origin import PATH


@dataclass(frozen=True)
class Job:
    """What a peer is asked for."""

    targets: Path
    directory: Path
    connections: int
    base_url: str
    size: int

    def urls(self) -> Iterator[tuple[str, Path]]:
        """Yield the URL and the file of each target."""
        with self.targets.open(newline="") as file:
            for row in csv.DictReader(file):
                yield (
                    f"{self.base_url}{PATH}?ra={row['ra']}&dec={row['dec']}&scale=0.396127"
                    f"&width={self.size}&height={self.size}",
                    self.directory / f"{row['id']}.jpg",
                )


Work = Callable[[], object]


def article_loop(job: Job) -> Work:
    """The article's loop: one ``requests.get`` after the other."""
    import requests

    def work() -> None:
        for url, path in job.urls():
            path.write_bytes(requests.get(url, timeout=30).content)

    return work


def requests_get(job: Job) -> Work:
    """``requests.get`` in a pool of threads."""
    import requests

    def one(item: tuple[str, Path]) -> None:
        item[1].write_bytes(requests.get(item[0], timeout=30).content)

    return lambda: _in_threads(one, job)


def session(job: Job) -> Work:
    """One ``requests.Session`` in threads, as it comes: the yardstick."""
    import requests

    shared = requests.Session()

    def one(item: tuple[str, Path]) -> None:
        item[1].write_bytes(shared.get(item[0], timeout=30).content)

    return lambda: _in_threads(one, job)


def session_pool(job: Job) -> Work:
    """The same with a pool of as many connections as there are threads."""
    import requests

    shared = requests.Session()
    shared.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=job.connections))

    def one(item: tuple[str, Path]) -> None:
        item[1].write_bytes(shared.get(item[0], timeout=30).content)

    return lambda: _in_threads(one, job)


def _in_threads(one: Callable[[tuple[str, Path]], None], job: Job) -> None:
    with ThreadPoolExecutor(job.connections) as pool:
        for _ in pool.map(one, job.urls()):
            pass


def parfive(job: Job) -> Work:
    """parfive's Downloader."""
    import parfive

    def work() -> None:
        downloader = parfive.Downloader(max_conn=job.connections, progress=False)
        for url, path in job.urls():
            downloader.enqueue_file(url, path=path.parent, filename=path.name)
        if downloader.queued_downloads and (errors := downloader.download().errors):
            raise RuntimeError(errors[0])

    return work


def aiohttp(job: Job) -> Work:
    """aiohttp, with as many tasks as connections."""
    import aiohttp

    async def main() -> None:
        items = iter(job.urls())
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=job.connections)
        ) as client:

            async def one_after_the_other() -> None:
                for url, path in items:
                    async with client.get(url) as response:
                        path.write_bytes(await response.read())

            await asyncio.gather(*(one_after_the_other() for _ in range(job.connections)))

    return lambda: asyncio.run(main())


def img2dataset(job: Job) -> Work:
    """img2dataset, which decodes and checks too; one process, no resizing."""
    from img2dataset import download

    def work() -> None:
        urls = job.directory / "urls.txt"
        urls.write_text("\n".join(url for url, _ in job.urls()))
        if urls.stat().st_size:
            download(
                url_list=str(urls), output_folder=str(job.directory / "out"), processes_count=1,
                thread_count=job.connections, resize_mode="no", output_format="files",
                enable_wandb=False, disallowed_header_directives=[], timeout=30,
            )  # fmt: skip

    return work


def curl(job: Job) -> Work:
    """``curl --parallel``."""

    def work() -> None:
        config = job.directory / "curl.txt"
        config.write_text("".join(f'url = "{url}"\noutput = "{p}"\n' for url, p in job.urls()))
        if config.stat().st_size:
            command = ["curl", "-sS", "-Z", "--parallel-max", str(job.connections)]
            subprocess.run([*command, "-K", str(config)], check=True)

    return work


def ours(job: Job) -> Work:
    """``SDSSCutouts.download``, everything included."""
    from astropy.table import Table

    from sdss_cutout import SDSSCutouts

    for name in ("_download.run", "_store.directory", "_transfer.transport"):
        importlib.import_module(f"sdss_cutout.{name}")  # else loaded at the first call

    client = SDSSCutouts(base_url=job.base_url, max_connections=job.connections, max_rate=100_000)
    with job.targets.open(newline="") as file:
        rows = list(itertools.islice(csv.reader(file), 1, None))
    names = [row[0] for row in rows]
    ra, dec = ([float(row[n]) for row in rows] for n in (1, 2))

    def work() -> None:
        table = Table({"id": names, "ra": ra, "dec": dec}, dtype=("U20", float, float))
        report = client.download(table, job.directory, size=job.size)
        if report.counts["ok"] != len(names):
            raise RuntimeError(f"{report.counts}")

    return work


PEERS = {
    "article-loop": article_loop,
    "requests-get": requests_get,
    "session": session,
    "session-pool": session_pool,
    "parfive": parfive,
    "aiohttp": aiohttp,
    "img2dataset": img2dataset,
    "curl": curl,
    "ours": ours,
}


def main() -> None:
    """Run one peer and print its seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("targets", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--size", type=int, required=True)
    options = vars(parser.parse_args())
    work = PEERS[options.pop("peer")](Job(**options))
    start = time.perf_counter()
    work()
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main()
