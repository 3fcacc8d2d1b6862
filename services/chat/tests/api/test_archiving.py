"""Archiving channels and opening them again."""

import asyncio
import uuid

import asyncpg
import pytest_asyncio

from tertulia_shared.events import BOT_USER_ID


async def found(chat):
    """Ann owns the workspace, Bob the channel, Cat is in it."""
    ann, bob, cat = await chat.people(3)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, cat)
    channel = await bob.channel(workspace)
    await cat.post(f"/channels/{channel['id']}/join")
    return ann, bob, cat, channel


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


async def test_an_archived_channel_is_read_and_not_written(house):
    _, bob, cat, channel = house
    said = await cat.say(channel, "the last word")
    path = f"/channels/{channel['id']}"
    archived = (await bob.post(f"{path}/archive"))["channel"]
    assert archived["archived_at"] is not None
    assert archived["last_seq"] == said["ch_seq"] + 2
    assert (await cat.get(path))["channel"] == archived
    joined, *read = (await cat.get(f"{path}/messages"))["items"]
    assert (joined["system"]["kind"], joined["ch_seq"]) == ("joined", said["ch_seq"] - 1)
    event, note = (await cat.get(f"{path}/events?after={said['ch_seq']}"))["items"]
    assert read == [said, note["data"]["message"]]
    assert (await cat.say(channel, "one more", expect=409))["code"] == "channel_archived"
    assert (await bob.post(f"{path}/members", {"user_id": BOT_USER_ID}, 409))["code"] == "channel_archived"
    assert event["type"] == "channel.archived"
    assert event["data"]["channel"] == {**archived, "last_seq": said["ch_seq"] + 1}
    assert (note["type"], note["data"]["message"]["system"]["kind"]) == ("message.created", "archived")
    opened = (await bob.post(f"{path}/unarchive"))["channel"]
    assert opened == {**archived, "archived_at": None, "last_seq": archived["last_seq"] + 2}
    event, note = (await cat.get(f"{path}/events?after={archived['last_seq']}"))["items"]
    assert event["type"] == "channel.archived"
    assert event["data"]["channel"] == {**opened, "last_seq": archived["last_seq"] + 1}
    assert (note["type"], note["data"]["message"]["system"]["kind"]) == ("message.created", "unarchived")
    await cat.say(channel, "one more")


async def test_doing_it_again_changes_nothing(house):
    _, bob, _, channel = house
    path = f"/channels/{channel['id']}"
    for verb in ("unarchive", "archive"):
        first = await bob.post(f"{path}/{verb}")
        assert await bob.post(f"{path}/{verb}") == first
    joined = archived = 2  # The change, and that the channel says it.
    assert first["channel"]["last_seq"] == channel["last_seq"] + joined + archived


async def test_who_may_archive(chat, house):
    ann, bob, cat, channel = house
    path = f"/channels/{channel['id']}"
    for verb in ("archive", "unarchive"):
        assert (await cat.post(f"{path}/{verb}", None, 403))["code"] == "forbidden"
    await ann.post(f"{path}/archive")
    await bob.post(f"{path}/unarchive")
    await (await chat.person()).post(f"{path}/archive", None, 404)


async def test_a_direct_conversation_is_not_archived(house):
    ann, bob, _, channel = house
    talk = await ann.post(f"/workspaces/{channel['workspace_id']}/dms", {"user_ids": [bob.id]}, 201)
    assert (await ann.post(f"/channels/{talk['id']}/archive", None, 409))["code"] == "direct_channel"


async def test_newcomers_do_not_enter_an_archived_general(chat, house):
    ann, _, _, channel = house
    workspace = {"id": channel["workspace_id"]}
    general = (await ann.get(f"/workspaces/{workspace['id']}/channels"))["items"][0]["channel"]
    await ann.post(f"/channels/{general['id']}/archive")
    dan = await chat.person()
    await ann.invite(workspace, dan)
    assert (await dan.get(f"/channels/{general['id']}"))["joined"] is False


async def test_nothing_is_said_after_archiving(house):
    """Of many who send at this moment, each message is numbered before the archiving or refused."""
    ann, bob, cat, channel = house
    for _ in range(5):
        answers = await asyncio.gather(
            *(one.say(channel, "still", expect=None) for one in (bob, cat) * 4),
            bob.post(f"/channels/{channel['id']}/archive", None, None),
        )
        *sent, archived = answers
        seq = archived.json()["channel"]["last_seq"]
        for answer in sent:
            if answer.status_code == 201:
                assert answer.json()["message"]["ch_seq"] < seq
            else:
                assert (answer.status_code, answer.json()["code"]) == (409, "channel_archived")
        assert (await ann.get(f"/channels/{channel['id']}"))["channel"]["last_seq"] == seq
        await bob.post(f"/channels/{channel['id']}/unarchive")


async def test_a_send_that_waits_for_the_archiving_is_refused(chat, house):
    _, _, cat, channel = house
    archiving = await asyncpg.connect(chat.postgres_url)
    try:
        async with archiving.transaction():
            await archiving.execute("UPDATE channel SET archived_at = now() WHERE id = $1", uuid.UUID(channel["id"]))
            waiting = asyncio.ensure_future(cat.say(channel, "too late", expect=409))
            await chat.somebody_waits_for_a_lock()
        assert (await waiting)["code"] == "channel_archived"
    finally:
        await archiving.close()
