"""Around the handlers that take part: see the package."""

import re
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, cast

from litestar import Request
from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.openapi.spec import OpenAPIHeader, OpenAPIResponse, OpenAPIType, Operation, Parameter, Schema
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from tertulia_chat.caller import Authenticator
from tertulia_chat.database import Database
from tertulia_chat.idempotency.keeping import Answer, Asked, claim, digest_of, keep
from tertulia_shared import edge
from tertulia_shared.problems import FieldError, ValidationFailed

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"

_PATTERN = r"^[!-~]{1,200}$"
_KEY = re.compile(r"[!-~]{1,200}")
_REFUSALS = frozenset({401, 403, 404})
_UNDECIDED = 500


@dataclass
class RepeatableOperation(Operation):
    """`operation_class` of the addresses that take part: it describes the header."""

    def __post_init__(self) -> None:
        key = Parameter(
            name=HEADER,
            param_in="header",
            required=False,
            description="The same key with the same request again does nothing and answers as the first time, for at "
            "least 24 hours. 422 `idempotency_key_reused`: it stands for something else; 409 `idempotency_key_in_use`: "
            "the first is still at work.",
            schema=Schema(type=OpenAPIType.STRING, min_length=1, max_length=200, pattern=_PATTERN),
        )
        self.parameters = [*(self.parameters or []), key]
        told = OpenAPIHeader(
            description="`true`: nothing was done, this is the first answer again.",
            schema=Schema(type=OpenAPIType.STRING, enum=["true"]),
        )
        for status, response in cast("dict[str, OpenAPIResponse]", self.responses).items():
            if status.startswith("2"):
                response.headers = {**(response.headers or {}), REPLAYED: told}


@dataclass(slots=True)
class _Captured:
    """What the handler sends, held back until it is true."""

    start: Message | None = None
    parts: list[bytes] = field(default_factory=list[bytes])

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] == "http.response.body":
            self.parts.append(message["body"])

    @property
    def answer(self) -> Answer:
        return Answer(cast("dict[str, Any]", self.start)["status"], b"".join(self.parts))

    async def release(self, send: Send) -> None:
        await send(cast("Message", self.start))
        await send({"type": "http.response.body", "body": b"".join(self.parts), "more_body": False})


class Parts(Protocol):
    """What the application keeps as `state.parts`."""

    @property
    def authenticator(self) -> Authenticator: ...
    @property
    def database(self) -> Database: ...


class Repeatable(ASGIMiddleware):
    """Does nothing for a request without the header."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        headers = Headers.from_scope(scope)
        key = headers.get(HEADER)
        if key is None:
            await next_app(scope, receive, send)
            return
        # By the signature alone: whether the session still lives the handler asks, also when it is rehearsed.
        parts = cast("Parts", scope["litestar_app"].state.parts)
        caller = await parts.authenticator.claimed(headers.get("authorization", ""))
        asked = Asked(caller.user_id, _checked(key), await _digest(scope, receive))
        async with parts.database.enclosing() as around:
            first = await claim(around.session, asked)
            captured = _Captured()
            await next_app(scope, receive, captured.take)
            if first is None and 200 <= captured.answer.status < 300:
                await keep(around.session, asked, captured.answer)
                await around.commit()
        if first is None or _stands(captured.answer, first):
            await captured.release(send)
        else:
            await _replay(first, send)


def _checked(key: str) -> str:
    """Raises ValidationFailed."""
    if not _KEY.fullmatch(key):
        detail = "1 to 200 visible ASCII characters."
        raise ValidationFailed(errors=[FieldError(detail=detail, parameter=HEADER)])
    return key


async def _digest(scope: Scope, receive: Receive) -> bytes:
    """Litestar keeps the body for the handler. Raises RequestEntityTooLarge."""
    body = await Request[Any, Any, Any](scope, receive).body()
    asked = cast("HTTPScope", scope)
    return digest_of(asked["method"].encode(), asked["path"].encode(), asked["query_string"], body)


def _stands(rehearsed: Answer, first: Answer) -> bool:
    """Whether the answer of the rehearsal is the one to give.

    It is when the caller would be refused now, or nothing could be asked. Where the first answer says nothing but that
    it was done there is nothing to withhold: who left a private channel no longer knows it.
    """
    if rehearsed.status >= _UNDECIDED or rehearsed.status == 401:
        return True
    return rehearsed.status in _REFUSALS and first.body != b""


async def _replay(first: Answer, send: Send) -> None:
    headers = [(REPLAYED.lower().encode(), b"true")]
    if first.body:
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(first.body)).encode())]
    await send({"type": "http.response.start", "status": first.status, "headers": headers})
    await send({"type": "http.response.body", "body": first.body, "more_body": False})


post = partial(edge.post, operation_class=RepeatableOperation, middleware=[Repeatable()])
