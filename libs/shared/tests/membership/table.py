"""THE table of who may read what (audience.json), and how a case becomes a projection.

Every service that answers "may U read C" runs these cases; notify adds who hears of a public channel (`hears`).
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from tertulia_shared import events
from tertulia_shared.membership import Projection, Revocations
from tertulia_shared.membership.snapshot import Line, take

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("audience.json").read_text())
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def user_of(event: dict[str, Any]) -> events.User:
    kind = events.UserKind(event.get("user_kind", "person"))
    username = event.get("username", event["user"])
    return events.User(id=event["user"], username=username, display_name="U", created_at=NOW, kind=kind)


def channel_of(event: dict[str, Any]) -> events.Channel:
    return events.Channel(
        id=event["channel"],
        workspace_id=event.get("workspace", "W"),
        kind=events.ChannelKind(event.get("kind", "private")),
        name=event.get("name", event["channel"].lower()),
        topic="",
        created_by="x",
        created_at=NOW,
        last_seq=event.get("last_seq", event.get("ch_seq") or 0),
    )


def fact_of(event: dict[str, Any]) -> events.Fact:  # noqa: C901 one case for each type
    match event["type"]:
        case "member.joined":
            return events.MemberJoined(channel=channel_of(event), user=user_of(event), role=events.Role.MEMBER)
        case "member.left":
            return events.MemberLeft(user_id=event["user"], reason=events.LeaveReason.LEFT)
        case "workspace.member_joined":
            return events.WorkspaceMemberJoined(user=user_of(event), role=events.Role(event["role"]))
        case "workspace.member_left":
            return events.WorkspaceMemberLeft(user_id=event["user"], reason=events.LeaveReason.LEFT)
        case "workspace.member_updated":
            return events.WorkspaceMemberUpdated(user_id=event["user"], role=events.Role(event["role"]))
        case "channel.created":
            return events.ChannelCreated(channel=channel_of(event))
        case "channel.updated":
            return events.ChannelUpdated(channel=channel_of(event))
        case "channel.archived":
            return events.ChannelArchived(channel=channel_of(event))
        case "ban.updated":
            until = event.get("until")
            return events.BanUpdated(
                channel_id=event["channel"],
                user_id=event["user"],
                banned=event["banned"],
                at=datetime.fromtimestamp(event["at"], UTC),
                until=None if until is None else datetime.fromtimestamp(until, UTC),
            )
        case "user.updated":
            return events.UserUpdated(user=user_of(event))
        case other:
            raise AssertionError(other)


def apply(projection: Projection, event: dict[str, Any]) -> bool:
    workspace = event.get("workspace", "W")
    return projection.apply(fact_of(event), workspace, event.get("channel"), event.get("ch_seq"))


def projection_of(case: dict[str, Any]) -> Projection:
    projection, revocations = Projection(), Revocations()
    for line in case["snapshot"]:
        take(msgspec.convert(line, Line), projection, revocations)
    for event in case["events"]:
        apply(projection, event)
    return projection
