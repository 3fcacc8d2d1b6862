"""Who takes part in the journeys: people with an account, and listeners that keep what their stream yields."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from tertulia_chaos.people import founded, password_of, register, watching
from tertulia_chaos.people import people as people_at
from tertulia_client import Client, Connected, Event, Message, MessageCreated, Reset, StreamItem, Synced
from tertulia_stack.background import BackgroundStack

__all__ = ["Listener", "founded", "listening", "password_of", "people", "register"]


def people(stack: BackgroundStack, *names: str) -> AbstractAsyncContextManager[list[Client]]:
    """Freshly registered, signed in."""
    return people_at(stack.url, *names)


@dataclass
class Listener:
    """Everything one person's stream yielded so far."""

    client: Client
    items: list[StreamItem] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def run(self) -> None:
        async with self.client.stream() as stream:
            async for item in stream:
                async with self.changed:
                    self.items.append(item)
                    self.changed.notify_all()

    async def until(self, holds: Callable[["Listener"], bool], timeout_s: float = 30.0) -> None:
        async with asyncio.timeout(timeout_s), self.changed:
            await self.changed.wait_for(lambda: holds(self))

    async def until_texts(self, channel_id: str, *texts: str, timeout_s: float = 30.0) -> None:
        await self.until(lambda me: set(texts) <= {m.text for m in me.messages(channel_id)}, timeout_s)

    def events(self, channel_id: str | None = None) -> list[Event]:
        return [item for item in self.items if isinstance(item, Event) and channel_id in (None, item.channel_id)]

    def messages(self, channel_id: str) -> list[Message]:
        """What somebody wrote."""
        said = [e.data.message for e in self.events(channel_id) if isinstance(e.data, MessageCreated)]
        return [message for message in said if message.system is None]

    def of(self, kind: type[StreamItem]) -> list[StreamItem]:
        return [item for item in self.items if isinstance(item, kind)]

    @property
    def resets(self) -> list[StreamItem]:
        return self.of(Reset)

    async def until_live(self) -> None:
        await self.until(lambda me: bool(me.of(Synced)) and bool(me.of(Connected)))


@asynccontextmanager
async def listening(*clients: Client) -> AsyncIterator[list[Listener]]:
    """Their streams are live inside the block; a stream that breaks for good fails it."""
    listeners = [Listener(client) for client in clients]
    async with watching(listeners):
        yield listeners
