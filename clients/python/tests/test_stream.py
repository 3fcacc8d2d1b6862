"""The live stream over real HTTP: every event once and in order, whatever happens to the connection."""

import asyncio
import random

import pytest

from tertulia_client import (
    Client,
    Connected,
    Disconnected,
    Ephemeral,
    Event,
    EventStream,
    MessageCreated,
    NotSignedIn,
    PersonState,
    Presence,
    PresenceState,
    ProtocolError,
    Reset,
    StreamItem,
    StreamTiming,
    Synced,
    Typing,
    Unauthenticated,
    Unknown,
)
from tertulia_client.sse import MAX_FRAME_BYTES

from .conftest import CHANNELS, WORKSPACE, Server, answering, cut_before, problem

A, B = CHANNELS


async def take(stream: EventStream, events: int) -> list[StreamItem]:
    """Items up to and with the given number of durable events."""
    items: list[StreamItem] = []
    async with asyncio.timeout(10):
        while events:
            item = await anext(stream)
            items.append(item)
            events -= isinstance(item, Event)
    return items


async def until(stream: EventStream, kind: type[StreamItem]) -> list[StreamItem]:
    """Items up to and with the first of a kind."""
    items: list[StreamItem] = []
    async with asyncio.timeout(10):
        while not items or not isinstance(items[-1], kind):
            items.append(await anext(stream))
    return items


def texts(items: list[StreamItem]) -> list[str]:
    return [i.data.message.text for i in items if isinstance(i, Event) and isinstance(i.data, MessageCreated)]


def kinds(items: list[StreamItem]) -> list[str]:
    return [type(item).__name__ for item in items]


async def test_it_starts_with_the_state_and_goes_on_live(server: Server, client: Client):
    server.commit(A, "before")
    async with client.stream() as stream:
        first = await until(stream, Connected)
        assert kinds(first) == ["Synced", "Connected"]
        assert isinstance(first[0], Synced)
        assert (first[0].reason, first[0].workspaces[0].positions) == ("start", {A: 1, B: 0})
        server.commit(A, "hello")
        server.commit(B, "there")
        assert texts(await take(stream, 2)) == ["hello", "there"]
        assert stream.positions == {A: 2, B: 1}


async def test_what_happens_between_the_state_and_the_connection_is_not_lost(server: Server, client: Client):
    async with client.stream() as stream:
        assert isinstance(await anext(stream), Synced)
        server.commit(A, "in between")
        assert texts(await take(stream, 1)) == ["in between"]


async def test_a_broken_connection_resumes_from_the_last_id(server: Server, client: Client):
    async with client.stream() as stream:
        await until(stream, Connected)
        server.commit(A, "one")
        await take(stream, 1)
        server.hang_up()
        await until(stream, Disconnected)
        server.commit(A, "two")
        items = await take(stream, 1)
    assert texts(items) == ["two"]
    assert [i.resumed for i in items if isinstance(i, Connected)] == [True]
    assert server.stream_requests[0].query["cursor"] == "u0"
    assert server.stream_requests[1].headers["Last-Event-ID"] == "e1"


async def test_a_heartbeat_moves_the_position_on(server: Server, client: Client):
    async with client.stream() as stream:
        await until(stream, Connected)
        server.say("id: e0\n\n")
        server.hang_up()
        await until(stream, Disconnected)
        await until(stream, Connected)
    assert server.stream_requests[1].headers["Last-Event-ID"] == "e0"


async def test_silence_is_taken_for_death(server: Server, client: Client):
    async with client.stream() as stream:
        await until(stream, Connected)
        server.muted = True
        server.commit(A, "unheard")
        items = await until(stream, Disconnected)
        assert isinstance(items[-1], Disconnected)
        assert "silent" in items[-1].reason
        server.muted = False
        assert texts(await take(stream, 1)) == ["unheard"]


async def test_a_lost_event_is_fetched_when_the_next_one_shows_the_hole(server: Server, client: Client):
    async with client.stream() as stream:
        await until(stream, Connected)
        server.loss = 1.0
        for number in range(30):
            server.commit(A, f"lost {number}")
        server.loss = 0.0
        server.commit(A, "seen")
        assert texts(await take(stream, 31)) == [*(f"lost {n}" for n in range(30)), "seen"]


