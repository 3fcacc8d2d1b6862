"""The feed on a real NATS server: current in moments, complete whatever is lost, alive while others are away."""

import asyncio
import random
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import REGISTRY

from tertulia_shared import events
from tertulia_shared.bus import BusError, BusMessage, FollowLimits, ensure_event_stream, jetstream, renew_incarnation
from tertulia_shared.events import subjects
from tertulia_shared.membership import MembershipFeed, settling
from tertulia_shared.membership import feed as feed_module

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SLOW_TAIL = FollowLimits(tail_check_s=60)


def channel(name: str, kind: str = "private", title: str | None = None, last_seq: int = 0) -> events.Channel:
    return events.Channel(
        id=name,
        workspace_id="W",
        kind=events.ChannelKind(kind),
        name=title or name.lower(),
        topic="",
        created_by="x",
        created_at=NOW,
        last_seq=last_seq,
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
            world.event(events.ChannelUpdated(channel=channel("P", "public", "lobby", 2)), "ws", "W", channel="P"),
            world.event(events.UserUpdated(user=person("ada", "countess")), "ws", "W"),
        )
        await world.until(lambda: feed.position == 3)
        projection = feed.projection
        assert projection.readable("W", "ada") == {"C", "P", "Q"}
        assert (projection.channel_named("W", "general"), projection.channel_named("W", "lobby")) == (None, "P")
        assert (projection.user_named("W", "ada"), projection.user_named("W", "countess")) == (None, "ada")


async def test_a_role_and_a_kind_that_change_are_followed(world: Any) -> None:
    world.chat.lines = SNAPSHOT
    private = events.ChannelUpdated(channel=channel("P", "private", "general", 2))
    async with world.feed() as feed:
        assert feed.projection.readable("W", "ada") == {"C", "P"}
        await world.publish(
            world.event(events.WorkspaceMemberUpdated(user_id="ada", role=events.Role.GUEST), "ws", "W"),
        )
        await world.until(lambda: feed.position == 1)
        assert feed.projection.readable("W", "ada") == {"C"}
        await world.publish(
            world.event(events.WorkspaceMemberUpdated(user_id="ada", role=events.Role.ADMIN), "ws", "W"),
            world.event(private, "ws", "W", channel="P"),
            world.event(private, "ch", "P", 2),
        )
        await world.until(lambda: feed.position == 4)
        assert feed.projection.role_of("W", "ada") is events.Role.ADMIN
        assert feed.projection.readable("W", "ada") == {"C"}


async def test_who_was_let_in_a_moment_ago_is_waited_for(world: Any) -> None:
    world.chat.lines = SNAPSHOT
    async with world.feed() as feed:
        assert await feed.settling.until(lambda known: known.is_member("ada", "C"))
        async with asyncio.TaskGroup() as group:
            waiting = [
                group.create_task(feed.settling.until(lambda known, user=user: known.is_member(user, "C")))
                for user in ("bob", "eve")
            ]
            await asyncio.sleep(0.05)
            assert not any(task.done() for task in waiting)
            await world.publish(joined(world, "C", "bob", 6), message(world, "C", 7), joined(world, "C", "eve", 8))
        assert [task.result() for task in waiting] == [True, True]


async def test_another_life_of_the_stream_is_news_to_those_who_wait(world: Any) -> None:
    world.chat.lines = SNAPSHOT
    async with world.feed() as feed:
        waiting = asyncio.ensure_future(feed.settling.until(lambda known: known.in_workspace("W", "eve")))
        await asyncio.sleep(0)
        world.chat.lines = [{"w": "W", "u": "eve", "role": "member", "name": "eve"}]
        await renew_incarnation(world.bus)
        assert await waiting


async def test_nobody_is_waited_for_longer_than_it_may_take(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "SETTLES_S", 0.2)
    world.chat.lines = SNAPSHOT
    async with world.feed() as feed:
        waiting = asyncio.ensure_future(feed.settling.until(lambda known: known.is_member("eve", "C")))
        await world.publish(joined(world, "C", "bob", 6))
        started = time.monotonic()
        assert not await waiting
        assert time.monotonic() - started < 5


async def _publish(world: Any, *messages: Any) -> None:
    """Again and again until the stream has them, as the relay does."""
    async with asyncio.timeout(20):
        while True:
            with suppress(BusError):
                await world.publish(*messages)
                return
            await asyncio.sleep(0.05)


async def test_what_happens_while_the_snapshot_is_read_comes_as_events(world: Any) -> None:
    world.chat.lines = SNAPSHOT

    async def while_reading() -> None:
        # The first is in the snapshot already, the others are not.
        await world.publish(joined(world, "C", "bob", 4), joined(world, "C", "eve", 6), left(world, "C", "ada", 7))

    world.chat.before_answer = while_reading
    async with world.feed() as feed:
        await world.until(lambda: feed.position == 3)
        members = [user for user in ("ada", "bob", "eve") if feed.projection.is_member(user, "C")]
        assert members == ["eve"]


