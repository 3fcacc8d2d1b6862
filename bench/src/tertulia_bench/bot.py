"""`bot`: what we add to the provider's first token.

A person asks by a command; the time from there to the first delta on their stream is taken, less the time that the
provider itself needed. A small pass-through between the bot and the real local model says what that was: from the
request's arrival at the provider to its first token. What is left is the gateway, the command, the seat, the context,
the sources, the start event, the run's way to a worker, NATS and the stream.
"""

import asyncio
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median
from time import perf_counter

import aiohttp
from rich.console import Console

from tertulia_bench.conversation import Lost, percentile
from tertulia_bench.http import Connection, raw_request
from tertulia_bench.loading import HOST, Line, Loader, minutes_ago, until
from tertulia_stack.background import BackgroundStack
from tertulia_stack.ports import free_port

WARM_UP, ASKS = 5, 40
GOAL_MS = 30.0
PATIENCE_S = 60.0
_TOKEN = re.compile(rb'"content":"(?!")')
"""A piece of the event stream that brings text: the first one only says who speaks."""
QUESTIONS = ("When does the ferry leave?", "Who has the key?", "Is the harbour open?", "Where is the spare rope?")
TALK = ("The ferry leaves at six.", "Mira has the key of the shed.", "The harbour is open until ten.")


class Provider:
    """The pass-through: how long the provider took to its first token, for each request in turn.

    It hands bytes on and only looks at them, so that it costs next to nothing. Everything else that the bot asks of the
    provider (how many tokens a text has) goes through too, and is our time.
    """

    def __init__(self, port: int) -> None:
        self.first_token_s: list[float] = []
        self._port = port

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the bot's."""
        there, back = await asyncio.open_connection(HOST, self._port)
        asked: list[float] = []

        def look_at_request(chunk: bytes) -> None:
            if chunk.startswith(b"POST /v1/chat/completions"):
                asked.append(perf_counter())

        def look_at_answer(chunk: bytes) -> None:
            if asked and _TOKEN.search(chunk):
                self.first_token_s.append(perf_counter() - asked.pop())

        await asyncio.gather(_copy(reader, back, look_at_request), _copy(there, writer, look_at_answer))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, look: Callable[[bytes], None]) -> None:
    with suppress(ConnectionError):
        while chunk := await source.read(1 << 16):
            look(chunk)
            target.write(chunk)
    target.close()


async def run(console: Console) -> dict[str, object]:
    """The JSON line. Raises Lost when an answer does not come."""
    with tempfile.TemporaryDirectory(prefix="tertulia-bench-") as directory:
        root = Path(directory)
        root.chmod(0o755)
        async with _model() as model, _through(model) as (provider, address):
            env = {
                "RATE_LIMITS": "off",
                "OPENAI_BASE_URL": address,
                "MAX_ANSWER_TOKENS": "16",
                "DAILY_TOKEN_BUDGET": "100000000",
            }
            stack = BackgroundStack(root / "tertulia", env=env)
            await asyncio.to_thread(stack.start, "--without", "analytics")
            try:
                return await _measure(stack, provider, console)
            finally:
                await asyncio.to_thread(stack.stop)


@asynccontextmanager
async def _model() -> AsyncGenerator[int]:
    """The local model as the stack would start it; its port."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tertulia_bot", "model"],
        env={"PORT": str(port), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        await until(lambda: _answers(f"http://{HOST}:{port}/v1/models"), PATIENCE_S)
        yield port
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


async def _answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


@asynccontextmanager
async def _through(model_port: int) -> AsyncGenerator[tuple[Provider, str]]:
    provider = Provider(model_port)
    port = free_port()
    async with await asyncio.start_server(provider.pass_on, HOST, port):
        yield provider, f"http://{HOST}:{port}/v1"


class Deltas:
    """A person's stream, of which only the first delta of a run counts."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.first_at = 0.0
        self.finished = asyncio.Event()
        self._rest = b""

    def begin(self) -> None:
        self.first.clear()
        self.finished.clear()

    def feed(self, chunk: bytes) -> None:
        *frames, self._rest = (self._rest + chunk).split(b"\n\n")
        for frame in frames:
            if b"event: run.delta" in frame and not self.first.is_set():
                self.first_at = perf_counter()
                self.first.set()
            elif b"event: run.finished" in frame:
                self.finished.set()


async def _measure(stack: BackgroundStack, provider: Provider, console: Console) -> dict[str, object]:
    async with Loader(stack) as loader:
        person = await loader.register("asker")
        workspace = await loader.workspace("Harbour", person)
        (channel,) = await loader.channels(workspace, person, 1, kind="public")
        await loader.fill([(channel, [Line(person.id, text, minutes_ago(5)) for text in TALK])])
        deltas = Deltas()
        stream = await Connection.open(HOST, stack.port)
        stream.on_chunk = deltas.feed
        await stream.open_stream(raw_request("GET", "/api/v1/stream", f"{HOST}:{stack.port}", token=person.token))
        added: list[float] = []
        providers: list[float] = []
        for number in range(WARM_UP + ASKS):
            with console.status(f"Question {number + 1} of {WARM_UP + ASKS}"):
                deltas.begin()
                provider.first_token_s.clear()
                began = perf_counter()
                question = {"text": f"/ask {QUESTIONS[number % len(QUESTIONS)]}"}
                await loader.call("POST", f"/channels/{channel}/commands", question, person.token)
                await _soon(deltas.first, "no delta came")
                if number >= WARM_UP:
                    providers.append(provider.first_token_s[0])
                    added.append(deltas.first_at - began - providers[-1])
                await _soon(deltas.finished, "the run did not finish")
        stream.close()
    return _line(sorted(added), median(providers), console)


async def _soon(event: asyncio.Event, otherwise: str) -> None:
    try:
        await asyncio.wait_for(event.wait(), PATIENCE_S)
    except TimeoutError:
        raise Lost(otherwise) from None


def _line(added: list[float], provider_s: float, console: Console) -> dict[str, object]:
    ours = median(added) * 1000
    p95 = percentile(added, 0.95) * 1000
    console.print(f"added to the first token: p50 {ours:.1f} ms, p95 {p95:.1f} ms")
    peer = provider_s * 1000
    return {
        "bench": "bot",
        "ours": round(ours, 2),
        "peer": round(peer, 1),
        "ratio": round(GOAL_MS / ours, 2),
        "goal": 1.0,
        "ok": ours <= GOAL_MS,
        "unit": "ms added to the provider's first token, less is better",
        "peer_name": "ms of the provider itself",
        "rounds": {"p50, p95": [round(ours, 1), round(p95, 1)], "allowed at p50": [GOAL_MS]},
        "p95_ms": round(p95, 2),
        "notes": [
            f"{len(added)} questions, one after the other, to the local model: p50 {ours:.1f} ms, p95 {p95:.1f} ms "
            f"from the command to the first delta on the asker's stream, less the provider's own time. Allowed: "
            f"{GOAL_MS:.0f} ms at p50.",
        ],
    }


def failed(error: Lost) -> dict[str, object]:
    """The JSON line of a run without an answer."""
    return {"bench": "bot", "ours": None, "peer": None, "ratio": None, "goal": 1.0, "ok": False, "lost": str(error)}
