"""/internal/v1/memberships."""

from datetime import timedelta
from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.response import Stream

from tertulia_chat.database import Database
from tertulia_chat.projections import snapshot
from tertulia_shared.edge import require_service
from tertulia_shared.tokens import ServiceTokens


@get("/internal/v1/memberships", include_in_schema=False)
async def memberships(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    services: NamedDependency[ServiceTokens],
    token_ttl: NamedDependency[timedelta],
) -> Stream:
    require_service(request, services)
    return Stream(snapshot.lines(database, token_ttl), media_type="application/x-ndjson")