async def test_events_that_come_twice_change_nothing(world: Any) -> None:
    world.chat.lines = SNAPSHOT
    async with world.feed() as feed:
        history = [joined(world, "C", "bob", 6), left(world, "C", "bob", 7), left(world, "C", "ada", 8)]
        again = [
            message._replace(headers={**message.headers, subjects.H_MSG_ID: f"again {number}"})
            for number, message in enumerate(history)
        ]
        await world.publish(
            *history,
            *again,
            joined(world, "C", "ada", 9),
            again[2]._replace(headers={**again[2].headers, subjects.H_MSG_ID: "a third time"}),
        )
        await world.until(lambda: feed.position == 8)
        assert not feed.projection.is_member("bob", "C")
        assert feed.projection.is_member("ada", "C")


async def test_a_hole_is_filled_before_anything_after_it(world: Any) -> None:
    world.chat.lines = SNAPSHOT
    async with world.feed(SLOW_TAIL) as feed:
        losses = iter([False, True, True, False])
        lose(feed, lambda: next(losses, False))
        events_ = [joined(world, "C", f"u{number}", 6 + number) for number in range(4)]
        await world.publish(*events_, left(world, "C", "u1", 10))
        await world.until(lambda: feed.position == 5)
        assert [feed.projection.is_member(f"u{number}", "C") for number in range(4)] == [True, False, True, True]
        assert (world.chat.snapshots, feed.serving) == (1, True)


async def test_a_last_message_that_was_lost_is_noticed_within_a_second_or_so(world: Any) -> None:
    world.chat.lines = SNAPSHOT
    async with world.feed(feed_module.LIMITS) as feed:
        lose(feed, lambda: True)
        await world.publish(left(world, "C", "ada", 6))
        started = time.monotonic()
        await world.until(lambda: not feed.projection.is_member("ada", "C"))
        assert time.monotonic() - started < 4
        assert feed_module.LIMITS.tail_check_s <= 1


async def test_whatever_is_dropped_the_projection_is_right_in_the_end(world: Any) -> None:
    world.chat.lines = SNAPSHOT
    chance = random.Random(11)
    members: set[str] = {"ada"}
    async with world.feed() as feed:
        lose(feed, lambda: chance.random() < 0.2)
        seq = 5
        for _ in range(40):
            batch = []
            for _ in range(chance.randint(1, 10)):
                seq += 1
                user = f"u{chance.randint(0, 9)}"
                batch.append(left(world, "C", user, seq) if user in members else joined(world, "C", user, seq))
                members ^= {user}
            await world.publish(*batch)
        await world.until(lambda: feed.position == seq - 5)
        assert {
            user for user in ("ada", *(f"u{n}" for n in range(10))) if feed.projection.is_member(user, "C")
        } == members
        assert world.chat.snapshots == 1


async def test_another_life_of_the_stream_is_another_snapshot(world: Any) -> None:
    world.chat.lines = SNAPSHOT
    async with world.feed() as feed:
        former = feed.projection
        world.chat.lines = [
            {"w": "W", "u": "eve", "role": "member", "name": "eve"},
            {"revoked": "s9", "exp": time.time() + 9},
        ]
        await renew_incarnation(world.bus)
        await world.until(lambda: feed.projection is not former)
        assert feed.projection.in_workspace("W", "eve")
        assert not feed.projection.in_workspace("W", "ada")
        assert "s9" in feed.revocations
        assert "old" in feed.revocations, "what ended stays ended"
        await world.publish(joined(world, "C", "eve", 1))
        await world.until(lambda: feed.projection.is_member("eve", "C"))


async def test_a_deleted_stream_is_waited_for_and_served_from_the_last_projection(world: Any) -> None:
    world.chat.lines = SNAPSHOT
    async with world.feed() as feed:
        await world.publish(message(world, "C", 6), message(world, "C", 7))
        await world.until(lambda: feed.position == 2)
        await world.bus.request(f"$JS.API.STREAM.DELETE.{world.topology.stream}", b"")
        await world.until(lambda: not feed.serving)
        with pytest.raises(RuntimeError, match="memberships are quarantined"):
            await feed.check()
        assert feed.projection.may_read("ada", "C"), "old, but better than nothing"
        await ensure_event_stream(world.bus)
        await world.until(lambda: feed.serving)
        await feed.check()
        assert (feed.position, world.chat.snapshots) == (0, 2)


