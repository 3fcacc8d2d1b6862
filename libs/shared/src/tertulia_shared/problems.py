"""Errors as RFC 9457 problem details, with stable machine-readable codes.

A service raises a `Problem`; one place turns it into `application/problem+json`. Whatever else escapes a handler
becomes `internal_error` without a word about its cause, which goes to the log with the request id.
"""

import http
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap, Scope, Send

from tertulia_shared.telemetry import logger

log = logger(__name__)

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:tertulia:problem:"


class FieldError(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing wrong with the input: in the body (`pointer`, RFC 6901) or in the URL (`parameter`)."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class Problem(Exception):
    """Base of every error that a client is told about.

    A subclass fixes `code`, `status` and `title`; `code` and `title` may also be given per instance, for one-off
    conflicts. `retry_after` is in seconds.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after = retry_after
        self.headers = dict(headers or {})


class MalformedBody(Problem):
    code, status, title = "malformed_body", 400, "The body is not valid JSON"


class Unauthenticated(Problem):
    code, status, title = "unauthenticated", 401, "A valid access token is needed"


class TokenExpired(Unauthenticated):
    code, title = "token_expired", "The access token has expired"


class Forbidden(Problem):
    code, status, title = "forbidden", 403, "You may not do this"


class NotFound(Problem):
    """Also for what exists but must not be known to the caller."""

    code, status, title = "not_found", 404, "There is nothing here"


class MethodNotAllowed(Problem):
    code, status, title = "method_not_allowed", 405, "This address does not know that method"


class Conflict(Problem):
    code, status, title = "conflict", 409, "This does not fit the present state"


class Gone(Problem):
    code, status, title = "gone", 410, "This is no longer here"


class TooLarge(Problem):
    code, status, title = "body_too_large", 413, "The body is too large"


class ValidationFailed(Problem):
    code, status, title = "validation_failed", 422, "Some of the input is not acceptable"


class RateLimited(Problem):
    code, status, title = "rate_limited", 429, "Too many requests"


class DependencyUnavailable(Problem):
    """A database or service that this request needs is away; trying again is safe."""

    code, status, title = "dependency_unavailable", 503, "A part of the system is not available right now"

    def __init__(self, detail: str | None = None, *, retry_after: float = 1.0) -> None:
        super().__init__(detail, retry_after=retry_after)


def problem_body(problem: Problem, request_id: str | None) -> bytes:
    """The JSON document. Absent members are left out."""
    document: dict[str, Any] = {
        "type": TYPE_PREFIX + problem.code,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request_id,
        "errors": problem.errors or None,
    }
    return msgspec.json.encode({key: value for key, value in document.items() if value is not None})


def problem_headers(problem: Problem) -> dict[str, str]:
    headers = dict(problem.headers)
    if problem.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(problem.retry_after)))
    if problem.status == http.HTTPStatus.UNAUTHORIZED:
        headers.setdefault("WWW-Authenticate", "Bearer")
    return headers


_BY_STATUS: dict[int, type[Problem]] = {
    400: MalformedBody,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
    422: ValidationFailed,
    429: RateLimited,
    503: DependencyUnavailable,
}

_PLACE = re.compile(r" - at `\$[^`]*`$")
"""Where msgspec says that it found the mistake."""


def _from_validation(error: ValidationException) -> Problem:
    extra = error.extra if isinstance(error.extra, list) else []
    return ValidationFailed(errors=[_field_error(item) for item in extra if isinstance(item, dict)])


def _field_error(item: Mapping[str, Any]) -> FieldError:
    """Litestar names a place in the body `homes[0].city` (the whole body `data`), and a parameter by its name."""
    key, detail = str(item.get("key", "")), _PLACE.sub("", str(item.get("message", "")))
    if item.get("source") != "body":
        return FieldError(detail, parameter=key)
    parts = [] if key == "data" else [part for part in re.split(r"[.\[\]]+", key) if part]
    return FieldError(detail, pointer="".join(f"/{part}" for part in parts))


def _from_http(error: HTTPException) -> Problem:
    kind = _BY_STATUS.get(error.status_code, Problem)
    return kind(error.detail if error.status_code < http.HTTPStatus.INTERNAL_SERVER_ERROR else None)


def to_problem(error: Exception) -> Problem:
    """What the client is told about any exception."""
    match error:
        case Problem():
            return error
        case ValidationException():
            return _from_validation(error)
        case HTTPException():
            return _from_http(error)
        case _:
            return Problem()


def handle(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The one exception handler of every Litestar application."""
    problem = to_problem(error)
    if problem.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, Problem):
        log.error("request failed", path=request.url.path, exc_info=error)
    return Response(
        content=problem_body(problem, request.scope.get("request_id")),
        status_code=problem.status,
        media_type=CONTENT_TYPE,
        headers=problem_headers(problem),
    )


async def send_problem(scope: Scope, send: Send, problem: Problem) -> None:
    """For what answers without Litestar: as its handler would."""
    body = problem_body(problem, cast(dict[str, Any], scope).get("request_id"))
    headers = {"Content-Type": CONTENT_TYPE, "Content-Length": str(len(body)), **problem_headers(problem)}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})


PROBLEM_HANDLERS: ExceptionHandlersMap = {Exception: handle, HTTPException: handle}

__all__ = [
    "PROBLEM_HANDLERS",
    "Conflict",
    "DependencyUnavailable",
    "FieldError",
    "Forbidden",
    "Gone",
    "MalformedBody",
    "MethodNotAllowed",
    "NotFound",
    "Problem",
    "RateLimited",
    "TokenExpired",
    "TooLarge",
    "Unauthenticated",
    "ValidationFailed",
    "handle",
    "problem_body",
    "problem_headers",
    "send_problem",
    "to_problem",
]
