"""`history`: reading a channel of a million messages page by page, and opening a workspace of 500 channels and 2,000
people, beside asyncpg fetching the same rows.

Ours is chat's HTTP API as clients speak it, with the token, the session and the right to read looked up for each page.
The peer is one prepared statement a page on an open connection, and it is done when it has the rows. Both read with one
request at a time and take turns in the same run. Every message must be there once and in order.
"""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import asyncpg
import msgspec
from rich.console import Console
from rich.table import Table

from tertulia_bench.conversation import Lost
from tertulia_bench.cost import Meter, Processes, service_processes
from tertulia_bench.http import Connection, raw_request
from tertulia_bench.large import CHANNELS, MESSAGES, PEOPLE, Large, make
from tertulia_bench.loading import HOST
from tertulia_stack.background import BackgroundStack
from tertulia_stack.home import Home
from tertulia_stack.parts import PARTS
from tertulia_stack.ports import remembered

ROUNDS = 3
PAGE = 200
"""As many as the API gives at once."""
OPENINGS = 15
"""Of the workspace, in each round."""
GOAL_RATIO = 0.4


class _Message(msgspec.Struct):
    ch_seq: int


class _Page(msgspec.Struct):
    items: list[_Message]
    has_before: bool


class _Start(msgspec.Struct):
    channels: list[msgspec.Raw]
    members: list[msgspec.Raw]


_decode_page = msgspec.json.Decoder(_Page).decode
_decode_start = msgspec.json.Decoder(_Start).decode


class Ours:
    """One person on one kept connection, which is opened again when the server closed it while the others had their
    turn."""

    def __init__(self, port: int, large: Large) -> None:
        self._connection: Connection | None = None
        self._port = port
        self._large = large

    async def page(self, below: int) -> list[int]:
        """The numbers of the last messages below that one, ascending."""
        path = f"/api/v1/channels/{self._large.channel}/messages?before={below}&limit={PAGE}"
        page = _decode_page(await self._get(path))
        numbers = [message.ch_seq for message in page.items]
        if page.has_before != (numbers[0] > 1):
            raise Lost(f"has_before is {page.has_before} at {numbers[0]}")
        return numbers

    async def start(self) -> tuple[int, int]:
        """How many channels and people the workspace has."""
        found = _decode_start(await self._get(f"/api/v1/workspaces/{self._large.workspace}/bootstrap"))
        return len(found.channels), len(found.members)

    async def _get(self, path: str) -> bytes:
        if self._connection is None or self._connection.closed:
            self._connection = await Connection.open(HOST, self._port)
        request = raw_request("GET", path, f"{HOST}:{self._port}", token=self._large.reader.token)
        answer = await self._connection.request(request)
        if self._connection.status != 200:
            raise Lost(f"{path}: {self._connection.status} {answer[:300]!r}")
        return answer


_THEIR_PAGE = "SELECT * FROM message WHERE channel_id = $1 AND ch_seq < $2 ORDER BY ch_seq DESC LIMIT $3"
_UNREAD = """(
    SELECT count(*) FROM (
        SELECT FROM message u WHERE u.channel_id = m.channel_id AND u.ch_seq > m.read_seq AND u.author_id <> m.user_id
            AND u.deleted_at IS NULL AND (u.thread_id IS NULL OR u.in_channel) LIMIT 1000) AS found
)"""
_NAMED = """(
        SELECT n.ch_seq FROM mention n
        WHERE n.user_id = {who} AND n.channel_id = m.channel_id AND n.ch_seq > m.read_seq AND n.author_id <> m.user_id
            AND (n.thread_id IS NULL OR n.in_channel)
        ORDER BY n.ch_seq LIMIT 1000)"""
