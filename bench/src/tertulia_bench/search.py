"""`search`: how long a search takes through the gateway, beside PostgreSQL's own full-text search on the same messages.

300,000 messages in 2,000 private channels, 500 of them the searcher's. Both sides find the same words in the same
channels and give the twenty best hits with marked texts, the total, and the counts by channel and by person. Ours goes
through HTTP, the gateway, the token and the membership; the peer answers to a driver on an open connection. They take
turns in the same run. PostgreSQL forgives no typo, so the queries have none.
"""

import asyncio
import random
import tempfile
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import quote

import asyncpg
import msgspec
from rich.console import Console
from rich.table import Table

from tertulia_bench.conversation import Lost, percentile
from tertulia_bench.http import Connection, raw_request
from tertulia_bench.loading import HOST, Account, Line, Loader, minutes_ago, until
from tertulia_bench.vocabulary import Vocabulary
from tertulia_stack.background import BackgroundStack
from tertulia_stack.home import Home
from tertulia_stack.ports import remembered
from tertulia_stack.servers import PostgresServer

CHANNELS, OWN_CHANNELS, PER_CHANNEL = 2_000, 500, 150
PEOPLE = 40
WORDS = 20_000
ROUNDS, QUERIES = 3, 60
GOAL_P95_MS, GOAL_RATIO = 40.0, 5.0
INDEXED_WITHIN_S = 240.0


@dataclass(frozen=True, slots=True)
class Query:
    """`prefix`: the last word is the beginning of a word."""

    words: tuple[str, ...]
    phrase: bool = False
    prefix: bool = False

    @property
    def ours(self) -> str:
        text = " ".join(self.words)
        return f'"{text}"' if self.phrase else text if self.prefix else f"{text} "

    @property
    def theirs(self) -> str:
        terms = [f"{word}:*" if self.prefix and word is self.words[-1] else word for word in self.words]
        return (" <-> " if self.phrase else " & ").join(terms)


class Ours:
    """One person on one kept connection to the front door."""

    def __init__(self, connection: Connection, port: int, workspace: str, person: Account) -> None:
        self._connection = connection
        self._port = port
        self._path = f"/api/v1/workspaces/{workspace}/search?limit=20&q="
        self._token = person.token

    async def find(self, query: Query) -> int:
        """How many there are in all."""
        return (await self.ask(query.ours))["total"]

    async def ask(self, text: str) -> Any:
        path = self._path + quote(text)
        answer = await self._connection.request(raw_request("GET", path, f"{HOST}:{self._port}", token=self._token))
        if self._connection.status != 200:
            raise Lost(f"search answered {self._connection.status} {answer[:300]!r}")
        return msgspec.json.decode(answer)


TABLE = """
CREATE TABLE found (
    id uuid PRIMARY KEY, channel_id uuid NOT NULL, author_id uuid NOT NULL, created_at timestamptz NOT NULL,
    text text NOT NULL, words tsvector GENERATED ALWAYS AS (to_tsvector('simple', text)) STORED
)
"""
INDEXES = ("CREATE INDEX ON found USING gin (words)", "CREATE INDEX ON found (channel_id)", "VACUUM ANALYZE found")
FIND = """
WITH hits AS MATERIALIZED (
    SELECT id, channel_id, author_id, created_at, text, ts_rank(words, query) AS rank
    FROM found, to_tsquery('simple', $1) AS query
    WHERE words @@ query AND channel_id = ANY ($2::uuid[])
)
SELECT (SELECT count(*) FROM hits),
    (SELECT json_agg(x) FROM (
        SELECT channel_id, count(*) FROM hits GROUP BY 1 ORDER BY 2 DESC LIMIT 20) AS x),
    (SELECT json_agg(x) FROM (
        SELECT author_id, count(*) FROM hits GROUP BY 1 ORDER BY 2 DESC LIMIT 20) AS x),
    (SELECT json_agg(x) FROM (
        SELECT id, ts_headline('simple', text, to_tsquery('simple', $1))
        FROM hits ORDER BY rank DESC, id LIMIT 20) AS x)
"""


