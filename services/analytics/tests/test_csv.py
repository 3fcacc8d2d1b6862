"""CSV that other programs read, and that no spreadsheet executes."""

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tertulia_analytics.reports import csv_text
from tertulia_analytics.reports.tables import Column, Table

COLUMNS = [Column("name", "Channel", "text"), Column("messages", "Messages", "count")]


def rendered(*names: str | None) -> bytes:
    table = Table(columns=COLUMNS, rows=[[name, 1] for name in names], totals={}, previous={})
    return csv_text.render(table)


def test_it_is_as_rfc_4180_says():
    assert rendered('a "b", c', None) == b'name,messages\r\n"a ""b"", c",1\r\n,1\r\n'


def test_times_are_utc():
    rows = [[datetime(2026, 11, 18, 1, 2, 3, tzinfo=UTC), 2]]
    table = Table(columns=[Column("time", "Time", "time"), COLUMNS[1]], rows=rows, totals={}, previous={})
    assert csv_text.render(table) == b"time,messages\r\n2026-11-18T01:02:03Z,2\r\n"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "  =1", '=cmd|"/C calc"!A0', "＝1"])
def test_a_formula_is_text(name: str):
    (_, row) = list(csv.reader(io.StringIO(rendered(name).decode(), newline="")))
    assert row[0] == f"'{name}"


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_name_comes_back(name: str):
    (_, row) = list(csv.reader(io.StringIO(rendered(name).decode(), newline="")))
    assert row[0].removeprefix("'") == name.removeprefix("'") or row[0] == name
    assert not row[0].lstrip(" ").startswith(csv_text.FORMULA_STARTS)
