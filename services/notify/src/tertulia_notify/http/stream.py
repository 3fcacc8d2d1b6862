"""`GET /api/v1/stream`: server-sent events as a bare ASGI application.

Bare because of what a stream costs: a framework's request and response objects would live as long as the connection.
The head goes through ASGI's `send`, what is delivered goes to the socket directly (`tertulia_shared.runtime.http`): the
request's task sleeps until the end, and no task wakes up for an event.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Iterable, Iterator
from typing import Any, cast
from urllib.parse import parse_qs

from litestar.types import Receive, Scope, Send

from tertulia_notify.admission import Admission
from tertulia_notify.delivery import frames
from tertulia_notify.delivery.connection import PIECE_BYTES, Connection
from tertulia_notify.delivery.hub import Hub
from tertulia_notify.delivery.resume import Beginning, Resumer
from tertulia_notify.presence.orders import name_of
from tertulia_notify.upkeep import Upkeep
from tertulia_shared.problems import MethodNotAllowed, Problem, send_problem
from tertulia_shared.runtime.http import DIRECT_BODY, OpenDirectBody

PATH = "/api/v1/stream"
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


class StreamEndpoint:
    def __init__(self, hub: Hub, admission: Admission, resumer: Resumer, upkeep: Upkeep, process: str) -> None:
        self._hub = hub
        self._admission = admission
        self._resumer = resumer
        self._upkeep = upkeep
        self._process = process
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cast(dict[str, Any], scope)["route"] = PATH
        try:
            connection = await self._admit(scope)
        except Problem as problem:
            await send_problem(scope, send, problem)
            return
        try:
            beginning = await self._resumer.begin(connection, *_places(scope))
            self._admission.check_still_admitted(connection)
        except Problem as problem:
            await send_problem(scope, send, problem)
        else:
            await self._stream(connection, beginning, _direct_body(scope), send)
        finally:
            self._hub.registry.remove(connection, self._hub.projection)

    async def _admit(self, scope: Scope) -> Connection:
        if scope["method"] != "GET":  # pyright: ignore[reportTypedDictNotRequiredAccess, reportGeneralTypeIssues]
            raise MethodNotAllowed(headers={"Allow": "GET"})
        claims = await self._admission.identify(_header(scope, b"authorization") or "")
        self._admission.check_serving()
        self._admission.check_room(claims.user_id)
        active = _query(scope, "active") != "false"
        connection = Connection(claims.user_id, claims.session_id, claims.expires_at, active=active)
        connection.number = next(self._numbers)
        self._hub.registry.admit(connection)
        return connection

    async def _stream(
        self, connection: Connection, beginning: Beginning, open_body: OpenDirectBody, send: Send
    ) -> None:
        connection.serving = asyncio.current_task()
        life = self._upkeep.schedule(connection, time.monotonic())
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            body = open_body(connection)
            for piece in _pieces(self._opening(connection, beginning, life)):
                if connection.gone:
                    return
                await connection.write_opening(body, piece)
            connection.open(body, self._hub.outbox)
            await connection.finished()
            if not connection.gone:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except asyncio.CancelledError:
            if not connection.gone:
                raise

    def _opening(self, connection: Connection, beginning: Beginning, life: float) -> Iterator[bytes]:
        cursor = self._hub.cursor(connection.user_id, beginning.position)
        yield frames.OPENING
        yield frames.retry(random.randint(2_000, 5_000))  # noqa: S311 jitter
        yield frames.hello(
            resumed=beginning.resumed,
            cursor=cursor,
            server=self._process,
            connection=name_of(self._process, connection.number),
            rotate_s=round(life),
        )
        if beginning.reset is not None:
            yield frames.reset(beginning.reset, cursor)
        yield from beginning.frames


def _pieces(items: Iterable[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for item in items:
        waiting.append(item)
        size += len(item)
        if size >= PIECE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


def _direct_body(scope: Scope) -> OpenDirectBody:
    return cast(dict[str, Any], scope)["extensions"][DIRECT_BODY]


def _places(scope: Scope) -> tuple[str | None, str | None]:
    """The client's last event id and its cursor; an empty one is none."""
    return _header(scope, b"last-event-id") or None, _query(scope, "cursor")


def _query(scope: Scope, name: str) -> str | None:
    query = parse_qs(cast(bytes, cast(dict[str, Any], scope).get("query_string", b"")).decode("latin-1"))
    return (query.get(name) or [None])[0]
