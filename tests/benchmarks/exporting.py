"""Exporting 100,000 pictures of 8 kB to each format, beside the formats' own writers.

See README.md. Prints a Markdown table; each export runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from origin import origin

FORMATS = ("imagefolder", "parquet", "webdataset", "hdf5", "zoobot")
SPLIT = {"train": 0.8, "validation": 0.1, "test": 0.1}


def make_pictures(directory: Path, count: int) -> None:
    """Download the pictures: all over the sky, with an identifier, a label and a number."""
    from astropy.table import Table

    from sdss_cutout import SDSSCutouts

    rng = np.random.default_rng(6)
    table = Table(
        {
            "objID": rng.integers(1237645876861272065, 1237680531356386401, count),
            "ra": rng.uniform(0, 360, count),
            "dec": rng.uniform(-5, 60, count),
            "kind": rng.choice(["spiral", "elliptical", "merger"], count, p=[0.6, 0.35, 0.05]),
            "z": rng.uniform(0, 0.3, count),
        }
    )
    with origin(200) as servers:
        client = SDSSCutouts(
            base_url=servers[0], max_rate=1e6, max_connections=8, show_progress=False
        )
        client.download(table, directory, size=200)


# ------------------------------------------------------------------------------------ peers


def copy_files(directory: Path, path: Path) -> None:
    """Copy the pictures and write their table, as one would by hand."""
    path.mkdir()
    rows = _rows(directory)
    with (path / "metadata.jsonl").open("w") as file:
        for row in rows:
            shutil.copyfile(row["path"], path / f"{row['name']}.jpg")
            file.write(json.dumps({"file_name": f"{row['name']}.jpg", **row}) + "\n")


def datasets_parquet(directory: Path, path: Path) -> None:
    """Write Parquet with `datasets`."""
    import datasets

    datasets.disable_progress_bars()
    rows = _rows(directory)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    columns["image"] = columns["path"]
    found = datasets.Dataset.from_dict(columns).cast_column("image", datasets.Image())
    path.mkdir()
    found = found.with_format("arrow").map(
        datasets.table.embed_table_storage, batched=True, batch_size=100
    )
    found.with_format(None).to_parquet(str(path / "train-00000-of-00001.parquet"))


def webdataset_writer(directory: Path, path: Path) -> None:
    """Write tar files with `webdataset`."""
    import webdataset

    path.mkdir()
    with webdataset.ShardWriter(f"{path}/train-%06d.tar", maxcount=10_000, verbose=0) as sink:
        for row in _rows(directory):
            picture = Path(row["path"])
            sink.write(
                {
                    "__key__": row["name"].replace(".", "_"),
                    "jpg": picture.read_bytes(),
                    "json": row,
                    "wcs": picture.with_suffix(".wcs").read_bytes(),
                }
            )


def h5py_loop(directory: Path, path: Path) -> None:
    """Write an array with h5py and Pillow."""
    import h5py
    from PIL import Image

    rows = _rows(directory)
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", (len(rows), 200, 200, 3), "u1")
        for number, row in enumerate(rows):
            images[number] = np.asarray(Image.open(row["path"]))
        file["z"] = [row["z"] for row in rows]
        file["objID"] = [row["objID"] for row in rows]


def pandas_csv(directory: Path, path: Path) -> None:
    """Write the table with pandas."""
    import pandas as pd

    path.mkdir()
    pd.DataFrame(_rows(directory)).to_csv(path / "train.csv")


def _rows(directory: Path) -> list[dict[str, object]]:
    """Return the rows that have a picture, as a script has them."""
    from sdss_cutout import read_cutouts

    table = read_cutouts(directory).table
    names = ("name", "objID", "ra", "dec", "kind", "z", "path", "url", "sha256")
    columns = [table[name].tolist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


PEERS: dict[str, tuple[str, Callable[[Path, Path], None]]] = {
    "imagefolder": ("copies and a table by hand", copy_files),
    "parquet": ("datasets", datasets_parquet),
    "webdataset": ("webdataset.ShardWriter", webdataset_writer),
    "hdf5": ("h5py and Pillow", h5py_loop),
    "zoobot": ("pandas", pandas_csv),
}


# ----------------------------------------------------------------------------------- phases


def ours(directory: Path, path: Path, form: str) -> None:
    """Read the directory back, divide it and write it."""
    from sdss_cutout import read_cutouts

    read_cutouts(directory).export(path, form, label="kind", split=SPLIT)


def phase(who: str, form: str, directory: Path, path: Path) -> None:
    """Do one export, and print seconds, seconds of CPU, peak memory and bytes on disk."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    began, began_cpu = time.perf_counter(), time.process_time()
    if who == "ours":
        ours(directory, path, form)
    else:
        PEERS[form][1](directory, path)
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak, "bytes": _size(path)}))


