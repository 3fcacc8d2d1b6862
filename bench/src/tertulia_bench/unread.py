"""`unread`: what a post costs in a channel of 10,000 members, beside one in a channel of 10.

One writer posts into the two by turns, over the gateway, each time a stretch into one and then into the other, while
everything else runs as usual: the relay, notify, and the consumer that decides who is told. Nobody asked to be told of
everything, as at the beginning. Each post that was acknowledged must be in its channel, once, and unread there for a
member who was away.
"""

import asyncio
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import asyncpg
import msgspec
from rich.console import Console
from rich.table import Table

from tertulia_bench.conversation import SENTENCE, Lost, percentile
from tertulia_bench.cost import Meter, cores, service_processes
from tertulia_bench.http import Connection, raw_request
from tertulia_bench.loading import HOST, Account, Loader
from tertulia_stack.background import BackgroundStack
from tertulia_stack.home import Home
from tertulia_stack.parts import PARTS
from tertulia_stack.ports import remembered
from tertulia_stack.servers import PostgresServer

SMALL, LARGE = 10, 10_000
ROUNDS, POSTS = 7, 300
WARM_UP = 200
GOAL_RATIO = 1.5
"""At most; less is better."""
MAX_COUNTED = 1_000
"""Where chat stops counting what is unread."""

# Ten thousand logins would take longer than everything else: the crowd is copied from one account that registered.
CROWD = """
INSERT INTO user_account (id, username, email, display_name, password_hash, created_at)
SELECT uuidv7(), 'crowd' || n, 'crowd' || n || '@example.org', 'Crowd ' || n, known.password_hash, now()
FROM generate_series(1, $1) AS n CROSS JOIN user_account AS known WHERE known.id = $2
"""
SEATS = """
INSERT INTO workspace_member (workspace_id, user_id, role, joined_at)
SELECT $1, id, 'member', now() FROM user_account WHERE username LIKE 'crowd%'
"""
CROWD_IDS = "SELECT id::text FROM user_account WHERE username LIKE 'crowd%' ORDER BY id"


class _Message(msgspec.Struct):
    ch_seq: int


class _Sent(msgspec.Struct):
    message: _Message


@dataclass(slots=True)
class Place:
    """A channel, and what was posted into it."""

    members: int
    id: str
    seqs: list[int] = field(default_factory=list[int])
    rounds: list[list[float]] = field(default_factory=list[list[float]])
    """Seconds of each post."""
    cores: list[float] = field(default_factory=list[float])
    """Processor seconds that everything of ours took for a post, by round."""


class Writer:
    """One person on one kept connection to the front door."""

    def __init__(self, connection: Connection, port: int, person: Account) -> None:
        self._connection = connection
        self._address = f"{HOST}:{port}"
        self._token = person.token
        self._sent = msgspec.json.Decoder(_Sent)

    async def post(self, place: Place) -> float:
        """Seconds until it was acknowledged."""
        body = {"text": SENTENCE, "client_msg_id": str(uuid.uuid4())}
        request = raw_request("POST", f"/api/v1/channels/{place.id}/messages", self._address, body, self._token)
        began = perf_counter()
        answer = await self._connection.request(request)
        took = perf_counter() - began
        if self._connection.status != 201:
            raise Lost(f"a post was answered {self._connection.status} {answer[:300]!r}")
        place.seqs.append(self._sent.decode(answer).message.ch_seq)
        return took


async def run(console: Console) -> dict[str, object]:
    """The JSON line. Raises Lost when a post is missing or counted wrongly."""
    with tempfile.TemporaryDirectory(prefix="tertulia-bench-") as directory:
        root = Path(directory)
        root.chmod(0o755)
        stack = BackgroundStack(
            root / "tertulia", env={"RATE_LIMITS": "off", "ACCESS_TOKEN_TTL_S": "7200", "STREAM_ROTATE_S": "7200"}
        )
        with console.status("Starting Tertulia"):
            await asyncio.to_thread(stack.start, *(word for part in PARTS for word in ("--without", part)))
        try:
            async with Loader(stack) as loader:
                return await _measure(stack, loader, console)
        finally:
            await asyncio.to_thread(stack.stop)


