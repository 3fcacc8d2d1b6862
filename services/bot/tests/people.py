"""People who are logged in, and talk to chat and to the bot."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from tertulia_shared.events import BOT_USER_ID, Message, Run

if TYPE_CHECKING:
    from .conftest import World

PATIENCE_S = 90.0


class Problem(AssertionError):
    def __init__(self, status: int, document: Any) -> None:
        super().__init__(f"{status} {document}")
        self.status = status
        self.document: Any = document
        self.code: str = document.get("code", "") if isinstance(document, dict) else ""


class Person:
    """Somebody who is logged in, and talks to chat and to the bot."""

    def __init__(self, world: "World", account: dict[str, Any]) -> None:
        self.world = world
        self.user: dict[str, Any] = account["user"]
        self.token: str = account["access_token"]

    @property
    def id(self) -> str:
        return self.user["id"]

    async def chat(self, method: str, path: str, body: Any = None) -> Any:
        return await self.world.ask(method, f"{self.world.chat_url}/api/v1{path}", self.token, body)

    async def bot(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return await self.world.ask(method, f"{self.world.bot_url}/api/v1{path}", self.token, body, headers)

    async def workspace(self) -> tuple[str, str]:
        """A new workspace, and its channel `general`."""
        workspace = (await self.chat("POST", "/workspaces", {"name": "Acme"}))["id"]
        channels = await self.chat("GET", f"/workspaces/{workspace}/channels")
        return workspace, channels["items"][0]["channel"]["id"]

    async def invite(self, workspace: str, *people: "Person", role: str = "member") -> None:
        code = (await self.chat("POST", f"/workspaces/{workspace}/invites", {"role": role}))["code"]
        for person in people:
            await person.chat("POST", f"/invites/{code}/accept")

    async def channel(self, workspace: str, name: str, kind: str = "public") -> str:
        return (await self.chat("POST", f"/workspaces/{workspace}/channels", {"kind": kind, "name": name}))["id"]

    async def dm(self, workspace: str, *people: str) -> str:
        return (await self.chat("POST", f"/workspaces/{workspace}/dms", {"user_ids": list(people)}))["id"]

    async def say(self, channel: str, text: str, thread: str | None = None) -> dict[str, Any]:
        body = {"text": text, "client_msg_id": str(uuid.uuid4())} | ({} if thread is None else {"thread_id": thread})
        return (await self.chat("POST", f"/channels/{channel}/messages", body))["message"]

    async def command(self, channel: str, text: str, thread: str | None = None, key: str | None = None) -> Run:
        body = {"text": text} | ({} if thread is None else {"thread_id": thread})
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = await self.bot("POST", f"/channels/{channel}/commands", body, **headers)
        return msgspec.convert(answer["run"], Run)

    async def run(self, run_id: str) -> Run:
        return msgspec.convert((await self.bot("GET", f"/runs/{run_id}"))["run"], Run)

    async def stop(self, run_id: str) -> Run:
        return msgspec.convert((await self.bot("POST", f"/runs/{run_id}/stop"))["run"], Run)

    async def ended(self, run_id: str) -> Run:
        async def over() -> Run | None:
            run = await self.run(run_id)
            return run if run.finished_at is not None else None

        return await eventually(over)

    async def messages(self, channel: str) -> list[Message]:
        page = await self.chat("GET", f"/channels/{channel}/messages?limit=200")
        return msgspec.convert(page["items"], list[Message])

    async def answers(self, channel: str) -> list[Message]:
        return [message for message in await self.messages(channel) if message.author_id == BOT_USER_ID]


async def eventually(look: Callable[[], Awaitable[Any]], timeout: float = PATIENCE_S) -> Any:
    """What `look` answers as soon as that is something."""
    deadline = time.monotonic() + timeout
    while True:
        found = await look()
        if found:
            return found
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.03)
