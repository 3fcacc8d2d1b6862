"""chat's log as its internal addresses tell it: numbers by hour and type, ids, and how far back it goes."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import aiohttp
import msgspec

from tertulia_shared.problems import DependencyUnavailable
from tertulia_shared.tokens import ServiceTokens

TIMEOUT = aiohttp.ClientTimeout(total=120, sock_connect=3)
SERVICE = "analytics"

T = TypeVar("T")


class Digest(msgspec.Struct, frozen=True):
    """`xor` is over the last eight bytes of the events' ids, as a signed number."""

    hour: datetime
    type: str
    count: int
    xor: str


class _Digests(msgspec.Struct):
    items: list[Digest]


class _Ids(msgspec.Struct):
    ids: list[str]


class _Bounds(msgspec.Struct):
    oldest: datetime | None


class ChatLog:
    """`async with ChatLog(…) as log:`. Everything raises DependencyUnavailable when chat does not answer."""

    def __init__(self, chat_url: str, tokens: ServiceTokens) -> None:
        self._url = chat_url.rstrip("/") + "/internal/v1/events"
        self._tokens = tokens

    async def oldest(self) -> datetime | None:
        """The oldest event that the log still holds; None when it is empty."""
        return (await self._get("bounds", {}, _Bounds)).oldest

    async def digests(self, start: datetime, end: datetime) -> list[Digest]:
        """Whole hours from `start` to before `end`."""
        return (await self._get("digest", {"from": _text(start), "to": _text(end)}, _Digests)).items

    async def ids(self, hour: datetime, type_: str) -> set[str]:
        return set((await self._get("ids", {"hour": _text(hour), "type": type_}, _Ids)).ids)

    async def _get(self, what: str, params: Mapping[str, str], kind: type[T]) -> T:
        headers = {"Authorization": f"Bearer {self._tokens.issue(SERVICE)}"}
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT) as http,
                http.get(f"{self._url}/{what}", params=params, headers=headers) as answer,
            ):
                answer.raise_for_status()
                return msgspec.json.decode(await answer.read(), type=kind)
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
            raise DependencyUnavailable(f"chat's log could not be asked: {error!r}") from error


def hour_of(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)


HOUR = timedelta(hours=1)


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
