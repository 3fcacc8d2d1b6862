"""A conversation with everything that belongs to one, through the gateway and the stream, on several devices."""

from datetime import UTC, datetime, timedelta

import pytest

from tertulia_client import (
    Conflict,
    Forbidden,
    MessageCreated,
    MessageDeleted,
    MessagePinned,
    MessageUpdated,
    NotFound,
    ReactionAdded,
    ReadUpdated,
    ReminderDue,
    ScheduledUpdated,
    ThreadFollowed,
)
from tertulia_stack.background import BackgroundStack

from .people import Listener, founded, listening, people
from .test_parts import count_is, eventually


def of(listener: Listener, kind: type) -> list:
    return [event.data for event in listener.events() if isinstance(event.data, kind)]


async def heard(listener: Listener, kind: type, count: int = 1) -> list:
    await listener.until(lambda me: len(of(me, kind)) >= count)
    return of(listener, kind)


async def test_marks_edits_and_an_undone_deletion_reach_everybody(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, general = await founded(ada, ben)
        async with listening(ben) as (hearing,):
            message = await ada.send(general, "the harbuor opens at nine, see https://example.org/tides")
            assert message.links == ["https://example.org/tides"]
            await ben.messages.react(message.id, "👍🏽")
            await ada.messages.react(message.id, "👍🏽")
            reaction = (await heard(hearing, ReactionAdded, 2))[-1]
            assert reaction.reactions[0].user_ids == [ben.user.id, ada.user.id]
            await ben.messages.pin(message.id)
            assert (await heard(hearing, MessagePinned))[0].message.pinned is not None
            assert [pinned.id for pinned in await ada.messages.pins(general)] == [message.id]

            await ada.messages.edit(message.id, "the harbour opens at nine")
            versions = [version.text for version in await ben.messages.history(message.id)]
            assert versions == [message.text, "the harbour opens at nine"]
            await eventually(lambda: count_is(ben, workspace.id, "harbour", 1))

            await ada.messages.delete(message.id)
            await heard(hearing, MessageDeleted)
            await eventually(lambda: count_is(ben, workspace.id, "harbour", 0))
            with pytest.raises(Forbidden):
                await ben.messages.restore(message.id)
            back = await ada.messages.restore(message.id)
            assert back.text == "the harbour opens at nine"
            assert (await heard(hearing, MessageUpdated, 2))[-1].message == back
            await eventually(lambda: count_is(ben, workspace.id, "harbour", 1))


async def test_every_device_agrees_on_what_is_unread(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, general = await founded(ada, ben)
        async with listening(ben, ben) as (laptop, phone):
            await ada.send(general, "anybody?")
            named = await ada.send(general, f"@{ben.user.username} are you there?")
            assert named.mentions == [ben.user.id]
            unread = await ben.attention.unread(workspace.id)
            assert (unread.total.unread, unread.total.mentions) == (2, 1)
            assert [mention.id async for mention in ben.attention.mentions(workspace.id)] == [named.id]
            await ben.attention.read(general, named.ch_seq)
            for device in (laptop, phone):
                told = (await heard(device, ReadUpdated))[0]
                assert (told.channel_id, told.unread, told.mentions) == (general, 0, 0)
            assert (await ben.attention.unread(workspace.id)).channels == []
            assert (await ada.attention.unread(workspace.id)).channels == []


async def test_a_thread_is_followed_and_forwarded(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, general = await founded(ada, ben)
        room = (await ada.channels.create(workspace.id, "decisions")).id
        async with listening(ada) as (hearing,):
            root = await ada.send(general, "Shall we paint the boat?")
            reply = await ben.messages.send(general, "Blue!", thread_id=root.id)
            followed = (await heard(hearing, ThreadFollowed))[0]
            assert (followed.thread_id, followed.following) == (root.id, True)
            (inbox,) = [thread async for thread in ada.attention.threads(workspace.id)]
            assert (inbox.root.id, inbox.unread) == (root.id, 1)
            assert inbox.root.thread is not None
            assert inbox.root.thread.reply_count == 1
            forwarded = await ada.messages.forward(reply.id, room)
            assert (forwarded.text, forwarded.author_id) == ("Blue!", ada.user.id)
            assert forwarded.forwarded is not None
            assert forwarded.forwarded.author_id == ben.user.id


async def test_drafts_and_saved_messages_are_mine_and_rooms_change(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, general = await founded(ada, ben)
        message = await ada.send(general, "keep this")
        await ben.attention.save(message.id)
        await ben.attention.write_draft(general, "half a thought")
        assert [saved.message.id async for saved in ben.attention.saved(workspace.id)] == [message.id]
        assert [draft.text async for draft in ben.attention.drafts(workspace.id)] == ["half a thought"]
        assert await ada.attention.draft(general) is None
        room = (await ada.channels.create(workspace.id, "plans")).id
        await ben.channels.update(general, topic="of the day")
        assert (await ada.channels.update(room, name="secrets", kind="private")).name == "secrets"
        with pytest.raises(NotFound):
            await ben.channels.get(room)
        with pytest.raises(Conflict):
            await ada.channels.update(room, kind="public")
        await ada.channels.update(general, posting="admins")
        with pytest.raises(Forbidden):
            await ben.send(general, "may I?")


async def test_what_is_scheduled_is_sent_and_reminders_ring(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, general = await founded(ada, ben)
        async with listening(ada) as (mine,), listening(ben) as (hearing,):
            soon = datetime.now(UTC) + timedelta(seconds=2)
            planned = await ada.attention.schedule(workspace.id, general, "stand-up!", send_at=soon)
            assert [one.id async for one in ada.attention.scheduled(workspace.id)] == [planned.id]
            said = (await heard(hearing, MessageCreated))[0].message
            assert (said.text, said.author_id) == ("stand-up!", ada.user.id)
            sent = (await heard(mine, ScheduledUpdated, 2))[-1].scheduled
            assert (sent.state, sent.last.message_id) == ("sent", said.id)
            assert [one async for one in ada.attention.scheduled(workspace.id)] == []
            assert [one async for one in ada.attention.scheduled(workspace.id, sent=True)] == [sent]

            reminder = await ben.attention.remind(said.id, datetime.now(UTC) + timedelta(seconds=1))
            due = (await heard(hearing, ReminderDue))[0]
            assert (due.reminder.id, due.subject) == (reminder.id, "there")
            await ben.attention.complete(reminder.id)
            assert [one async for one in ben.attention.reminders(workspace.id)] == []
            assert of(hearing, ScheduledUpdated) == of(mine, ReminderDue) == []
