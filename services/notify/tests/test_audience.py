"""Which event is for whom: by the shared table of memberships, live and in a replay."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from tertulia_notify.delivery.event import Event
from tertulia_notify.membership.audience import Audience
from tertulia_shared import events


def _shared_table() -> Any:
    path = Path(__file__).parents[3] / "libs" / "shared" / "tests" / "membership" / "table.py"
    spec = importlib.util.spec_from_file_location("membership_table", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


table = _shared_table()


def _audience(case: dict[str, Any]) -> Audience:
    return Audience(table.projection_of(case))


@pytest.mark.parametrize("case", table.CASES, ids=[case["name"] for case in table.CASES])
def test_messages_are_for_members_and_not_for_those_who_only_may_read(case: dict[str, Any]) -> None:
    audience = _audience(case)
    for user, channel, expected in case.get("is_member", []):
        assert audience.is_for(user, _event("ch", channel, ch_seq=1_000)) is expected, (user, channel)


@pytest.mark.parametrize("case", table.CASES, ids=[case["name"] for case in table.CASES])
def test_who_hears_of_a_public_channel(case: dict[str, Any]) -> None:
    """`hears`: whether an event for the whole workspace, about that channel (null: about none), is for the user."""
    audience = _audience(case)
    for user, channel, expected in case.get("hears", []):
        assert audience.is_for(user, _event("ws", "W", channel_id=channel)) is expected, (user, channel)


def _event(
    scope: Any,
    target: str,
    *,
    ch_seq: int | None = None,
    fact: Any = None,
    visible: bool = True,
    channel_id: str | None = None,
) -> Event:
    return Event(
        seq=1,
        event_id="e",
        event_type="t",
        scope=scope,
        target=target,
        workspace_id="W",
        ch_seq=ch_seq,
        time_ms=None,
        fact=fact,
        body=b"x",
        seal=str,
        visible=visible,
        channel_id=channel_id,
    )


_LEFT = events.MemberLeft(user_id="eve", reason=events.LeaveReason.LEFT)


@pytest.mark.parametrize(
    ("event", "readers"),
    [
        (_event("ch", "C", ch_seq=9), {"ada", "bob"}),
        (_event("ch", "C", ch_seq=5), {"ada", "bob"}),
        (_event("ch", "C", ch_seq=4), {"ada"}),
        (_event("ch", "C"), {"ada", "bob"}),
        (_event("ch", "D", ch_seq=1), set()),
        (_event("ch", "C", ch_seq=9, fact=_LEFT), {"ada", "bob", "eve"}),
        (_event("ws", "W"), {"ada"}),
        (_event("ws", "V"), set()),
        (_event("user", "bob"), {"bob"}),
        (_event("user", "bob", visible=False), set()),
    ],
    ids=[
        "members",
        "from the joining on",
        "not before the joining",
        "without a number: members",
        "nobody's channel",
        "also the one who left",
        "workspace",
        "another workspace",
        "one person",
        "internal",
    ],
)
def test_who_is_shown_an_event_in_a_replay(event: Event, readers: set[str]) -> None:
    audience = _audience(
        {
            "snapshot": [
                {"w": "W", "u": "ada", "role": "member"},
                {"c": "C", "w": "W", "u": "ada", "s": 1},
                {"c": "C", "w": "W", "u": "bob", "s": 5},
            ],
            "events": [],
        }
    )
    assert {user for user in ("ada", "bob", "eve", "mallory") if audience.is_for(user, event)} == readers
