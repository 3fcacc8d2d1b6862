"""A large workspace, made through the product's own ways: people and channels by the API, messages by chat's import."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

from tertulia_bench.http import Caller
from tertulia_shared.settings import SecretKeys, decode_secret
from tertulia_shared.tokens import ServiceTokens
from tertulia_stack.background import BackgroundStack
from tertulia_stack.home import Home
from tertulia_stack.ports import remembered

HOST = "127.0.0.1"
PASSWORD = "correct horse battery staple"
CONNECTIONS = 4
IMPORT_BATCH = 500
POLL_S = 0.1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    token: str


@dataclass(frozen=True, slots=True)
class Line:
    """One message from the past. `author` is an account's id."""

    author: str
    text: str
    at: datetime


class Loader:
    """Connections to the front door and to chat itself. `async with` closes them."""

    def __init__(self, stack: BackgroundStack) -> None:
        home = Home(stack.data_dir)
        self._front = stack.port
        self._chat = remembered(home.ports_file)["chat-api"]
        self._services = ServiceTokens(SecretKeys(decode_secret(home.secret_key())))
        self._exits = AsyncExitStack()
        self._callers: list[Caller] = []
        self._chat_callers: list[Caller] = []

    async def __aenter__(self) -> Self:
        for callers, port in ((self._callers, self._front), (self._chat_callers, self._chat)):
            for _ in range(CONNECTIONS):
                caller = await Caller.open(HOST, port)
                self._exits.callback(caller.close)
                callers.append(caller)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    async def call(self, method: str, path: str, body: object = None, token: str | None = None) -> Any:
        """Through the gateway. Raises Refused."""
        return await self._callers[0].call(method, f"/api/v1{path}", body, token)

    async def register(self, name: str) -> Account:
        body = {"email": f"{name}@example.org", "username": name, "password": PASSWORD, "display_name": name}
        answer = await self.call("POST", "/auth/register", body)
        return Account(answer["user"]["id"], answer["access_token"])

    async def workspace(self, name: str, owner: Account, *others: Account) -> str:
        workspace = (await self.call("POST", "/workspaces", {"name": name}, owner.token))["id"]
        invite = await self.call("POST", f"/workspaces/{workspace}/invites", {"role": "member"}, owner.token)
        for other in others:
            await self.call("POST", f"/invites/{invite['code']}/accept", None, other.token)
        return workspace

    async def channels(self, workspace: str, owner: Account, count: int, *, kind: str = "private") -> list[str]:
        """Ids of new channels, in the order of their names."""

        async def make(caller: Caller, number: int) -> str:
            body = {"kind": kind, "name": f"berth-{number}"}
            return (await caller.call("POST", f"/api/v1/workspaces/{workspace}/channels", body, owner.token))["id"]

        return await _spread(self._callers, range(count), make)

    async def join(self, channels: Sequence[str], member: Account, owner: Account) -> None:
        async def add(caller: Caller, channel: str) -> None:
            await caller.call("POST", f"/api/v1/channels/{channel}/members", {"user_id": member.id}, owner.token)

        await _spread(self._callers, channels, add)

    async def seat(self, channel: str, people: Sequence[str], owner: Account) -> None:
        """Put many people into one channel."""

        async def add(caller: Caller, person: str) -> None:
            await caller.call("POST", f"/api/v1/channels/{channel}/members", {"user_id": person}, owner.token)

        await _spread(self._callers, people, add)

    async def fill(self, channel_lines: Sequence[tuple[str, Sequence[Line]]]) -> int:
        """Import these lines; how many there were."""
        batches = [
            (channel, lines[start : start + IMPORT_BATCH])
            for channel, lines in channel_lines
            for start in range(0, len(lines), IMPORT_BATCH)
        ]

        async def put(caller: Caller, batch: tuple[str, Sequence[Line]]) -> None:
            channel, lines = batch
            messages = [
                {
                    "author_id": line.author,
                    "text": line.text,
                    "created_at": line.at.isoformat(),
                    "client_msg_id": str(uuid.uuid4()),
                }
                for line in lines
            ]
            path = f"/internal/v1/channels/{channel}/import"
            await caller.call("POST", path, {"messages": messages}, self._services.issue("bench"))

        await _spread(self._chat_callers, batches, put)
        return sum(len(lines) for _, lines in channel_lines)

    def service_token(self) -> str:
        return self._services.issue("bench")


def minutes_ago(minutes: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


async def until(holds: Callable[[], Awaitable[bool]], timeout_s: float) -> None:
    """Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not await holds():
            await asyncio.sleep(POLL_S)


async def _spread(
    callers: Sequence[Caller], items: Sequence[Any], work: Callable[[Caller, Any], Awaitable[T]]
) -> list[T]:
    """Each caller takes the next item when it is free; results in the order of the items."""
    results: dict[int, T] = {}
    waiting = iter(enumerate(items))

    async def take(caller: Caller) -> None:
        for number, item in waiting:
            results[number] = await work(caller, item)

    await asyncio.gather(*(take(caller) for caller in callers))
    return [results[number] for number in range(len(items))]