class Theirs:
    """PostgreSQL with a GIN index, asked directly."""

    def __init__(self, connection: asyncpg.Connection, channels: list[str]) -> None:
        self._connection = connection
        self._channels = channels

    async def find(self, query: Query) -> int:
        row = await self._connection.fetchrow(FIND, query.theirs, self._channels)
        assert row is not None
        return row[0]


async def run(console: Console) -> dict[str, object]:
    """The JSON line. Raises Lost when a message is not found or the two sides find different numbers."""
    with tempfile.TemporaryDirectory(prefix="tertulia-bench-") as directory:
        root = Path(directory)
        root.chmod(0o755)
        stack = BackgroundStack(root / "tertulia", env={"RATE_LIMITS": "off", "ACCESS_TOKEN_TTL_S": "7200"})
        await asyncio.to_thread(stack.start, "--without", "bot", "--without", "analytics")
        try:
            return await _measure(stack, console)
        finally:
            await asyncio.to_thread(stack.stop)


async def _measure(stack: BackgroundStack, console: Console) -> dict[str, object]:
    vocabulary = Vocabulary(WORDS, seed=1)
    async with Loader(stack) as loader:
        with console.status("Making 2,000 channels"):
            people = [await loader.register(f"person{number}") for number in range(PEOPLE)]
            workspace = await loader.workspace("Harbour", people[0], *people[1:])
            channels = await loader.channels(workspace, people[0], CHANNELS)
            own = random.Random(2).sample(channels, OWN_CHANNELS)
            await loader.join(own, people[1], people[0])
        lines = _talk(vocabulary, people, channels)
        with console.status("Posting 300,000 messages"):
            count = await loader.fill(lines)
    port = remembered(Home(stack.data_dir).ports_file)["postgres"]
    database = await _peer(PostgresServer(Home(stack.data_dir).postgres, port), lines, console)
    sides = {
        "Tertulia": Ours(await Connection.open(HOST, stack.port), stack.port, workspace, people[1]),
        "PostgreSQL": Theirs(database, own),
    }
    owner = Ours(await Connection.open(HOST, stack.port), stack.port, workspace, people[0])
    with console.status("Waiting for the index"):
        await until(lambda: _all_indexed(owner, count), INDEXED_WITHIN_S)
    try:
        return await _turns(sides, _queries(vocabulary), count, console)
    finally:
        await database.close()


def _talk(vocabulary: Vocabulary, people: list[Account], channels: list[str]) -> list[tuple[str, list[Line]]]:
    """Every message has the word `everywhere`, so that the index can be counted."""
    dice = random.Random(3)
    return [
        (
            channel,
            [
                Line(dice.choice(people).id, f"everywhere {vocabulary.text()}", minutes_ago(PER_CHANNEL - number))
                for number in range(PER_CHANNEL)
            ],
        )
        for channel in channels
    ]


async def _all_indexed(owner: Ours, count: int) -> bool:
    return (await owner.ask("everywhere "))["total"] == count


async def _peer(server: PostgresServer, lines: list[tuple[str, list[Line]]], console: Console) -> asyncpg.Connection:
    with console.status("Filling PostgreSQL's table"):
        await asyncio.to_thread(server.ensure_database, "found")
        connection = await asyncpg.connect(server.url("found"))
        await connection.execute(TABLE)
        records = [(uuid.uuid4(), channel, line.author, line.at, line.text) for channel, told in lines for line in told]
        columns = ["id", "channel_id", "author_id", "created_at", "text"]
        await connection.copy_records_to_table("found", records=records, columns=columns)
        for statement in INDEXES:
            await connection.execute(statement)
        await connection.execute("SET jit = off")
        return connection


