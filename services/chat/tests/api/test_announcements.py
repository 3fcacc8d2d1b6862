"""Announcement channels: who writes in them, by whichever way."""

import asyncio
import itertools
import uuid

import asyncpg
import pytest_asyncio

from tertulia_shared.events import BOT_USER_ID


async def found(chat):
    """Ann owns the workspace, Bob the channel `news` where admins write, Cat reads it."""
    ann, bob, cat = await chat.people(3)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, cat)
    channel = await bob.channel(workspace, "news")
    for person in (ann, cat):
        await person.post(f"/channels/{channel['id']}/join")
    await bob.patch(f"/channels/{channel['id']}", {"posting": "admins"})
    return ann, bob, cat, channel


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with, bot):
    return *await begin_with(found), bot


async def test_the_owner_and_admins_write_and_everybody_reads(chat, house):
    ann, bob, cat, channel, _ = house
    said = [await one.say(channel, "hear, hear") for one in (bob, ann)]
    assert (await cat.say(channel, "me too", expect=403))["code"] == "posting_restricted"
    assert (await cat.reply(channel, said[0], "why?", expect=403))["code"] == "posting_restricted"
    await ann.reply(channel, said[0], "indeed")
    stored = await chat.sql("SELECT text, system::jsonb ->> 'kind' AS kind FROM message ORDER BY ch_seq")
    assert [row["text"] for row in stored if row["kind"] is None] == ["hear, hear", "hear, hear", "indeed"]
    assert {row["kind"] for row in stored} == {None, "joined"}
    read = (await cat.get(f"/channels/{channel['id']}/messages"))["items"]
    assert [message["system"]["kind"] for message in read if message["system"]] == ["joined"]
    assert [message["id"] for message in read[1:3]] == [message["id"] for message in said]
    await bob.patch(f"/channels/{channel['id']}", {"posting": "everyone"})
    await cat.say(channel, "at last")


async def test_who_only_reads_reacts_all_the_same(house):
    """A reaction says nothing that anybody has to read: it is how a reader answers there."""
    _, bob, cat, channel, _ = house
    said = await bob.say(channel, "we moved")
    path = f"/messages/{said['id']}/reactions/🎉"
    assert (await cat.ask("PUT", path))["message"]["reactions"] == [{"emoji": "🎉", "user_ids": [cat.id]}]
    assert (await cat.ask("DELETE", path))["message"]["reactions"] == []


async def test_what_was_sent_before_is_answered_again(house):
    _, bob, cat, channel, _ = house
    await bob.patch(f"/channels/{channel['id']}", {"posting": "everyone"})
    key = str(uuid.uuid4())
    said = await cat.say(channel, "in time", key)
    await bob.patch(f"/channels/{channel['id']}", {"posting": "admins"})
    assert await cat.say(channel, "in time", key, expect=200) == said


async def test_a_deed_for_each_kind_of_person(chat, house):
    """Against the rule as the table in `access` has it."""
    behind = await asyncpg.connect(chat.postgres_url)
    _, _, cat, channel, bot = house
    here, her = uuid.UUID(channel["id"]), uuid.UUID(cat.id)
    for role, place, posting, archived in itertools.product(
        ("owner", "admin", "moderator", "member", "guest"),
        ("owner", "member", None),
        ("everyone", "admins"),
        (False, True),
    ):
        await behind.execute("DELETE FROM channel_member WHERE channel_id = $1 AND user_id = $2", here, her)
        await behind.execute("UPDATE workspace_member SET role = $2 WHERE user_id = $1", her, role)
        if place is not None:
            await behind.execute(
                "INSERT INTO channel_member (channel_id, user_id, workspace_id, role, joined_at, joined_seq) "
                "SELECT id, $2, workspace_id, $3, now(), last_seq FROM channel WHERE id = $1",
                here,
                her,
                place,
            )
        await behind.execute(
            "UPDATE channel SET posting = $2, archived_at = CASE WHEN $3 THEN now() END WHERE id = $1",
            here,
            posting,
            archived,
        )
        governs = role in ("owner", "admin") or (place == "owner" and role in ("moderator", "member"))
        expected = (
            (404, "not_found")
            if place is None and role == "guest"
            else (403, "not_a_member")
            if place is None
            else (403, "posting_restricted")
            if posting == "admins" and not governs
            else (409, "channel_archived")
            if archived
            else (201, None)
        )
        sent = await cat.say(channel, "hello", expect=None)
        assert (sent.status_code, sent.json().get("code")) == expected, (role, place, posting, archived)
        run = await bot.open(cat, channel, expect=None)
        assert (run.status_code, run.json().get("code")) == ((200, None) if expected[0] == 201 else expected)
    await behind.close()