async def test_a_failing_repair_holds_up_only_its_own_channel(server: Server, client: Client):
    server.plan("GET", f"/channels/{A}/events", *[answering(503, "dependency_unavailable")] * 30)
    async with client.stream() as stream:
        await until(stream, Connected)
        server.loss = 1.0
        server.commit(A, "lost")
        server.loss = 0.0
        server.commit(A, "behind the hole")
        server.commit(B, "elsewhere")
        assert texts(await take(stream, 1)) == ["elsewhere"]
        server.faults.clear()
        assert texts(await take(stream, 2)) == ["lost", "behind the hole"]


async def test_after_a_reset_the_position_is_the_one_that_the_reset_told(server: Server, client: Client):
    async with client.stream() as stream:
        await until(stream, Connected)
        server.commit(A, "one")
        await take(stream, 1)
        server.say(server.reset_frame())
        await until(stream, Synced)
        server.hang_up()
        await until(stream, Disconnected)
        await until(stream, Connected)
    last = server.stream_requests[-1]
    assert (last.headers.get("Last-Event-ID"), last.query["cursor"]) == (None, "u1")


@pytest.mark.parametrize("how", ["not resumed", "reset"])
async def test_when_the_server_cannot_resume_the_missed_events_come_all_the_same(
    server: Server, client: Client, how: str
):
    async with client.stream() as stream:
        await until(stream, Connected)
        server.commit(A, "one")
        await take(stream, 1)
        server.loss = 1.0
        for number in range(45):
            server.commit(A, f"missed {number}")
        server.loss = 0.0
        server.plan("GET", f"/channels/{A}/events", answering(503, "dependency_unavailable"), cut_before)
        if how == "reset":
            server.say(server.reset_frame())
        else:
            server.resume = False
            server.hang_up()
        items = await take(stream, 45)
        server.commit(A, "live again")
        items += await take(stream, 1)
    assert texts(items) == [*(f"missed {n}" for n in range(45)), "live again"]
    assert [i.reason for i in items if isinstance(i, Synced)] == ["epoch" if how == "reset" else "not_resumed"]


async def test_events_beyond_the_servers_memory_are_told_as_a_reset_of_the_channel(server: Server, client: Client):
    async with client.stream() as stream:
        await until(stream, Connected)
        server.loss = 1.0
        for number in range(5):
            server.commit(A, f"gone {number}")
        server.loss, server.expired_before = 0.0, 5
        server.say(server.reset_frame("too_far"))
        items = await until(stream, Reset)
        assert items[-1] == Reset(channel_id=A, reason="events_expired", up_to=5)
        server.commit(A, "after")
        assert texts(await take(stream, 1)) == ["after"]
        assert stream.positions[A] == 6


async def test_a_channel_that_is_no_longer_mine_is_told(server: Server, client: Client):
    server.plan("GET", f"/channels/{A}/events", answering(404, "not_found"))
    async with client.stream() as stream:
        await until(stream, Connected)
        server.loss = 1.0
        server.commit(A, "lost")
        server.loss = 0.0
        server.commit(A, "last")
        items = await take(stream, 1)
    assert Reset(channel_id=A, reason="access_lost", up_to=1) in items
    assert texts(items) == ["last"]


async def test_a_hole_that_the_server_knows_nothing_of_is_given_up(server: Server, client: Client):
    async with client.stream() as stream:
        await until(stream, Connected)
        event = server.commit(A, "one") and server.log[-1]
        await take(stream, 1)
        frame = server.frame(1).decode().replace('"ch_seq": 1', '"ch_seq": 9').replace(event["id"], "9")
        server.say(frame)
        assert texts(items := await take(stream, 1)) == ["one"]
        assert Reset(channel_id=A, reason="events_expired", up_to=8) in items


async def test_good_byes_are_followed_by_a_resume_at_the_time_asked(server: Server, client: Client):
    async with client.stream() as stream:
        await until(stream, Connected)
        server.say('event: bye\ndata: {"reason":"rotate","retry_ms":120}\n\n')
        items = await until(stream, Disconnected)
        assert items[-1] == Disconnected(reason="rotate", retry_in_s=0.12)
        server.commit(A, "meanwhile")
        assert texts(await take(stream, 1)) == ["meanwhile"]


async def test_however_often_the_server_rotates_coming_back_stays_quick(server: Server, client: Client):
    async with client.stream() as stream:
        await until(stream, Connected)
        for _ in range(8):
            server.say('event: bye\ndata: {"reason":"rotate","retry_ms":0}\n\n')
            await until(stream, Connected)
        server.hang_up()
        (*_, broken) = await until(stream, Disconnected)
    assert isinstance(broken, Disconnected)
    assert broken.retry_in_s is not None
    assert broken.retry_in_s <= 0.02  # The first wait of this client's timing.