_MENTIONS = f"""(
    SELECT count(*) FROM (
        {_NAMED.format(who="m.user_id")} UNION {_NAMED.format(who="'00000000-0000-0000-0000-000000000000'")}
        LIMIT 1000) AS found
)"""
_THEIR_START = (
    "SELECT * FROM workspace w JOIN workspace_member m ON m.workspace_id = w.id WHERE w.id = $1 AND m.user_id = $2",
    "SELECT * FROM user_account WHERE id = $2 AND $1::uuid IS NOT NULL",
    f"""SELECT c.*, m.*, {_UNREAD} AS unread, {_MENTIONS} AS mentions
        FROM channel_member m JOIN channel c ON c.id = m.channel_id
        WHERE m.workspace_id = $1 AND m.user_id = $2 ORDER BY c.id""",
    """SELECT m.channel_id, m.user_id FROM channel_member m JOIN channel c ON c.id = m.channel_id
        WHERE c.workspace_id = $1 AND c.kind IN ('dm', 'group_dm')
            AND c.id IN (SELECT channel_id FROM channel_member WHERE user_id = $2)""",
    """SELECT u.id, u.username, u.display_name, u.created_at, u.deactivated_at, u.kind, m.role
        FROM workspace_member m JOIN user_account u ON u.id = m.user_id
        WHERE m.workspace_id = $1 AND $2::uuid IS NOT NULL ORDER BY u.id""",
)


class Theirs:
    """The same rows on an open connection."""

    def __init__(self, connection: asyncpg.Connection, large: Large) -> None:
        self._connection = connection
        self._large = large

    async def page(self, below: int) -> list[int]:
        rows = await self._connection.fetch(_THEIR_PAGE, self._large.channel, below, PAGE)
        return [row["ch_seq"] for row in reversed(rows)]

    async def start(self) -> tuple[int, int]:
        found = [
            await self._connection.fetch(statement, self._large.workspace, self._large.reader.id)
            for statement in _THEIR_START
        ]
        return len(found[2]), len(found[4])


Side = Ours | Theirs


@dataclass(frozen=True, slots=True)
class Rates:
    """Of one round: messages and openings a second, and the cores that each process used meanwhile."""

    messages: float
    openings: float
    cost: dict[str, float]


async def run(console: Console) -> dict[str, object]:
    """The JSON line. Raises Lost when a message, a channel or somebody is missing."""
    with tempfile.TemporaryDirectory(prefix="tertulia-bench-") as directory:
        root = Path(directory)
        root.chmod(0o755)
        stack = BackgroundStack(root / "tertulia", env={"RATE_LIMITS": "off", "ACCESS_TOKEN_TTL_S": "7200"})
        await asyncio.to_thread(stack.start, *(word for part in PARTS for word in ("--without", part)))
        try:
            with console.status(f"Writing {MESSAGES:,} messages"):
                large = await make(stack)
            return await _measure(stack, large, console)
        finally:
            await asyncio.to_thread(stack.stop)


async def _measure(stack: BackgroundStack, large: Large, console: Console) -> dict[str, object]:
    port = remembered(Home(stack.data_dir).ports_file)["chat-api"]
    direct, through = Ours(port, large), Ours(stack.port, large)
    database = await asyncpg.connect(large.postgres_url, server_settings={"jit": "off"})
    sides: dict[str, Side] = {"Tertulia": direct, "asyncpg": Theirs(database, large), "through the gateway": through}
    rounds: dict[str, list[Rates]] = {name: [] for name in sides}
    processes = await asyncio.to_thread(service_processes, stack)
    share = MESSAGES // ROUNDS
    try:
        for side in sides.values():
            await _read(side, MESSAGES + 1, MESSAGES - 10_000)
            await _open(side)
        for number in range(1, ROUNDS + 1):
            newest = MESSAGES - (number - 1) * share
            oldest = 1 if number == ROUNDS else newest - share + 1
            for name, side in sides.items():
                with console.status(f"Round {number} of {ROUNDS}: {name}"):
                    rounds[name].append(await _round(side, newest, oldest, processes))
                rates = rounds[name][-1]
                console.print(
                    f"round {number}: {name} {rates.messages:,.0f} messages/s, {rates.openings:,.1f} openings/s"
                )
    finally:
        await database.close()
    return _line(rounds, console)


