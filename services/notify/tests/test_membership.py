"""Who gets what while people come and go, and what is known at the start."""

import asyncio
import time
from typing import Any

from tertulia_notify.limits import Limits
from tertulia_shared import events
from tertulia_shared.events import subjects

CHANNEL = "c" * 36
OTHER = "d" * 36


async def test_who_joins_sees_that_and_everything_after(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person()
    async with world.notify() as notify:
        streams = [await notify.stream(world.token(person)) for person in (ada, bob)]
        for stream in streams:
            await stream.hello()
        await world.publish(
            world.message(CHANNEL, "before"), world.joined(CHANNEL, bob), world.message(CHANNEL, "after")
        )
        assert [frame.event for frame in await streams[0].durable(3)] == [
            "message.created",
            "member.joined",
            "message.created",
        ]
        joined, after = await streams[1].durable(2)
        assert (joined.event, joined.data["data"]["user"]["id"]) == ("member.joined", bob)
        assert after.data["data"]["message"]["text"] == "after"


async def test_who_is_removed_in_a_burst_sees_the_removal_last(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person(CHANNEL, OTHER)
    async with world.notify() as notify:
        stays, goes = await notify.stream(world.token(ada)), await notify.stream(world.token(bob))
        start = (await goes.hello())["cursor"]
        await stays.hello()
        burst = [world.message(CHANNEL, str(number)) for number in range(100)]
        burst.append(world.left(CHANNEL, bob))
        burst += [world.message(CHANNEL, "secret") for _ in range(100)]
        burst.append(world.message(OTHER, "elsewhere"))
        await world.publish(*burst)
        assert len(await stays.durable(201)) == 201
        seen = await goes.durable(102)
        assert [frame.data["data"]["message"]["text"] for frame in seen[:100]] == [str(number) for number in range(100)]
        assert seen[100].event == "member.left"
        assert seen[101].data["data"]["message"]["text"] == "elsewhere"
        await goes.silence()
        # Also when it comes back: nothing of the channel but its own leaving.
        again = await notify.stream(world.token(bob), cursor=start)
        assert (await again.hello())["resumed"] is True
        replayed = await again.durable(2)
        assert [frame.event for frame in replayed] == ["member.left", "message.created"]
        polled = await notify.poll(world.token(bob), start)
        assert [event["type"] for event in polled["events"]] == ["member.left", "message.created"]


async def test_who_rejoins_is_replayed_only_what_followed(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        stream = await notify.stream(world.token(ada))
        cursor = (await stream.hello())["cursor"]
        stream.answer.close()
        await world.publish(
            world.message(CHANNEL, "one"),
            world.left(CHANNEL, ada),
            world.message(CHANNEL, "without her"),
            world.joined(CHANNEL, ada),
            world.message(CHANNEL, "two"),
        )
        again = await notify.stream(world.token(ada), cursor=cursor)
        await again.hello()
        frames = await again.durable(3)
        assert [frame.event for frame in frames] == ["member.left", "member.joined", "message.created"]


async def test_repeated_membership_events_change_nothing(world: Any) -> None:
    """The relay may publish what it published before; the newest state stays."""
    ada = world.person()
    async with world.notify() as notify:
        joined, left = world.joined(CHANNEL, ada), world.left(CHANNEL, ada)
        repeated = [
            message._replace(headers={**message.headers, subjects.H_MSG_ID: f"again-{number}"})
            for number, message in enumerate((joined, left))
        ]
        await world.publish(joined, left, repeated[0])
        await _handled(notify, 3)
        assert not notify.parts.hub.projection.is_member(ada, CHANNEL)
        rejoined = world.joined(CHANNEL, ada)
        await world.publish(rejoined, repeated[1])
        await _handled(notify, 5)
        assert notify.parts.hub.projection.is_member(ada, CHANNEL)


async def test_who_was_removed_before_the_snapshot_stays_removed_when_the_joining_is_repeated(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person()
    world.chat.reached(CHANNEL, 6)
    async with world.notify() as notify:
        fact = events.MemberJoined(channel=world.channel(CHANNEL), user=world.profile(bob), role=events.Role.MEMBER)
        his = await notify.stream(world.token(bob))
        await his.hello()
        world._seqs[CHANNEL] = 6
        await world.publish(world.event(fact, "ch", CHANNEL, ch_seq=5), world.message(CHANNEL, "secret"))
        await _handled(notify, 2)
        assert not notify.parts.hub.projection.is_member(bob, CHANNEL)
        assert notify.parts.hub.projection.is_member(ada, CHANNEL)
        await his.silence()


async def test_when_a_channel_is_deleted_each_hears_it_for_themselves_and_nothing_after_it(world: Any) -> None:
    """As chat tells it: numbers of the channel to one person each. Live, replayed and polled alike."""
    ada, bob = world.person(CHANNEL, OTHER), world.person(CHANNEL)
    left = [(events.MemberLeft(user_id=person, reason=events.LeaveReason.REMOVED), person) for person in (ada, bob)]

    def deletion() -> list[Any]:
        told = [
            world.event(fact, "user", person, channel_id=CHANNEL, ch_seq=world.next_seq(CHANNEL))
            for fact, person in left
        ]
        gone = events.ChannelDeleted(channel_id=CHANNEL)
        return [*told, world.event(gone, "ch", CHANNEL, ch_seq=world.next_seq(CHANNEL))]

    async with world.notify() as notify:
        streams = {person: await notify.stream(world.token(person)) for person in (ada, bob)}
        cursors = {person: (await stream.hello())["cursor"] for person, stream in streams.items()}
        await world.publish(
            world.message(CHANNEL, "before"), *deletion(), world.message(CHANNEL, "after"), world.message(OTHER, "x")
        )
        for person, stream in streams.items():
            heard = [(frame.event, frame.data["channel_id"]) for frame in await stream.durable(2)]
            assert heard == [("message.created", CHANNEL), ("member.left", CHANNEL)]
            if person == ada:
                assert (await stream.durable(1))[0].data["channel_id"] == OTHER
            await stream.silence()
            assert not notify.parts.hub.projection.is_member(person, CHANNEL)
            again = await notify.stream(world.token(person), cursor=cursors[person])
            await again.hello()
            (own,) = [frame for frame in await again.durable(1) if frame.event == "member.left"]
            assert own.data["data"]["user_id"] == person
            polled = (await notify.poll(world.token(person), cursors[person]))["events"]
            assert [event["type"] for event in polled if event["channel_id"] == CHANNEL] == ["member.left"]
        assert not list(notify.parts.hub.registry.in_channel(CHANNEL))


async def test_guests_are_told_only_of_the_public_channels_that_they_are_in(world: Any) -> None:
    """Live, replayed and polled alike."""
    ada, guest = world.person(), _id()
    world.chat.workspace_member(world.workspace, guest, "guest")
    world.chat.member(CHANNEL, world.workspace, guest)
    updates = [
        world.event(
            events.ChannelUpdated(channel=world.channel(channel, events.ChannelKind.PUBLIC)),
            "ws",
            world.workspace,
            channel_id=channel,
        )
        for channel in (OTHER, CHANNEL)
    ]
    async with world.notify() as notify:
        for person, told in ((ada, [OTHER, CHANNEL]), (guest, [CHANNEL])):
            stream = await notify.stream(world.token(person))
            cursor = (await stream.hello())["cursor"]
            fresh = [update._replace(headers={**update.headers, subjects.H_MSG_ID: _id()}) for update in updates]
            await world.publish(*fresh)
            assert [frame.data["channel_id"] for frame in await stream.durable(len(told))] == told
            await stream.silence()
            again = await notify.stream(world.token(person), cursor=cursor)
            await again.hello()
            assert [frame.data["channel_id"] for frame in await again.durable(len(told))] == told
            polled = await notify.poll(world.token(person), cursor)
            assert [event["channel_id"] for event in polled["events"]] == told


async def test_who_becomes_a_guest_hears_only_of_their_channels_from_then_on(world: Any) -> None:
    ada = world.person(CHANNEL)

    def news(channel: str) -> Any:
        fact = events.ChannelUpdated(channel=world.channel(channel, events.ChannelKind.PUBLIC))
        return world.event(fact, "ws", world.workspace, channel_id=channel)

    def role(name: events.Role) -> Any:
        return world.event(events.WorkspaceMemberUpdated(user_id=ada, role=name), "ws", world.workspace)

    async with world.notify() as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        await world.publish(role(events.Role.GUEST), news(OTHER), news(CHANNEL), role(events.Role.MEMBER), news(OTHER))
        heard = [(frame.event, frame.data["channel_id"]) for frame in await stream.durable(4)]
        told = "workspace.member_updated"
        assert heard == [(told, None), ("channel.updated", CHANNEL), (told, None), ("channel.updated", OTHER)]
        await stream.silence()


async def test_the_snapshot_and_the_events_around_it_agree(world: Any) -> None:
    """Events committed before, during and after the snapshot, published while it is being read."""
    ada, bob, eve, late = world.person(CHANNEL), world.person(CHANNEL), world.person(), world.person()
    world._seqs[CHANNEL] = 10
    world.chat.member(CHANNEL, world.workspace, eve, joined_at=9)
    stale_leave = events.MemberLeft(user_id=eve, reason=events.LeaveReason.LEFT)

    async def while_reading() -> None:
        await world.publish(
            world.event(stale_leave, "ch", CHANNEL, ch_seq=5),
            world.left(CHANNEL, bob),
            world.joined(CHANNEL, late),
        )

    world.chat.before_answer = while_reading
    async with world.notify() as notify:
        await _handled(notify, 3)
        projection = notify.parts.hub.projection
        assert projection.is_member(ada, CHANNEL)
        assert not projection.is_member(bob, CHANNEL), "left after the snapshot"
        assert projection.is_member(eve, CHANNEL), "the leave is older than the rejoining that the snapshot knows"
        assert projection.is_member(late, CHANNEL), "joined after the snapshot"


async def test_workspace_events_reach_the_workspace_and_leaving_it_ends_the_connection(world: Any) -> None:
    ada, bob = world.person(), world.person(CHANNEL)
    stranger = "e" * 36
    async with world.notify() as notify:
        streams = [await notify.stream(world.token(person)) for person in (ada, bob, _id())]
        for stream in streams:
            await stream.hello()
        created = events.ChannelCreated(channel=world.channel(OTHER, events.ChannelKind.PUBLIC))
        await world.publish(
            world.event(created, "ws", world.workspace), world.left(CHANNEL, bob), world.left_workspace(bob)
        )
        assert [frame.event for frame in await streams[0].durable(2)] == ["channel.created", "workspace.member_left"]
        assert [frame.event for frame in await streams[1].durable(3)] == [
            "channel.created",
            "member.left",
            "workspace.member_left",
        ]
        assert (await streams[1].next("bye")).data["reason"] == "rotate"
        await streams[2].silence()
        await world.publish(world.event(created, "ws", world.workspace))
        await _handled(notify, 4)
        assert not notify.parts.hub.projection.in_workspace(world.workspace, bob)
        assert stranger not in notify.parts.hub.projection.workspaces_of(stranger)


async def test_who_joins_a_workspace_gets_its_events(world: Any) -> None:
    bob = _id()
    async with world.notify() as notify:
        stream = await notify.stream(world.token(bob))
        await stream.hello()
        joined = events.WorkspaceMemberJoined(user=world.profile(bob), role=events.Role.MEMBER)
        await world.publish(world.event(joined, "ws", world.workspace))
        assert (await stream.durable(1))[0].event == "workspace.member_joined"


async def test_events_for_one_person_reach_only_that_one(world: Any) -> None:
    ada, bob = world.person(), world.person()
    async with world.notify() as notify:
        hers, his = await notify.stream(world.token(ada)), await notify.stream(world.token(bob))
        cursor = (await hers.hello())["cursor"]
        await his.hello()
        await world.publish(world.event(events.UserUpdated(user=world.profile(ada)), "user", ada))
        assert (await hers.durable(1))[0].event == "user.updated"
        await his.silence()
        again = await notify.stream(world.token(ada), cursor=cursor)
        await again.hello()
        assert (await again.durable(1))[0].event == "user.updated"


async def test_an_answer_that_breaks_off_is_not_used(world: Any) -> None:
    ada = world.person(CHANNEL)
    lines = world.chat.lines
    world.chat.lines = [*lines, {"end": True, "count": 99}]
    async with world.starting() as notify:
        await asyncio.sleep(0.5)
        assert not notify.parts.ingress.serving
        world.chat.lines = lines
        await notify.ready()
        assert notify.parts.hub.projection.is_member(ada, CHANNEL)


async def test_a_hundred_thousand_memberships_are_ready_in_seconds(world: Any) -> None:
    people = [_id() for _ in range(5_000)]
    channels = [_id() for _ in range(500)]
    for number, person in enumerate(people):
        world.chat.workspace_member(world.workspace, person)
        for step in range(20):
            world.chat.member(channels[(number * 7 + step * 23) % 500], world.workspace, person)
    started = time.monotonic()
    async with world.notify(Limits()) as notify:
        seconds = time.monotonic() - started
        assert notify.parts.hub.projection.memberships == 100_000
        print(f"\n100,000 memberships: ready after {seconds:.2f} s")
        stream = await notify.stream(world.token(people[0]))
        await stream.hello()
        await world.publish(world.message(channels[0], "hello"))
        assert await stream.texts(1) == ["hello"]


def _id() -> str:
    from uuid_utils import uuid7

    return str(uuid7())


async def _handled(notify: Any, seq: int) -> None:
    async with asyncio.timeout(10):
        while notify.parts.hub.head < seq:
            await asyncio.sleep(0.005)
