"""The shared truth table, on the one implementation."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tertulia_shared.membership import Projection


def _table() -> ModuleType:
    spec = importlib.util.spec_from_file_location("membership_table", Path(__file__).with_name("table.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


table = _table()
cases = pytest.mark.parametrize("case", table.CASES, ids=[case["name"] for case in table.CASES])


@cases
def test_who_may_read_what(case: dict[str, Any]) -> None:
    projection: Projection = table.projection_of(case)
    for user, channel, expected in case["may_read"]:
        assert projection.may_read(user, channel) is expected, (user, channel)
    for user, channel, expected in case.get("is_member", []):
        assert projection.is_member(user, channel) is expected, (user, channel)
    for user, channels in case.get("readable", []):
        assert sorted(projection.readable("W", user)) == channels, user
        assert projection.readable("W", user) is projection.readable("W", user), "remembered"


@cases
def test_what_a_room_may_read(case: dict[str, Any]) -> None:
    projection: Projection = table.projection_of(case)
    for room, channels in case.get("readable_by_room", []):
        assert sorted(projection.readable_by_room(room)) == channels, room


@cases
def test_an_answer_that_was_asked_for_before_an_event_is_right_after_it(case: dict[str, Any]) -> None:
    """What is remembered is forgotten when something changes."""
    asked: Projection = table.projection_of({**case, "events": []})
    for event in case["events"]:
        for user in ("ada", "bob", "gil", "eve"):
            asked.readable("W", user)
        for channel in asked.channels_of_workspace("W"):
            asked.readable_by_room(channel)
        table.apply(asked, event)
    fresh: Projection = table.projection_of(case)
    assert asked.channels_of_workspace("W") == fresh.channels_of_workspace("W")
    for channel in fresh.channels_of_workspace("W"):
        assert asked.readable_by_room(channel) == fresh.readable_by_room(channel)
    for user in ("ada", "bob", "gil", "eve"):
        assert asked.readable("W", user) == fresh.readable("W", user)


@cases
def test_an_event_that_is_delivered_twice_changes_nothing_more(case: dict[str, Any]) -> None:
    projection: Projection = table.projection_of({**case, "events": []})
    for event in case["events"]:
        for _ in range(2):
            table.apply(projection, event)
    for user, channel, expected in case["may_read"]:
        assert projection.may_read(user, channel) is expected, (user, channel)
