"""Who takes part in the journeys: people with an account, and listeners that keep what their stream yields."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from tertulia_client import Client, Connected, Event, Message, MessageCreated, Reset, StreamItem, Synced, Workspace
from tertulia_stack.background import BackgroundStack


@asynccontextmanager
async def people(stack: BackgroundStack, *names: str) -> AsyncIterator[list[Client]]:
    """Freshly registered, signed in. Their user names are made unique, since all journeys share one stack."""
    async with AsyncExitStack() as exits:
        clients = [await exits.enter_async_context(Client(stack.url)) for _ in names]
        await asyncio.gather(*(register(client, name) for client, name in zip(clients, names, strict=True)))
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

    @property
    def live(self) -> bool:
        return bool(self.of(Synced)) and bool(self.of(Connected))


@asynccontextmanager
async def listening(*clients: Client) -> AsyncIterator[list[Listener]]:
    """Their streams are live inside the block; a stream that breaks for good fails it."""
    listeners = [Listener(client) for client in clients]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(listener.run()) for listener in listeners]
        for listener in listeners:
            await listener.until(lambda me: me.live)
        yield listeners
        for task in tasks:
            task.cancel()
