"""The outcomes of many targets, held small, give back what was put in."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout._results.columns import RESULT_COLUMNS
from sdss_cutout._results.outcome import FAILED, KEPT, OK, OUTSIDE, Outcome, Outcomes

SHA = "0f" * 32


def test_the_columns_are_those_of_the_contract():
    assert " ".join(column.name for column in RESULT_COLUMNS) == (
        "name status path sidecar url width height scale coverage nbytes sha256 attempts error"
    )


def test_nothing_has_an_outcome_at_first():
    found = Outcomes(2)
    assert len(found) == 2
    assert found.status(1) == ""
    assert found.counts() == {"ok": 0, "kept": 0, "outside": 0, "failed": 0}
    assert math.isnan(found.columns()["coverage"][0])
    assert found.columns()["sha256"] == ["", ""]


OUTCOMES = st.builds(
    Outcome,
    index=st.integers(0, 4),
    name=st.just("x"),
    status=st.sampled_from([OK, KEPT, OUTSIDE, FAILED]),
    coverage=st.sampled_from([0.0, 0.5, 1.0]),
    nbytes=st.integers(0, 2**40),
    sha256=st.sampled_from(["", SHA]) | st.binary(min_size=32, max_size=32).map(bytes.hex),
    attempts=st.integers(0, 100),
    error=st.sampled_from(["", "503"]),
)
ZERO = "0" * 64


@given(st.lists(OUTCOMES, max_size=12))
def test_the_last_outcome_of_a_row_is_given_back(puts):
    found, last = Outcomes(3), {}
    found.extend(2)
    for outcome in puts:
        found.put(outcome)
        last[outcome.index] = outcome
    columns = found.columns()
    for row, outcome in last.items():
        for name in ("status", "coverage", "nbytes", "attempts", "error"):
            assert columns[name][row] == getattr(outcome, name)
        assert columns["sha256"][row] == ("" if outcome.sha256 == ZERO else outcome.sha256)
    for status, count in found.counts().items():
        assert found.rows(status) == [r for r in range(5) if found.status(r) == status]
        assert count == len(found.rows(status))


def put(outcomes, index, **fields):
    outcomes.put(Outcome(index=index, name="x", **fields))


def test_a_copy_is_another_object_and_rows_are_taken_whole():
    first = Outcomes(2)
    put(first, 0, status=FAILED, error="503")
    put(first, 1, status=OK, sha256=SHA, nbytes=7, coverage=1.0, attempts=2)
    second = first.copy()
    second.take_row(0, first, 1)
    assert [values[0] for values in second.columns().values()] == ["ok", 1.0, 7, SHA, 2, ""]
    assert first.status(0) == FAILED
    second.take_row(1, first, 0)
    assert second.columns()["error"] == ["", "503"]


def test_more_attempts_than_the_column_holds():
    found = Outcomes(1)
    put(found, 0, status=OK, attempts=10**6)
    assert found.columns()["attempts"][0] == 65_535


def test_an_unknown_status_is_a_mistake():
    with pytest.raises(ValueError, match="not in"):
        put(Outcomes(1), 0, status="lost")
