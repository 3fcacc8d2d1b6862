"""/internal/v1/runs."""

from typing import Any
from uuid import UUID

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from tertulia_chat.database import Database
from tertulia_chat.runs import commands, queries
from tertulia_chat.runs.schemas import FinishedRun, FinishRun, OpenedRun, OpenRun
from tertulia_shared.edge import post, require_service
from tertulia_shared.tokens import ServiceTokens

MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""An answer that is far too long is cut, so it has to come in first."""


@post("/internal/v1/runs", status_code=200, include_in_schema=False)
async def open_run(
    request: Request[Any, Any, Any],
    data: JSONBody[OpenRun],
    database: NamedDependency[Database],
    services: NamedDependency[ServiceTokens],
) -> OpenedRun:
    require_service(request, services)
    async with database.transaction() as session:
        run = await commands.open_run(session, data)
        return await queries.opened(session, run, data.context_limit)


@post(
    "/internal/v1/runs/{run_id:uuid}/finish",
    status_code=200,
    include_in_schema=False,
    request_max_body_size=MAX_ANSWER_BYTES,
)
async def finish_run(
    request: Request[Any, Any, Any],
    run_id: FromPath[UUID],
    data: JSONBody[FinishRun],
    database: NamedDependency[Database],
    services: NamedDependency[ServiceTokens],
) -> FinishedRun:
    require_service(request, services)
    async with database.transaction() as session:
        run, answer = await commands.finish_run(session, run_id, data)
        return FinishedRun(run=run.view(answer), message=answer)
