"""``sdss-cutout export``, run as a user runs it."""

from __future__ import annotations

import json

import pytest
from astropy.table import Table
from click.testing import CliRunner

from sdss_cutout import SDSSCutouts
from sdss_cutout.cli import main


def run(*arguments):
    """Return exit status, standard output and standard error."""
    result = CliRunner().invoke(main, ["export", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def pictures(running_sandbox, tmp_path_factory):
    """A download of ten pictures and one target outside."""
    folder = tmp_path_factory.mktemp("export") / "pics"
    table = Table({"id": [f"t{n}" for n in range(11)], "ra": [20.0 + n / 10 for n in range(11)]})
    table["dec"] = [0.5] * 10 + [28.9]
    table["ra"][10] = 86.4
    table["kind"] = ["a", "b"] * 5 + ["a"]
    table["fold"] = ["train"] * 8 + ["test"] * 3
    client = SDSSCutouts(base_url=running_sandbox.base_url, max_rate=5_000, show_progress=False)
    client.download(table, folder, size=64)
    return folder


def test_the_set_is_named(pictures, tmp_path):
    status, out, err = run(pictures, "-o", tmp_path / "set", "--label", "kind")
    assert (status, out) == (0, f"{tmp_path / 'set'}\n")
    assert "train 10" in err
    assert "outside 1" in err
    assert (tmp_path / "set" / "train" / "a" / "t0.jpg").is_file()


def test_as_json(pictures, tmp_path):
    split = ("--split", "train=0.8,validation=0.1,test=0.1", "--seed", 3, "--format", "webdataset")
    status, out, _ = run(pictures, "-o", tmp_path / "set", *split, "--json")
    found = json.loads(out)
    assert status == 0
    assert (found["path"], found["format"]) == (str(tmp_path / "set"), "webdataset")
    assert found["counts"] == {"train": 8, "validation": 1, "test": 1}
    assert found["skipped"] == {"outside": 1}


def test_a_column_of_splits(pictures, tmp_path):
    status, out, _ = run(pictures, "-o", tmp_path / "set", "--split", "fold", "--json", "--quiet")
    assert (status, json.loads(out)["counts"]) == (0, {"train": 8, "test": 2})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--split", "train=0.8"], "--split"),
        (["--split", "train=most"], "--split 'train=most' is not a fraction"),
        (["--format", "zip"], "'zip' is not a format"),
        (["--label", "no"], "there is no column 'no'"),
        (["--columns", "kind,no"], "there is no column 'no'"),
    ],
)
def test_wrong_use(options, message, pictures, tmp_path):
    status, out, err = run(pictures, "-o", tmp_path / "set", *options)
    assert (status, out) == (2, "")
    assert message in err
    assert not (tmp_path / "set").exists()


def test_what_exists_is_replaced_on_request_only(pictures, tmp_path):
    run(pictures, "-o", tmp_path / "set")
    status, _, err = run(pictures, "-o", tmp_path / "set")
    assert (status, "or --overwrite to replace it" in err) == (2, True)
    assert run(pictures, "-o", tmp_path / "set", "--overwrite")[0] == 0
    assert run(pictures, "-o", pictures, "--overwrite")[0] == 2


def test_a_directory_without_a_download(tmp_path):
    assert run(tmp_path, "-o", tmp_path / "set")[0] == 2
