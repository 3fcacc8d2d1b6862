"""/threads/{id}/follow and /workspaces/{ws}/threads."""

from typing import Annotated, Literal
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from tertulia_chat.caller import Caller
from tertulia_chat.database import Database
from tertulia_chat.threads import commands, inbox
from tertulia_chat.threads.schemas import ThreadPage
from tertulia_shared.edge import Limit, delete, get, put

Which = Annotated[Literal["all", "unread"], QueryParameter(description="All that I follow, or where something is new.")]
Place = Annotated[str | None, QueryParameter(description="`next` of the page before; absent for the first page.")]


class ThreadController(Controller):
    path = "/threads/{thread_id:uuid}"
    tags = ("threads",)

    @put("/follow", status_code=204, summary="Follow a thread")
    async def follow(
        self, caller: NamedDependency[Caller], thread_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> None:
        async with database.transaction() as session:
            await commands.follow(session, caller.user_id, thread_id)

    @delete("/follow", status_code=204, summary="No longer follow a thread")
    async def unfollow(
        self, caller: NamedDependency[Caller], thread_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> None:
        async with database.transaction() as session:
            await commands.unfollow(session, caller.user_id, thread_id)


@get("/workspaces/{workspace_id:uuid}/threads", tags=["threads"], summary="The threads that I follow")
async def threads_inbox(
    caller: NamedDependency[Caller],
    workspace_id: FromPath[UUID],
    database: NamedDependency[Database],
    filter: Which = "all",
    cursor: Place = None,
    limit: Limit = 50,
) -> ThreadPage:
    async with database.transaction() as session:
        return await inbox.page(
            session, caller.user_id, workspace_id, only_unread=filter == "unread", limit=limit, cursor=cursor
        )