def _size(path: Path) -> int:
    """Return the bytes on disk; a hard link takes none."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return sum(file.stat().st_size for file in files if file.stat().st_nlink == 1)


# ------------------------------------------------------------------------------------ splits

SKIES = {
    "all over the sky": (0.0, 360.0, -5.0, 60.0),
    "Stripe 82": (-50.0, 60.0, -1.25, 1.25),
    "one square degree": (10.0, 11.0, 0.0, 1.0),
}


def divide(sky: str, count: int) -> None:
    """Group so many pictures by overlap and divide them three ways; print seconds and groups."""
    from sdss_cutout._export.footprints import Footprints
    from sdss_cutout._export.splits import assign_groups, group_pictures

    rng = np.random.default_rng(6)
    west, east, south, north = SKIES[sky]
    ra, dec = rng.uniform(west, east, count), rng.uniform(south, north, count)
    strata = rng.choice(3, count, p=[0.6, 0.35, 0.05])
    began, began_cpu = time.perf_counter(), time.process_time()
    scale, size = np.full(count, 0.396127), np.full(count, 200.0)
    groups = group_pictures(Footprints.of_pictures(ra, dec, scale, size, size), [])
    assign_groups(groups, strata, list(SPLIT.values()), 0)
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"seconds": seconds, "cpu": cpu, "peak": peak, "groups": int(groups.max()) + 1}
    print(json.dumps(found))


def print_splits(count: int) -> None:
    """Print the table of what dividing costs."""
    print("| pictures | time | CPU | peak memory | groups |", flush=True)
    print("|---|---|---|---|---|", flush=True)
    for sky in SKIES:
        found = in_process(["--sky", sky, "--split", str(count)], {})
        print(
            f"| {count:,}, {sky} | {found['seconds']:.0f} s | {found['cpu']:.0f} s | "
            f"{found['peak']:.0f} MB | {found['groups']:,} |",
            flush=True,
        )


def in_process(arguments: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Return what a phase prints, from a process of its own."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | environment
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--formats", nargs="+", default=FORMATS)
    parser.add_argument("--folder", type=Path, help="where the pictures are, or are to be")
    parser.add_argument("--phase", nargs=4, metavar=("WHO", "FORMAT", "PICTURES", "PATH"))
    parser.add_argument("--split", type=int, metavar="N", help="only divide so many pictures")
    parser.add_argument("--sky", choices=SKIES)
    options = parser.parse_args()
    if options.split and options.sky:
        divide(options.sky, options.split)
        return
    if options.split:
        print_splits(options.split)
        return
    if options.phase:
        who, form, directory, path = options.phase
        phase(who, form, Path(directory), Path(path))
        return
    with tempfile.TemporaryDirectory() as scratch:
        directory = options.folder or Path(scratch, "pictures")
        if not directory.is_dir():
            make_pictures(directory, options.pictures)
        print("| format | writer | time | CPU | peak memory | on disk |", flush=True)
        print("|---|---|---|---|---|---|", flush=True)
        for form in options.formats:
            for who in ("ours", "peer"):
                path = directory.parent / f"export-{form}-{who}"
                environment = {"HF_DATASETS_CACHE": f"{scratch}/cache"}
                found = in_process(["--phase", who, form, str(directory), str(path)], environment)
                _remove(path)
                writer = "sdss_cutout" if who == "ours" else PEERS[form][0]
                print(
                    f"| `{form}` | {writer} | {found['seconds']:.0f} s | {found['cpu']:.0f} s | "
                    f"{found['peak']:.0f} MB | {found['bytes'] / 1e6:,.0f} MB |",
                    flush=True,
                )


def _remove(path: Path) -> None:
    if path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path)


if __name__ == "__main__":
    main()
