"""Undoing a deletion: by who did it, for five minutes, as though nothing had happened."""

import asyncio
import uuid

import pytest_asyncio

from tertulia_chat.messages.purge import Purge

READ_OUT = ("mentions", "audience", "channels", "messages", "links")


async def furnish(chat):
    """Ann, who owns the workspace, and Bob in `general`."""
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


async def restore(person, message, expect=200):
    answer = await person.post(f"/messages/{message['id']}/restore", None, expect)
    return answer["message"] if expect == 200 else answer


async def remove(person, message):
    return (await person.delete(f"/messages/{message['id']}", 200))["message"]


async def events(person, channel, after):
    return (await person.get(f"/channels/{channel['id']}/events?after={after}&limit=200"))["items"]


async def stored(chat):
    return [row["text"] for row in await chat.sql("SELECT text FROM message_revision")]


async def later(chat):
    """Six minutes go by."""
    six = "interval '6 min'"
    await chat.sql(f"UPDATE message_revision SET replaced_at = replaced_at - {six}, purge_at = purge_at - {six}")


async def test_the_message_is_as_it_was_and_everybody_is_told(chat, room):
    ann, bob, _, channel = room
    said = await bob.say(channel, f"<@{ann.id}> @here #general https://example.org")
    edited = (await bob.patch(f"/messages/{said['id']}", {"text": f"{said['text']} /w/x"}))["message"]
    gone = await remove(bob, said)
    assert [gone[name] for name in READ_OUT] == [[], None, [], [], []]
    restored = await restore(bob, said)
    assert restored == edited
    assert restored["mentions"] == [ann.id]
    assert (await ann.get(f"/messages/{said['id']}"))["message"] == restored
    *_, deleted, event = await events(ann, channel, said["ch_seq"])
    assert (deleted["type"], event["type"], event["actor_id"]) == ("message.deleted", "message.updated", bob.id)
    assert event["ch_seq"] == deleted["ch_seq"] + 1 == said["ch_seq"] + 3
    assert event["data"]["message"] == restored
    assert await stored(chat) == []


async def test_a_restored_message_goes_on_living(chat, room):
    """Edited and deleted again: the log loses what it told with the restoring, too."""
    ann, bob, _, channel = room
    said = await bob.say(channel, "words")
    for _ in range(2):
        await remove(bob, said)
        await restore(bob, said)
    await bob.patch(f"/messages/{said['id']}", {"text": "more"})
    assert "words" not in str(await chat.sql("SELECT body FROM event_log"))
    await remove(ann, said)
    await restore(ann, said)
    log = await events(ann, channel, said["ch_seq"])
    assert [event["data"]["message"]["text"] for event in log] == ["", "", "", "", "", "", "more"]
    key = said["client_msg_id"]
    assert (await bob.say(channel, "whatever", key, expect=200))["text"] == "more"


async def test_a_message_that_is_not_deleted_stays_as_it_is(room):
    ann, bob, _, channel = room
    said = await bob.say(channel, "here")
    assert await restore(bob, said) == said
    assert await restore(ann, said) == said
    await remove(bob, said)
    assert await restore(bob, said) == await restore(bob, said) == said
    assert len(await events(ann, channel, said["ch_seq"])) == 2


async def test_reactions_and_pin_come_back_with_it(chat, room):
    ann, bob, workspace, channel = room
    first, said, last = [await bob.say(channel, text) for text in ("one", "two", "three")]
    for message in (first, said, last):
        await ann.ask("PUT", f"/messages/{message['id']}/pin")
    for person, emoji in ((bob, "👍"), (ann, "👍"), (ann, "❤️")):
        await person.ask("PUT", f"/messages/{said['id']}/reactions/{emoji}")
    before = (await ann.get(f"/messages/{said['id']}"))["message"]
    pins = (await ann.get(f"/channels/{channel['id']}/pins"))["items"]
    for policy in ("edits", "all"):
        await ann.patch(f"/workspaces/{workspace['id']}", {"history_policy": policy})
        await remove(bob, said)
        assert len((await ann.get(f"/channels/{channel['id']}/pins"))["items"]) == 2
        assert await restore(bob, said) == before
        assert (await events(ann, channel, 0))[-1]["data"]["message"] == before
        assert (await ann.get(f"/channels/{channel['id']}/pins"))["items"] == pins
    await ann.ask("DELETE", f"/messages/{said['id']}/pin")
    await ann.ask("DELETE", f"/messages/{said['id']}/reactions/❤️")
    await bob.patch(f"/messages/{said['id']}", {"text": "four"})
    assert '"two"' not in str(await chat.sql("SELECT body FROM event_log"))


async def test_what_was_deleted_before_marks_were_kept_comes_back_without(chat, room):
    ann, bob, _, channel = room
    said = await bob.say(channel, "one")
    await ann.ask("PUT", f"/messages/{said['id']}/pin")
    await remove(bob, said)
    for name in ("reactions", "pinned_by", "pinned_at", "system"):
        await chat.sql(f"UPDATE message_revision SET read_out = read_out - '{name}'")
    assert await restore(bob, said) == said


async def test_only_who_deleted_it_brings_it_back(chat, room):
    ann, bob, workspace, channel = room
    cat, stranger = await chat.people(2)
    await ann.invite(workspace, cat)
    his, hers = await bob.say(channel, "one"), await bob.say(channel, "two")
    await remove(bob, his)
    await remove(ann, hers)
    for person, message, status in (
        (ann, his, 403),
        (bob, hers, 403),
        (cat, his, 403),
        (cat, hers, 403),
        (stranger, his, 404),
    ):
        await restore(person, message, status)
    assert (await restore(bob, his))["text"] == "one"
    assert (await restore(ann, hers))["text"] == "two"
    await ann.post(f"/messages/{uuid.uuid4()}/restore", None, 404)


