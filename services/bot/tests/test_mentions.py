"""`@bot` in a message, and direct conversations with the bot."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tertulia_bot.mentions import mentioned, question
from tertulia_shared.bus import Delivery, Reject, StoredMessage
from tertulia_shared.events import (
    BOT_USER_ID,
    MessageCreated,
    Origin,
    RunState,
    SystemKind,
    SystemNote,
    encode,
    envelope_of,
)
from tertulia_shared.events.subjects import H_TYPE

from .people import eventually


@pytest.mark.parametrize(
    ("text", "is_mention"),
    [
        ("@bot when?", True),
        ("Hey @Bot, when?", True),
        ("when? @BOT", True),
        ("(@bot)", True),
        ("@bot. Thanks", True),
        ("me@bot.org", False),
        ("@bottom", False),
        ("@bot-two", False),
        ("@bot.two", False),
        ("`@bot` is code", False),
        ("```\n@bot\n```", False),
        ("```\n@bot never closed", False),
        ("nothing", False),
    ],
)
def test_a_mention_is_a_word_outside_of_code(text, is_mention):
    assert mentioned(text) is is_mention


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("@bot, when is it?", "when is it?"),
        ("When is it, @bot", "When is it"),
        ("Ask @bot when it is", "Ask @bot when it is"),
        ("@bot", "@bot"),
        ("@bot @bot", "@bot"),
    ],
)
def test_the_question_is_what_stands_around_it(text, asked):
    assert question(text) == asked


def delivery(message, *, at=None, kind=MessageCreated.type, event_id=None):
    envelope = envelope_of(
        MessageCreated(message=message),
        event_id=event_id or str(uuid.uuid4()),
        time=at or datetime.now(UTC),
        workspace_id=message.workspace_id,
        channel_id=message.channel_id,
        ch_seq=message.ch_seq,
    )
    stored = StoredMessage(1, "evt.00.w.ch.c", {H_TYPE: kind}, encode(envelope), datetime.now(UTC))
    return Delivery(stored, 1, "reply")


async def test_a_mention_is_answered_where_it_was_made(world, scripted):
    async with world.bot(scripted.url):
        ana = await world.person()
        _, general = await ana.workspace()
        root = await ana.say(general, "A thread")
        await ana.say(general, "Look, @bot how is it?")

        async def answered(count=1):
            return len(await ana.answers(general)) >= count

        await eventually(answered)
        await ana.say(general, "@bot and here?", thread=root["id"])
        await eventually(lambda: answered(2))
        first, second = await ana.answers(general)
        assert (first.thread_id, second.thread_id) == (None, root["id"])
        assert first.ai is not None
        assert (first.ai.asker_id, first.ai.command, first.ai.prompt) == (ana.id, "ask", "Look, @bot how is it?")
        # The mention itself is the question and not a part of the conversation.
        assert scripted.requests[0]["messages"][1]["content"].count("how is it?") == 1


async def test_a_direct_conversation_with_the_bot_needs_no_mention(world, scripted):
    async with world.bot(scripted.url):
        ana, ben = await world.people(2)
        workspace, _ = await ana.workspace()
        await ana.invite(workspace, ben)
        direct = await ana.dm(workspace, BOT_USER_ID)
        other = await ana.dm(workspace, ben.id)
        await ana.say(other, "How is it?")
        await ana.say(direct, "How is it?")

        async def answered():
            return await ana.answers(direct)

        assert [message.text for message in await eventually(answered)] == ["All is well."]
        # Its own answers do not make it talk to itself.
        await asyncio.sleep(0.5)
        assert len(await ana.answers(direct)) == 1
        assert await ana.answers(other) == []


async def test_an_event_that_comes_twice_is_answered_once(world, scripted):
    async with world.bot(scripted.url) as parts:
        ana = await world.person()
        _, general = await ana.workspace()
        said = await ana.say(general, "@ bot is not called")
        message = msgspec.structs.replace((await ana.messages(general))[-1], text="@bot how is it?")
        event = delivery(message)
        await parts.mentions.handle(event)
        await parts.mentions.handle(event)
        (row,) = await world.sql("SELECT id, trigger_message_id FROM run")
        assert str(row["trigger_message_id"]) == said["id"]
        assert (await ana.ended(str(row["id"]))).state == RunState.DONE
        await parts.mentions.handle(event)
        assert len(await ana.answers(general)) == 1
        assert len(scripted.requests) == 1


async def test_what_is_old_or_forwarded_or_from_the_bot_or_no_message_is_left_alone(world, scripted):
    async with world.bot(scripted.url) as parts:
        ana = await world.person()
        _, general = await ana.workspace()
        await ana.say(general, "something")
        message = msgspec.structs.replace((await ana.messages(general))[-1], text="@bot how is it?")
        await parts.mentions.handle(delivery(message, at=datetime.now(UTC) - timedelta(minutes=11)))
        await parts.mentions.handle(delivery(msgspec.structs.replace(message, author_id=BOT_USER_ID)))
        await parts.mentions.handle(delivery(message, kind="message.updated"))
        told = {name: getattr(message, name) for name in ("channel_id", "ch_seq", "author_id", "created_at")}
        forwarded = msgspec.structs.replace(message, forwarded=Origin(message_id=message.id, **told))
        await parts.mentions.handle(delivery(forwarded))
        topic = SystemNote(kind=SystemKind.TOPIC_CHANGED, after=message.text)
        await parts.mentions.handle(delivery(msgspec.structs.replace(message, system=topic)))
        assert await world.sql("SELECT 1 FROM run") == []
        broken = StoredMessage(1, "s", {H_TYPE: MessageCreated.type}, b"{", datetime.now(UTC))
        with pytest.raises(Reject):
            await parts.mentions.handle(Delivery(broken, 1, ""))


@pytest.mark.parametrize(
    ("setting", "text", "code"),
    [
        ({"daily_token_budget": 10}, "@bot how is it?", "token_budget_exhausted"),
        ({}, "@bot " + "word " * 1900, "question_too_long"),
    ],
)
async def test_who_mentions_it_in_vain_is_told_by_a_failed_run(world, scripted, setting, text, code):
    async with world.bot(scripted.url, **setting):
        ana = await world.person()
        _, general = await ana.workspace()
        await ana.say(general, text)

        async def failed():
            rows = await world.sql("SELECT id, error FROM run WHERE state = 'failed'")
            return rows and rows[0]

        row = await eventually(failed)
        assert row["error"] == code
        # chat recorded a beginning and an end, so that every page hears of it.
        assert [path.rpartition("/")[2] for path in world.chat_switch.calls] == ["runs", "finish"]
        assert await ana.answers(general) == []
        assert scripted.requests == []


async def test_a_message_that_was_edited_asks_what_it_says_now(world, scripted):
    async with world.bot(scripted.url) as parts:
        ana = await world.person()
        _, general = await ana.workspace()
        await ana.say(general, "what is the time?")
        message = msgspec.structs.replace((await ana.messages(general))[-1], text="@bot what was my password?")
        await parts.mentions.handle(delivery(message))
        (row,) = await world.sql("SELECT id FROM run")
        assert (await ana.ended(str(row["id"]))).state == RunState.DONE
        assert "what is the time?" in scripted.requests[0]["messages"][1]["content"]
        assert "password" not in str(scripted.requests)
        (answer,) = await ana.answers(general)
        assert answer.ai is not None
        assert answer.ai.prompt == "what is the time?"


async def test_a_message_that_is_deleted_before_its_run_is_opened_is_not_answered(world, scripted):
    async with world.bot(scripted.url) as parts:
        ana = await world.person()
        _, general = await ana.workspace()
        said = await ana.say(general, "nothing")
        message = msgspec.structs.replace((await ana.messages(general))[-1], text="@bot what was my password?")
        await ana.chat("DELETE", f"/messages/{said['id']}")
        await parts.mentions.handle(delivery(message))

        async def over():
            rows = await world.sql("SELECT error, prompt, wish FROM run WHERE state = 'failed'")
            return rows and tuple(rows[0])

        assert await eventually(over) == ("not_found", "", "")
        assert await ana.answers(general) == []
        assert scripted.requests == []
