"""/internal/v1/memberships."""

from datetime import timedelta
from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.response import Stream

from tertulia_chat.accounts.tokens import AccessTokens
from tertulia_chat.database import Database
from tertulia_chat.edge import require_service
from tertulia_chat.projections import snapshot
from tertulia_shared.tokens import ServiceTokens


@get("/internal/v1/memberships", include_in_schema=False)
async def memberships(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    services: NamedDependency[ServiceTokens],
    tokens: NamedDependency[AccessTokens],
) -> Stream:
    require_service(request, services)
    ttl = timedelta(seconds=tokens.ttl_s)
    return Stream(snapshot.lines(database, ttl), media_type="application/x-ndjson")
