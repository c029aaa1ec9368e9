"""The dataset card: what Hugging Face reads of it, and what people do."""

from __future__ import annotations

import importlib.metadata

import numpy as np
import pytest
from astropy.table import Column, MaskedColumn, Table
from exports import row_of

from sdss_cutout import read_cutouts
from sdss_cutout._export.export import export

yaml = pytest.importorskip("yaml")


def card_of(path):
    """The header and the text of a card."""
    _, header, text = (path / "README.md").read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(header), text


@pytest.fixture
def source():
    columns = Table(
        {
            "z": MaskedColumn([0.1, 0.2, 0.3, 0.4], mask=[0, 1, 0, 0], unit="km / s"),
            "kind": ["a|b", "a|b", "<c>", "a|b"],
            "image": [1, 2, 3, 4],
        }
    )
    columns["z"].description = "redshift,\nby | hand"
    return row_of(5, columns=Table([*columns.columns.values()])[[0, 1, 2, 3, 3]], status=[
        "ok", "ok", "kept", "ok", "outside",
    ])  # fmt: skip


def test_the_header(source, tmp_path):
    export(source, tmp_path / 'my: "set"', label="kind", split={"train": 0.5, "test": 0.5})
    header, _ = card_of(tmp_path / 'my: "set"')
    assert header["pretty_name"] == 'my: "set"'
    assert header["license_link"] == "https://www.sdss.org/collaboration/image-use-policy/"
    assert header["tags"] == ["astronomy", "sdss"]
    assert header["task_categories"] == ["image-classification"]
    [config] = header["configs"]
    assert config["data_files"] == [
        {"split": "train", "path": "train/**"}, {"split": "test", "path": "test/**"},
    ]  # fmt: skip


def test_the_text(source, tmp_path):
    export(source, tmp_path / "set", label="kind", split={"train": 0.5, "test": 0.5}, seed=7)
    _, text = card_of(tmp_path / "set")
    for expected in (
        "# set\n",
        "SDSS data release 17, from https://skyserver.sdss.org",
        "64 x 64 pixels, 0.4 arcsec per pixel",
        f"sdss_cutout {importlib.metadata.version('sdss_cutout')}",
        "CC BY",
        "https://www.sdss.org/collaboration/citing-sdss/",
        "Divided at random (seed 7) by train 0.5, test 0.5, label by label.",
        "Targets without a picture, which were left out: 1 outside.",
        "image is input_image",
        "| pictures | 2 | 2 |",
        "| `&lt;c>` |",
        "| `a\\|b` |",
        "| `z` | float64 | km / s | 1 | redshift, by \\| hand |",
        "| `label` | text |  |  | the column `kind` |",
        "| `input_image` | int64 |  |  | the column `image` |",
        'load_dataset("imagefolder", data_dir=FOLDER)',
    ):
        assert expected in text
    assert "SIMULATED" not in text


def test_the_query_is_told(tmp_path):
    source = row_of(2)
    source.columns = Table({"g": [1.0, 2.0]}, meta={"query": "SELECT  TOP 2\n<g> FROM Galaxy"})
    export(source, tmp_path / "set")
    assert "- **targets**: SELECT TOP 2 &lt;g> FROM Galaxy\n" in card_of(tmp_path / "set")[1]


def test_query_and_file_come_along(client, tmp_path):
    sql = "SELECT TOP 3 objID, ra, dec FROM Galaxy WHERE r < 17 ORDER BY objID"
    report = client.download_sql(sql, tmp_path / "pics", size=64)
    for number, pictures in enumerate((report, read_cutouts(tmp_path / "pics"), report[:2])):
        pictures.export(tmp_path / f"set{number}")
        text = card_of(tmp_path / f"set{number}")[1]
        assert f"- **targets**: {sql.replace('<', '&lt;')}\n" in text
    (tmp_path / "mine.csv").write_text("id,ra,dec\na,20.1,0.5\n")
    client.get(tmp_path / "mine.csv", size=64).export(tmp_path / "set")
    assert "- **targets**: the table mine.csv\n" in card_of(tmp_path / "set")[1]


def test_what_is_simulated_is_called_so(tmp_path):
    source = row_of(2, origin="sdss_cutout-sandbox/SIMULATED", folder=tmp_path / "pics")
    export(source, tmp_path / "set")
    header, text = card_of(tmp_path / "set")
    assert "**SIMULATED: the pictures come from the sandbox" in text
    assert header["tags"] == ["astronomy", "simulated"]
    assert "license" not in header
    assert "acknowledge" not in text
    for form in ("ds9", "votable"):
        export(source, tmp_path / form, form)
        assert "SIMULATED" in (tmp_path / form).read_text("utf-8")
    h5py = pytest.importorskip("h5py")
    export(source, tmp_path / "hdf5", "hdf5")
    with h5py.File(tmp_path / "hdf5") as file:
        assert file.attrs["simulated"].startswith("SIMULATED")


@pytest.mark.parametrize("form", ["parquet", "webdataset"])
def test_files_of_the_splits(form, tmp_path):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    export(row_of(4, columns={"s": ["a", "b", "a", "b"]}), tmp_path / "set", form, split="s")
    header, _ = card_of(tmp_path / "set")
    for files in header["configs"][0]["data_files"]:
        assert len(list((tmp_path / "set").glob(files["path"]))) == 1


def test_many_labels_are_not_all_listed(tmp_path):
    source = row_of(150, columns={"z": Column(np.arange(150) / 7)})
    export(source, tmp_path / "set", label="z")
    _, text = card_of(tmp_path / "set")
    assert "| and 50 labels more | |" in text
