"""`sink`: how many events a second analytics takes in, exactly, beside the engine alone taking the same rows.

Analytics is stopped in its tracks (SIGSTOP) while a hundred thousand messages are posted, then let go: the time until
it has caught up is measured, and its own `verify` compares every hour and type with chat's log. The peer is ClickHouse
(chDB) taking prepared columns of the same size in a process of its own: nobody can be faster than that.
"""

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import aiohttp
import msgspec
from rich.console import Console

from tertulia_bench.conversation import Lost
from tertulia_bench.loading import HOST, Account, Line, Loader, minutes_ago, until
from tertulia_bench.vocabulary import Vocabulary
from tertulia_stack.background import BackgroundStack
from tertulia_stack.home import Home
from tertulia_stack.ports import remembered

ROUNDS = 3
CHANNELS, PER_CHANNEL = 100, 1_000
PEOPLE = 20
GOAL_RATE = 20_000.0
PATIENCE_S = 120.0

ENGINE_ALONE = """
import sys, time, uuid, clickhouse_connect
directory, rows, batch = sys.argv[1], int(sys.argv[2]), 50_000
client = clickhouse_connect.get_client(dsn=f"chdb://{directory}")
client.command("CREATE TABLE alone (id UUID, at DateTime64(3), seq UInt64, type LowCardinality(String), "
    "workspace UUID, channel UUID, actor UUID, length UInt32) ENGINE = MergeTree ORDER BY (workspace, at, id)")
spaces = [uuid.uuid4() for _ in range(100)]
columns = [[uuid.uuid4() for _ in range(rows)], [1_760_000_000_000 + n for n in range(rows)], list(range(rows)),
    ["message.created"] * rows, [spaces[0]] * rows, [spaces[n % 100] for n in range(rows)],
    [spaces[n % 20] for n in range(rows)], [n % 200 for n in range(rows)]]
names = ["id", "at", "seq", "type", "workspace", "channel", "actor", "length"]
began = time.perf_counter()
for start in range(0, rows, batch):
    part = [column[start:start + batch] for column in columns]
    client.insert("alone", part, column_names=names, column_oriented=True)
print(time.perf_counter() - began)
"""


async def run(console: Console) -> dict[str, object]:
    """The JSON line. Raises Lost when a count is not exact."""
    with tempfile.TemporaryDirectory(prefix="tertulia-bench-") as directory:
        root = Path(directory)
        root.chmod(0o755)
        stack = BackgroundStack(root / "tertulia", env={"RATE_LIMITS": "off", "ACCESS_TOKEN_TTL_S": "7200"})
        await asyncio.to_thread(stack.start, "--without", "bot", "--without", "search")
        try:
            return await _measure(stack, root, console)
        finally:
            await asyncio.to_thread(stack.stop)


async def _measure(stack: BackgroundStack, root: Path, console: Console) -> dict[str, object]:
    rates: dict[str, list[float]] = {"Tertulia": [], "ClickHouse alone": []}
    vocabulary = Vocabulary(5_000, seed=1)
    port = remembered(Home(stack.data_dir).ports_file)["analytics"]
    async with Loader(stack) as loader:
        people = [await loader.register(f"person{number}") for number in range(PEOPLE)]
        workspace = await loader.workspace("Harbour", people[0], *people[1:])
        channels = await loader.channels(workspace, people[0], CHANNELS)
        posted = 0
        for number in range(1, ROUNDS + 1):
            with console.status(f"Round {number} of {ROUNDS}"):
                rate, posted = await _ours(stack, loader, port, _talk(vocabulary, people, channels), posted)
                rates["Tertulia"].append(rate)
                rates["ClickHouse alone"].append(await _alone(root / f"alone-{number}", CHANNELS * PER_CHANNEL))
            told = ", ".join(f"{name} {one[-1]:,.0f}" for name, one in rates.items())
            console.print(f"round {number}: {told} events/s")
        await _verify(port, loader.service_token())
        report = await loader.call("GET", f"/workspaces/{workspace}/analytics/overview", None, people[0].token)
        if report["totals"]["messages"] != posted:
            raise Lost(f"{posted} messages were posted, the report counts {report['totals']['messages']}")
    return _line(rates, posted)


def _talk(vocabulary: Vocabulary, people: list[Account], channels: list[str]) -> list[tuple[str, list[Line]]]:
    dice = random.Random(3)
    return [
        (
            channel,
            [
                Line(dice.choice(people).id, vocabulary.text(), minutes_ago(PER_CHANNEL - number))
                for number in range(PER_CHANNEL)
            ],
        )
        for channel in channels
    ]


async def _ours(
    stack: BackgroundStack, loader: Loader, port: int, talk: list[tuple[str, list[Line]]], posted: int
) -> tuple[float, int]:
    """Events a second while catching up, and how many messages there are now."""
    pid = stack.service("analytics")["pid"]
    before = await _rows(port)
    os.kill(pid, signal.SIGSTOP)
    try:
        count = await loader.fill(talk)
        await asyncio.sleep(3)  # the relay has published everything
    finally:
        began = perf_counter()
        os.kill(pid, signal.SIGCONT)
    await until(lambda: _took(port, before + count), PATIENCE_S)
    return count / (perf_counter() - began), posted + count


async def _took(port: int, rows: float) -> bool:
    return await _rows(port) >= rows


async def _rows(port: int) -> float:
    async with aiohttp.ClientSession() as http, http.get(f"http://{HOST}:{port}/metrics") as answer:
        text = await answer.text()
    found = re.search(r"^analytics_rows_total(?:\{[^}]*\})? ([0-9.e+]+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def _verify(port: int, token: str) -> None:
    """Raises Lost unless analytics and chat's log agree."""
    headers = {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with (
        aiohttp.ClientSession(timeout=timeout) as http,
        http.post(f"http://{HOST}:{port}/internal/v1/verify", headers=headers) as answer,
    ):
        lines = [msgspec.json.decode(line) for line in (await answer.read()).splitlines() if line.strip()]
    if answer.status != 200 or not lines or not lines[-1].get("done") or lines[-1].get("differences"):
        raise Lost(f"verify: {lines[-1] if lines else answer.status}")


async def _alone(directory: Path, rows: int) -> float:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", ENGINE_ALONE, str(directory), str(rows)],
        capture_output=True,
        text=True,
        check=True,
    )
    return rows / float(done.stdout)


def _line(rates: dict[str, list[float]], posted: int) -> dict[str, object]:
    ours, peer = median(rates["Tertulia"]), median(rates["ClickHouse alone"])
    return {
        "bench": "sink",
        "ours": round(ours),
        "peer": round(peer),
        "ratio": round(ours / peer, 2),
        "goal": GOAL_RATE,
        "ok": ours >= GOAL_RATE,
        "unit": "events/s taken in while catching up",
        "peer_name": "ClickHouse alone",
        "rounds": {name: [round(value) for value in each] for name, each in rates.items()},
        "notes": [
            f"{posted:,} messages in {ROUNDS} rounds; `verify` found every hour and type equal to chat's log, and the "
            f"report counts every message once. The goal is {GOAL_RATE:,.0f} events/s.",
        ],
    }


def failed(error: Lost) -> dict[str, object]:
    """The JSON line of a run that was not exact."""
    return {
        "bench": "sink",
        "ours": None,
        "peer": None,
        "ratio": None,
        "goal": GOAL_RATE,
        "ok": False,
        "lost": str(error),
    }
