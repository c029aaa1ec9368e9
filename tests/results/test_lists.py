"""Lists and reports: selections, comparisons, and what they survive."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout import CutoutList, DownloadReport, read_cutouts
from sdss_cutout._results.selection import rows_of
from sdss_cutout.sandbox import Fault

NAMES = ["a", "b", "c", "d"]


@pytest.fixture
def targets():
    return Table({"id": NAMES, "ra": [20.0, 20.1, 266.4, 20.3], "dec": [0.0, 0, -29, 0]})


@pytest.fixture(params=["list", "report", "directory"])
def results(request, client, targets, tmp_path):
    if request.param == "list":
        return client.get(targets, size=64)
    report = client.download(targets, tmp_path / "out", size=64)
    return report if request.param == "report" else read_cutouts(tmp_path / "out")


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (slice(1, 3), ["b", "c"]),
        (slice(None, None, -1), ["d", "c", "b", "a"]),
        ([True, False, False, True], ["a", "d"]),
        (np.array([True, False, False, True]), ["a", "d"]),
        (np.array([3, 0, -2]), ["d", "a", "c"]),
        ([3, 0], ["d", "a"]),
        (["d", "b"], ["d", "b"]),
        (np.array(["d", "b"]), ["d", "b"]),
        (Table({"n": ["b"]})["n"], ["b"]),
        (MaskedColumn([True, True, False, False], mask=[0, 1, 0, 0]), ["a"]),
        ([], []),
        (np.zeros(4, bool), []),
    ],
    ids=str,
)
def test_a_selection_is_a_list_with_the_same_columns(results, index, expected):
    some = results[index]
    assert isinstance(some, CutoutList)
    assert [cutout.name for cutout in some] == expected
    assert some.table["name"].tolist() == some.table["id"].tolist() == expected
    assert some.table.colnames == results.table.colnames
    by_name = {row["name"]: row["status"] for row in results.table}
    assert some.table["status"].tolist() == [by_name[name] for name in expected]


def test_a_column_of_the_table_selects(results):
    table = results.table
    assert results[table["status"] == "outside"].table["name"].tolist() == ["c"]
    assert results[np.argsort(table["ra"])[:2]].table["name"].tolist() == ["a", "b"]


def test_one_target_by_number_and_by_name(results):
    assert results[1].name == results["b"].name == results[np.int64(1)].name == "b"
    assert results[-1].name == "d"
    assert results["b"].data.shape == (64, 64, 3)
    with pytest.raises(IndexError):
        results[4]
    with pytest.raises(KeyError, match="'x' is not the name of one of the 4 targets"):
        results["x"]
    with pytest.raises(KeyError, match="'x' is not"):
        results[["a", "x"]]
    with pytest.raises(IndexError, match="the mask has 3 values for 4 targets"):
        results[[True, False, True]]
    with pytest.raises(TypeError, match="is not an index"):
        results[1.5]


def test_a_selection_has_what_a_list_has(results):
    some = results[["a", "b"]]
    assert len(some.montage().axes[0].images) == 2
    assert some.counts["failed"] == 0
    assert "<img" in some._repr_html_()
    assert some[::-1]["a"].content == results["a"].content


def test_comparisons_do_not_raise(results):
    assert results == results
    assert (results == results[:]) in (True, False)
    assert results != 3
    assert len({results, results}) == 1
    assert results[0] in results
    assert results[2] in results
    assert 5 not in results


def test_results_pickle(results):
    back = pickle.loads(pickle.dumps(results))
    assert back.table["sha256"].tolist() == results.table["sha256"].tolist()
    assert back["a"].content == results["a"].content
    assert repr(back) == repr(results)


def test_a_report_that_was_pickled_tries_again(client, sandbox, targets, tmp_path):
    sandbox.inject(Fault("bad_request", match="ra=20.1"))
    report = pickle.loads(pickle.dumps(client.download(targets, tmp_path, size=64)))
    sandbox.reset()
    assert report.counts["failed"] == 1
    assert report.retry().table["status"].tolist() == ["ok", "ok", "outside", "ok"]


def test_a_report_works_after_the_working_directory_changes(
    client, sandbox, targets, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    sandbox.inject(Fault("bad_request", match="ra=20.1"))
    report = client.download(targets, "out", size=64)
    sandbox.reset()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert report[0].data.shape == (64, 64, 3)
    assert all(os.path.exists(path) for path in report.table["path"] if path)
    assert report.retry().counts["ok"] == 3
    assert report.write_html() == tmp_path / "out" / "index.html"
    assert not os.listdir(tmp_path / "elsewhere")


@given(st.lists(st.text(), unique=True, max_size=8), st.data())
def test_rows_are_those_of_numpy(names, data):
    numbers = st.integers(-len(names), len(names) - 1) if names else st.nothing()
    index = data.draw(
        st.lists(numbers)
        | st.slices(len(names))
        | st.lists(st.booleans(), min_size=len(names), max_size=len(names)).map(
            lambda mask: np.array(mask, bool)
        )
    )
    rows = rows_of(index, names)
    if isinstance(index, list) and not index:
        index = np.zeros(0, int)
    assert np.array_equal(rows, np.arange(len(names))[index])


@pytest.mark.parametrize("kind", [CutoutList, DownloadReport])
def test_a_list_cannot_be_made_of_nothing(kind):
    with pytest.raises(TypeError, match="cutouts"):
        kind()
