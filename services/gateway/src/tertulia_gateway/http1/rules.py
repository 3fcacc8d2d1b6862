"""What an exchange is told: who decides about a request, and who answers what is not passed on."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tertulia_gateway.auth import Authenticator
from tertulia_gateway.headers import TrustedProxies
from tertulia_gateway.http1.message import Request
from tertulia_gateway.http1.upstream import UpstreamPool
from tertulia_gateway.limits import Limiter
from tertulia_gateway.routes import Router, Upstream


@dataclass(frozen=True, slots=True)
class LocalResponse:
    """What the gateway answers by itself. `page` chooses the policy for web pages over the one for data."""

    body: bytes
    content_type: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    page: bool = False


LocalAnswer = Callable[[Request, str], Awaitable[LocalResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decides about a request. The limiters are None when limits are off."""

    router: Router
    authenticator: Authenticator
    proxies: TrustedProxies
    pools: Mapping[Upstream, UpstreamPool]
    answer: LocalAnswer
    per_address: Limiter | None
    per_user: Limiter | None
