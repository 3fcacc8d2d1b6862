"""Sending messages and reading them back."""

import uuid
from urllib.parse import quote

import pytest
import pytest_asyncio


async def furnish(chat):
    """Ann alone in a channel of her own."""
    ann = await chat.person("ann")
    workspace = await ann.workspace()
    return ann, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


async def test_a_message_carries_everything(room):
    ann, channel = room
    key = str(uuid.uuid4())
    message = await ann.say(channel, 'say "ch_seq":-1 🙂\nline two', key)
    assert message.pop("created_at").endswith("Z")
    assert uuid.UUID(message.pop("id")).version == 7
    assert message == {
        "workspace_id": channel["workspace_id"],
        "channel_id": channel["id"],
        "ch_seq": 2,
        "author_id": ann.id,
        "text": 'say "ch_seq":-1 🙂\nline two',
        "client_msg_id": key,
        "thread_id": None,
        "mentions": [],
        "reactions": [],
        "edited_at": None,
        "deleted_at": None,
        "ai": None,
        "audience": None,
        "channels": [],
        "messages": [],
        "links": [],
        "in_channel": False,
        "thread": None,
        "forwarded": None,
        "pinned": None,
        "system": None,
    }


async def test_what_is_answered_listed_fetched_and_published_is_the_same(room):
    ann, channel = room
    said = await ann.say(channel, 'tricky: "workspace_id":"00000000-0000-0000-0000-000000000000" \\" "ch_seq":-1')
    listed = (await ann.get(f"/channels/{channel['id']}/messages"))["items"]
    fetched = (await ann.get(f"/messages/{said['id']}"))["message"]
    events = (await ann.get(f"/channels/{channel['id']}/events?after=1"))["items"]
    assert [said] == listed
    assert said == fetched
    assert events[0]["data"]["message"] == said
    assert (events[0]["ch_seq"], events[0]["workspace_id"]) == (2, channel["workspace_id"])


async def test_sending_again_answers_with_the_first_one(room):
    ann, channel = room
    key = str(uuid.uuid4())
    first = await ann.say(channel, "once", key)
    assert await ann.say(channel, "once", key, expect=200) == first
    assert (await ann.get(f"/channels/{channel['id']}"))["channel"]["last_seq"] == first["ch_seq"]


async def test_a_client_msg_id_cannot_be_used_for_something_else(room):
    ann, channel = room
    key = str(uuid.uuid4())
    await ann.say(channel, "once", key)
    assert (await ann.say(channel, "twice", key, expect=409))["code"] == "client_msg_id_reused"
    other = await ann.channel({"id": channel["workspace_id"]}, "other")
    assert (await ann.say(other, "once", key, expect=409))["code"] == "client_msg_id_reused"


async def test_two_people_may_use_the_same_client_msg_id(chat, room):
    ann, channel = room
    bob = await chat.person()
    await ann.invite({"id": channel["workspace_id"]}, bob)
    key = str(uuid.uuid4())
    await ann.say(channel, "same", key)
    await bob.say(channel, "same", key)


@pytest.mark.parametrize("text", ["", "   \n\t", "\u00a0\u2003", "\u2028", "x" * 16_001, "🙂" * 16_001, "nul \0 here"])
async def test_text_that_is_no_message_is_refused(room, text):
    ann, channel = room
    problem = await ann.say(channel, text, expect=422)
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("validation_failed", "/text")


@pytest.mark.parametrize("text", ["x" * 16_000, "🙂" * 16_000, "\\u0000", "\u202e"])
async def test_any_other_text_is_taken_as_it_is(room, text):
    ann, channel = room
    assert (await ann.say(channel, text))["text"] == text


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        (b'{"text":"\\ud800","client_msg_id":"%s"}', 422, "validation_failed", "/text"),
        (b'{"text":"\\udc00\\ud800","client_msg_id":"%s"}', 422, "validation_failed", "/text"),
        (b'{"text":"a\\u0000","client_msg_id":"%s"}', 422, "validation_failed", "/text"),
        (b'{"text":"a","client_msg_id":"%s","\\ud800":1}', 422, "validation_failed", ""),
        (b'{"text":"a","client_msg_id":"%s","more":1}', 422, "validation_failed", ""),
        (b'{"text":"a"}', 422, "validation_failed", ""),
        (b'{"text":1,"client_msg_id":"%s"}', 422, "validation_failed", "/text"),
        (b'{"text":"a","client_msg_id":"1"}', 422, "validation_failed", "/client_msg_id"),
        (b"[]", 422, "validation_failed", ""),
        (b'{"text":"a"', 400, "malformed_body", None),
        (b'{"text":"\xff","client_msg_id":"%s"}', 400, "malformed_body", None),
        (b'{"text":"\xed\xa0\x80","client_msg_id":"%s"}', 400, "malformed_body", None),
        (b"not json", 400, "malformed_body", None),
        (b"", 400, "malformed_body", None),
    ],
)
async def test_each_broken_body_has_its_answer(room, body, status, code, pointer):
    ann, channel = room
    content = body.replace(b"%s", str(uuid.uuid4()).encode())
    problem = await ann.post(f"/channels/{channel['id']}/messages", None, status, content=content)
    assert problem["code"] == code
    assert problem.get("errors", [{}])[0].get("pointer") == pointer


async def test_surrogate_pairs_are_text(room):
    ann, channel = room
    content = b'{"text":"\\ud83d\\ude42","client_msg_id":"%s"}' % str(uuid.uuid4()).encode()
    sent = await ann.post(f"/channels/{channel['id']}/messages", None, 201, content=content)
    assert sent["message"]["text"] == "🙂"