async def test_a_token_that_expires_in_the_middle_is_renewed_and_nothing_is_missed(server: Server, client: Client):
    async with client.stream() as stream:
        await until(stream, Connected)
        for token in server.access:
            server.access[token] = 0.0
        server.say('event: bye\ndata: {"reason":"token_expired","retry_ms":0}\n\n')
        server.commit(A, "meanwhile")
        assert texts(await take(stream, 1)) == ["meanwhile"]
    assert server.count("POST", "/auth/refresh") == 1


async def test_a_revoked_session_ends_the_iteration(server: Server, client: Client):
    stream = client.stream()
    await until(stream, Connected)
    server.say('event: bye\ndata: {"reason":"revoked","retry_ms":0}\n\n')
    assert [item async for item in stream] == [Disconnected(reason="revoked", retry_in_s=None)]
    assert server.count("GET", "/stream") == 1


async def test_a_session_that_is_over_when_reconnecting_raises(server: Server, client: Client):
    async with client.stream() as stream:
        await until(stream, Connected)
        server.access.clear()
        server.hang_up()
        with pytest.raises(Unauthenticated):
            await take(stream, 1)


async def test_without_an_account_it_raises(server: Server):
    async with Client(server.url) as client:
        with pytest.raises(NotSignedIn):
            await anext(client.stream())


async def test_a_busy_server_is_asked_again_when_it_says(server: Server, client: Client):
    server.plan("GET", "/stream", answering(503, "busy", {"Retry-After": "0.2"}), answering(500, "boom"))
    async with client.stream() as stream:
        items = await until(stream, Connected)
    waits = [i.retry_in_s for i in items if isinstance(i, Disconnected)]
    assert len(waits) == 2
    assert waits[0] is not None
    assert 0.2 <= waits[0] <= 0.3


async def test_a_server_that_refuses_even_fresh_tokens_is_not_asked_in_a_tight_loop(server: Server, client: Client):
    server.plan("GET", "/stream", *[answering(401, "token_expired")] * 4)
    async with client.stream() as stream:
        items = await until(stream, Connected)
    assert len([i for i in items if isinstance(i, Disconnected)]) == 3


async def test_the_first_state_is_waited_for(server: Server, client: Client):
    server.plan("GET", "/workspaces", *[answering(503, "dependency_unavailable", {"Retry-After": "0"})] * 3)
    async with client.stream() as stream:
        assert isinstance(await anext(stream), Synced)


async def test_a_workspace_that_is_gone_since_it_was_listed_is_left_out(server: Server, client: Client):
    server.plan("GET", f"/workspaces/{WORKSPACE}/bootstrap", answering(404, "not_found"))
    async with client.stream() as stream:
        assert await anext(stream) == Synced(reason="start", workspaces=[])
        # Without a cursor the server starts at "now", and the state is read again.
        again = (await until(stream, Synced))[-1]
        assert isinstance(again, Synced)
        assert (again.reason, len(again.workspaces)) == ("not_resumed", 1)
        server.commit(A, "live")
        assert texts(await take(stream, 1)) == ["live"]


async def test_while_the_tokens_cannot_be_renewed_it_keeps_trying(server: Server, client: Client):
    async with client.stream() as stream:
        await until(stream, Connected)
        for token in server.access:
            server.access[token] = 0.0
        server.plan("POST", "/auth/refresh", *[answering(503, "down", {"Retry-After": "0"})] * 7)
        server.commit(A, "late")
        server.hang_up()
        items = await take(stream, 1)
    assert texts(items) == ["late"]


