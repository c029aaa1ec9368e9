"""Marks of a contact sheet beside the other columns of a list."""

from __future__ import annotations

import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table

from sdss_cutout import TargetError, read_cutouts


@pytest.fixture
def report(client, tmp_path):
    targets = Table({"id": [7050, 7051, 7052], "ra": [20.1, 20.2, 266.4], "dec": [0.5, 0.5, -29.0]})
    return client.download(targets, tmp_path / "out", size=64)


@pytest.fixture
def marks(tmp_path):
    path = tmp_path / "marks.csv"
    path.write_text(
        "name,mark,comment,file,ra,dec\n7052,dark,,,266.4,-29\n7050,good,a bar,,20.1,0.5\n"
    )
    return path


def test_marks_stand_in_the_targets_order(report, marks):
    for cutouts in (report, read_cutouts(report.directory)):
        marked = cutouts.with_marks(marks)
        assert marked.table["mark"].tolist() == ["good", "", "dark"]
        assert marked.table["comment"].tolist() == ["a bar", "", ""]
        assert marked.table["id"].tolist() == [7050, 7051, 7052]
        assert "mark" not in cutouts.table.colnames
        assert [cutout.name for cutout in marked[marked.table["mark"] == "good"]] == ["7050"]


def test_marks_are_replaced_by_newer_ones(report, marks):
    newer = Table({"name": ["7051"], "mark": ["bad"]})
    assert report.with_marks(marks).with_marks(newer).table["mark"].tolist() == ["", "bad", ""]


def test_marks_of_a_part_are_those_of_its_targets(report, marks):
    assert report[:1].with_marks(marks).table["mark"].tolist() == ["good"]
    with pytest.raises(TargetError, match="none of the 2 names"):
        report[1:2].with_marks(marks)


def test_targets_without_columns_can_be_marked(client):
    cutouts = client.get(SkyCoord([20.1], [0.5], unit="deg"), size=64)
    marks = Table({"name": [cutouts[0].name], "mark": ["good"]})
    assert cutouts.with_marks(marks).table["mark"].tolist() == ["good"]
