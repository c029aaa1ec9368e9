"""SQL as people paste it: comments and the last semicolon go, what is quoted stays."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from sdss_cutout._transfer.sql.text import clean_sql

CLEANED = [
    ("-- bright\nSELECT 1 -- Petrosian?\nFROM t;\n", "SELECT 1 FROM t"),
    ("SELECT 'a--b', \"c--d\", [e--f] ; ;", "SELECT 'a--b', \"c--d\", [e--f]"),
    ("SELECT 'it''s -- ;' ;", "SELECT 'it''s -- ;'"),
    ("/* a /* nested */ b */SELECT 1/2-3", "SELECT 1/2-3"),
    ("SELECT '/*' AS x /* y */", "SELECT '/*' AS x"),
    ("SELECT\r\n\n\t1", "SELECT 1"),
    ("\ufeffSELECT 1", "SELECT 1"),
    ("SELECT 'a;b';", "SELECT 'a;b'"),
    ("SELECT 1; SELECT 2;", "SELECT 1; SELECT 2"),
    ("SELECT a-b, -c FROM t", "SELECT a-b, -c FROM t"),
    ("SELECT 'open -- ;", "SELECT 'open --"),
]


@pytest.mark.parametrize(("sql", "cleaned"), CLEANED)
def test_a_query_as_pasted_is_cleaned(sql, cleaned):
    assert clean_sql(sql) == cleaned
    assert clean_sql(cleaned) == cleaned


@given(st.text("a'\"[]-/*; \n", max_size=20))
def test_cleaning_keeps_quotes_and_ends(sql):
    cleaned = clean_sql(f"{sql}")
    assert not cleaned.endswith((";", " ", "\n"))
    assert clean_sql(f"-- it's\n/* \"[ */{sql};") == cleaned