async def _round(side: Side, newest: int, oldest: int, processes: Processes) -> Rates:
    meter = Meter(processes)
    messages = await _read(side, newest + 1, oldest)
    openings = await _open(side)
    return Rates(messages, openings, meter.stop())


async def _read(side: Side, below: int, oldest: int) -> float:
    """Messages a second, from the newest below that number back to the oldest."""
    began, first = perf_counter(), below
    while below > oldest:
        numbers = await side.page(below)
        if numbers != list(range(max(1, below - PAGE), below)):
            raise Lost(f"below {below} there are {numbers[:2]} to {numbers[-2:]}")
        below = numbers[0]
    return (first - below) / (perf_counter() - began)


async def _open(side: Side) -> float:
    """Openings a second."""
    began = perf_counter()
    for _ in range(OPENINGS):
        found = await side.start()
        if found != (CHANNELS, PEOPLE):
            raise Lost(f"the workspace has {found[0]} channels and {found[1]} people")
    return OPENINGS / (perf_counter() - began)


def _line(rounds: dict[str, list[Rates]], console: Console) -> dict[str, object]:
    messages = {name: median(one.messages for one in rates) for name, rates in rounds.items()}
    openings = {name: median(one.openings for one in rates) for name, rates in rounds.items()}
    table = Table(title=f"{MESSAGES:,} messages by {PAGE}; {CHANNELS} channels, {PEOPLE:,} people")
    for column in ("", "messages/s", "openings/s"):
        table.add_column(column, justify="right" if column else "left")
    for name in rounds:
        table.add_row(name, f"{messages[name]:,.0f}", f"{openings[name]:,.1f}")
    console.print(table)
    ratio, opening = messages["Tertulia"] / messages["asyncpg"], openings["Tertulia"] / openings["asyncpg"]
    cores = {
        name: round(median(one.cost[name] for one in rounds["Tertulia"]), 2) for name in rounds["Tertulia"][0].cost
    }
    return {
        "bench": "history",
        "ours": round(messages["Tertulia"], 1),
        "peer": round(messages["asyncpg"], 1),
        "ratio": round(ratio, 3),
        "goal": GOAL_RATIO,
        "ok": ratio >= GOAL_RATIO and opening >= GOAL_RATIO,
        "unit": "messages/s read page by page",
        "peer_name": "asyncpg fetching the same rows",
        "rounds": {name: [round(one.messages, 1) for one in rates] for name, rates in rounds.items()},
        "page": PAGE,
        "openings": {name: round(rate, 2) for name, rate in openings.items()},
        "opening_ratio": round(opening, 3),
        "gateway_ratio": round(messages["through the gateway"] / messages["asyncpg"], 3),
        "cores": cores,
        "notes": [
            f"A channel of {MESSAGES:,} messages, read from the newest to the oldest by {PAGE}; every message was "
            f"there once and in order. Through the gateway: {messages['through the gateway']:,.0f} messages/s.",
            "",
            f"| {CHANNELS} channels and {PEOPLE:,} people | openings a second | ratio (goal: {GOAL_RATIO}) |",
            "|---|---|---|",
            f"| ours (`bootstrap`) | {openings['Tertulia']:,.1f} | {opening:.2f} |",
            f"| asyncpg fetching the same rows | {openings['asyncpg']:,.1f} | |",
            f"| ours through the gateway | {openings['through the gateway']:,.1f} "
            f"| {openings['through the gateway'] / openings['asyncpg']:.2f} |",
            "",
            f"Cores that our processes used: {', '.join(f'{name} {share:.2f}' for name, share in cores.items())}.",
        ],
    }


def failed(error: Lost) -> dict[str, object]:
    """The JSON line of a run that proved a loss."""
    return {
        "bench": "history",
        "ours": None,
        "peer": None,
        "ratio": None,
        "goal": GOAL_RATIO,
        "ok": False,
        "lost": str(error),
    }
