"""The stream as a client sees it: frames, tokens, limits and endings."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import urlsplit

from joserfc.jwk import OKPKey

from tertulia_notify.limits import Limits
from tertulia_shared.tokens import TokenSigner

CHANNEL = "c" * 36
OTHER = "d" * 36


async def test_a_new_stream_says_hello_and_then_what_happens_in_my_channels(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        stream = await notify.stream(world.token(ada))
        hello = await stream.hello()
        assert hello["resumed"] is False
        assert 540 <= hello["rotate_s"] <= 660
        assert stream.preamble[0].comment == "ok"
        assert 2000 <= stream.preamble[1].retry <= 5000
        assert stream.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert stream.headers["Cache-Control"] == "no-cache, no-transform"
        assert stream.headers["X-Accel-Buffering"] == "no"
        assert stream.headers["X-Request-Id"]
        await world.publish(
            world.message(CHANNEL, "one"), world.message(OTHER, "secret"), world.message(CHANNEL, "two")
        )
        assert await stream.texts(2) == ["one", "two"]


async def test_a_frame_carries_chats_bytes_and_the_same_id_for_everybody(world: Any) -> None:
    ada, bob = world.person(CHANNEL), world.person(CHANNEL)
    async with world.notify() as notify:
        streams = [await notify.stream(world.token(person)) for person in (ada, bob)]
        for stream in streams:
            await stream.hello()
        message = world.message(CHANNEL, "line\nbreak and \u2028 and 🫖")
        await world.publish(message)
        frames = [(await stream.durable(1))[0] for stream in streams]
        assert frames[0] == frames[1]
        assert frames[0].event == "message.created"
        assert frames[0].data == json.loads(message.data)


async def test_a_quiet_client_gets_heartbeats_that_move_its_position(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(Limits(sweep_s=0.05, heartbeat_s=(0.1, 0.2))) as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        first = await stream.next()
        assert first.event is None
        assert first.data is None
        await world.publish(world.message(OTHER))
        while world.sealer.open(stream.last_id, ada, _now()).seq < 1:
            assert (await stream.next()).event is None
        again = await notify.stream(world.token(ada), last_event_id=stream.last_id)
        assert (await again.hello())["resumed"] is True


async def test_all_connections_of_a_person_get_everything_up_to_the_limit(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(Limits(streams_per_user=3)) as notify:
        streams = [await notify.stream(world.token(ada)) for _ in range(3)]
        for stream in streams:
            await stream.hello()
        refused = await notify.stream(world.token(ada))
        assert refused.status == 429
        assert (await refused.answer.json())["code"] == "rate_limited"
        assert int(refused.headers["Retry-After"]) > 0
        await world.publish(world.message(CHANNEL, "one"))
        for stream in streams:
            assert await stream.texts(1) == ["one"]
        streams[0].answer.close()
        for _ in range(100):
            if (stream := await notify.stream(world.token(ada))).status == 200:
                break
            await asyncio.sleep(0.02)
        assert stream.status == 200


async def test_connecting_faster_than_the_limit_is_answered_with_retry_after(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(Limits(new_streams_per_s=2)) as notify:
        answers = [await notify.stream(world.token(ada)) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 503]
        assert answers[2].headers["Retry-After"] == "1"


async def test_a_crowd_is_told_to_come_back_one_after_the_other(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(Limits(new_streams_per_s=1)) as notify:
        answers = await asyncio.gather(*(notify.stream(world.token(ada)) for _ in range(6)))
        told = sorted(int(answer.headers["Retry-After"]) for answer in answers if answer.status == 503)
        assert len(told) in (4, 5)
        assert told == list(range(1, len(told) + 1))


async def test_tokens_that_are_missing_forged_or_expired_are_refused(world: Any) -> None:
    ada = world.person(CHANNEL)
    forged = TokenSigner(OKPKey.generate_key("Ed25519", {"kid": world.chat.key.kid})).issue(ada, "s", 900)
    unknown = TokenSigner(OKPKey.generate_key("Ed25519", {"kid": "nobody"})).issue(ada, "s", 900)
    async with world.notify() as notify:
        for token in ("", "nonsense", forged, unknown):
            stream = await notify.stream(token)
            assert stream.status == 401, token
            assert (await stream.answer.json())["code"] == "unauthenticated"
            assert stream.headers["WWW-Authenticate"] == "Bearer"
            assert stream.headers["Content-Type"] == "application/problem+json"
        expired = await notify.stream(world.token(ada, ttl_s=-5))
        assert (expired.status, (await expired.answer.json())["code"]) == (401, "token_expired")


async def test_a_stream_ends_when_its_token_expires(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(Limits(sweep_s=0.05)) as notify:
        stream = await notify.stream(world.token(ada, ttl_s=2))
        bye = await stream.next("bye", timeout=5)
        assert bye.data["reason"] == "token_expired"
        assert bye.data["retry_ms"] >= 0
        await stream.ended(1)


async def test_connections_rotate(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify(Limits(sweep_s=0.05), stream_rotate_s=0.5) as notify:
        stream = await notify.stream(world.token(ada))
        started = time.monotonic()
        assert (await stream.next("bye")).data["reason"] == "rotate"
        assert time.monotonic() - started > 0.3


async def test_a_revoked_session_ends_and_stays_out(world: Any) -> None:
    ada = world.person(CHANNEL)
    gone, kept = world.token(ada, session="gone"), world.token(ada, session="kept")
    async with world.notify() as notify:
        ended, other = await notify.stream(gone), await notify.stream(kept)
        await ended.hello()
        await other.hello()
        await world.publish(world.revoked("gone", ada), world.message(CHANNEL, "after"))
        assert (await ended.next()).data["reason"] == "revoked"
        await ended.ended()
        assert await other.texts(1) == ["after"], "the event itself is internal"
        refused = await notify.stream(gone)
        assert (refused.status, (await refused.answer.json())["code"]) == (401, "unauthenticated")
        assert (await notify.poll(gone))["status"] == 401
        assert await notify.typing(gone, CHANNEL) == 401


async def test_sessions_revoked_before_the_start_are_known_from_the_snapshot(world: Any) -> None:
    ada = world.person(CHANNEL)
    world.chat.revoked("gone", time.time() + 600)
    world.chat.revoked("long gone", time.time() - 1)
    async with world.notify() as notify:
        assert (await notify.stream(world.token(ada, session="gone"))).status == 401
        notify.parts.hub.revocations.forget_expired()
        assert len(notify.parts.hub.revocations) == 1


async def test_a_draining_process_says_bye_within_two_seconds_and_takes_nobody_new(world: Any) -> None:
    people = [world.person(CHANNEL) for _ in range(30)]
    async with world.notify() as notify:
        streams = [await notify.stream(world.token(person)) for person in people]
        for stream in streams:
            await stream.hello()
        started = time.monotonic()
        draining = asyncio.ensure_future(notify.parts.upkeep.drain())
        byes = [(await stream.next("bye")).data for stream in streams]
        await draining
        assert time.monotonic() - started < 4
        assert {bye["reason"] for bye in byes} == {"drain"}
        assert len({bye["retry_ms"] for bye in byes}) > 5, "the clients must not come back at once"
        assert (await notify.stream(world.token(people[0]))).status == 503


async def test_other_methods_and_paths_have_their_answers(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        headers = {"Authorization": f"Bearer {world.token(ada)}"}
        async with notify._http.post(f"{notify.url}/api/v1/stream", headers=headers) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "GET")
        status, body = await notify.get("/api/v1/nothing")
        assert (status, json.loads(body)["code"]) == (404, "not_found")
        assert (await notify.get("/healthz"))[0] == 200
        status, body = await notify.get("/readyz")
        assert (status, json.loads(body)["status"]) == (200, "ready")
        assert "notify_connections" in (await notify.get("/metrics"))[1]


async def test_a_message_that_is_no_event_does_not_stop_delivery(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        broken = world.message(CHANNEL)._replace(headers={"Nats-Msg-Id": "x"})
        await world.publish(broken, world.message(CHANNEL, "fine"))
        assert await stream.texts(1) == ["fine"]


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)


async def test_a_client_of_http_1_0_reads_the_stream_until_the_connection_ends(world: Any) -> None:
    ada = world.person(CHANNEL)
    async with world.notify() as notify:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(notify.url).port)
        token = world.token(ada)
        writer.write(f"GET /api/v1/stream HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"transfer-encoding" not in head
            assert b"connection: close" in head
            assert await reader.readuntil(b"\n\n") == b": ok\n\n"
            assert (await reader.readuntil(b"\n\n")).startswith(b"retry: ")
            assert (await reader.readuntil(b"\n\n")).startswith(b"event: hello\n")
            await world.publish(*(world.message(CHANNEL, str(number)) for number in range(3)))
            for _ in range(3):
                assert (await reader.readuntil(b"\n\n")).startswith(b"id: ")
            draining = asyncio.ensure_future(notify.parts.upkeep.drain())
            rest = await reader.read()
            await draining
        assert rest.startswith(b"event: bye\n")
        assert rest.endswith(b"\n\n")
        writer.close()
