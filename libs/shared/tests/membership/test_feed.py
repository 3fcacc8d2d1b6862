"""The feed on a real NATS server: current in moments, complete whatever is lost, alive while others are away."""

import time
from datetime import UTC, datetime
from typing import Any

from tertulia_shared import events
from tertulia_shared.bus import FollowLimits
from tertulia_shared.membership import MembershipFeed

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SLOW_TAIL = FollowLimits(tail_check_s=60)


def channel(name: str, kind: str = "private", title: str | None = None) -> events.Channel:
    return events.Channel(
        id=name,
        workspace_id="W",
        kind=events.ChannelKind(kind),
        name=title or name.lower(),
        topic="",
        created_by="x",
        created_at=NOW,
    )


def person(name: str, username: str | None = None) -> events.User:
    return events.User(id=name, username=username or name, display_name=name, created_at=NOW)


def joined(world: Any, room: str, user: str, ch_seq: int, kind: str = "private") -> Any:
    fact = events.MemberJoined(channel=channel(room, kind), user=person(user), role=events.Role.MEMBER)
    return world.event(fact, "ch", room, ch_seq)


def left(world: Any, room: str, user: str, ch_seq: int) -> Any:
    return world.event(events.MemberLeft(user_id=user, reason=events.LeaveReason.LEFT), "ch", room, ch_seq)


def message(world: Any, room: str, ch_seq: int) -> Any:
    said = events.Message(
        id=f"m{ch_seq}",
        workspace_id="W",
        channel_id=room,
        ch_seq=ch_seq,
        author_id="ada",
        text="hello",
        client_msg_id=f"c{ch_seq}",
        created_at=NOW,
    )
    return world.event(events.MessageCreated(message=said), "ch", room, ch_seq)


def lose(feed: MembershipFeed, loses: Any) -> None:
    """Drop live messages between the server and the feed for which `loses()` is true."""
    callbacks = feed._bus._client.callbacks
    for sid, callback in callbacks.items():
        if callback == feed.receive:
            callbacks[sid] = lambda message: None if loses() else feed.receive(message)


SNAPSHOT = [
    {"c": "C", "w": "W", "u": "ada", "s": 1},
    {"c": "C", "n": 5, "w": "W", "k": "private", "name": "tea"},
    {"c": "P", "n": 1, "w": "W", "k": "public", "name": "general"},
    {"w": "W", "u": "ada", "role": "member", "name": "ada"},
    {"w": "W", "u": "gil", "role": "guest", "name": "gil"},
    {"revoked": "old", "exp": time.time() + 900},
]


async def test_it_begins_with_the_snapshot_and_goes_on_with_the_stream(world: Any) -> None:
    world.chat.lines = SNAPSHOT
    await world.publish(message(world, "C", 4), message(world, "C", 5))
    async with world.feed() as feed:
        projection = feed.projection
        assert world.chat.asked_by == "search"
        assert (feed.position, projection.may_read("ada", "C"), projection.may_read("ada", "P")) == (2, True, True)
        assert not projection.may_read("gil", "P")
        assert "old" in feed.revocations
        assert projection.user_named("W", "Ada") == "ada"
        assert projection.channel_named("W", "tea") == "C"
        await feed.check()
        await world.publish(
            message(world, "C", 6),
            joined(world, "C", "gil", 7),
            left(world, "C", "ada", 8),
            world.event(
                events.SessionRevoked(session_id="s1", user_id="ada", reason=events.RevokeReason.LOGOUT), "user", "ada"
            ),
        )
        await world.until(lambda: feed.position == 6)
        assert feed.projection is projection
        assert (projection.may_read("gil", "C"), projection.may_read("ada", "C")) == (True, False)
        assert "s1" in feed.revocations


async def test_a_public_channel_is_told_to_the_workspace_and_learned(world: Any) -> None:
    world.chat.lines = SNAPSHOT
    async with world.feed() as feed:
        await world.publish(
            world.event(events.ChannelCreated(channel=channel("Q", "public")), "ws", "W", channel="Q"),
            world.event(events.ChannelUpdated(channel=channel("P", "public", "lobby")), "ws", "W", channel="P"),
            world.event(events.UserUpdated(user=person("ada", "countess")), "ws", "W"),
        )
        await world.until(lambda: feed.position == 3)
        projection = feed.projection
        assert projection.readable("W", "ada") == {"C", "P", "Q"}
        assert (projection.channel_named("W", "general"), projection.channel_named("W", "lobby")) == (None, "P")
        assert (projection.user_named("W", "ada"), projection.user_named("W", "countess")) == (None, "ada")
