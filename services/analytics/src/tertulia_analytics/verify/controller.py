"""`POST /internal/v1/verify`: one JSON object a line, the last with `done` or `error`."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import litestar
import msgspec
from litestar import Request
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from tertulia_analytics.sink.sink import POSTGRES_ERRORS
from tertulia_analytics.verify.compare import Comparison
from tertulia_shared.bus import BusError
from tertulia_shared.edge import require_service
from tertulia_shared.problems import DependencyUnavailable
from tertulia_shared.telemetry import logger
from tertulia_shared.tokens import ServiceTokens

log = logger(__name__)

PATH = "/internal/v1/verify"
NDJSON = "application/x-ndjson"


class Failed(msgspec.Struct, frozen=True):
    """The comparison could not be finished."""

    error: str


@dataclass(frozen=True, slots=True)
class VerifyApi:
    services: ServiceTokens
    comparison: Comparison


@litestar.post(PATH, include_in_schema=False, status_code=200)
async def verify(request: Request[Any, Any, Any], verification: NamedDependency[VerifyApi]) -> Stream:
    require_service(request, verification.services)
    return Stream(_lines(verification.comparison), media_type=NDJSON)


async def _lines(comparison: Comparison) -> AsyncGenerator[bytes]:
    try:
        async for line in comparison.run():
            yield msgspec.json.encode(line) + b"\n"
    except (DependencyUnavailable, BusError, *POSTGRES_ERRORS) as error:
        log.warning("verify.failed", error=str(error))
        yield msgspec.json.encode(Failed(str(error) or type(error).__name__)) + b"\n"


HANDLERS: list[HTTPRouteHandler] = [verify]
