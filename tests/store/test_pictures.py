"""A picture under its final name always has a sidecar that tells of it."""

from __future__ import annotations

import os

import pytest
from astropy.coordinates import SkyCoord

from sdss_cutout import ImageError
from sdss_cutout._store.files import scratch_folder
from sdss_cutout._store.pictures import read_picture, write_picture


@pytest.fixture
def picture(client):
    return client.get(SkyCoord(19.0, 0.0, unit="deg"), size=64).picture


def test_the_sidecar_is_there_before_the_picture(picture, tmp_path, monkeypatch):
    seen = []
    real = os.replace

    def note(source, target):
        real(source, target)
        seen.append(sorted(path.name for path in tmp_path.glob("a.*")))

    monkeypatch.setattr(os, "replace", note)
    with scratch_folder(tmp_path) as scratch:
        write_picture(tmp_path, scratch, "a", picture)
    assert seen == [["a.wcs"], ["a.jpg", "a.wcs"]]


def test_a_name_with_dots_keeps_them(picture, tmp_path):
    with scratch_folder(tmp_path) as scratch:
        write_picture(tmp_path, scratch, "J011600.00+000000.0", picture)
    found, header = read_picture(tmp_path / "J011600.00+000000.0.jpg")
    assert found == picture
    assert header["OBJECT"] == "J011600.00+000000.0"


def test_a_sidecar_of_another_picture_is_noticed(client, picture, tmp_path):
    other = client.get(SkyCoord(19.1, 0.0, unit="deg"), size=64).picture
    with scratch_folder(tmp_path) as scratch:
        write_picture(tmp_path, scratch, "a", picture._replace(sidecar_bytes=other.sidecar_bytes))
    with pytest.raises(ImageError, match="is not the one that its sidecar describes"):
        read_picture(tmp_path / "a.jpg")
