"""Cursors are not sealed: whatever somebody writes into one is a place, or refused."""

import base64

import msgspec
import pytest

from tertulia_search.engines.port import LAST_MS, Position
from tertulia_search.errors import CursorInvalid
from tertulia_search.find.cursors import ByRelevance, ByTime, mark_of, read, write

MARK = mark_of("W", "tea", "newest")
SOMEWHERE = "01990000-0000-7000-8000-000000000006"


def forged(number: int, tie: int, message_id: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([MARK, number, tie, message_id])).rstrip(b"=").decode()


@pytest.mark.parametrize("place", [ByTime(Position(LAST_MS, 7, SOMEWHERE)), ByTime(Position(0, 0, SOMEWHERE))])
def test_a_place_in_time_comes_back_as_it_was(place):
    assert read(write(MARK, place), MARK, "newest") == place


def test_a_place_by_relevance_comes_back_as_it_was():
    assert read(write(MARK, ByRelevance(40, 1_700_000_000_000)), MARK, "relevance") == ByRelevance(
        40, 1_700_000_000_000
    )


@pytest.mark.parametrize(("number", "tie"), [(1 << 50, 0), (1, 1 << 22), (-1, 0), (0, -1), (1 << 63, 1)])
def test_a_time_that_no_page_ended_with_is_refused(number, tie):
    with pytest.raises(CursorInvalid):
        read(forged(number, tie, SOMEWHERE), MARK, "newest")


@pytest.mark.parametrize(("number", "tie"), [(1 << 63, 0), (0, 1 << 63), (-1, 0)])
def test_a_rank_that_no_page_ended_with_is_refused(number, tie):
    with pytest.raises(CursorInvalid):
        read(forged(number, tie, ""), MARK, "relevance")
