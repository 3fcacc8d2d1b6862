"""Two people talk: the main job, through the front door."""

import asyncio

import pytest

from tertulia_client import (
    ChannelKind,
    Disconnected,
    Event,
    Forbidden,
    MemberLeft,
    NotFound,
    NoticeCreated,
    Typing,
    Unauthenticated,
)
from tertulia_stack.background import BackgroundStack

from .people import founded, listening, password_of, people


async def test_two_people_talk(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, general = await founded(ada, ben)
        async with listening(ada, ben) as (adas, bens):
            await ada.send(general, "Welcome, Ben! ¿Qué tal? 世界 🎉")
            await bens.until_texts(general, "Welcome, Ben! ¿Qué tal? 世界 🎉")
            await ben.send(general, "Glad to be here.")
            await adas.until_texts(general, "Glad to be here.")
            dm = await ben.channels.open_dm(workspace.id, [ada.user.id])
            assert (await ada.channels.open_dm(workspace.id, [ben.user.id])).id == dm.id
            await ben.send(dm.id, "Between us.")
            await adas.until_texts(dm.id, "Between us.")
            await ben.channels.typing(dm.id)
            await adas.until(lambda me: any(i.channel_id == dm.id for i in me.items if isinstance(i, Typing)))
        everything = [message async for message in ada.messages.oldest_first(general)]
        history = [message for message in everything if message.system is None]
        assert [message.system.user_ids for message in everything if message.system] == [[ben.user.id]]
        assert [message.text for message in history] == ["Welcome, Ben! ¿Qué tal? 世界 🎉", "Glad to be here."]
        assert adas.messages(general) == bens.messages(general) == history


async def test_the_same_message_sent_twice_is_there_once(stack: BackgroundStack):
    async with people(stack, "Ada") as (ada,):
        _, general = await founded(ada)
        async with listening(ada) as (adas,):
            key = "01936f2a-8a4e-7c3d-9b1f-3a5d7e9f1b2c"
            first, again = [await ada.send(general, "once", client_msg_id=key) for _ in range(2)]
            await ada.send(general, "after")
            await adas.until_texts(general, "after")
            assert first == again
            assert [m.text for m in adas.messages(general)] == ["once", "after"]


async def test_many_senders_at_once_give_one_order_that_everybody_sees(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        _, general = await founded(ada, ben)
        async with listening(ada, ben) as listeners:
            sent = await asyncio.gather(
                *(client.send(general, f"{client.user.display_name} {n}") for n in range(100) for client in (ada, ben))
            )
            for listener in listeners:
                await listener.until(lambda me: len(me.messages(general)) == len(sent))
        in_order = sorted(sent, key=lambda message: message.ch_seq)
        assert [listener.messages(general) for listener in listeners] == [in_order, in_order]


async def test_a_removed_member_gets_nothing_after_the_removal(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, _ = await founded(ada, ben)
        room = await ada.channels.create(workspace.id, "secret", kind=ChannelKind.PRIVATE)
        await ada.channels.add_member(room.id, ben.user.id)
        async with listening(ada, ben) as (adas, bens):
            await ada.send(room.id, "Ben may read this")
            await bens.until_texts(room.id, "Ben may read this")
            burst = [ada.send(room.id, f"burst {n}") for n in range(100)]
            await asyncio.gather(*burst[:50], ada.channels.remove_member(room.id, ben.user.id), *burst[50:])
            await ada.send(room.id, "Ben must not read this")
            await adas.until_texts(room.id, "Ben must not read this")
            await bens.until(lambda me: isinstance(me.events(room.id)[-1].data, MemberLeft))
            await asyncio.sleep(1)  # Whatever would come too late would come now.
            # The notice of why has no number: it is theirs alone.
            seqs = [event.ch_seq for event in bens.events(room.id) if not isinstance(event.data, NoticeCreated)]
            *_, last = bens.events(room.id)
            assert last.data == MemberLeft(user_id=ben.user.id, reason="removed", removal="kicked")
            assert seqs == list(range(seqs[0] or 0, (last.ch_seq or 0) + 1))
            for refused in (
                ben.channels.get(room.id),
                ben.channels.events_page(room.id, after=0),
                ben.send(room.id, "?"),
            ):
                with pytest.raises(NotFound):
                    await refused


async def test_leaving_the_workspace_ends_everything_in_it(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, general = await founded(ada, ben)
        async with listening(ada, ben) as (adas, bens):
            await ada.workspaces.remove_member(workspace.id, ben.user.id)
            await ada.send(general, "without Ben")
            await adas.until_texts(general, "without Ben")
            await asyncio.sleep(1)
            assert bens.messages(general) == []
            assert await ben.workspaces.mine() == []
            with pytest.raises((NotFound, Forbidden)):
                await ben.workspaces.bootstrap(workspace.id)


async def test_logging_out_ends_the_stream_and_other_sessions_go_on(stack: BackgroundStack):
    async with people(stack, "Ada", "Phone") as (laptop, phone):
        _, general = await founded(laptop)
        await phone.auth.login(laptop.user.username, password_of(laptop.user.username))
        async with listening(laptop, phone) as (laptops, phones):
            await phone.auth.logout()
            await phones.until(lambda me: me.items[-1] == Disconnected(reason="revoked", retry_in_s=None))
            await laptop.send(general, "still here")
            await laptops.until_texts(general, "still here")
            assert phones.messages(general) == []


async def test_a_session_ended_from_another_device_ends_its_stream_and_its_tokens(stack: BackgroundStack):
    async with people(stack, "Ada", "Phone") as (laptop, phone):
        await founded(laptop)
        await phone.auth.login(laptop.user.username, password_of(laptop.user.username))
        async with listening(phone) as (phones,):
            sessions = await laptop.auth.sessions()
            assert [session.current for session in sessions].count(True) == 1
            for session in sessions:
                if not session.current:
                    await laptop.auth.revoke_session(session.id)
            await phones.until(lambda me: me.items[-1] == Disconnected(reason="revoked", retry_in_s=None))
        with pytest.raises(Unauthenticated):
            await phone.auth.refresh()


async def test_positions_of_yesterday_bring_what_was_missed(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        _, general = await founded(ada, ben)
        async with ben.stream() as stream:
            await anext(stream)
            positions = stream.positions
        for number in range(250):
            await ada.send(general, f"missed {number}")
        seen: list[Event] = []
        async with ben.stream(positions) as stream, asyncio.timeout(30):
            while len(seen) < 250:
                item = await anext(stream)
                seen += [item] if isinstance(item, Event) else []
        assert [event.ch_seq for event in seen] == list(range(positions[general] + 1, positions[general] + 251))