async def test_messages_gone_before_they_were_read_are_a_fresh_start(world: Any) -> None:
    world.chat.lines = SNAPSHOT
    async with world.feed(SLOW_TAIL) as feed:
        lose(feed, lambda: True)
        await world.publish(*(message(world, "C", 6 + number) for number in range(5)))
        await jetstream.call(world.bus, f"STREAM.PURGE.{world.topology.stream}", {"seq": 4})
        feed.suspect("test")
        await world.until(lambda: feed.position == 5)
        assert world.chat.snapshots == 2


async def test_another_event_at_a_number_that_was_handled_is_a_fresh_start(world: Any) -> None:
    world.chat.lines = SNAPSHOT
    async with world.feed(SLOW_TAIL) as feed:
        await world.publish(*(message(world, "C", 6 + number) for number in range(3)))
        await world.until(lambda: feed.position == 3)
        other = message(world, "C", 9)
        feed.receive(BusMessage(other.subject, other.data, "", _headers={**other.headers, "Nats-Sequence": "2"}))
        await world.until(lambda: world.chat.snapshots == 2 and feed.serving)


async def test_a_broken_event_is_passed_over(world: Any) -> None:
    world.chat.lines = SNAPSHOT
    before = REGISTRY.get_sample_value("membership_malformed_events_total") or 0
    async with world.feed() as feed:
        good = joined(world, "C", "bob", 6)
        bad = [
            good._replace(data=data, headers={**good.headers, subjects.H_MSG_ID: f"bad {number}"})
            for number, data in enumerate((b"nonsense", b"{}", b"\xff", good.data.replace(b'"channel"', b'"c"')))
        ]
        await world.publish(*bad, good)
        await world.until(lambda: feed.position == 5)
        assert feed.projection.is_member("bob", "C")
    assert REGISTRY.get_sample_value("membership_malformed_events_total") == before + 4


async def test_it_waits_for_chat_and_for_a_stream(world: Any) -> None:
    world.chat.lines = SNAPSHOT
    world.chat.down = True
    await world.bus.request(f"$JS.API.STREAM.DELETE.{world.topology.stream}", b"")
    async with world.feed(ready=False) as feed:
        await asyncio.sleep(0.2)
        with pytest.raises(RuntimeError, match="memberships are starting"):
            await feed.check()
        await ensure_event_stream(world.bus)
        world.chat.down, world.chat.cut = False, True
        await world.until(lambda: world.chat.snapshots)
        assert not feed.serving, "a snapshot that breaks off is none"
        world.chat.cut = False
        await world.until(lambda: feed.serving)
        assert feed.projection.may_read("ada", "P")


async def test_chat_may_be_away_while_the_stream_goes_on(world: Any) -> None:
    world.chat.lines = SNAPSHOT
    async with world.feed() as feed:
        world.chat.down = True
        await world.publish(left(world, "C", "ada", 6))
        await world.until(lambda: not feed.projection.is_member("ada", "C"))
        await feed.check()


async def test_nats_killed_and_back_is_repaired_and_the_old_answers_stay_meanwhile(
    own_nats: Any, own_world: Any
) -> None:
    world = own_world
    world.chat.lines = SNAPSHOT
    async with world.feed() as feed:
        own_nats.kill()
        await world.until(lambda: not feed.serving)
        assert feed.projection.may_read("ada", "C")
        await asyncio.to_thread(own_nats.start)
        await _publish(world, joined(world, "C", "bob", 6), left(world, "C", "ada", 7))
        await world.until(lambda: feed.serving and feed.position == 2)
        assert (feed.projection.is_member("bob", "C"), feed.projection.is_member("ada", "C")) == (True, False)
        assert world.chat.snapshots == 1


async def test_it_starts_before_nats(own_nats: Any, own_world: Any) -> None:
    world = own_world
    world.chat.lines = SNAPSHOT
    own_nats.kill()
    async with world.feed(ready=False) as feed:
        await asyncio.sleep(0.3)
        assert not feed.serving
        await asyncio.to_thread(own_nats.start)
        await world.until(lambda: feed.serving)
        assert feed.projection.may_read("ada", "C")


async def test_ended_sessions_are_forgotten_in_the_end(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "FORGET_EVERY", 2)
    monkeypatch.setattr(feed_module, "REMEMBERED_IDS", 3)
    world.chat.lines = [{"revoked": "gone", "exp": time.time() - 1}, {"revoked": "fresh", "exp": time.time() + 99}]
    async with world.feed() as feed:
        await world.publish(*(message(world, "C", number) for number in range(1, 7)))
        await world.until(lambda: feed.position == 6)
        assert ("gone" in feed.revocations, "fresh" in feed.revocations) == (False, True)
        assert len(feed._ids) == 3
