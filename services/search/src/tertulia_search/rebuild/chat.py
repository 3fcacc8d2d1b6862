"""What chat tells a rebuild: every message as it is now, how far each channel is, and how many messages there are."""

from collections.abc import AsyncIterator
from typing import TypeVar

import aiohttp
import msgspec

from tertulia_shared.events import Message
from tertulia_shared.tokens import ServiceTokens

PAGE = 5_000
TIMEOUT = aiohttp.ClientTimeout(total=120, sock_connect=3, sock_read=30)

T = TypeVar("T")


class ChatUnavailable(Exception):
    """chat could not be asked, or its answer makes no sense."""


class _Page(msgspec.Struct):
    items: list[Message]
    next: str | None = None


class _Count(msgspec.Struct):
    workspace_id: str
    messages: int


class _Counts(msgspec.Struct):
    items: list[_Count]


class _Line(msgspec.Struct):
    """A line of the membership snapshot: how far a channel is (c, n), the end, or something else."""

    c: str | None = None
    n: int | None = None
    end: bool = False


class ChatExport:
    """Every method raises ChatUnavailable."""

    def __init__(self, chat_url: str, tokens: ServiceTokens) -> None:
        self._url = chat_url.rstrip("/") + "/internal/v1"
        self._tokens = tokens

    async def pages(self) -> AsyncIterator[list[Message]]:
        """Every message, deleted ones too, by id."""
        after: str | None = None
        while True:
            parameters = {"limit": str(PAGE)} | ({} if after is None else {"after": after})
            page = await self._get("/messages/export", parameters, _Page)
            yield page.items
            after = page.next
            if after is None:
                return

    async def counts(self) -> dict[str, int]:
        """Messages that are not deleted, by workspace."""
        answer = await self._get("/messages/counts", {}, _Counts)
        return {item.workspace_id: item.messages for item in answer.items if item.messages}

    async def reached(self) -> dict[str, int]:
        """The `ch_seq` of each channel's latest change."""
        body = await self._read("/memberships", {})
        try:
            lines = msgspec.json.Decoder(_Line).decode_lines(body)
        except msgspec.DecodeError as error:
            raise ChatUnavailable(f"{self._url}/memberships: {error}") from error
        if not lines or not lines[-1].end:
            raise ChatUnavailable(f"{self._url}/memberships: broke off")
        return {line.c: line.n for line in lines if line.c is not None and line.n is not None}

    async def _get(self, path: str, parameters: dict[str, str], kind: type[T]) -> T:
        body = await self._read(path, parameters)
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as error:
            raise ChatUnavailable(f"{self._url}{path}: {error}") from error

    async def _read(self, path: str, parameters: dict[str, str]) -> bytes:
        headers = {"Authorization": f"Bearer {self._tokens.issue('search')}"}
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT) as http,
                http.get(self._url + path, params=parameters, headers=headers) as answer,
            ):
                answer.raise_for_status()
                return await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ChatUnavailable(f"{self._url}{path}: {error!r}") from error
