"""Who takes part: people with an account, writers that send until it is acknowledged, witnesses that note what came.

All of them use the Python client, so what they see is what a person would see.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import Protocol

import uuid_utils

from tertulia_chaos.proof import Record, Said
from tertulia_client import (
    ApiError,
    Client,
    Connected,
    Disconnected,
    Event,
    Message,
    MessageCreated,
    Reset,
    StreamItem,
    Synced,
    TertuliaError,
    Workspace,
)
from tertulia_client.backoff import is_temporary
from tertulia_client.stream import StreamTiming

PATIENCE_S = 90.0
"""How long a writer tries to get one message acknowledged."""
RETRY_S = 0.25
REGISTRATIONS = 4
"""At a time: hashing a password keeps a core busy."""


@asynccontextmanager
async def people(url: str, *names: str, timing: StreamTiming | None = None) -> AsyncGenerator[list[Client]]:
    """Freshly registered, signed in. Their user names are made unique, since scenarios may share one stack."""
    async with AsyncExitStack() as exits:
        clients = [await exits.enter_async_context(Client(url, timing=timing)) for _ in names]
        few = asyncio.Semaphore(REGISTRATIONS)

        async def come(client: Client, name: str) -> None:
            async with few:
                await register(client, name)

        await asyncio.gather(*(come(client, name) for client, name in zip(clients, names, strict=True)))
        yield clients


async def register(client: Client, name: str) -> None:
    username = f"{name.lower()}-{secrets.token_hex(4)}"
    await client.auth.register(
        email=f"{username}@example.org", username=username, password=password_of(username), display_name=name
    )


def password_of(username: str) -> str:
    return f"the secret of {username}"


async def founded(owner: Client, *others: Client) -> tuple[Workspace, str]:
    """A workspace of these people, and the id of its `general`."""
    workspace = await owner.workspaces.create(f"Journey {secrets.token_hex(4)}")
    invite = await owner.workspaces.invite(workspace.id)
    for other in others:
        await other.workspaces.accept_invite(invite.code)
    general = (await owner.workspaces.bootstrap(workspace.id)).channels[0].channel.id
    return workspace, general


def said_in(message: Message) -> Said:
    return Said(message.channel_id, message.ch_seq, message.id, message.text)


async def stored(client: Client, channels: Sequence[str]) -> dict[str, list[Said]]:
    """What somebody wrote, as chat's API tells it afterwards."""
    found: dict[str, list[Said]] = {}
    for channel in channels:
        messages = client.messages.oldest_first(channel, page_size=200)
        found[channel] = [said_in(message) async for message in messages if message.system is None]
    return found


class Postbox:
    """Gets messages acknowledged, however often it takes, and counts what it took."""

    def __init__(self) -> None:
        self.acknowledged: list[Said] = []
        self.failures: Counter[str] = Counter()
        """Attempts without an acknowledgement, by what came instead."""
        self.healed = 0
        """Messages that took more than one attempt."""
        self.given_up: list[str] = []
        """What could not be got acknowledged at all, in words."""
        self.longest_s = 0.0

    async def post(self, client: Client, channel: str, text: str) -> None:
        """Every attempt carries the same `client_msg_id`."""
        began = monotonic()
        key = str(uuid_utils.uuid7())
        attempts = 0
        while True:
            attempts += 1
            try:
                message = await client.messages.send(channel, text, client_msg_id=key, patience_s=0.0)
            except TertuliaError as error:
                self.failures[_name_of(error)] += 1
                if not is_temporary(error) or monotonic() - began > PATIENCE_S:
                    self.given_up.append(f"{text!r} after {attempts} attempts: {error}")
                    return
                await asyncio.sleep(RETRY_S)
            else:
                break
        self.acknowledged.append(said_in(message))
        self.healed += attempts > 1
        self.longest_s = max(self.longest_s, monotonic() - began)

    def figures(self) -> dict[str, object]:
        return {
            "posts": len(self.acknowledged),
            "failed_attempts": dict(self.failures),
            "healed_by_retry": self.healed,
            "not_healed": len(self.given_up),
            "longest_post_s": round(self.longest_s, 2),
        }


def _name_of(error: TertuliaError) -> str:
    return f"{error.status} {error.code}" if isinstance(error, ApiError) else type(error).__name__


async def keep_writing(
    postbox: Postbox, client: Client, name: str, channels: Sequence[str], pause_s: float, over: asyncio.Event
) -> None:
    """One text after the other, to one channel after the other, until it is `over`."""
    number = 0
    while not over.is_set():
        await postbox.post(client, channels[number % len(channels)], f"{name} {number}")
        number += 1
        await asyncio.sleep(pause_s)


class Witness:
    """Notes what one person's stream yields."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.record = Record(client.user.id)
        self.connections = 0
        self.not_resumed = 0
        """Connections after the first that could not go on where the one before had stopped."""
        self.disconnections = 0
        self._live = asyncio.Event()
        self._synced = False

    async def run(self) -> None:
        async with self.client.stream() as stream:
            async for item in stream:
                self._take(item)

    async def until_live(self, timeout_s: float = 30.0) -> None:
        async with asyncio.timeout(timeout_s):
            await self._live.wait()

    async def until_heard(self, counts: Mapping[str, int], timeout_s: float) -> bool:
        """Wait until so many messages of each channel came; whether they did."""
        deadline = monotonic() + timeout_s
        while any(self.record.heard(channel) < count for channel, count in counts.items()):
            if monotonic() > deadline:
                return False
            await asyncio.sleep(0.1)
        return True

    def _take(self, item: StreamItem) -> None:
        match item:
            case Event(channel_id=str(channel), ch_seq=int(seq)):
                self.record.note(channel, seq)
                if isinstance(item.data, MessageCreated) and item.data.message.system is None:
                    self.record.hear(said_in(item.data.message))
            case Connected(resumed=resumed):
                self.not_resumed += self.connections > 0 and not resumed
                self.connections += 1
            case Disconnected():
                self.disconnections += 1
            case Reset():
                self.record.resets += 1
            case Synced():
                self._synced = True
            case _:
                pass
        if self._synced and self.connections:
            self._live.set()


class Watcher(Protocol):
    """Whoever follows a stream."""

    async def run(self) -> None:
        """Until it is cancelled."""
        ...

    async def until_live(self) -> None:
        """Returns when nothing that happens from now on is missed."""
        ...


@asynccontextmanager
async def watching(watchers: Sequence[Watcher]) -> AsyncGenerator[None]:
    """Their streams are live inside the block; a stream that breaks for good fails it."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(watcher.run()) for watcher in watchers]
        for watcher in watchers:
            await watcher.until_live()
        yield
        for task in tasks:
            task.cancel()


@asynccontextmanager
async def witnessing(*clients: Client) -> AsyncGenerator[list[Witness]]:
    witnesses = [Witness(client) for client in clients]
    async with watching(witnesses):
        yield witnesses