async def test_after_five_minutes_it_is_too_late(chat, room):
    ann, bob, workspace, channel = room
    said = await bob.say(channel, "one")
    await remove(bob, said)
    await later(chat)
    assert (await restore(bob, said, 409))["code"] == "undo_expired"
    await ann.patch(f"/workspaces/{workspace['id']}", {"history_policy": "all"})
    kept = await bob.say(channel, "two")
    await remove(bob, kept)
    await later(chat)
    assert (await restore(bob, kept, 409))["code"] == "undo_expired"


async def test_what_nobody_can_bring_back_is_forgotten(chat, room):
    ann, bob, workspace, channel = room
    purge = Purge(chat.parts.database)
    for policy in ("off", "edits", "all"):
        await ann.patch(f"/workspaces/{workspace['id']}", {"history_policy": policy})
        said, edited = await bob.say(channel, f"deleted with {policy}"), await bob.say(channel, f"edited with {policy}")
        await bob.patch(f"/messages/{edited['id']}", {"text": "new"})
        await remove(bob, said)
    assert await purge.purge() == 0
    await later(chat)
    assert sum(await asyncio.gather(*(purge.purge() for _ in range(3)))) == 2
    assert sorted(await stored(chat)) == ["deleted with all", "edited with all", "edited with edits"]


async def test_turning_history_off_ends_the_undo(room):
    ann, bob, workspace, channel = room
    said = await bob.say(channel, "one")
    await remove(bob, said)
    await ann.patch(f"/workspaces/{workspace['id']}", {"history_policy": "off"})
    assert (await restore(bob, said, 409))["code"] == "undo_expired"
    again = await bob.say(channel, "two")
    await remove(bob, again)
    assert await restore(bob, again) == again


async def test_what_an_earlier_release_deleted_does_not_come_back(chat, room):
    """It left a former text where it was, and nobody is shown it or gets it back."""
    ann, bob, _, channel = room
    said = await bob.say(channel, "one")
    await bob.patch(f"/messages/{said['id']}", {"text": "two"})
    await chat.sql("UPDATE message SET text = '', deleted_at = now() WHERE id = $1", uuid.UUID(said["id"]))
    assert (await restore(bob, said, 409))["code"] == "undo_expired"
    assert [one["text"] for one in (await ann.get(f"/messages/{said['id']}/history"))["items"]] == [""]


async def test_an_answer_of_the_bot_does_not_come_back(chat, room, bot):
    ann, _, _, channel = room
    run = (await bot.open(ann, channel))["run"]
    answer = (await bot.finish(run["id"]))["message"]
    assert await restore(ann, answer) == answer
    await remove(ann, answer)
    assert (await restore(ann, answer, 409))["code"] == "not_restorable"
    assert await stored(chat) == []


async def test_what_the_bot_repeated_stays_empty(room, bot):
    ann, bob, _, channel = room
    source = await bob.say(channel, "it is hunter2")
    run = (await bot.open(ann, channel))["run"]
    answer = (await bot.finish(run["id"], "As Bob says [1].", citations=[bot.cite(source)]))["message"]
    await remove(bob, source)
    assert await restore(bob, source) == source
    now = (await ann.get(f"/messages/{answer['id']}"))["message"]
    assert now["ai"]["citations"][0]["quote"] == ""


async def test_nothing_comes_back_into_an_archived_channel(room):
    ann, bob, _, channel = room
    said = await bob.say(channel, "one")
    await ann.post(f"/channels/{channel['id']}/archive")
    await remove(bob, said)
    assert (await restore(bob, said, 409))["code"] == "channel_archived"
    await ann.post(f"/channels/{channel['id']}/unarchive")
    assert await restore(bob, said) == said


async def test_a_thread_keeps_its_shape(room):
    ann, bob, _, channel = room
    root = await bob.say(channel, "root")
    replies = [await ann.reply(channel, root, "reply"), await bob.reply(channel, root, f"<@{ann.id}>")]
    for message in (root, replies[1]):
        await remove(bob, message)
        await restore(bob, message)
    thread = (await ann.get(f"/messages/{root['id']}/thread"))["items"]
    assert [item["text"] for item in thread] == ["root", "reply", f"<@{ann.id}>"]
    assert [item["thread_id"] for item in thread] == [None, root["id"], root["id"]]
    assert thread[2] == replies[1]


async def test_deleting_restoring_and_editing_at_once_ends_in_one_of_them(chat, room):
    ann, bob, _, channel = room
    for _ in range(4):
        said = await bob.say(channel, "words")
        path = f"/messages/{said['id']}"
        await asyncio.gather(
            bob.ask("DELETE", path, None),
            bob.ask("POST", f"{path}/restore", None),
            bob.ask("PATCH", path, None, json={"text": "other words"}),
            bob.ask("POST", f"{path}/restore", None),
            bob.ask("DELETE", path, None),
        )
        now = (await ann.get(path))["message"]
        words = {"words", "other words"}
        assert now["text"] in (words if now["deleted_at"] is None else {""})
        assert (await events(ann, channel, 0))[-1]["data"]["message"] == now
        assert (await restore(bob, said))["text"] in words
    log = await events(ann, channel, 0)
    assert [event["ch_seq"] for event in log] == list(range(1, len(log) + 1))
