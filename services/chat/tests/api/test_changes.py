"""Editing and deleting messages: who may, what is told, and that what was said before is nowhere."""

import asyncio
import json
import uuid

import pytest
import pytest_asyncio

from tertulia_shared.events import decode, decode_envelope


async def furnish(chat):
    """Ann, who owns the workspace, and Bob in `general`."""
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


async def events(person, channel, after=0):
    return (await person.get(f"/channels/{channel['id']}/events?after={after}&limit=200"))["items"]


async def everything_stored(chat):
    tables = ("message", "event_log", "bot_run")
    return "".join([str(await chat.sql(f"SELECT * FROM {table}")) for table in tables])


async def test_an_edit_tells_the_message_as_it_is_now(room):
    ann, bob, channel = room
    said = await bob.say(channel, "a tpyo")
    edited = (await bob.patch(f"/messages/{said['id']}", {"text": "a typo"}))["message"]
    assert edited["edited_at"] is not None
    assert edited == {**said, "text": "a typo", "edited_at": edited["edited_at"]}
    assert (await ann.get(f"/messages/{said['id']}"))["message"] == edited
    joined, *said_here = (await ann.get(f"/channels/{channel['id']}/messages"))["items"]
    assert (joined["system"]["kind"], said_here) == ("joined", [edited])
    (event,) = await events(ann, channel, said["ch_seq"])
    assert (event["type"], event["ch_seq"], event["actor_id"]) == ("message.updated", said["ch_seq"] + 1, bob.id)
    assert event["data"]["message"] == edited
    state = (await ann.get(f"/channels/{channel['id']}"))["channel"]
    assert (state["last_seq"], state["last_msg_seq"]) == (said["ch_seq"] + 1, said["ch_seq"])


async def test_the_same_text_is_no_edit(room):
    _, bob, channel = room
    said = await bob.say(channel, "fine")
    assert (await bob.patch(f"/messages/{said['id']}", {"text": "fine"}))["message"] == said
    assert await events(bob, channel, said["ch_seq"]) == []


async def test_a_deleted_message_keeps_its_place_without_its_text(room):
    ann, bob, channel = room
    said = await bob.say(channel, "oh no")
    gone = (await bob.delete(f"/messages/{said['id']}", 200))["message"]
    assert gone == {**said, "text": "", "deleted_at": gone["deleted_at"]}
    assert gone["deleted_at"] is not None
    joined, *said_here = (await ann.get(f"/channels/{channel['id']}/messages"))["items"]
    assert (joined["system"]["kind"], said_here) == ("joined", [gone])
    (event,) = await events(ann, channel, said["ch_seq"])
    assert (event["type"], event["data"]["message"]) == ("message.deleted", gone)
    assert (await bob.delete(f"/messages/{said['id']}", 200))["message"] == gone
    assert len(await events(ann, channel, said["ch_seq"])) == 1


async def test_what_was_said_before_is_nowhere(chat, room):
    """Neither in the rows nor in the log, and so in nothing that the relay publishes from now on."""
    ann, bob, channel = room
    said = await bob.say(channel, "first words")
    other = await bob.say(channel, "other words")
    for text in ("second words", "third words"):
        await bob.patch(f"/messages/{said['id']}", {"text": text})
    await bob.patch(f"/messages/{other['id']}", {"text": "more words"})
    told = [event for event in await events(ann, channel) if event["type"].startswith("message.")]
    joined, *log = told
    assert joined["data"]["message"]["system"]["kind"] == "joined"
    texts = {event["ch_seq"]: event["data"]["message"]["text"] for event in log}
    assert list(texts.values()) == ["", "", "", "third words", "more words"]
    assert all(event["data"]["message"]["edited_at"] for event in log)
    stored = await everything_stored(chat)
    assert [text in stored for text in ("first words", "second words", "other words")] == [False] * 3
    await ann.delete(f"/messages/{said['id']}", 200)
    assert "third words" not in await everything_stored(chat)
    assert "more words" in await everything_stored(chat)


