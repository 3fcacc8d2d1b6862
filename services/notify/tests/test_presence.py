"""Who hears of whose presence, over real connections to several processes."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from uuid_utils import uuid7

from tertulia_notify.delivery.batch import Batch
from tertulia_notify.delivery.connection import Connection
from tertulia_notify.limits import Limits
from tertulia_notify.presence.states import PresenceState
from tertulia_shared import events

CHANNEL = "c" * 36
OTHER = "d" * 36
QUICK = Limits(presence_s=0.05, presence_grace_s=0.4, presence_beat_s=0.2, presence_lease_s=1.5)


def stranger_id() -> str:
    return str(uuid7())


async def opened(notify: Any, token: str, *people: str, **more: Any) -> tuple[Any, str]:
    """A stream that watches these people, and its name."""
    stream = await notify.stream(token, **more)
    name = (await stream.hello())["connection"]
    if people:
        assert await notify.watch(token, name, *people) == 204
    return stream, name


async def seen(notify: Any, token: str, user: str, state: str) -> None:
    """Returns once a fetch says so."""
    async with asyncio.timeout(10):
        while (await notify.presence(token, user)).get(user) != state:
            await asyncio.sleep(0.02)


async def test_who_watches_is_told_at_once_and_then_what_changes(world: Any) -> None:
    ada, bob, cat = (world.person(CHANNEL) for _ in range(3))
    token = world.token(ada)
    async with world.notify(QUICK) as first, world.notify(QUICK) as second:
        his, _ = await opened(second, world.token(bob))
        await seen(first, token, bob, "online")
        hers, _ = await opened(first, token, bob, cat)
        assert await hers.people() == {bob: "online", cat: "offline"}
        theirs, name = await opened(second, world.token(cat))
        assert await hers.people() == {cat: "online"}
        assert await second.use(world.token(cat), name, False) == 204
        assert await hers.people() == {cat: "away"}
        assert await first.presence(token, bob, cat, ada) == {bob: "online", cat: "away", ada: "online"}
        theirs.answer.close()
        his.answer.close()
        gone: dict[str, str] = {}
        while len(gone) < 2:
            gone |= await hers.people()
        assert gone == {bob: "offline", cat: "offline"}
        await hers.silence(0.3)


async def test_the_stream_may_be_at_another_process_than_the_request(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person(CHANNEL)
    async with world.notify(QUICK) as first, world.notify(QUICK) as second:
        hers, hers_name = await opened(first, world.token(ada))
        _, his_name = await opened(second, world.token(bob))
        assert await second.watch(world.token(ada), hers_name, bob) == 204
        await hers.until_seen(bob, "online")
        assert await first.use(world.token(bob), his_name, False) == 204
        assert await hers.people() == {bob: "away"}
        assert await second.use(world.token(bob), his_name, True) == 204
        assert await hers.people() == {bob: "online"}


async def test_devices_at_two_processes_are_one_person(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person(CHANNEL)
    token = world.token(bob)
    async with world.notify(QUICK) as first, world.notify(QUICK) as second:
        hers, _ = await opened(first, world.token(ada), bob)
        assert await hers.people() == {bob: "offline"}
        phone, _ = await opened(second, token, active="false")
        assert await hers.people() == {bob: "away"}
        laptop, name = await opened(first, token)
        assert await hers.people() == {bob: "online"}
        laptop.answer.close()
        assert await hers.people() == {bob: "away"}
        laptop, name = await opened(first, token)
        assert await hers.people() == {bob: "online"}
        phone.answer.close()
        await hers.silence(0.6)
        assert await second.use(token, name, False) == 204
        assert await hers.people() == {bob: "away"}


async def test_whoever_reconnects_within_the_grace_time_was_not_away(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person(CHANNEL)
    patient = Limits(presence_s=0.05, presence_grace_s=1.5)
    async with world.notify(patient) as first, world.notify(patient) as second:
        his, _ = await opened(first, world.token(bob))
        await seen(first, world.token(ada), bob, "online")
        hers, _ = await opened(first, world.token(ada), bob)
        assert await hers.people() == {bob: "online"}
        for notify in (second, first, second):
            his.answer.close()
            await asyncio.sleep(0.15)
            his, _ = await opened(notify, world.token(bob))
        await hers.silence(1.8)


async def test_a_long_poll_is_a_device_too(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person(CHANNEL)
    async with world.notify(QUICK) as notify:
        hers, _ = await opened(notify, world.token(ada), bob)
        assert await hers.people() == {bob: "offline"}
        cursor = (await notify.poll(world.token(bob)))["cursor"]
        polling = asyncio.ensure_future(notify.poll(world.token(bob), cursor, timeout=0.5))
        await hers.until_seen(bob, "online")
        await polling
        await hers.until_seen(bob, "offline")
        headers = {"Authorization": f"Bearer {world.token(bob)}"}
        params = {"cursor": cursor, "timeout": "0.5", "active": "false"}
        async with notify._http.get(f"{notify.url}/api/v1/events", headers=headers, params=params):
            assert await hers.people() == {bob: "away"}


async def test_strangers_and_guests_elsewhere_are_not_told(world: Any) -> None:
    ada, bob, eve = world.person(CHANNEL), world.person(CHANNEL), world.person(OTHER)
    guest = stranger_id()
    world.chat.workspace_member(world.workspace, guest, "guest")
    nobody = stranger_id()
    async with world.notify(QUICK) as notify:
        streams = [await opened(notify, world.token(user)) for user in (ada, bob, guest)]
        await seen(notify, world.token(bob), ada, "online")
        for user in (eve, guest, nobody):
            token = world.token(user)
            assert await notify.presence(token, ada, bob, nobody) == ({nobody: "offline"} if user == nobody else {})
            stream, _ = await opened(notify, token, *({ada, bob, eve, guest} - {user}))
            assert await stream.people() == {}
            streams[0][0].answer.close()
            streams[0] = await opened(notify, world.token(ada))
            await stream.silence(0.3)
        assert await notify.presence(world.token(ada), guest, eve, stranger_id(), "nonsense", ada) == {ada: "online"}


async def test_only_ones_own_streams_are_steered(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person(CHANNEL)
    async with world.notify(QUICK) as first, world.notify(QUICK) as second:
        hers, name = await opened(first, world.token(ada))
        for notify in (first, second):
            assert await notify.watch(world.token(bob), name, bob) == 404
            assert await notify.use(world.token(bob), name, False) == 404
            assert await notify.watch("nonsense", name, bob) == 401
        await hers.silence(0.3)
        assert await first.presence(world.token(bob), ada) == {ada: "online"}


@pytest.mark.parametrize(
    "name",
    ["", "x", "0-0", "00000000-1", "00000000-0", "*-1", ">-1", "0000 000-1", "00000000-1\n", "00000000.x-1", "1" * 33],
)
async def test_a_stream_that_is_not_there_is_not_found(world: Any, name: str) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(QUICK) as notify:
        assert await notify.watch(world.token(ada), name, ada) == (422 if len(name) > 32 else 404)


@pytest.mark.parametrize(
    "body",
    [
        {"connection": "00000000-1"},
        {"connection": "00000000-1", "user_ids": None},
        {"connection": "00000000-1", "user_ids": ["x"]},
        {"connection": "00000000-1", "user_ids": ["x" * 37]},
        {"connection": "00000000-1", "user_ids": [1]},
        {"connection": "00000000-1", "user_ids": ["u" * 36] * 501},
        {"connection": 1, "user_ids": []},
        {"connection": "00000000-1", "user_ids": [], "surprise": 1},
    ],
)
async def test_what_cannot_be_watched_is_refused(world: Any, body: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(QUICK) as notify:
        assert await notify.put("/presence/subscriptions", world.token(ada), body) == 422


async def test_a_fetch_is_bounded_and_needs_a_token(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person(CHANNEL)
    async with world.notify(QUICK) as notify:
        many = [stranger_id() for _ in range(99)]
        assert await notify.presence(world.token(ada), bob, *many) == {bob: "offline"}
        assert await notify.presence(world.token(ada), bob, bob, "", bob) == {bob: "offline"}
        for people, status in (([bob, *many, "x"], 422), ([stranger_id()] * 200, 422)):
            path = f"/api/v1/presence?user_ids={','.join(people)}"
            assert (await notify.get(path, world.token(ada)))[0] == status
        assert (await notify.get("/api/v1/presence", world.token(ada)))[0] == 422
        assert (await notify.get(f"/api/v1/presence?user_ids={bob}"))[0] == 401


async def test_losing_the_last_shared_channel_ends_it(world: Any) -> None:
    ada, bob, cat = world.person(CHANNEL, OTHER), world.person(CHANNEL, OTHER), world.person(CHANNEL, OTHER)
    async with world.notify(QUICK) as notify:
        his, _ = await opened(notify, world.token(bob), ada, cat)
        hers, _ = await opened(notify, world.token(ada), bob, cat)
        for stream in (his, hers):
            await stream.people()
        await seen(notify, world.token(ada), bob, "online")
        await world.publish(world.left(CHANNEL, bob))
        await hers.next("member.left")
        assert await notify.presence(world.token(ada), bob) == {bob: "online"}, "they still share the other one"
        await world.publish(world.left(OTHER, bob))
        await hers.until_seen(bob, "offline")
        await his.until_seen(ada, "offline")
        assert await notify.presence(world.token(ada), bob) == {}
        assert await notify.presence(world.token(bob), ada, cat) == {}
        # Whatever happens now reaches neither side, also after they share a channel again: that has to be asked for.
        again, name = await opened(notify, world.token(bob), ada)
        assert await again.people() == {}
        await world.publish(world.joined(CHANNEL, bob))
        for stream in (again, hers):
            await stream.next("member.joined")
        assert await notify.use(world.token(bob), name, False) == 204
        await hers.silence(0.3)
        assert await notify.watch(world.token(bob), name, ada) == 204
        assert await again.people() == {ada: "online"}
        # The rest goes on.
        assert notify.parts.hub.registry.watches == 1 + 1


async def test_another_list_replaces_the_one_before_and_goes_with_the_stream(world: Any) -> None:
    ada, bob, cat = (world.person(CHANNEL) for _ in range(3))
    async with world.notify(QUICK) as notify:
        hers, name = await opened(notify, world.token(ada), bob, bob, cat)
        assert await hers.people() == {bob: "offline", cat: "offline"}
        assert await notify.watch(world.token(ada), name, cat) == 204
        assert await hers.people() == {cat: "offline"}
        await opened(notify, world.token(bob))
        await seen(notify, world.token(ada), bob, "online")
        await hers.silence(0.2)
        await opened(notify, world.token(cat))
        assert await hers.people() == {cat: "online"}
        assert await notify.watch(world.token(ada), name) == 204
        assert await hers.people() == {}
        assert await notify.watch(world.token(ada), name, bob, cat) == 204
        await hers.people()
        hers.answer.close()
        async with asyncio.timeout(5):
            while notify.parts.hub.registry.watches:
                await asyncio.sleep(0.01)
        assert not notify.parts.hub.registry._watchers
        assert await notify.watch(world.token(ada), name, bob) == 404


async def test_somebody_appears_as_they_wish(world: Any) -> None:
    ada, bob, eve = (world.person(CHANNEL) for _ in range(3))
    world.chat.wishes(bob, "offline")
    async with world.notify(QUICK) as first, world.notify(QUICK) as second:
        his, name = await opened(second, world.token(bob))
        hers, _ = await opened(first, world.token(ada), bob)
        assert await hers.people() == {bob: "offline"}
        await second.use(world.token(bob), name, False)
        await second.use(world.token(bob), name, True)
        await hers.silence(0.4)
        # Nobody else hears that there is a wish; all devices of the person do.
        await world.publish(world.wished(bob, "away"))
        assert (await his.next("presence.updated")).data["data"]["presence"]["state"] == "away"
        assert await hers.people() == {bob: "away"}
        await world.publish(world.wished(bob, "auto"))
        assert await hers.people() == {bob: "online"}
        # Twice is as good as once.
        await world.publish(world.wished(bob, "auto"))
        await hers.silence(0.3)
        await world.publish(world.wished(bob, "offline"))
        assert await hers.people() == {bob: "offline"}
        await seen(second, world.token(eve), bob, "offline")
        # Who joins later is as they wished before.
        late = stranger_id()
        await world.publish(world.wished(late, "offline"))
        fact = events.WorkspaceMemberJoined(user=world.profile(late), role=events.Role.MEMBER)
        await world.publish(world.event(fact, "ws", world.workspace), world.joined(CHANNEL, late))
        await his.next("member.joined")
        await opened(second, world.token(late))
        await asyncio.sleep(0.3)
        assert await first.presence(world.token(ada), late) == {late: "offline"}


async def test_a_killed_process_loses_its_people_after_the_lease(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person(CHANNEL)
    leased = Limits(presence_s=0.05, presence_grace_s=60, presence_beat_s=0.2, presence_lease_s=1.5)
    async with world.notify(leased) as first:
        async with world.notify(leased) as second:
            await opened(second, world.token(bob))
            await seen(first, world.token(ada), bob, "online")
            hers, _ = await opened(first, world.token(ada), bob)
            assert await hers.people() == {bob: "online"}
        assert await hers.people() == {bob: "offline"}


async def test_a_frame_of_changes_comes_at_most_once_in_its_time(world: Any) -> None:
    ada, *others = [world.person(CHANNEL) for _ in range(30)]
    slow = Limits(presence_s=0.5, presence_grace_s=0.1)
    async with world.notify(slow) as notify:
        hers, _ = await opened(notify, world.token(ada), *others)
        assert await hers.people() == dict.fromkeys(others, "offline")
        started = time.monotonic()
        for user in others:
            await opened(notify, world.token(user))
        frames = []
        while sum(map(len, frames)) < len(others):
            frames.append(await hers.people())
        assert len(frames) <= (time.monotonic() - started) / 0.5 + 1
        assert {user: state for frame in frames for user, state in frame.items()} == dict.fromkeys(others, "online")


async def test_a_forged_or_broken_word_on_the_bus_disturbs_nobody(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person(CHANNEL)
    async with world.notify(QUICK) as notify:
        hers, name = await opened(notify, world.token(ada), bob)
        await hers.people()
        process = name.partition("-")[0]
        for subject in (world.topology.presence("x"), world.topology.watch(process)):
            for body in (b"nonsense", b"{}", b'{"type":"changed"}', b"\xff", b'{"type":"\xff"}', b"[]"):
                await world.bus.publish(subject, body)
        await hers.silence(0.2)
        await opened(notify, world.token(bob))
        assert await hers.people() == {bob: "online"}


async def test_what_a_new_life_of_the_stream_says_is_what_holds(world: Any) -> None:
    ada, bob, cat = world.person(CHANNEL), world.person(CHANNEL), world.person(CHANNEL)
    async with world.notify(QUICK) as notify:
        await opened(notify, world.token(bob))
        await opened(notify, world.token(cat))
        await seen(notify, world.token(ada), bob, "online")
        await seen(notify, world.token(ada), cat, "online")
        hers, _ = await opened(notify, world.token(ada), bob, cat)
        assert await hers.people() == {bob: "online", cat: "online"}
        # A snapshot in which Bob is gone and Cat does not want to be seen.
        hub = notify.parts.hub
        world.chat.lines = [line for line in world.chat.lines if line.get("u") != bob]
        world.chat.wishes(cat, "offline")
        projection = await notify.parts.ingress._load_projection()
        hub.begin(hub.epoch, hub.ring, projection)
        changes: dict[str, str] = {}
        while len(changes) < 2:
            changes |= await hers.people()
        assert changes == {bob: "offline", cat: "offline"}
        assert hub.registry.watches == 1


async def test_messages_cost_presence_nothing(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person(CHANNEL)
    async with world.notify(Limits(presence_s=60)) as notify:
        hers, _ = await opened(notify, world.token(ada), bob)
        await hers.people()
        registry = notify.parts.hub.registry
        registry.take_noted()
        await world.publish(*(world.message(CHANNEL) for _ in range(50)))
        assert len(await hers.durable(50)) == 50
        assert (registry.take_noted(), registry.take_bereft()) == (set(), set())


def test_a_frame_is_small(taken: Callable[[Connection], bytes]) -> None:
    connection = Connection("ada", "session", 0.0)
    connection.push_presence({str(number): PresenceState.OFFLINE for number in range(500)}, anew=True)
    connection.push_presence({"1": PresenceState.ONLINE, "2": PresenceState.AWAY})
    connection.push_presence({"2": PresenceState.ONLINE})
    connection.push(Batch([b"durable "]))
    frame = taken(connection)
    assert frame.startswith(b"durable event: presence\ndata: ")
    people = json.loads(frame.partition(b"data: ")[2])["people"]
    assert [item["state"] for item in people[:4]] == ["offline", "online", "online", "offline"]
    assert len(people) == 500
    assert taken(connection) == b""
    connection.push_presence({"1": PresenceState.ONLINE})
    connection.push_presence({}, anew=True)
    assert json.loads(taken(connection).partition(b"data: ")[2]) == {"people": [], "type": "presence"}
    connection.end("drain")
    connection.push_presence({"1": PresenceState.AWAY})
    assert b"presence" not in taken(connection)
