"""/workspaces/{ws}/channels, /workspaces/{ws}/dms and /channels."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from tertulia_chat.access import access_channel, access_workspace
from tertulia_chat.audit import Action
from tertulia_chat.audit.denials import AUDITED
from tertulia_chat.caller import Caller
from tertulia_chat.channels import changes, commands, queries
from tertulia_chat.channels.reach import reach
from tertulia_chat.channels.schemas import (
    AddMember,
    ChangedChannel,
    ChannelFilter,
    ChannelMember,
    ChannelMemberPage,
    ChannelPage,
    ChannelState,
    NewChannel,
    OpenDirect,
    PatchChannel,
    PatchChannelMember,
    Reach,
)
from tertulia_chat.database import Database
from tertulia_chat.edge import Cursor
from tertulia_chat.idempotency import post
from tertulia_shared.edge import PROBLEMS, Limit, answer, delete, get, patch
from tertulia_shared.events import Channel, Role

# PostgreSQL holds no NUL.
Words = Annotated[
    str, QueryParameter(max_length=64, pattern=r"^[^\x00]*$", description="What the name contains, in any case.")
]
Only = Annotated[
    ChannelFilter | None,
    QueryParameter(
        name="filter", description="Without it: all, archived or not. `joined` and `public`: none archived."
    ),
]


class WorkspaceChannelsController(Controller):
    path = "/workspaces/{workspace_id:uuid}"
    tags = ("channels",)

    @post("/channels", summary="Open a channel", opt={AUDITED: Action.CHANNEL_CREATED})
    async def create(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        data: JSONBody[NewChannel],
        database: NamedDependency[Database],
    ) -> Channel:
        async with database.transaction() as session:
            seat = await access_workspace(session, caller.user_id, workspace_id)
            return await commands.create(session, seat, caller.user_id, data)

    @get("/channels", summary="The public channels and mine")
    async def index(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        database: NamedDependency[Database],
        q: Words = "",
        only: Only = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> ChannelPage:
        async with database.transaction() as session:
            seat = await access_workspace(session, caller.user_id, workspace_id)
            return await queries.channels_page(
                session, seat, caller.user_id, name=q, only=only, limit=limit, after=cursor
            )

    @post(
        "/dms",
        summary="Open the conversation of these people, or find it",
        responses={**PROBLEMS, 200: answer(Channel, "They have one already.")},
    )
    async def open_direct(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        data: JSONBody[OpenDirect],
        database: NamedDependency[Database],
    ) -> Response[Channel]:
        async with database.transaction() as session:
            seat = await access_workspace(session, caller.user_id, workspace_id)
            channel, created = await commands.open_direct(session, seat, caller.user_id, data.user_ids)
        return Response(channel, status_code=201 if created else 200)


class ChannelController(Controller):
    path = "/channels/{channel_id:uuid}"
    tags = ("channels",)

    @get("/", summary="One channel")
    async def show(
        self, caller: NamedDependency[Caller], channel_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> ChannelState:
        async with database.transaction() as session:
            return await queries.state(session, await access_channel(session, caller.user_id, channel_id))

    @patch("/", summary="Change a channel", opt={AUDITED: Action.CHANNEL_UPDATED})
    async def update(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        data: JSONBody[PatchChannel],
        database: NamedDependency[Database],
    ) -> ChangedChannel:
        async with database.transaction() as session:
            return ChangedChannel(channel=await changes.update(session, caller.user_id, channel_id, data))

    @delete(
        "/",
        status_code=204,
        summary="Delete a channel for good, with everything in it",
        opt={AUDITED: Action.CHANNEL_DELETED},
    )
    async def remove(
        self, caller: NamedDependency[Caller], channel_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> None:
        async with database.transaction() as session:
            await changes.delete(session, caller.user_id, channel_id)

    @post("/join", status_code=200, summary="Join a public channel")
    async def join(
        self, caller: NamedDependency[Caller], channel_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> Channel:
        async with database.transaction() as session:
            return await commands.join(session, caller.user_id, channel_id)

    @post("/leave", status_code=204, summary="Leave a channel")
    async def leave(
        self, caller: NamedDependency[Caller], channel_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> None:
        async with database.transaction() as session:
            await commands.leave(session, caller.user_id, channel_id)

    @post(
        "/archive",
        status_code=200,
        summary="Close a channel: it can be read but not written",
        opt={AUDITED: Action.CHANNEL_ARCHIVED},
    )
    async def archive(
        self, caller: NamedDependency[Caller], channel_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> ChangedChannel:
        async with database.transaction() as session:
            channel = await changes.set_archived(session, caller.user_id, channel_id, archived=True)
            return ChangedChannel(channel=channel)

    @post(
        "/unarchive",
        status_code=200,
        summary="Open an archived channel again",
        opt={AUDITED: Action.CHANNEL_UNARCHIVED},
    )
    async def unarchive(
        self, caller: NamedDependency[Caller], channel_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> ChangedChannel:
        async with database.transaction() as session:
            channel = await changes.set_archived(session, caller.user_id, channel_id, archived=False)
            return ChangedChannel(channel=channel)

    @get("/reach", summary="Whom a message to everybody here reaches")
    async def reach(
        self, caller: NamedDependency[Caller], channel_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> Reach:
        async with database.transaction() as session:
            return await reach(session, caller.user_id, channel_id)

    @get("/members", summary="Who is in a channel")
    async def members(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        database: NamedDependency[Database],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> ChannelMemberPage:
        async with database.transaction() as session:
            await access_channel(session, caller.user_id, channel_id)
            return await queries.members_page(session, channel_id, limit, cursor)

    @post(
        "/members",
        summary="Add somebody",
        opt={AUDITED: Action.CHANNEL_MEMBER_ADDED},
        responses={**PROBLEMS, 200: answer(ChannelMember, "They were in already.")},
    )
    async def add_member(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        data: JSONBody[AddMember],
        database: NamedDependency[Database],
    ) -> Response[ChannelMember]:
        async with database.transaction() as session:
            member, added = await commands.add(session, caller.user_id, channel_id, data.user_id)
        return Response(member, status_code=201 if added else 200)

    @patch(
        "/members/{user_id:uuid}",
        summary="Make somebody an owner of a channel, or a member again",
        opt={AUDITED: Action.CHANNEL_ROLE_CHANGED},
    )
    async def update_member(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        user_id: FromPath[UUID],
        data: JSONBody[PatchChannelMember],
        database: NamedDependency[Database],
    ) -> ChannelMember:
        async with database.transaction() as session:
            return await changes.set_role(session, caller.user_id, channel_id, user_id, Role(data.role))

    @delete(
        "/members/{user_id:uuid}",
        status_code=204,
        summary="Leave, or remove somebody",
        opt={AUDITED: Action.CHANNEL_MEMBER_REMOVED},
    )
    async def remove_member(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        user_id: FromPath[UUID],
        database: NamedDependency[Database],
    ) -> None:
        async with database.transaction() as session:
            await commands.remove(session, caller.user_id, channel_id, user_id)
