"""The small formats: Zooniverse's manifest, DS9's regions, a VOTable."""

from __future__ import annotations

import csv
import io
import re

import numpy as np
import pytest
from astropy.io.votable import validate
from astropy.table import MaskedColumn, Table
from exports import Pictures, make, row_of

from sdss_cutout import RequestError
from sdss_cutout._export.export import export


def test_zooniverse_gets_pictures_and_a_manifest(tmp_path):
    columns = Table(
        {"objID": np.array([2**63 + 5, 2], "u8"), "z": MaskedColumn([0.1, 0.2], mask=[0, 1])}
    )
    source = row_of(2, columns=columns, folder=tmp_path / "pics")
    export(source, tmp_path / "set", "zooniverse", columns=["objID", "z", "url"])
    with (tmp_path / "set" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "filename", "name", "#objID", "#z", "#url", "#ra", "#dec", "#release",
    ]  # fmt: skip
    assert (rows[0]["#objID"], rows[1]["#z"]) == (str(2**63 + 5), "")
    for row, picture in zip(rows, source, strict=True):
        assert (tmp_path / "set" / row["filename"]).read_bytes() == picture.content


def test_zooniverse_takes_no_large_pictures(tmp_path):
    class Large(Pictures):
        @property
        def table(self):
            table = super().table
            table["nbytes"][1:] = 1_000_001
            return table

    source = Large(row_of(2).pictures, {})
    with pytest.raises(RequestError, match="target 1: the picture has 1000001 bytes"):
        export(source, tmp_path / "set", "zooniverse")


def test_regions_are_the_outlines(tmp_path):
    source = make([10.0, 200.0], [-1.0, 60.0], size=[64, 100], scale=[0.4, 1.0])
    export(source, tmp_path / "set.reg", "ds9")
    lines = (tmp_path / "set.reg").read_text("utf-8").splitlines()
    assert lines[0] == "# Region file format: DS9 version 4.1"
    assert lines[1] == "icrs"
    pattern = r'box\(([\d.]+),([-\d.]+),([\d.]+)",([\d.]+)",0\) # text=\{(t\d)\}'
    found = [re.fullmatch(pattern, line).groups() for line in lines[2:]]
    assert [(name, float(w), float(h)) for _, _, w, h, name in found] == [
        ("t0", 25.6, 25.6), ("t1", 100.0, 100.0),
    ]  # fmt: skip
    # The middle of the picture is half a pixel north and east of the position that was asked for.
    assert float(found[0][1]) == pytest.approx(-1.0 + 0.2 / 3600, abs=1e-8)
    assert float(found[1][0]) == pytest.approx(200.0 + 0.5 / 3600 / np.cos(np.pi / 3), abs=1e-7)


def test_a_votable_has_links(tmp_path):
    columns = Table({"objID": np.array([2**63 + 5, 7], "u8"), "z": MaskedColumn([0.1, 0.2])})
    columns["z"].mask = [False, True]
    columns["z"].unit = "km / s"
    source = row_of(2, columns=columns, folder=tmp_path / "pics")
    export(source, tmp_path / "set.xml", "votable")
    table = Table.read(tmp_path / "set.xml", format="votable")
    assert table["objID"].tolist() == [str(2**63 + 5), "7"]
    assert table["z"].mask.tolist() == [False, True]
    assert table["z"].unit == "km / s"
    assert table["access_url"][0] == (tmp_path / "pics" / "t0.jpg").as_uri()
    assert table["access_format"].tolist() == ["image/jpeg"] * 2
    assert table["ra"].meta["ucd"] == "pos.eq.ra;meta.main"


def test_a_votable_of_pictures_in_memory_links_to_the_server(tmp_path):
    source = row_of(2)
    export(source, tmp_path / "set.xml", "votable")
    table = Table.read(tmp_path / "set.xml", format="votable")
    assert table["access_url"].tolist() == [p.request.url for p in source]


def test_a_votable_keeps_to_the_standard(tmp_path):
    export(row_of(3, columns={"z": [1.0, 2.0, 3.0]}), tmp_path / "set.xml", "votable")
    report = io.StringIO()
    assert validate(str(tmp_path / "set.xml"), output=report), report.getvalue()
