"""What a hostile or broken client gets from the real gateway."""

import asyncio
import io
from collections.abc import AsyncIterator

import aiohttp
import pytest
from yarl import URL

from tertulia_client import ApiError, Client, NotFound, Unauthenticated, ValidationFailed
from tertulia_client.frames import Hello, ResetFrame, meaning_of
from tertulia_client.sse import SseParser
from tertulia_stack.background import BackgroundStack

from .people import founded, people


def token_of(client: Client) -> dict[str, str]:
    assert client.tokens is not None
    return {"Authorization": f"Bearer {client.tokens.access_token}"}


async def cursor_of(client: Client, workspace_id: str) -> str:
    cursor = (await client.workspaces.bootstrap(workspace_id)).cursor
    assert cursor is not None
    return cursor


async def first_frames(
    stack: BackgroundStack, client: Client, *, cursor: str, header: bool
) -> tuple[Hello, str | None]:
    """The stream's hello, and the reason of the reset that follows when it does."""
    headers = token_of(client) | ({"Last-Event-ID": cursor} if header else {})
    params = {} if header else {"cursor": cursor}
    parser, hello = SseParser(), None
    async with (
        asyncio.timeout(10),
        aiohttp.ClientSession() as session,
        session.get(f"{stack.url}/api/v1/stream", headers=headers, params=params) as answer,
    ):
        assert answer.status == 200
        async for chunk in answer.content.iter_any():
            for meaning in map(meaning_of, parser.feed(chunk)):
                if isinstance(meaning, Hello):
                    hello = meaning
                    if hello.resumed:
                        return hello, None
                if isinstance(meaning, ResetFrame):
                    assert hello is not None
                    return hello, meaning.reason
    raise AssertionError("the stream ended before it said hello")


@pytest.mark.parametrize("header", [False, True], ids=["query", "Last-Event-ID"])
async def test_the_cursor_of_another_user_is_answered_by_a_reset(stack: BackgroundStack, header: bool):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, _ = await founded(ada, ben)
        cursor = await cursor_of(ada, workspace.id)
        hello, reason = await first_frames(stack, ben, cursor=cursor, header=header)
        assert (hello.resumed, reason) == (False, "foreign")
        assert (await first_frames(stack, ada, cursor=cursor, header=header))[1] is None


@pytest.mark.parametrize("damage", [lambda c: c[:-2] + ("AA" if c[-2:] != "AA" else "BB"), lambda _: "nonsense"])
@pytest.mark.parametrize("header", [False, True], ids=["query", "Last-Event-ID"])
async def test_a_tampered_cursor_is_answered_by_a_reset(stack: BackgroundStack, header: bool, damage):
    async with people(stack, "Ada") as (ada,):
        workspace, _ = await founded(ada)
        cursor = damage(await cursor_of(ada, workspace.id))
        hello, reason = await first_frames(stack, ada, cursor=cursor, header=header)
        assert (hello.resumed, reason) == (False, "invalid")


async def test_the_long_poll_answers_bad_cursors_by_a_reset_and_brings_events_for_good_ones(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, general = await founded(ada, ben)
        cursor = await cursor_of(ada, workspace.id)
        assert (await ben.realtime.poll(cursor, timeout_s=1)).reset == "foreign"
        assert (await ben.realtime.poll("nonsense", timeout_s=1)).reset == "invalid"
        polling = asyncio.create_task(ada.realtime.poll(cursor, timeout_s=20))
        await ben.send(general, "through the long poll")
        batch = await polling
        assert batch.reset is None
        while not any(event.type == "message.created" for event in batch.events):
            batch = await ada.realtime.poll(batch.cursor, timeout_s=20)


async def chunks(total: int) -> AsyncIterator[bytes]:
    for _ in range(0, total, 65_536):
        yield b" " * 65_536


@pytest.mark.parametrize("announced", [True, False], ids=["with its length", "in chunks"])
async def test_a_body_over_the_limit_is_refused(stack: BackgroundStack, announced: bool):
    async with people(stack, "Ada") as (ada,), aiohttp.ClientSession() as session:
        _, general = await founded(ada)
        body = io.BytesIO(b" " * 3_000_000) if announced else chunks(3_000_000)
        url = f"{stack.url}/api/v1/channels/{general}/messages"
        headers = {**token_of(ada), "Content-Type": "application/json"}
        async with session.post(url, data=body, headers=headers) as answer:
            assert answer.status == 413
            assert (await answer.json(content_type=None))["code"] == "body_too_large"
        assert (await ada.send(general, "and the next one passes")).text == "and the next one passes"


@pytest.mark.parametrize("text", ["", " \n\t", "x" * 16_001, "nul \0 byte"])
async def test_a_text_outside_the_rules_is_refused_with_its_place(stack: BackgroundStack, text: str):
    async with people(stack, "Ada") as (ada,):
        _, general = await founded(ada)
        with pytest.raises(ValidationFailed) as caught:
            await ada.send(general, text)
        assert [error.pointer for error in caught.value.errors] == ["/text"]
        assert (await ada.send(general, "é" * 16_000)).text == "é" * 16_000


async def test_another_workspaces_channel_does_not_exist_for_strangers(stack: BackgroundStack):
    async with people(stack, "Ada", "Eve") as (ada, eve):
        workspace, general = await founded(ada)
        await founded(eve)
        for refused in (
            eve.channels.get(general),
            eve.send(general, "let me in"),
            eve.channels.join(general),
            eve.channels.typing(general),
            eve.messages.page(general),
            eve.channels.events_page(general, after=0),
            eve.workspaces.bootstrap(workspace.id),
        ):
            with pytest.raises(NotFound):
                await refused


async def test_forged_tokens_and_inner_doors_are_refused(stack: BackgroundStack):
    async with people(stack, "Ada") as (ada,), aiohttp.ClientSession() as session:
        token = token_of(ada)["Authorization"]
        for path, headers, status in (
            ("/api/v1/users/me", {}, 401),
            ("/api/v1/users/me", {"Authorization": f"{token[:-6]}AAAAAA"}, 401),
            ("/api/v1/stream", {"Authorization": "Bearer nonsense"}, 401),
            ("/api/v1/no-such-thing", token_of(ada), 404),
            ("/api/v1/channels/not-a-uuid", token_of(ada), 404),
            ("/internal/v1/memberships", token_of(ada), 404),
            ("/api/v1/../../internal/v1/memberships", token_of(ada), 400),
            ("/api/v1/..%2f..%2finternal/v1/memberships", token_of(ada), 400),
        ):
            # Encoded, because the client would tidy the path up before the gateway sees it.
            async with session.get(URL(f"{stack.url}{path}", encoded=True), headers=headers) as answer:
                body = await answer.text()
                assert (answer.status, answer.content_type) == (status, "application/problem+json"), (path, body)
                assert answer.headers["X-Request-Id"] in body


async def test_a_wrong_password_and_a_taken_name_have_their_codes(stack: BackgroundStack):
    async with people(stack, "Ada") as (ada,), Client(stack.url) as stranger:
        with pytest.raises(Unauthenticated) as wrong:
            await stranger.auth.login(ada.user.username, "not her password")
        assert wrong.value.code == "invalid_credentials"
        for email, username, code in (
            ("somebody@example.org", ada.user.username, "username_taken"),
            (ada.user.email, f"{ada.user.username}-2", "email_taken"),
        ):
            with pytest.raises(ApiError) as taken:
                await stranger.auth.register(email=email, username=username, password="x" * 12, display_name="S")
            assert (taken.value.status, taken.value.code) == (409, code)
