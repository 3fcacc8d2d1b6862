"""/workspaces/{ws}/notifications and /workspaces/{ws}/keywords."""

from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from tertulia_chat.caller import Caller
from tertulia_chat.database import Database
from tertulia_chat.edge import Cursor
from tertulia_chat.idempotency import post
from tertulia_chat.notifications import inbox, keywords
from tertulia_chat.notifications.schemas import Keywords, MarkSeen, NotificationPage, PutKeywords, Seen
from tertulia_shared.edge import Limit, get, put


class NotificationController(Controller):
    path = "/workspaces/{workspace_id:uuid}"
    tags = ("notifications",)

    @get("/notifications", summary="What I was told of, and why")
    async def notifications(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        database: NamedDependency[Database],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> NotificationPage:
        async with database.transaction() as session:
            return await inbox.page(session, caller.user_id, workspace_id, limit, cursor)

    @post("/notifications/read", status_code=200, summary="I have seen my notifications up to here")
    async def see(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        data: JSONBody[MarkSeen],
        database: NamedDependency[Database],
    ) -> Seen:
        async with database.transaction() as session:
            return await inbox.see(session, caller.user_id, workspace_id, data.id)

    @get("/keywords", summary="The words that I watch for")
    async def keywords(
        self, caller: NamedDependency[Caller], workspace_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> Keywords:
        async with database.transaction() as session:
            return await keywords.read(session, caller.user_id, workspace_id)

    @put("/keywords", summary="Watch for these words")
    async def watch(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        data: JSONBody[PutKeywords],
        database: NamedDependency[Database],
    ) -> Keywords:
        async with database.transaction() as session:
            return await keywords.replace(session, caller.user_id, workspace_id, data.keywords)
