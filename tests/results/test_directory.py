"""A directory comes back: the same table, the same pictures, the same sky."""

from __future__ import annotations

import sqlite3

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

from sdss_cutout import Cutout, CutoutList, ImageError, SDSSCutouts, StoreError, read_cutouts

OUTSIDE = (266.4, -29.0)


@pytest.fixture
def client(sandbox):
    """One connection, so that targets end in their order."""
    return SDSSCutouts(base_url=sandbox.base_url, max_rate=5_000, max_connections=1)


@pytest.fixture
def targets():
    ra, dec = OUTSIDE
    return Table(
        {
            "id": ["a", "b", "out"],
            "ra": [150.0, 151.0, ra],
            "dec": [30.0, 30.5, dec],
            "objid": np.array([1237648720693755918, 2**64 - 1, 1], dtype="u8"),
            "r": MaskedColumn(np.array([16.25, 0.1, 17.5], "f4"), mask=[0, 1, 0], unit="mag"),
            "note": ["plain", 'a "quoted",\nlong', "é"],
            "flag": [True, False, True],
        }
    )


def assert_same(table, other):
    assert table.colnames == other.colnames
    for name in table.colnames:
        assert other[name].dtype.kind == table[name].dtype.kind, name
        assert other[name].unit == table[name].unit
        mask = np.ma.getmaskarray(np.ma.asarray(table[name]))
        assert mask.tolist() == np.ma.getmaskarray(np.ma.asarray(other[name])).tolist()
        ours, theirs = (np.asarray(t[name])[~mask] for t in (table, other))
        np.testing.assert_array_equal(ours, theirs, err_msg=name)


def test_table_order_pictures_and_wcs_come_back(client, targets, tmp_path):
    report = client.download(targets, tmp_path, size=80)

    cutouts = read_cutouts(tmp_path)

    assert isinstance(cutouts, CutoutList)
    assert repr(cutouts) == "<CutoutList of 3: ok 2, outside 1>"
    assert_same(report.table, cutouts.table)
    assert cutouts.table["objid"].dtype == np.dtype("u8")
    for cutout, other in zip(report, cutouts, strict=True):
        assert (other.name, other.status, other.error) == (
            cutout.name, cutout.status, cutout.error,
        )  # fmt: skip
        assert (other.url, other.content) == (cutout.url, cutout.content)
    assert cutouts[0].wcs.to_header_string() == next(iter(report)).wcs.to_header_string()
    assert cutouts[1].data.shape == (80, 80, 3)


def test_targets_without_a_picture_say_why(client, targets, tmp_path):
    client.download(targets, tmp_path, size=80)
    outside = read_cutouts(tmp_path)[2]
    assert outside.status == "outside"
    assert outside.coverage == 0.0
    with pytest.raises(ImageError, match="there is no picture, outside"):
        outside.data  # noqa: B018


def test_order_is_that_of_the_targets_over_many_connections(sandbox, tmp_path):
    client = SDSSCutouts(base_url=sandbox.base_url, max_rate=5_000, max_connections=8)
    sky = SkyCoord(np.linspace(150, 170, 60), np.full(60, 30.0), unit="deg")
    sizes = np.where(np.arange(60) % 2, 64, 700)  # large ones end later
    report = client.download(sky, tmp_path, size=sizes)
    assert read_cutouts(tmp_path).table["name"].tolist() == report.table["name"].tolist()


def test_bare_coordinates_come_back_without_columns(client, tmp_path):
    report = client.download(SkyCoord([150.0], [30.0], unit="deg"), tmp_path)
    assert_same(report.table, read_cutouts(tmp_path).table)


def test_mixin_columns_come_back_as_they_were(client, tmp_path):
    table = QTable(
        {
            "position": SkyCoord([150.0, 151.0], [30.0, 31.0], unit="deg", frame="fk5"),
            "diameter": [1.0, 2.0] * u.arcmin,
            "seen": Time(["2001-02-03", "2004-05-06"]),
        }
    )
    client.download(table, tmp_path)

    back = read_cutouts(tmp_path).table

    assert back["position"].frame.name == "fk5"
    assert back["position"].separation(table["position"]).max() < 1e-12 * u.deg
    assert back["diameter"].unit == u.arcmin
    assert back["seen"].isot.tolist() == table["seen"].isot.tolist()