async def test_the_bot_writes_only_for_who_may(chat, house):
    _, bob, cat, channel, bot = house
    assert (await bot.open(cat, channel, 403))["code"] == "posting_restricted"
    answer = await bot.finish((await bot.open(bob, channel))["run"]["id"])
    assert answer["message"]["author_id"] == BOT_USER_ID
    await bob.patch(f"/channels/{channel['id']}", {"posting": "everyone"})
    run = (await bot.open(cat, channel))["run"]
    await bob.patch(f"/channels/{channel['id']}", {"posting": "admins"})
    finished = await bot.finish(run["id"])
    assert (finished["run"]["state"], finished["run"]["error"]) == ("failed", "posting_restricted")
    assert finished["message"] is None


async def test_an_import_brings_what_everybody_wrote(chat, house):
    _, _, cat, channel, _ = house
    headers = {"authorization": f"Bearer {chat.parts.services.issue('seed')}"}
    old = {"author_id": cat.id, "client_msg_id": str(uuid.uuid4()), "text": "old", "created_at": "2026-01-01T00:00:00Z"}
    path = f"/internal/v1/channels/{channel['id']}/import"
    assert (await chat.ask("POST", path, json={"messages": [old]}, headers=headers))["imported"] == 1


async def test_nothing_is_said_after_the_restriction(house):
    """Of many who send at this moment, each message is numbered before it or refused."""
    _, bob, cat, channel, _ = house
    path = f"/channels/{channel['id']}"
    for _ in range(5):
        await bob.patch(path, {"posting": "everyone"})
        *sent, restricted = await asyncio.gather(
            *(cat.say(channel, "still", expect=None) for _ in range(8)), bob.patch(path, {"posting": "admins"}, None)
        )
        seq = restricted.json()["channel"]["last_seq"]
        for answer in sent:
            if answer.status_code == 201:
                assert answer.json()["message"]["ch_seq"] < seq
            else:
                assert (answer.status_code, answer.json()["code"]) == (403, "posting_restricted")


async def test_a_send_that_waits_for_the_restriction_is_refused(chat, house):
    _, bob, cat, channel, _ = house
    await bob.patch(f"/channels/{channel['id']}", {"posting": "everyone"})
    restricting = await asyncpg.connect(chat.postgres_url)
    try:
        async with restricting.transaction():
            await restricting.execute("UPDATE channel SET posting = 'admins' WHERE id = $1", uuid.UUID(channel["id"]))
            waiting = asyncio.ensure_future(cat.say(channel, "too late", expect=403))
            await chat.somebody_waits_for_a_lock()
        assert (await waiting)["code"] == "posting_restricted"
    finally:
        await restricting.close()


async def test_an_owner_who_is_set_back_while_they_send_is_refused(chat, house):
    """What the sending saw of them is looked at again: their seat changed with the channel."""
    ann, bob, _, channel, _ = house
    holder = await asyncpg.connect(chat.postgres_url)
    path = f"/channels/{channel['id']}/members/{bob.id}"
    try:
        async with holder.transaction():
            await holder.execute("SELECT 1 FROM channel WHERE id = $1 FOR UPDATE", uuid.UUID(channel["id"]))
            setting_back = asyncio.ensure_future(ann.patch(path, {"role": "member"}))
            await chat.somebody_waits_for_a_lock()
            sending = asyncio.ensure_future(bob.say(channel, "last words", expect=403))
            await asyncio.sleep(0.2)
        await setting_back
        assert (await sending)["code"] == "posting_restricted"
    finally:
        await holder.close()
