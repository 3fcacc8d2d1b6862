"""/channels/{ch}/read and /preferences, /threads/{id}/read, /workspaces/{ws}/unread, /read-all and /mentions."""

from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from tertulia_chat.attention import cursors, mentions, overview, preferences
from tertulia_chat.attention.schemas import FormerCursors, MarkRead, MentionPage, PatchPreferences, ReadState, Unread
from tertulia_chat.caller import Caller
from tertulia_chat.database import Database
from tertulia_chat.edge import Cursor
from tertulia_chat.idempotency import post
from tertulia_shared.edge import Limit, get, put
from tertulia_shared.events import ChannelPreferences


class ChannelAttentionController(Controller):
    path = "/channels/{channel_id:uuid}"
    tags = ("attention",)

    @put("/read", summary="I have read up to here")
    async def read(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        data: JSONBody[MarkRead],
        database: NamedDependency[Database],
    ) -> ReadState:
        return await cursors.read_channel(database, caller.user_id, channel_id, data)

    @put("/preferences", summary="What I want of this channel")
    async def prefer(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        data: JSONBody[PatchPreferences],
        database: NamedDependency[Database],
    ) -> ChannelPreferences:
        async with database.transaction() as session:
            return await preferences.update(session, caller.user_id, channel_id, data)


class WorkspaceAttentionController(Controller):
    path = "/workspaces/{workspace_id:uuid}"
    tags = ("attention",)

    @get("/unread", summary="What is unread")
    async def unread(
        self, caller: NamedDependency[Caller], workspace_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> Unread:
        async with database.transaction() as session:
            return await overview.unread(session, caller.user_id, workspace_id)

    @post("/read-all", status_code=200, summary="I have read everything")
    async def read_all(
        self, caller: NamedDependency[Caller], workspace_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> FormerCursors:
        async with database.transaction() as session:
            return await overview.read_all(session, caller.user_id, workspace_id)

    @get("/mentions", summary="Where I am mentioned")
    async def mentions(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        database: NamedDependency[Database],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> MentionPage:
        async with database.transaction() as session:
            return await mentions.page(session, caller.user_id, workspace_id, limit, cursor)


@put("/threads/{thread_id:uuid}/read", tags=["attention"], summary="I have read this thread up to here")
async def read_thread(
    caller: NamedDependency[Caller],
    thread_id: FromPath[UUID],
    data: JSONBody[MarkRead],
    database: NamedDependency[Database],
) -> ReadState:
    return await cursors.read_thread(database, caller.user_id, thread_id, data)
