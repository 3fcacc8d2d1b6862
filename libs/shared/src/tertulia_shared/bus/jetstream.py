"""Calls to the JetStream API: JSON over request/reply on `$JS.API.>` (ADR-1)."""

from typing import Any

import msgspec

from tertulia_shared.bus.connection import Bus
from tertulia_shared.bus.errors import JetStreamError
from tertulia_shared.bus.message import BusMessage

STREAM_NOT_FOUND = 10059
CONSUMER_NOT_FOUND = 10014
MESSAGE_NOT_FOUND = 10037
STREAM_NAME_IN_USE = 10058

NANOSECONDS = 1_000_000_000


class ApiError(msgspec.Struct):
    code: int
    err_code: int = 0
    description: str = ""


class _Answer(msgspec.Struct):
    error: ApiError | None = None


async def call(bus: Bus, api: str, request: object | None = None, *, timeout: float = 5.0) -> dict[str, Any]:
    """The answer of `$JS.API.<api>`. Raises JetStreamError, NoResponders, RequestTimeout or BusUnavailable."""
    body = b"" if request is None else msgspec.json.encode(request)
    message = await bus.request(f"$JS.API.{api}", body, timeout)
    raise_api_error(message)
    return msgspec.json.decode(message.data, type=dict[str, Any])


def raise_api_error(message: BusMessage) -> None:
    error = msgspec.json.decode(message.data, type=_Answer).error
    if error is not None:
        raise JetStreamError(error.code, error.err_code, error.description)