async def test_a_frame_without_end_is_not_collected_for_ever(server: Server, client: Client):
    async with client.stream() as stream:
        await until(stream, Connected)
        for _ in range(MAX_FRAME_BYTES // 500_000 + 2):
            server.say("x" * 500_000)
        with pytest.raises(ProtocolError):
            await take(stream, 1)


async def test_typing_and_signs_of_later_versions_pass_through(server: Server, client: Client):
    async with client.stream() as stream:
        await until(stream, Connected)
        server.say(
            "event: typing\n"
            'data: {"type":"typing","workspace_id":"w","channel_id":"c","user_id":"u","expires_in_ms":6000}\n\n'
            'event: presence\ndata: {"type":"presence","people":[{"user_id":"u","state":"away"}]}\n\n'
            'event: poll\ndata: {"type":"poll"}\n\n'
        )
        assert await anext(stream) == Typing(workspace_id="w", channel_id="c", user_id="u", expires_in_ms=6000)
        away = PersonState(user_id="u", state=PresenceState.AWAY)
        assert await anext(stream) == Presence(people=[away])
        assert await anext(stream) == Ephemeral(type="poll", raw=b'{"type":"poll"}')


async def test_facts_of_later_versions_keep_their_place(server: Server, client: Client):
    async with client.stream() as stream:
        await until(stream, Connected)
        server.loss = 1.0
        server.commit(A, "of the future")
        server.log[-1]["type"] = "message.translated"
        server.log[-1]["data"] = {"lang": "de"}
        server.loss = 0.0
        server.commit(A, "of today")
        events = [item for item in await take(stream, 2) if isinstance(item, Event)]
    assert events[0].data == Unknown(raw=b'{"lang": "de"}')
    assert [event.ch_seq for event in events] == [1, 2]


@pytest.mark.parametrize("frame", ["event: hello\ndata: {}\n\n", "id: e0\nevent: message.created\ndata: {\n\n"])
async def test_a_stream_outside_the_contract_raises(server: Server, client: Client, frame: str):
    async with client.stream() as stream:
        await until(stream, Connected)
        server.say(frame)
        with pytest.raises(ProtocolError):
            await take(stream, 1)
        server.commit(A, "and on")
        assert texts(await take(stream, 1)) == ["and on"]


async def test_a_page_instead_of_a_stream_raises(server: Server, client: Client):
    async def page(_: object):
        answer = problem(200, "x")
        answer.content_type = "text/html"
        return answer

    server.plan("GET", "/stream", page)
    async with client.stream() as stream:
        with pytest.raises(ProtocolError):
            await until(stream, Connected)


async def test_earlier_positions_bring_what_was_missed_since(server: Server, client: Client):
    for number in range(25):
        server.commit(A, f"m{number}")
    async with client.stream({A: 3}) as stream:
        assert texts(await take(stream, 22)) == [f"m{n}" for n in range(3, 25)]
        assert stream.positions[A] == 25


async def test_cancelling_a_wait_loses_nothing(server: Server, client: Client):
    async with client.stream() as stream:
        await until(stream, Connected)
        seen: list[StreamItem] = []
        server.loss = 0.3
        writer = asyncio.create_task(write(server, 60, 0.005))
        while len(texts(seen)) < 60:
            try:
                seen.append(await asyncio.wait_for(anext(stream), random.uniform(0, 0.01)))
            except TimeoutError:
                server.loss = 0.0 if writer.done() else server.loss
                if writer.done():
                    server.say(server.reset_frame())
        await writer
    assert texts(seen) == [f"w{n}" for n in range(60)]


async def test_a_closed_stream_ends(server: Server, client: Client):
    stream = client.stream()
    await until(stream, Connected)
    await stream.aclose()
    assert [item async for item in stream] == []


async def write(server: Server, count: int, pause_s: float) -> None:
    for number in range(count):
        server.commit(A, f"w{number}")
        await asyncio.sleep(pause_s)


async def test_under_everything_at_once_each_event_comes_once_and_in_order(server: Server, timing: StreamTiming):
    server.token_ttl_s = 0.3
    server.loss = server.double = server.swap = 0.1
    server.abort = 0.05
    total, chance = 400, random.Random(11)
    seen: dict[str, list[int]] = {A: [], B: []}

    async def trouble() -> None:
        for number in range(total):
            server.commit(chance.choice(CHANNELS), str(number))
            if chance.random() < 0.02:
                server.say(server.reset_frame())
            if chance.random() < 0.02:
                server.say('event: bye\ndata: {"reason":"rotate","retry_ms":10}\n\n')
            if chance.random() < 0.05:
                server.plan("GET", f"/channels/{A}/events", cut_before, answering(500, "boom"))
            server.resume = chance.random() > 0.05
            await asyncio.sleep(0.003)
        server.loss = server.abort = 0.0
        while True:  # What was lost at the very end shows only when the server says so, on a stream that is open.
            await asyncio.sleep(0.3)
            server.say(server.reset_frame())

    async with Client(server.url, timing=timing) as client:
        await client.auth.login("ada", "correct horse")
        async with client.stream() as stream:
            await until(stream, Connected)
            writer = asyncio.create_task(trouble())
            async with asyncio.timeout(60):
                while sum(map(len, seen.values())) < total:
                    item = await anext(stream)
                    assert not isinstance(item, Reset)
                    if isinstance(item, Event):
                        assert item.channel_id is not None
                        assert item.ch_seq is not None
                        seen[item.channel_id].append(item.ch_seq)
            writer.cancel()
    for channel in CHANNELS:
        assert seen[channel] == list(range(1, server.last_seq(channel) + 1))
