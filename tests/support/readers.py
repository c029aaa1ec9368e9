"""What the real libraries read of a training set: per split the rows, as dictionaries.

Each row has its columns, ``wcs`` as text, and either the picture's ``bytes`` or its ``pixels``.
"""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from astropy.table import Table
from PIL import Image


def load_dataset(tmp_path, *arguments, **options):
    """`datasets.load_dataset`, without a network and with a cache of its own."""
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    found = datasets.load_dataset(*arguments, cache_dir=str(tmp_path / "cache"), **options)
    return {
        split: found[split].cast_column("image", datasets.Image(decode=False))
        if "image" in found[split].column_names
        else found[split]
        for split in found
    }


def _rows_of_images(found):
    for split, rows in found.items():
        plain = []
        for row in rows:
            image = row.pop("image")
            content = image["bytes"]
            if content is None:
                with open(image["path"], "rb") as file:
                    content = file.read()
            plain.append({**row, "bytes": content})
        yield split, plain


def imagefolder(path, tmp_path):
    found = load_dataset(tmp_path, "imagefolder", data_dir=str(path))
    return dict(_rows_of_images(found))


def imagefolder_by_card(path, tmp_path):
    return dict(_rows_of_images(load_dataset(tmp_path, str(path))))


def parquet(path, tmp_path):
    return dict(_rows_of_images(load_dataset(tmp_path, str(path))))


def parquet_by_pandas(path, tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    found = {}
    for file in sorted((path / "data").iterdir()):
        frame = pandas.read_parquet(file, dtype_backend="pyarrow")
        rows = [
            {k: None if v is pandas.NA else v for k, v in row.items()}
            for row in frame.to_dict(orient="records")
        ]
        for row in rows:
            row["bytes"] = row.pop("image")["bytes"]
        found.setdefault(file.name.split("-")[0], []).extend(rows)
    return found


def parquet_by_polars(path, tmp_path):
    polars = pytest.importorskip("polars")
    found = {}
    for file in sorted((path / "data").iterdir()):
        rows = polars.read_parquet(file).to_dicts()
        for row in rows:
            row["bytes"] = row.pop("image")["bytes"]
        found.setdefault(file.name.split("-")[0], []).extend(rows)
    return found


def webdataset(path, tmp_path):
    wds = pytest.importorskip("webdataset")
    found = {}
    for file in sorted(path.glob("*.tar")):
        samples = wds.WebDataset(str(file), shardshuffle=False)
        rows = [
            {**json.loads(s["json"]), "bytes": s["jpg"], "sidecar_bytes": s["wcs"]} for s in samples
        ]
        found.setdefault(file.name.rpartition("-")[0], []).extend(rows)
    return found


def webdataset_by_datasets(path, tmp_path):
    datasets = pytest.importorskip("datasets")
    found = load_dataset(tmp_path, "webdataset", data_dir=str(path))
    return {
        split: [
            {**row["json"], "bytes": row["jpg"]["bytes"], "sidecar_bytes": row["wcs"]}
            for row in rows.cast_column("jpg", datasets.Image(decode=False))
        ]
        for split, rows in found.items()
    }


def hdf5(path, tmp_path):
    h5py = pytest.importorskip("h5py")
    found = {}
    with h5py.File(path) as file:
        for split, group in file.items():
            columns = {}
            for name, dataset in group.items():
                if name in ("images", "table") or name.startswith("table.") or ".mask" in name:
                    continue
                values = dataset[:].tolist()
                if dataset.dtype.kind in "SO":
                    values = [value.decode() for value in values]
                if f"{name}.mask" in group:
                    mask = group[f"{name}.mask"][:].tolist()
                    values = [None if m is True else v for v, m in zip(values, mask, strict=True)]
                columns[name] = values
            columns["pixels"] = list(group["images"][:])
            found[split] = _rows(columns)
    return found


def hdf5_by_astropy(path, tmp_path):
    h5py = pytest.importorskip("h5py")
    found = {}
    with h5py.File(path) as file:
        splits = {s: (list(g["images"][:]), g["wcs"][:].tolist()) for s, g in file.items()}
    for split, (pixels, wcs) in splits.items():
        table = Table.read(path, path=f"{split}/table")
        table.convert_bytestring_to_unicode()
        columns = {name: table[name].tolist() for name in table.colnames}
        columns |= {"pixels": pixels, "wcs": [text.decode() for text in wcs]}
        found[split] = _rows(columns)
    return found


def _rows(columns):
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def zoobot(path, tmp_path):
    found = {}
    for file in path.glob("*.csv"):
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        for row in rows:
            with open(row["file_loc"], "rb") as picture:
                row["bytes"] = picture.read()
            assert row.pop("id_str") == row["name"]
            del row["file_loc"]
        found[file.stem] = rows
    return found


def zoobot_by_pandas(path, tmp_path):
    pandas = pytest.importorskip("pandas")
    found = {}
    for file in path.glob("*.csv"):
        frame = pandas.read_csv(file, dtype=str, keep_default_na=False)
        rows = frame.to_dict(orient="records")
        for row in rows:
            with open(row["file_loc"], "rb") as picture:
                row["bytes"] = picture.read()
            assert row.pop("id_str") == row["name"]
            del row["file_loc"]
        found[file.stem] = rows
    return found


READERS = {
    "imagefolder": (imagefolder, imagefolder_by_card),
    "parquet": (parquet, parquet_by_pandas, parquet_by_polars),
    "webdataset": (webdataset, webdataset_by_datasets),
    "hdf5": (hdf5, hdf5_by_astropy),
    "zoobot": (zoobot, zoobot_by_pandas),
}


def pixels_of(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
