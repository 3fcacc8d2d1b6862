"""The truth table of "may user U read channel C" (audience.json, shared with other services), and of replays."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tertulia_notify.delivery.event import Event
from tertulia_notify.membership.audience import Audience
from tertulia_notify.membership.projection import Projection
from tertulia_shared import events

CASES = json.loads(Path(__file__).with_name("audience.json").read_text())
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def _fact(event: dict[str, Any]) -> events.Fact:
    user = events.User(id=event["user"], username="u", display_name="U", created_at=NOW)
    match event["type"]:
        case "member.joined":
            channel = events.Channel(
                id=event["channel"],
                workspace_id="W",
                kind=events.ChannelKind.PRIVATE,
                name="c",
                topic="",
                created_by="x",
                created_at=NOW,
            )
            return events.MemberJoined(channel=channel, user=user, role=events.Role.MEMBER)
        case "member.left":
            return events.MemberLeft(user_id=event["user"], reason=events.LeaveReason.LEFT)
        case "workspace.member_joined":
            return events.WorkspaceMemberJoined(user=user, role=events.Role(event["role"]))
        case "workspace.member_left":
            return events.WorkspaceMemberLeft(user_id=event["user"], reason=events.LeaveReason.LEFT)
        case other:
            raise AssertionError(other)


def _audience(case: dict[str, Any]) -> Audience:
    projection = Projection()
    for line in case["snapshot"]:
        if "n" in line:
            projection.reflects(line["c"], line["n"])
        elif "c" in line:
            projection.join(line["c"], line["w"], line["u"], line["s"])
        else:
            projection.join_workspace(line["w"], line["u"], line["role"])
    for event in case["events"]:
        projection.apply(_fact(event), "W", event.get("channel"), event.get("ch_seq"))
    return Audience(projection)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_may_read(case: dict[str, Any]) -> None:
    audience = _audience(case)
    for user, channel, expected in case["may_read"]:
        assert audience.may_read(user, channel) is expected, (user, channel)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
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
    frame: bytes | None = b"x",
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
        frame=frame,
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
        (_event("user", "bob", frame=None), set()),
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
