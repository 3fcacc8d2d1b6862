"""What an exchange is told: whom it serves, who decides about a request, and who answers what is not passed on."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tertulia_gateway.auth import Authenticator
from tertulia_gateway.headers import SECURITY_DATA, TrustedProxies
from tertulia_gateway.http1.message import Request
from tertulia_gateway.http1.upstream import UpstreamPool
from tertulia_gateway.limits import Limiter
from tertulia_gateway.router import Router
from tertulia_gateway.routes import Upstream

if TYPE_CHECKING:
    from tertulia_gateway.http1.exchange import Exchange


class Front(Protocol):
    """What an exchange needs of the client's connection."""

    peer: str

    @property
    def will_close(self) -> bool: ...
    def write(self, data: bytes) -> None: ...
    def set_deadline(self, seconds: float | None) -> None: ...
    def bound_buffer(self) -> None: ...
    def pause_body(self) -> None: ...
    def resume_body(self) -> None: ...
    def finished(self, exchange: "Exchange", *, close: bool) -> None: ...
    def break_off(self) -> None: ...
    def abort(self) -> None: ...


@dataclass(frozen=True, slots=True)
class LocalResponse:
    """What the gateway answers by itself. `security`: the header lines that say what it may do in a browser."""

    body: bytes
    content_type: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    security: bytes = SECURITY_DATA


LocalAnswer = Callable[[Request, str, bytes], Awaitable[LocalResponse]]
"""The request, its path, and the whole body of a POST."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decides about a request. The limiters are None when limits are off."""

    router: Router
    authenticator: Authenticator
    proxies: TrustedProxies
    pools: Mapping[Upstream, UpstreamPool]
    """A service without one is no part of this installation."""
    answer: LocalAnswer
    per_address: Limiter | None
    per_user: Limiter | None
