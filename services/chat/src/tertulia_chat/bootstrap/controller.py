"""/workspaces/{ws}/bootstrap."""

from uuid import UUID

from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy import text

from tertulia_chat.bootstrap import queries
from tertulia_chat.bootstrap.position import StreamPosition
from tertulia_chat.bootstrap.schemas import Bootstrap
from tertulia_chat.caller import Caller
from tertulia_chat.database import Database
from tertulia_shared.edge import get


@get("/workspaces/{workspace_id:uuid}/bootstrap", tags=["realtime"], summary="All that a client needs to start")
async def bootstrap(
    caller: NamedDependency[Caller],
    workspace_id: FromPath[UUID],
    database: NamedDependency[Database],
    position: NamedDependency[StreamPosition],
) -> Bootstrap:
    """The position is read first: an event between the two readings is then delivered again, never missed."""
    cursor = await position.cursor_for(caller.user_id)
    async with database.transaction() as session:
        await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        return await queries.read(session, caller.user_id, workspace_id, cursor)