async def test_a_body_over_the_limit_is_refused(room):
    ann, channel = room
    content = b'{"text":"%s"}' % (b"x" * 300_000)
    problem = await ann.post(f"/channels/{channel['id']}/messages", None, 413, content=content)
    assert problem["code"] == "body_too_large"


async def seqs(person, channel, query=""):
    page = await person.get(f"/channels/{channel['id']}/messages{query}")
    return [item["ch_seq"] for item in page["items"]], page["has_before"], page["has_after"]


async def test_history_is_read_in_every_direction(room):
    ann, channel = room
    for number in range(10):
        await ann.say(channel, str(number))
    assert await seqs(ann, channel) == ([2, 3, 4, 5, 6, 7, 8, 9, 10, 11], False, False)
    assert await seqs(ann, channel, "?limit=3") == ([9, 10, 11], True, False)
    assert await seqs(ann, channel, "?before=9&limit=3") == ([6, 7, 8], True, True)
    assert await seqs(ann, channel, "?before=2") == ([], False, True)
    assert await seqs(ann, channel, "?after=9") == ([10, 11], True, False)
    assert await seqs(ann, channel, "?after=0&limit=2") == ([2, 3], False, True)
    assert await seqs(ann, channel, "?after=11") == ([], True, False)
    assert await seqs(ann, channel, "?around=6&limit=3") == ([5, 6, 7], True, True)
    assert await seqs(ann, channel, "?around=11&limit=4") == ([8, 9, 10, 11], True, False)
    assert await seqs(ann, channel, "?around=1&limit=4") == ([2, 3, 4, 5], False, True)
    assert await seqs(ann, channel, "?around=6&limit=1") == ([6], True, True)


async def test_history_is_read_around_a_time(room):
    ann, channel = room
    said = [await ann.say(channel, str(number)) for number in range(10)]
    times = {message["ch_seq"]: message["created_at"] for message in said}

    async def around(moment):
        return await seqs(ann, channel, f"?limit=3&around_time={quote(moment)}")

    for number in (5, 8):
        first = min(seq for seq, time in times.items() if time >= times[number])
        items, before, after = await around(times[number])
        assert (items[1], before, after) == (first, True, True)
    assert await around("2001-01-01T00:00:00Z") == ([2, 3, 4], False, True)
    assert await around("2001-01-01T02:00:00+02:00") == ([2, 3, 4], False, True)
    assert await around("2901-01-01T00:00:00Z") == ([9, 10, 11], True, False)


async def test_an_empty_channel_has_an_empty_page(room):
    ann, channel = room
    assert await seqs(ann, channel) == ([], False, False)
    assert await seqs(ann, channel, "?around_time=2026-01-01T00:00:00Z") == ([], False, False)


@pytest.mark.parametrize(
    "query",
    [
        "?limit=0",
        "?limit=201",
        "?limit=10000",
        "?limit=x",
        "?before=-1",
        "?before=x",
        "?before=1&after=1",
        "?around_time=2026-01-01T00:00:00",
    ],
)
async def test_unacceptable_pages_are_refused(room, query):
    ann, channel = room
    problem = await ann.get(f"/channels/{channel['id']}/messages{query}", 422)
    assert problem["errors"][0]["parameter"] in {"limit", "before", "around_time"}


async def test_the_log_of_a_channel_has_no_gap(chat, room):
    ann, channel = room
    bob = await chat.person()
    await ann.invite({"id": channel["workspace_id"]}, bob)
    await ann.say(channel, "hello")
    await bob.say(channel, "hi")
    await bob.post(f"/channels/{channel['id']}/leave", None, 204)
    page = await ann.get(f"/channels/{channel['id']}/events?after=0")
    assert [event["ch_seq"] for event in page["items"]] == [1, 2, 3, 4, 5, 6, 7]
    assert (page["last_seq"], page["has_more"]) == (7, False)
    page = await ann.get(f"/channels/{channel['id']}/events?after=2&limit=2")
    assert [event["ch_seq"] for event in page["items"]] == [3, 4]
    assert page["has_more"] is True
    page = await ann.get(f"/channels/{channel['id']}/events?after=7")
    assert (page["items"], page["last_seq"]) == ([], 7)
    assert (await ann.get(f"/channels/{channel['id']}/events?after=99"))["items"] == []
    await ann.get(f"/channels/{channel['id']}/events?limit=0", 422)


async def test_a_log_that_begins_later_says_so(chat, room):
    ann, channel = room
    for number in range(3):
        await ann.say(channel, str(number))
    await chat.sql("DELETE FROM event_log WHERE ch_seq <= 2")
    assert (await ann.get(f"/channels/{channel['id']}/events?after=0", 410))["code"] == "events_expired"
    assert len((await ann.get(f"/channels/{channel['id']}/events?after=2"))["items"]) == 2
    await chat.sql("DELETE FROM event_log")
    assert (await ann.get(f"/channels/{channel['id']}/events?after=3", 410))["code"] == "events_expired"
    assert (await ann.get(f"/channels/{channel['id']}/events?after=4"))["items"] == []


@pytest.mark.parametrize(
    ("text", "detail"),
    [("", "The text is empty."), (" \n", "The text is empty."), ("x" * 16_001, "At most 16,000 characters.")],
)
async def test_a_text_that_cannot_be_sent_is_refused_in_words(chat, text, detail):
    ann = await chat.person()
    problem = await ann.say((await ann.workspace())["general"], text, expect=422)
    assert problem["errors"] == [{"detail": detail, "pointer": "/text"}]