async def test_a_log_with_erased_texts_has_no_gap_and_decodes(chat, room):
    ann, bob, channel = room
    said = await bob.say(channel, "words")
    before = {row["id"]: row for row in await chat.sql("SELECT * FROM event_log")}
    await bob.patch(f"/messages/{said['id']}", {"text": "other words"})
    await bob.delete(f"/messages/{said['id']}", 200)
    log = await events(ann, channel)
    assert [event["ch_seq"] for event in log] == list(range(1, said["ch_seq"] + 3))
    for row in await chat.sql("SELECT * FROM event_log"):
        envelope = decode_envelope(row["body"])
        assert decode(envelope) is not None
        if row["id"] in before:
            then = json.loads(before[row["id"]]["body"])
            now = json.loads(row["body"])
            assert {**then, "data": None} == {**now, "data": None}
            assert list(now) == list(then)


async def test_a_text_is_erased_even_when_the_log_no_longer_reaches_back(chat, room):
    _, bob, channel = room
    said = await bob.say(channel, "words")
    await chat.sql("DELETE FROM event_log")
    await bob.patch(f"/messages/{said['id']}", {"text": "new"})
    await bob.delete(f"/messages/{said['id']}", 200)
    assert "new" not in await everything_stored(chat)


async def test_who_may_edit_and_delete(chat, room):
    ann, bob, channel = room
    cat = await chat.person()
    await ann.invite({"id": channel["workspace_id"]}, cat)
    said = await bob.say(channel, "mine")
    for person in (ann, cat):
        assert (await person.patch(f"/messages/{said['id']}", {"text": "yours"}, 403))["code"] == "forbidden"
    await cat.delete(f"/messages/{said['id']}", 403)
    await ann.delete(f"/messages/{said['id']}", 200)
    await cat.delete(f"/messages/{said['id']}", 403)
    await cat.delete(f"/messages/{uuid.uuid4()}", 404)


async def test_whoever_left_edits_nothing_but_may_take_back_what_they_said(room):
    _, bob, channel = room
    said = await bob.say(channel, "mine")
    await bob.post(f"/channels/{channel['id']}/leave", None, 204)
    assert (await bob.patch(f"/messages/{said['id']}", {"text": "yours"}, 403))["code"] == "not_a_member"
    await bob.delete(f"/messages/{said['id']}", 200)


async def test_what_is_deleted_or_archived_is_not_edited(room):
    ann, bob, channel = room
    said, kept = await bob.say(channel, "mine"), await bob.say(channel, "kept")
    await bob.delete(f"/messages/{said['id']}", 200)
    assert (await bob.patch(f"/messages/{said['id']}", {"text": "again"}, 409))["code"] == "message_deleted"
    await ann.post(f"/channels/{channel['id']}/archive")
    assert (await bob.patch(f"/messages/{kept['id']}", {"text": "again"}, 409))["code"] == "channel_archived"
    assert (await bob.delete(f"/messages/{kept['id']}", 200))["message"]["text"] == ""


@pytest.mark.parametrize("text", ["", " \n", "x" * 16_001, "nul \0", None, 1])
async def test_a_text_that_cannot_be_sent_cannot_be_edited_in(room, text):
    _, bob, channel = room
    said = await bob.say(channel, "mine")
    problem = await bob.patch(f"/messages/{said['id']}", {"text": text}, 422)
    assert problem["errors"][0]["pointer"] == "/text"


async def test_sending_again_what_was_changed_since_answers_with_it(room):
    _, bob, channel = room
    key = str(uuid.uuid4())
    said = await bob.say(channel, "once", key)
    edited = (await bob.patch(f"/messages/{said['id']}", {"text": "twice"}))["message"]
    assert await bob.say(channel, "once", key, expect=200) == edited
    gone = (await bob.delete(f"/messages/{said['id']}", 200))["message"]
    assert await bob.say(channel, "once", key, expect=200) == gone


async def test_editing_while_deleting_ends_deleted(chat, room):
    ann, bob, channel = room
    for _ in range(8):
        said = await bob.say(channel, "words")
        path = f"/messages/{said['id']}"
        answers = await asyncio.gather(
            *(bob.ask("PATCH", path, None, json={"text": f"edited words {number}"}) for number in range(3)),
            ann.ask("DELETE", path, None),
        )
        assert {answer.status_code for answer in answers} <= {200, 409}
        assert answers[-1].status_code == 200
        assert (await bob.get(path))["message"]["text"] == ""
        assert "words" not in await everything_stored(chat)
    log = await events(ann, channel)
    assert [event["ch_seq"] for event in log] == list(range(1, len(log) + 1))
