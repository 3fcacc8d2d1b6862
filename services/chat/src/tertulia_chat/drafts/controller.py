"""/channels/{ch}/draft and /workspaces/{ws}/drafts."""

from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from tertulia_chat.access import access_channel, access_workspace
from tertulia_chat.caller import Caller
from tertulia_chat.database import Database
from tertulia_chat.drafts import commands, queries
from tertulia_chat.drafts.schemas import DraftPage, PresentDraft, WriteDraft
from tertulia_shared.edge import Limit, delete, get, put

Thread = Annotated[UUID | None, QueryParameter(description="The thread's first message; absent for the channel.")]
Cursor = Annotated[
    str | None,
    QueryParameter(pattern=queries.CURSOR, description="`next` of the page before; absent for the first page."),
]


class DraftController(Controller):
    path = "/channels/{channel_id:uuid}/draft"
    tags = ("attention",)

    @put("/", summary="Keep what I have written for a channel or a thread")
    async def write(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        data: JSONBody[WriteDraft],
        database: NamedDependency[Database],
    ) -> PresentDraft:
        """Answers with what is there then: another draft when this one came too late, null when there is none."""
        async with database.transaction() as session:
            return PresentDraft(draft=await commands.write(session, caller.user_id, channel_id, data))

    @get("/", summary="What I have written for a channel or a thread")
    async def show(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        database: NamedDependency[Database],
        thread_id: Thread = None,
    ) -> PresentDraft:
        async with database.transaction() as session:
            await access_channel(session, caller.user_id, channel_id)
            row = await session.scalar(queries.draft_row(caller.user_id, channel_id, thread_id))
            return PresentDraft(draft=row.view() if row else None)

    @delete("/", status_code=204, summary="Drop what I have written")
    async def drop(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        database: NamedDependency[Database],
        thread_id: Thread = None,
    ) -> None:
        async with database.transaction() as session:
            await commands.drop(session, caller.user_id, channel_id, thread_id)


@get("/workspaces/{workspace_id:uuid}/drafts", tags=["attention"], summary="All my drafts, newest first")
async def drafts(
    caller: NamedDependency[Caller],
    workspace_id: FromPath[UUID],
    database: NamedDependency[Database],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> DraftPage:
    """Those for channels that I may no longer read are left out, and come back when I may read them again."""
    async with database.transaction() as session:
        seat = await access_workspace(session, caller.user_id, workspace_id)
        return await queries.page(session, seat, caller.user_id, limit, cursor)
