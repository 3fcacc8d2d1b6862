"""Everything that can go wrong, as types.

`ApiError` is an answer of the server (an RFC 9457 problem); `NetworkError` means that there was no usable answer, so
that nobody knows whether the request had an effect; `ProtocolError` means that the answer cannot be understood.
"""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import msgspec


class TertuliaError(Exception):
    """The root of the tree."""


class NetworkError(TertuliaError):
    """No answer: refused, reset, or too late. The request may or may not have taken effect."""


class ProtocolError(TertuliaError):
    """The server said something outside the contract, such as HTML where JSON is due."""


class NotSignedIn(TertuliaError):
    """The call needs an account, and this client has no tokens."""


class ClientClosed(TertuliaError):
    """The call came after `aclose()`, or was still being repeated then."""


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a validation problem's `errors`."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class _Problem(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    title: str = ""
    detail: str | None = None
    request_id: str | None = None
    errors: list[FieldError] = []


class ApiError(TertuliaError):
    """A problem that the server reported. `code` is stable and made for machines; `retry_after_s` is in seconds."""

    def __init__(
        self,
        *,
        status: int,
        code: str,
        title: str = "",
        detail: str | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
        errors: tuple[FieldError, ...] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {detail or title} (request {request_id or 'unknown'})")
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        self.errors = errors
        self.extra: Mapping[str, Any] = extra or {}


class Unauthenticated(ApiError):
    """401: no token, a bad one, or wrong credentials."""


class TokenExpired(Unauthenticated):
    """401 `token_expired`: the access token ran out; the client refreshes by itself."""


class Forbidden(ApiError):
    """403: known, but not allowed."""


class NotFound(ApiError):
    """404: not there, or nothing this account may know of."""


class Conflict(ApiError):
    """409: `code` says which rule, for example `username_taken`."""


class Gone(ApiError):
    """410: it was there, for example `events_expired` or `invite_expired`."""


class TooLarge(ApiError):
    """413: the body is over the route's limit."""


class ValidationFailed(ApiError):
    """422: `errors` says which fields."""


class RateLimited(ApiError):
    """429: try again after `retry_after_s`."""


class ServerFailed(ApiError):
    """5xx: not the caller's fault; a dependency may be down."""


_BY_STATUS: dict[int, type[ApiError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    413: TooLarge,
    422: ValidationFailed,
    429: RateLimited,
}


def api_error(status: int, body: bytes, headers: Mapping[str, str]) -> ApiError:
    """Build the typed error of an answer; answers that are no problem+json (a proxy's page) get `http_<status>`."""
    try:
        problem = msgspec.json.decode(body, type=_Problem)
        extra: Mapping[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        problem = _Problem(code=f"http_{status}", title=body[:200].decode(errors="replace"))
        extra = {}
    return _class_of(status, problem.code)(
        status=status,
        code=problem.code,
        title=problem.title,
        detail=problem.detail,
        request_id=problem.request_id or headers.get("X-Request-Id"),
        retry_after_s=retry_after_s(headers.get("Retry-After")),
        errors=tuple(problem.errors),
        extra=extra,
    )


def _class_of(status: int, code: str) -> type[ApiError]:
    if code == "token_expired":
        return TokenExpired
    return _BY_STATUS.get(status, ServerFailed if status >= 500 else ApiError)


def retry_after_s(value: str | None) -> float | None:
    """Seconds from a Retry-After header, which may be a number or an HTTP date; None when absent or nonsense."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except ValueError:
        return None
