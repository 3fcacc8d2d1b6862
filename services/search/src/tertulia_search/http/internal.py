"""What other services and operators ask. The gateway never routes it; a service token is needed."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Request
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.response import Stream

from tertulia_search.find.answers import Retrieved
from tertulia_search.find.finder import Finder
from tertulia_search.http.schemas import RetrieveRequest
from tertulia_search.rebuild.keeper import Keeper
from tertulia_search.rebuild.rebuild import Progress
from tertulia_shared.edge import post, require_service
from tertulia_shared.membership import MembershipFeed
from tertulia_shared.tokens import ServiceTokens


@post("/internal/v1/retrieve", status_code=200, include_in_schema=False)
async def retrieve(
    request: Request[Any, Any, Any],
    data: JSONBody[RetrieveRequest],
    services: NamedDependency[ServiceTokens],
    finder: NamedDependency[Finder],
    memberships: NamedDependency[MembershipFeed],
) -> Retrieved:
    """The messages that fit a question best, of the channels that everybody who reads the room may read."""
    require_service(request, services)
    await memberships.settling.until(lambda projection: projection.workspace_of(data.channel_id) == data.workspace_id)
    return await finder.retrieve(data.workspace_id, data.channel_id, data.query, data.limit)


@post("/internal/v1/rebuild", status_code=200, include_in_schema=False)
async def rebuild(
    request: Request[Any, Any, Any], services: NamedDependency[ServiceTokens], keeper: NamedDependency[Keeper]
) -> Stream:
    """Progress as NDJSON; the last line says `done` or names the `error`. It goes on when the caller hangs up."""
    require_service(request, services)
    return Stream(_lines(keeper.rebuild()), media_type="application/x-ndjson")


async def _lines(progress: AsyncIterator[Progress]) -> AsyncIterator[bytes]:
    async for line in progress:
        yield msgspec.json.encode(line) + b"\n"
