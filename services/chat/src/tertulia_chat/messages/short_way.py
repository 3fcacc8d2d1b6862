"""The short way of `POST /channels/{channel_id}/messages`: a bare ASGI layer before the framework.

Sending is what chat does most often, and the framework took as much of its processor time as sending itself. What comes
through is a request as nearly all are: to a channel's address, with credentials, with JSON of known length. It is
decoded as strictly as everywhere and answered as the framework would answer it. Whatever is otherwise goes the long
way, and so does, from the beginning, what fails without a word for it: `client_msg_id` makes sending once more safe.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar.types import ASGIApp, HTTPReceiveMessage, Receive, Scope, Send, WebSocketReceiveMessage

from tertulia_chat.messages.schemas import SendMessage, SentMessage
from tertulia_chat.messages.send import Sender
from tertulia_shared.edge import decode_body
from tertulia_shared.problems import Problem, send_problem

BEFORE, BEHIND = "/api/v1/channels/", "/messages"
ROUTE = "/api/v1/channels/{channel_id}/messages"
"""As the framework names it in metrics and traces."""
_JSON = b"application/json"
_ID_LENGTH = 36
_LENGTH = len(BEFORE) + _ID_LENGTH + len(BEHIND)

Received = HTTPReceiveMessage | WebSocketReceiveMessage

_body = msgspec.json.Decoder(SendMessage)
_encode = msgspec.json.Encoder().encode


class ShortWay:
    """Wraps the application. `longest`: bytes of a body; what is larger goes the long way."""

    def __init__(self, app: ASGIApp, sender: Callable[[], Sender], longest: int) -> None:
        self.app = app
        self._sender = sender
        self._longest = longest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked: Any = scope
        channel_id = _channel_of(asked)
        authorization = self._usual(asked["headers"]) if channel_id is not None else None
        if channel_id is None or authorization is None:
            await self.app(scope, receive, send)
            return
        received = await _all_of(receive)
        try:
            wish = decode_body(_body, _joined(received))
            message, created = await self._sender().send(authorization, channel_id, wish)
        except Problem as problem:
            asked["route"] = ROUTE
            await send_problem(scope, send, problem)
        except Exception:  # noqa: BLE001
            # Whatever it is, the framework's handlers say it, and log it.
            await self.app(scope, _again(received, receive), send)
        else:
            asked["route"] = ROUTE
            await _answer(send, 201 if created else 200, _encode(SentMessage(message=message)))

    def _usual(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """The credentials of a request that says who asks and brings JSON of a length that is not too much."""
        authorization: str | None = None
        kind, length = b"", b""
        for name, value in headers:
            if name == b"authorization":
                authorization = value.decode("latin-1")
            elif name == b"content-type":
                kind = value
            elif name == b"content-length":
                length = value
        usual = kind == _JSON and length.isdigit() and 0 < int(length) <= self._longest
        return authorization if usual else None


def _channel_of(scope: Any) -> UUID | None:
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    path: str = scope["path"]
    if len(path) != _LENGTH or not path.startswith(BEFORE) or not path.endswith(BEHIND):
        return None
    try:
        return UUID(path[len(BEFORE) : -len(BEHIND)])
    except ValueError:
        return None


async def _all_of(receive: Receive) -> list[Received]:
    """The request's messages, up to its end or to the client's."""
    received: list[Received] = []
    while True:
        message = await receive()
        received.append(message)
        if message["type"] != "http.request" or not message.get("more_body", False):
            return received


def _joined(received: Iterable[Any]) -> bytes:
    """The body. Raises KeyError when the client left before its end."""
    return b"".join(message["body"] for message in received)


def _again(received: Sequence[Received], receive: Receive) -> Receive:
    """Receives once more what was received, and then what comes."""
    waiting = iter(received)

    async def receive_again() -> Received:
        for message in waiting:
            return message
        return await receive()

    return receive_again


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", _JSON), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