async def _measure(stack: BackgroundStack, loader: Loader, console: Console) -> dict[str, object]:
    owner, reader = await loader.register("owner"), await loader.register("reader")
    workspace = await loader.workspace("Harbour", owner, reader)
    with console.status(f"{LARGE:,} people come in"):
        crowd = await _crowd(stack, workspace, owner)
        ids = await loader.channels(workspace, owner, 2)
        places = [Place(size, channel) for size, channel in zip((SMALL, LARGE), ids, strict=True)]
        for place in places:
            await loader.join([place.id], reader, owner)
            await loader.seat(place.id, crowd[: place.members - 2], owner)
    connection = await Connection.open(HOST, stack.port)
    try:
        writer = Writer(connection, stack.port, owner)
        processes = await asyncio.to_thread(service_processes, stack)
        with console.status("Warming up"):
            for place in places:
                for _ in range(WARM_UP):
                    await writer.post(place)
        for number in range(1, ROUNDS + 1):
            for place in places if number % 2 else places[::-1]:
                meter = Meter(processes)
                began = perf_counter()
                place.rounds.append([await writer.post(place) for _ in range(POSTS)])
                used = meter.stop()
                busy = sum(share for name, share in used.items() if name != "load generator")
                place.cores.append(busy * (perf_counter() - began) / POSTS)
            told = ", ".join(f"{place.members:,} members {_ms(place.rounds[-1]):.2f} ms" for place in places)
            console.print(f"round {number}: {told}", highlight=False)
    finally:
        connection.close()
    await _prove(loader, workspace, reader, places)
    return _line(places, console)


async def _crowd(stack: BackgroundStack, workspace: str, known: Account) -> list[str]:
    """Ids of new accounts in the workspace."""
    home = Home(stack.data_dir)
    server = PostgresServer(home.postgres, remembered(home.ports_file)["postgres"])
    connection = await asyncpg.connect(server.url("tertulia_chat"))
    try:
        await connection.execute(CROWD, LARGE, uuid.UUID(known.id))
        await connection.execute(SEATS, uuid.UUID(workspace))
        return [row["id"] for row in await connection.fetch(CROWD_IDS)]
    finally:
        await connection.close()


async def _prove(loader: Loader, workspace: str, reader: Account, places: Sequence[Place]) -> None:
    """Raises Lost."""
    found: Any = await loader.call("GET", f"/workspaces/{workspace}/unread", token=reader.token)
    unread = {item["channel_id"]: item["unread"] for item in found["channels"]}
    for place in places:
        if place.seqs != list(range(place.seqs[0], place.seqs[0] + len(place.seqs))):
            raise Lost(f"the posts into the channel of {place.members:,} are not numbered one after the other")
        if unread.get(place.id) != min(len(place.seqs), MAX_COUNTED):
            raise Lost(f"{unread.get(place.id)} of {len(place.seqs)} posts are unread among {place.members:,}")


def _ms(seconds: Sequence[float]) -> float:
    return median(seconds) * 1000


def _line(places: Sequence[Place], console: Console) -> dict[str, object]:
    small, large = places
    medians = {place.members: [_ms(one) for one in place.rounds] for place in places}
    ratio = median(big / little for little, big in zip(medians[SMALL], medians[LARGE], strict=True))
    table = Table(title=f"A post through the gateway, {cores()} cores for everything")
    for column in ("members", "p50", "p95", "processor time of all our processes"):
        table.add_column(column, justify="right")
    for place in places:
        ordered = sorted(value for one in place.rounds for value in one)
        p95 = percentile(ordered, 0.95) * 1000
        row = (f"{place.members:,}", f"{_ms(ordered):.2f} ms", f"{p95:.2f} ms", f"{_ms(place.cores):.2f} ms")
        table.add_row(*row)
    console.print(table)
    costs = {place.members: round(_ms(place.cores), 2) for place in places}
    return {
        "bench": "unread",
        "ours": round(median(medians[LARGE]), 3),
        "peer": round(median(medians[SMALL]), 3),
        "ratio": round(ratio, 2),
        "goal": GOAL_RATIO,
        "ok": ratio <= GOAL_RATIO,
        "unit": "milliseconds for a post; less is better",
        "peer_name": f"a channel of {small.members:,}",
        "rounds": {
            f"{place.members:,} members": [round(one, 3) for one in medians[place.members]] for place in places[::-1]
        },
        "posts": sum(len(place.seqs) for place in places),
        "processor_ms": {f"{members:,}": cost for members, cost in costs.items()},
        "notes": [
            f"The median post into a channel of {large.members:,} members takes {ratio:.2f} times as long as into one "
            f"of {small.members:,} (allowed: {GOAL_RATIO}), by turns in {ROUNDS} rounds of {POSTS} posts each. Every "
            "post was there afterwards, and unread for a member who was away.",
            "",
            f"Processor time for a post, of all our processes and what they do with it later: {costs[LARGE]} ms and "
            f"{costs[SMALL]} ms.",
        ],
    }


def failed(error: Lost) -> dict[str, object]:
    """The JSON line of a run that proved a loss."""
    return {
        "bench": "unread",
        "ours": None,
        "peer": None,
        "ratio": None,
        "goal": GOAL_RATIO,
        "ok": False,
        "lost": str(error),
    }
