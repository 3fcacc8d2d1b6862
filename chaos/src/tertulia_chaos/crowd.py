"""Many streams at once, on few accounts, and what each of them saw."""

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from time import monotonic

from tertulia_bench.loading import Account, Loader
from tertulia_chaos.people import REGISTRATIONS
from tertulia_chaos.proof import falls, holes
from tertulia_chaos.wire import StreamClient, WireEvent

STREAMS_PER_PERSON = 10
"""Half of what is allowed: a server that has not yet noticed a loss still counts the lost one."""
OPENED_PER_S = 250
"""At the start; half of what a process admits."""
POLL_S = 0.05
ARRIVAL_S = 30.0
"""So long after the last message is waited for it."""


class Seat:
    """One stream of the crowd, and the places of `channel` that came by it."""

    def __init__(self, port: int, account: Account, channel: str, chance: random.Random) -> None:
        self.account = account
        self.places: list[int] = []
        self.client = StreamClient(port, account.token, chance, self._take)
        self.listener: Callable[[WireEvent], None] | None = None
        """Told each event of the channel."""
        self._channel = channel

    def _take(self, event: WireEvent) -> None:
        if event.channel_id == self._channel and event.ch_seq is not None:
            self.places.append(event.ch_seq)
            if self.listener is not None:
                self.listener(event)

    @property
    def is_live(self) -> bool:
        return self.client.live_at is not None

    @property
    def doubled(self) -> int:
        return len(falls(self.places))

    @property
    def lost(self) -> int:
        """Places that are missing between the first and the last that came."""
        return len(holes(self.places))


async def registered(loader: Loader, count: int) -> list[Account]:
    """So many new accounts. Their names are made unique, since scenarios may share one stack."""
    wave = secrets.token_hex(4)
    few = asyncio.Semaphore(REGISTRATIONS)

    async def come(number: int) -> Account:
        async with few:
            return await loader.register(f"crowd-{wave}-{number}")

    return list(await asyncio.gather(*(come(number) for number in range(count))))


async def gathered(loader: Loader, name: str, connections: int) -> tuple[Account, str, list[Account]]:
    """The owner of a new workspace of this name, the channel in which all of them are, and the others: as many as so
    many connections take."""
    owner, *others = await registered(loader, 1 + -(-connections // STREAMS_PER_PERSON))
    workspace = await loader.workspace(name, owner, *others)
    channels = await loader.call("GET", f"/workspaces/{workspace}/channels", None, owner.token)
    return owner, channels["items"][0]["channel"]["id"], others


async def last_place(loader: Loader, reader: Account, channel: str) -> int:
    """The newest place in the channel's order."""
    return (await loader.call("GET", f"/channels/{channel}", None, reader.token))["channel"]["last_seq"]


async def until_seen(seats: Sequence[Seat], place: int) -> None:
    """Returns when all of them have come to this place, or when they had time enough to."""
    deadline = monotonic() + ARRIVAL_S
    while monotonic() < deadline and not all(each.places and each.places[-1] >= place for each in seats):
        await asyncio.sleep(POLL_S)


async def seat(group: asyncio.TaskGroup, seats: Sequence[Seat]) -> list[asyncio.Task[None]]:
    """Open them, at a rate that nobody minds. Returns when all are live; cancel the tasks to close them."""
    tasks: list[asyncio.Task[None]] = []
    began = monotonic()
    for number, each in enumerate(seats):
        await asyncio.sleep(max(0.0, began + number / OPENED_PER_S - monotonic()))
        tasks.append(group.create_task(each.client.run()))
    async with asyncio.timeout(60):
        while not all(each.is_live for each in seats):
            await asyncio.sleep(POLL_S)
    return tasks


def ends(seats: Sequence[Seat]) -> dict[str, int]:
    """How their connections ended, all together."""
    total: Counter[str] = Counter()
    for each in seats:
        total += each.client.ends
    return dict(total)
