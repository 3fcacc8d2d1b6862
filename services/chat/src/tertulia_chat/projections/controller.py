"""/internal/v1/memberships, /internal/v1/messages and /internal/v1/events."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from tertulia_chat.database import Database
from tertulia_chat.projections import log, messages, snapshot
from tertulia_chat.projections.schemas import EventBounds, EventDigests, EventIds, ExportedMessages, MessageCounts
from tertulia_shared.edge import require_service
from tertulia_shared.tokens import ServiceTokens

AnyRequest = Request[Any, Any, Any]


@get("/internal/v1/memberships", include_in_schema=False)
async def memberships(
    request: AnyRequest,
    database: NamedDependency[Database],
    services: NamedDependency[ServiceTokens],
    token_ttl: NamedDependency[timedelta],
    wishes: FromQuery[bool] = False,
) -> Stream:
    """`wishes`: also how people want to appear. A reader of a release before knows no such lines and does not ask."""
    require_service(request, services)
    return Stream(snapshot.lines(database, token_ttl, wishes=wishes), media_type="application/x-ndjson")


class ExportController(Controller):
    path = "/internal/v1/messages"
    include_in_schema = False

    @get("/export")
    async def export(
        self,
        request: AnyRequest,
        database: NamedDependency[Database],
        services: NamedDependency[ServiceTokens],
        after: FromQuery[UUID | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=5000)] = 1000,
    ) -> ExportedMessages:
        require_service(request, services)
        async with database.transaction() as session:
            return await messages.export(session, after, limit)

    @get("/counts")
    async def counts(
        self, request: AnyRequest, database: NamedDependency[Database], services: NamedDependency[ServiceTokens]
    ) -> MessageCounts:
        require_service(request, services)
        async with database.transaction() as session:
            return await messages.counts(session)


class LogController(Controller):
    path = "/internal/v1/events"
    include_in_schema = False

    @get("/digest")
    async def digest(
        self,
        request: AnyRequest,
        database: NamedDependency[Database],
        services: NamedDependency[ServiceTokens],
        start: Annotated[datetime, QueryParameter(name="from")],
        end: Annotated[datetime, QueryParameter(name="to")],
    ) -> EventDigests:
        require_service(request, services)
        async with database.transaction() as session:
            return await log.digest(session, start, end)

    @get("/ids")
    async def ids(
        self,
        request: AnyRequest,
        database: NamedDependency[Database],
        services: NamedDependency[ServiceTokens],
        hour: FromQuery[datetime],
        kind: Annotated[str, QueryParameter(name="type")],
    ) -> EventIds:
        require_service(request, services)
        async with database.transaction() as session:
            return await log.ids(session, hour, kind)

    @get("/bounds")
    async def bounds(
        self, request: AnyRequest, database: NamedDependency[Database], services: NamedDependency[ServiceTokens]
    ) -> EventBounds:
        require_service(request, services)
        async with database.transaction() as session:
            return await log.bounds(session)