def test_several_downloads_come_back_as_one(client, targets, tmp_path):
    client.download(targets, tmp_path)
    client.download(Table({"id": [7], "ra": [160.0], "dec": [30.0], "z": [0.1]}), tmp_path)
    client.download(SkyCoord([170.0], [30.0], unit="deg"), tmp_path)

    table = read_cutouts(tmp_path).table

    assert table["name"].tolist() == ["a", "b", "out", "7", "J112000.00+300000.0"]
    assert table["id"].tolist() == ["a", "b", "out", "7", None]
    assert table["objid"].tolist() == [1237648720693755918, 2**64 - 1, 1, None, None]
    assert table["objid"].dtype == np.dtype("u8")
    assert table["z"].tolist() == [None, None, None, 0.1, None]


def test_a_slice_reads_no_pictures(client, targets, tmp_path):
    client.download(targets, tmp_path)
    for path in tmp_path.glob("*.jpg"):
        path.unlink()

    some = read_cutouts(tmp_path)[1:]

    assert len(some) == 2
    assert some.table["name"].tolist() == ["b", "out"]
    assert read_cutouts(tmp_path).table["status"].tolist() == ["ok", "ok", "outside"]
    with pytest.raises(ImageError, match=r"b\.jpg: No such file"):
        some[0]


def test_pictures_that_were_altered_are_refused(client, targets, tmp_path):
    client.download(targets, tmp_path)
    path = tmp_path / "a.jpg"
    path.write_bytes(path.read_bytes()[:-9] + b"\0" * 9)
    with pytest.raises(ImageError, match=r"a\.jpg: the picture is not the one"):
        read_cutouts(tmp_path)[0]


def test_avm_given_later_does_no_harm(client, targets, tmp_path):
    client.download(targets, tmp_path, avm=True)
    cutout = read_cutouts(tmp_path)[0]
    assert cutout.status == "ok"
    assert np.array_equal(cutout.data, Cutout.read(tmp_path / "a.jpg").data)


def test_no_manifest_is_said(tmp_path):
    with pytest.raises(StoreError, match=r"none: there is no manifest\.sqlite here"):
        read_cutouts(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_damaged_manifest_is_said(tmp_path):
    (tmp_path / "manifest.sqlite").write_bytes(b"no database" * 500)
    with pytest.raises(StoreError, match=r"manifest\.sqlite: file is not a database"):
        read_cutouts(tmp_path)


def test_reading_changes_nothing(client, targets, tmp_path):
    client.download(targets, tmp_path)

    def rows():
        with sqlite3.connect(tmp_path / "manifest.sqlite") as connection:
            found = connection.execute("SELECT * FROM cutouts").fetchall()
        connection.close()
        return found

    before = rows()
    read_cutouts(tmp_path)
    assert rows() == before


def test_a_second_run_and_a_retry_keep_the_order(sandbox, tmp_path):
    client = SDSSCutouts(base_url=sandbox.base_url, max_rate=5_000, max_connections=8)
    sky = SkyCoord(np.linspace(150, 170, 60), np.full(60, 30.0), unit="deg")
    report = client.download(sky, tmp_path, size=64)
    names = report.table["name"].tolist()
    with sqlite3.connect(tmp_path / "manifest.sqlite") as connection:  # as if it had been killed
        connection.execute("DELETE FROM cutouts WHERE row % 7 = 3 OR row > 50")
    connection.close()
    for name in names[3::7]:
        (tmp_path / f"{name}.jpg").unlink()
    client.download(sky, tmp_path, size=64)
    client.download(SkyCoord([10.0], [0.0], unit="deg"), tmp_path, size=64)
    assert read_cutouts(tmp_path).table["name"].tolist() == [*names, "J004000.00+000000.0"]
