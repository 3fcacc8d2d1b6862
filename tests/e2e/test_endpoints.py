"""Every call of the SDK once against the real services: both sides mean the same by the contract."""

from contextlib import AsyncExitStack

import pytest

from tertulia_client import (
    ChannelKind,
    Client,
    Conflict,
    Gone,
    NotFound,
    NotSignedIn,
    Role,
    Unauthenticated,
    ValidationFailed,
)
from tertulia_stack.background import BackgroundStack

from .people import founded, password_of, people


async def test_a_session_from_its_start_to_its_end(stack: BackgroundStack):
    async with people(stack, "Ada") as (ada,), AsyncExitStack() as exits:
        name, password = ada.user.username, password_of(ada.user.username)
        other = await exits.enter_async_context(Client(stack.url))
        assert (await other.auth.login(ada.user.email, password)).id == ada.user.id
        assert [session.current for session in await ada.auth.sessions()].count(True) == 1
        assert len(await other.auth.sessions()) == 2

        await ada.auth.change_password(current=password, new="another good one")
        with pytest.raises(Unauthenticated):
            await other.auth.refresh()
        with pytest.raises(NotSignedIn):
            await other.workspaces.mine()

        await other.auth.login(name, "another good one")
        kept = other.tokens
        await other.auth.refresh()
        async with Client(stack.url, tokens=other.tokens) as resumed:
            assert (await resumed.users.me()).id == ada.user.id
            await resumed.auth.refresh()
            await resumed.auth.refresh()
        async with Client(stack.url, tokens=kept) as thief:
            with pytest.raises(Unauthenticated) as caught:
                await thief.auth.refresh()
        assert caught.value.code == "refresh_token_reused"

        await ada.auth.logout_all()
        assert ada.tokens is None


async def test_profiles(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        await founded(ada, ben)
        changed = await ada.users.update_me(display_name="Ada L.", preferences={"theme": "dark"})
        assert (changed.display_name, changed.preferences) == ("Ada L.", {"theme": "dark"})
        assert await ada.users.me() == changed
        assert (await ben.users.get(ada.user.id)).display_name == "Ada L."


async def test_workspaces_members_and_invites(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, _ = await founded(ada)
        assert (await ada.workspaces.rename(workspace.id, "Renamed")).name == "Renamed"
        assert (await ada.workspaces.get(workspace.id)).name == "Renamed"
        with pytest.raises(Conflict) as taken:
            await ben.workspaces.create("Another", slug=workspace.slug)
        assert taken.value.code == "slug_taken"

        once = await ada.workspaces.invite(workspace.id, role=Role.ADMIN, max_uses=1)
        withdrawn = await ada.workspaces.invite(workspace.id)
        assert {once.code, withdrawn.code} <= {invite.code for invite in await ada.workspaces.invites(workspace.id)}
        await ada.workspaces.revoke_invite(workspace.id, withdrawn.code)
        joined = await ben.workspaces.accept_invite(once.code)
        assert (joined.workspace.id, joined.role) == (workspace.id, Role.ADMIN)
        assert [mine.workspace.id for mine in await ben.workspaces.mine()] == [workspace.id]
        async with people(stack, "Carl") as (carl,):
            with pytest.raises((Gone, NotFound)):
                await carl.workspaces.accept_invite(once.code)
            with pytest.raises((Gone, NotFound)):
                await carl.workspaces.accept_invite(withdrawn.code)

        members = [member async for member in ben.workspaces.members(workspace.id, page_size=1)]
        roles = {member.user.id: member.role for member in members if member.user.kind == "person"}
        assert roles == {ada.user.id: "owner", ben.user.id: "admin"}
        assert [member.role for member in members if member.user.kind == "bot"] == ["member"]
        with pytest.raises(Conflict) as last:
            await ada.workspaces.remove_member(workspace.id, ada.user.id)
        assert last.value.code == "last_owner"
        await ben.workspaces.remove_member(workspace.id, ben.user.id)
        assert await ben.workspaces.mine() == []


async def test_channels_and_who_is_in_them(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben", "Carl") as (ada, ben, carl):
        workspace, general = await founded(ada, ben, carl)
        plans = await ada.channels.create(workspace.id, "plans", topic="What is next")
        secret = await ada.channels.create(workspace.id, "secret", kind=ChannelKind.PRIVATE)
        with pytest.raises(Conflict) as taken:
            await ben.channels.create(workspace.id, "plans")
        assert taken.value.code == "channel_name_taken"
        with pytest.raises(ValidationFailed):
            await ben.channels.create(workspace.id, "no spaces, please")

        seen = {entry.channel.id: entry async for entry in ben.channels.list(workspace.id, page_size=1)}
        assert set(seen) == {general, plans.id}
        assert (seen[plans.id].joined, seen[plans.id].member_count, seen[plans.id].channel.topic) == (
            False, 1, "What is next",
        )  # fmt: skip
        assert (await ben.channels.join(plans.id)).id == plans.id
        assert (await ben.channels.get(plans.id)).member_count == 2
        await ben.channels.leave(plans.id)
        await ada.channels.add_member(secret.id, ben.user.id)
        ids = [member.user.id async for member in ben.channels.members(secret.id, page_size=1)]
        assert sorted(ids) == sorted([ada.user.id, ben.user.id])
        group = await carl.channels.open_dm(workspace.id, [ada.user.id, ben.user.id])
        assert (group.kind, sorted(group.member_ids or [])) == (
            ChannelKind.GROUP_DM, sorted([ada.user.id, ben.user.id, carl.user.id]),
        )  # fmt: skip
        notes = await carl.channels.open_dm(workspace.id, [carl.user.id])
        assert (notes.kind, notes.member_ids) == (ChannelKind.DM, [carl.user.id])


async def test_messages_in_windows(stack: BackgroundStack):
    async with people(stack, "Ada") as (ada,):
        _, general = await founded(ada)
        sent = [await ada.send(general, f"number {n}") for n in range(25)]
        assert await ada.messages.get(sent[3].id) == sent[3]
        middle = await ada.messages.page(general, around=sent[12].ch_seq, limit=5)
        assert sent[12] in middle.items
        assert (len(middle.items), middle.has_before, middle.has_after) == (5, True, True)
        newest = [message async for message in ada.messages.newest_first(general, page_size=10)]
        oldest = [message async for message in ada.messages.oldest_first(general, page_size=10)]
        assert oldest == newest[::-1] == sent
        for nonsense in ({"limit": 0}, {"limit": 10_000}, {"before": 3, "after": 1}):
            with pytest.raises(ValidationFailed):
                await ada.messages.page(general, **nonsense)
        with pytest.raises(Conflict) as reused:
            await ada.send(general, "another text", client_msg_id=sent[0].client_msg_id)
        assert reused.value.code == "client_msg_id_reused"