def _queries(vocabulary: Vocabulary) -> list[Query]:
    """As people search: seldom one of the commonest words, often two, sometimes the beginning of one."""
    dice = random.Random(4)
    queries: list[Query] = []
    for number in range(QUERIES):
        common, rare = vocabulary.between(5, 400), vocabulary.between(400, 8_000)
        match number % 6:
            case 0:
                queries.append(Query((common,)))
            case 1:
                queries.append(Query((rare,)))
            case 2 | 3:
                queries.append(Query((vocabulary.between(5, 200), common)))
            case 4:
                queries.append(Query((rare[: max(3, len(rare) - 2)],), prefix=True))
            case _:
                queries.append(Query((vocabulary.between(0, 30), vocabulary.between(0, 30)), phrase=True))
    dice.shuffle(queries)
    return queries


async def _turns(
    sides: dict[str, Ours | Theirs], queries: list[Query], count: int, console: Console
) -> dict[str, object]:
    times: dict[str, list[list[float]]] = {name: [] for name in sides}
    for side in sides.values():
        await _timed(side.find, queries)
    await _agree(sides, queries)
    for number in range(1, ROUNDS + 1):
        for name, side in sides.items():
            with console.status(f"Round {number} of {ROUNDS}: {name}"):
                times[name].append(await _timed(side.find, queries))
            console.print(f"round {number}: {name} p95 {percentile(sorted(times[name][-1]), 0.95) * 1000:,.1f} ms")
    return _line(times, count, console)


async def _timed(find: Callable[[Query], Awaitable[int]], queries: list[Query]) -> list[float]:
    taken: list[float] = []
    for query in queries:
        began = perf_counter()
        await find(query)
        taken.append(perf_counter() - began)
    return taken


async def _agree(sides: dict[str, Ours | Theirs], queries: list[Query]) -> None:
    """What PostgreSQL finds is what we find; ours may find more, because a rare word forgives a typo."""
    for query in queries:
        ours, theirs = [await side.find(query) for side in sides.values()]
        if ours < theirs or (query.phrase and ours != theirs):
            raise Lost(f"{query.ours!r}: we found {ours}, PostgreSQL {theirs}")


def _line(times: dict[str, list[list[float]]], count: int, console: Console) -> dict[str, object]:
    p95 = {name: [percentile(sorted(one), 0.95) * 1000 for one in rounds] for name, rounds in times.items()}
    p50 = {name: median(value for one in rounds for value in one) * 1000 for name, rounds in times.items()}
    ours, peer = median(p95["Tertulia"]), median(p95["PostgreSQL"])
    table = Table(title=f"{count:,} messages, {OWN_CHANNELS} of {CHANNELS:,} channels")
    for column in ("", "p50", "p95"):
        table.add_column(column, justify="right" if column else "left")
    for name, rounds in p95.items():
        table.add_row(name, f"{p50[name]:,.1f} ms", f"{median(rounds):,.1f} ms")
    console.print(table)
    return {
        "bench": "search",
        "ours": round(ours, 2),
        "peer": round(peer, 2),
        "ratio": round(peer / ours, 1),
        "goal": GOAL_RATIO,
        "ok": ours <= GOAL_P95_MS and peer / ours >= GOAL_RATIO,
        "unit": "ms at p95, less is better",
        "peer_name": "PostgreSQL full-text",
        "rounds": {name: [round(value, 2) for value in rounds] for name, rounds in p95.items()},
        "p95_goal_ms": GOAL_P95_MS,
        "p50_ms": {name: round(value, 2) for name, value in p50.items()},
        "notes": [
            f"{count:,} messages, all of them found, in {CHANNELS:,} private channels, {OWN_CHANNELS} of them the "
            f"searcher's; {QUERIES} queries a round: one word, two words, phrases, beginnings of words.",
            f"p50: ours {p50['Tertulia']:.1f} ms, PostgreSQL {p50['PostgreSQL']:.1f} ms. "
            f"Goals at p95: {GOAL_P95_MS:.0f} ms through the gateway, and {GOAL_RATIO:.0f} times PostgreSQL's speed.",
        ],
    }


def failed(error: Lost) -> dict[str, object]:
    """The JSON line of a run that proved a loss."""
    return {
        "bench": "search",
        "ours": None,
        "peer": None,
        "ratio": None,
        "goal": GOAL_RATIO,
        "ok": False,
        "lost": str(error),
    }
