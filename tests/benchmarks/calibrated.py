"""Calibrated cutouts of many targets in few fields: requests, memory, and CPU beside bunzip2.

Run by hand: ``python tests/benchmarks/calibrated.py [--targets 1000] [--fields 40] [--bands r]``.
The simulated server runs in a process of its own; it needs some seconds to make each frame, so
that the time of the first run says nothing. A second run reads the frames from the cache.
"""

from __future__ import annotations

import argparse
import bz2
import multiprocessing
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.table import Table

from sdss_cutout import SDSSCutouts, conf
from sdss_cutout.sandbox import Sandbox


def serve(pipe):
    """Serve until told to end; say where, and which frames were asked for."""
    with Sandbox() as server:
        pipe.send(server.base_url)
        while pipe.recv():
            pipe.send([record.path for record in server.frame_requests])


def targets_in_fields(count, fields):
    """Targets scattered over the fields of one camera column."""
    from sdss_cutout.sandbox.survey.fields import Survey

    survey = Survey((1489, 2048))
    first = survey.primary(180.0, 30.0)
    rng = np.random.default_rng(7)
    ra, dec = [], []
    for row in range(count):
        field = survey.field(first.run.number, first.camcol, first.number + row % fields)
        x, y = rng.uniform(150, 1900), rng.uniform(200, 1290)
        place = field.sky_of(x, y)
        ra.append(float(place[0]))
        dec.append(float(place[1]))
    return Table({"id": np.arange(count), "ra": ra, "dec": dec})


def measured(client, table, folder, bands, size):
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    report = client.download(table, folder, bands=bands, size=size)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"  {report.counts}, {time.perf_counter() - began:.1f} s, CPU {cpu:.2f} s")
    return cpu


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--fields", type=int, default=40)
    parser.add_argument("--bands", default="r")
    parser.add_argument("--size", type=int, default=100)
    given = parser.parse_args()
    pipe, end = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(end,), daemon=True)
    server.start()
    base_url = pipe.recv()
    table = targets_in_fields(given.targets, given.fields)
    with tempfile.TemporaryDirectory() as folder:
        conf.frames_url, conf.frame_cache = f"{base_url}/sas", f"{folder}/cache"
        client = SDSSCutouts(base_url=base_url, max_rate=1000, timeout=120, show_progress=False)
        client._archive = replace(client._archive, max_rate=100.0)
        print("from the server:")
        measured(client, table, f"{folder}/first", given.bands, given.size)
        pipe.send(True)
        paths = pipe.recv()
        print(f"  {len(paths)} frame requests, {len(set(paths))} frames")
        print("from the cache:")
        cpu = measured(client, table, f"{folder}/second", given.bands, given.size)
        began = time.process_time()
        for path in Path(folder, "cache").glob("*.bz2"):
            bz2.decompress(path.read_bytes())
        alone = time.process_time() - began
        print(f"bunzip2 of the same frames alone: CPU {alone:.2f} s; ratio {cpu / alone:.2f}")
        print(f"CPU per target beside it: {(cpu - alone) / len(table) * 1000:.1f} ms")
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    pipe.send(False)


if __name__ == "__main__":
    main()
