"""One declaration of the result columns makes tables, JSON lines and the manifest's table."""

from __future__ import annotations

import json
import math

from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout import read_cutouts
from sdss_cutout._results.columns import MANIFEST_COLUMNS, RESULT_COLUMNS, jsonable, result_table

NAMES = [column.name for column in RESULT_COLUMNS]


def test_every_column_says_what_it_holds():
    for column in {*RESULT_COLUMNS, *MANIFEST_COLUMNS}:
        assert len(column.description) > 10


def test_all_tables_have_the_same_columns(client, tmp_path):
    targets = Table({"id": ["a", "b"], "ra": [20.0, 266.4], "dec": [0.0, -29.0]})
    listed = client.get(targets, size=64).table
    reported = client.download(targets, tmp_path, size=64).table
    back = read_cutouts(tmp_path).table
    written = Table.read(tmp_path / "manifest.ecsv")
    for table in (listed, reported, back):
        assert table.colnames == ["id", "ra", "dec", *NAMES]
    for column in RESULT_COLUMNS:
        kinds = {table[column.name].dtype.kind for table in (listed, reported, back)}
        assert len(kinds) == 1
        assert reported[column.name].description == column.description
        if column.name in written.colnames:
            assert written[column.name].unit == reported[column.name].unit
            assert written[column.name].dtype.kind in kinds
    assert set(NAMES) - set(written.colnames) == {"path", "sidecar"}


def test_no_targets_keep_the_types():
    table = result_table(Table(), {name: [] for name in NAMES})
    assert [table[name].dtype.kind for name in NAMES] == [c.dtype[0] for c in RESULT_COLUMNS]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def leaves(value):
    if isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    else:
        yield value


@given(VALUES)
def test_json_is_strict_and_exact_at_any_depth(value):
    made = jsonable("x", value)
    text = json.dumps(made, allow_nan=False)
    for leaf, written in zip(leaves(value), leaves(json.loads(text)), strict=False):
        if isinstance(leaf, float) and not math.isfinite(leaf):
            assert written is None
        elif isinstance(leaf, int) and not isinstance(leaf, bool):
            assert int(written) == leaf
            assert isinstance(written, str) == (abs(leaf) > 2**53)


def test_identifiers_are_text_whatever_their_size():
    assert jsonable("objID", 7) == "7"
    assert jsonable("objid", [2**63 + 5]) == [str(2**63 + 5)]
    assert jsonable("z", 7) == 7
