"""/workspaces/{ws}/sidebar."""

from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from tertulia_chat.access import access_workspace
from tertulia_chat.caller import Caller
from tertulia_chat.database import Database
from tertulia_chat.sidebar import arranging
from tertulia_chat.sidebar.schemas import PutSidebar
from tertulia_shared.edge import get, put
from tertulia_shared.events import Sidebar


class SidebarController(Controller):
    path = "/workspaces/{workspace_id:uuid}/sidebar"
    tags = ("workspaces",)

    @get("/", summary="How I arranged this workspace's channels")
    async def show(
        self, caller: NamedDependency[Caller], workspace_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> Sidebar:
        async with database.transaction() as session:
            await access_workspace(session, caller.user_id, workspace_id)
            return await arranging.show(session, caller.user_id, workspace_id)

    @put("/", summary="Arrange this workspace's channels")
    async def arrange(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        data: JSONBody[PutSidebar],
        database: NamedDependency[Database],
    ) -> Sidebar:
        """409 `sidebar_stale` when it was arranged on another device since the `version` that is given."""
        async with database.transaction() as session:
            await access_workspace(session, caller.user_id, workspace_id)
            return await arranging.arrange(session, caller.user_id, workspace_id, data)
