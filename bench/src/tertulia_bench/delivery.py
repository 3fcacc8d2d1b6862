"""`delivery`: from a post to the byte at each reader's socket, through the gateway both ways, at 500 posts a second.

2,000 people with one stream each, in 200 channels of 10 to 20, on a stack that has the machine together with its load:
one process listens, another posts, at random moments. Time counts from the moment a post was due. Every delivery is
checked: what was acknowledged must be at every member's stream, once, in the channel's order, and at nobody else's.
Then rates are raised until the goal no longer holds, and a last turn with spans tells where the time goes. Synapse has
its turns at its own maximum, with as many readers in a room.
"""

import asyncio
import random
import tempfile
import time
from contextlib import AsyncExitStack
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from rich.console import Console

from tertulia_bench import synapse
from tertulia_bench.conversation import Lost, flat_out
from tertulia_bench.delivery_line import READERS, Found, Size, line_of, told
from tertulia_bench.hops import TraceStore
from tertulia_bench.listening import Heard, serve_channels, text_of
from tertulia_bench.population import memberships, settle
from tertulia_bench.streams import LoadClient, start_bare_writer
from tertulia_bench.synapse import Synapse
from tertulia_bench.turns import GOAL_P99_MS, PATIENCE_S, SEED, Quay
from tertulia_stack.background import BackgroundStack
from tertulia_stack.parts import PARTS
from tertulia_stack.ports import LOOPBACK

BARE_EVENTS, BARE_EVERY_S = 50, 0.05
ENVIRONMENT = {"RATE_LIMITS": "off", "ACCESS_TOKEN_TTL_S": "7200", "STREAM_ROTATE_S": "7200"}


FULL = Size(
    channels=200,
    people=2_000,
    most=20,
    rate=500,
    rounds=3,
    round_s=8.0,
    steps=(50, 100, 200, 300, 400, 600, 800, 1_000),
    step_s=4.0,
    warm_up_s=4.0,
    hops_s=6.0,
)
QUICK = Size(
    channels=10, people=50, most=10, rate=50, rounds=1, round_s=3.0, steps=(), step_s=0.0, warm_up_s=1.0, hops_s=2.0
)


async def run(console: Console) -> dict[str, object]:
    """The JSON line. Raises Lost when a delivery is missing, doubled, out of order or at an outsider."""
    with console.status("Preparing Synapse"):
        await asyncio.to_thread(synapse.install)
    async with AsyncExitStack() as exits:
        root = _directory(exits)
        peer = Synapse(_made(root / "synapse"), READERS)
        return line_of(await _measure(FULL, root / "tertulia", exits, console, peer), console)


async def run_quickly(console: Console) -> dict[str, object]:
    """As `run`, with 50 people, a few seconds, and without the peer."""
    async with AsyncExitStack() as exits:
        return line_of(await _measure(QUICK, _directory(exits) / "tertulia", exits, console, None), console)


async def _measure(size: Size, data_dir: Path, exits: AsyncExitStack, console: Console, peer: Synapse | None) -> Found:
    store = await exits.enter_async_context(TraceStore())
    with console.status("Starting Tertulia"):
        stack = BackgroundStack(data_dir, env=ENVIRONMENT)
        await _start(stack, exits)
    with console.status(f"{size.people:,} people come in"):
        places = memberships(size.people, size.channels, size.most, random.Random(SEED))
        found = Found(size, await settle(stack, "sailor", places))
    with console.status("The load client by itself"):
        found.listener_per_s = await _ceiling(size.people)
    if peer is not None:
        with console.status("Starting Synapse"):
            exits.push_async_callback(peer.stop)
            await peer.start()
    async with Quay(stack, found.population) as quay:
        await _turns(found, quay, peer, console)
    await asyncio.to_thread(stack.stop)
    with console.status("Starting Tertulia with traces"):
        traced = BackgroundStack(data_dir, stack.port, env=ENVIRONMENT | store.environment)
        await _start(traced, exits)
    async with Quay(traced, found.population) as quay:
        await quay.turn(size.rate, size.warm_up_s)
        turn = await quay.turn(size.rate, size.hops_s)
    await asyncio.to_thread(traced.stop)  # what the processes still hold is sent then
    found.hops, found.traced = store.hops(turn.posted, turn.heard), store.traced()
    return found


async def _turns(found: Found, quay: Quay, peer: Synapse | None, console: Console) -> None:
    size = found.size
    with console.status("Warming up"):
        await quay.turn(size.rate // 2, size.warm_up_s)
        await quay.turn(size.rate, size.warm_up_s)
        if peer is not None:
            await flat_out(peer.rooms, size.warm_up_s)
    for number in range(size.rounds):
        with console.status(f"Round {number + 1} of {size.rounds}"):
            turn = await quay.turn(size.rate, size.round_s, SEED + number)
        found.rounds.append(turn)
        console.print(f"round {number + 1}: {told(turn.delivered)}", highlight=False)
        if peer is not None:
            with console.status(f"Round {number + 1} of {size.rounds}: Synapse"):
                result = await flat_out(peer.rooms, size.round_s)
            found.peer.append(result)
            console.print(
                f"round {number + 1}: Synapse {told(result.delivered)} at {result.rate:,.0f} posts/s", highlight=False
            )
    if peer is not None:
        await peer.stop()
    for per_s in size.steps:
        with console.status(f"{per_s} posts a second"):
            turn = await quay.turn(per_s, size.step_s)
        found.steps.append(turn)
        console.print(f"{per_s:,} posts/s: {told(turn.delivered)}", highlight=False)
        if per_s > size.rate and not turn.holds:
            return


async def _start(stack: BackgroundStack, exits: AsyncExitStack) -> None:
    exits.push_async_callback(asyncio.to_thread, stack.stop)
    await asyncio.to_thread(stack.start, *(word for part in PARTS for word in ("--without", part)))


async def _ceiling(streams: int) -> float:
    """Deliveries a second that one listening process can take on a core of its own, by the processor time that it
    needs for single events from a process that only writes. Raises Lost."""
    process, pipe, port = await asyncio.to_thread(start_bare_writer, None, streams)
    try:
        async with LoadClient(None, serve_channels) as client:
            requests = [(LOOPBACK, b"GET / HTTP/1.1\r\n\r\n")] * streams
            await client.order("open", (LOOPBACK, port), requests, 5_000, b": ok")
            await client.order("seat", [{0: 1}] * streams)
            await client.order("listen")
            client.send("until_heard", streams * BARE_EVENTS, PATIENCE_S)
            await asyncio.to_thread(_write, pipe)
            heard: Heard = await client.answer()
    finally:
        pipe.send(b"")
        await asyncio.to_thread(process.join, 5)
    if len(heard.seconds) != streams * BARE_EVENTS or heard.lost or heard.doubled:
        raise Lost(f"the load client heard {len(heard.seconds)} of {streams * BARE_EVENTS} events of a bare writer")
    return len(heard.seconds) / heard.processor_s


def _write(pipe: Pipe) -> None:
    for number in range(BARE_EVENTS):
        text = text_of(0, number, time.monotonic())
        body = b'data: {"ch_seq":%d,"data":{"message":{"text":"%b"}}}' % (number + 1, text.encode())
        pipe.send(b"id: %032x\nevent: message.created\n%b\n\n" % (number, body))
        time.sleep(BARE_EVERY_S)


def _directory(exits: AsyncExitStack) -> Path:
    root = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="tertulia-bench-")))
    root.chmod(0o755)
    return root


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def failed(error: Lost) -> dict[str, object]:
    """The JSON line of a run that proved a loss."""
    return {
        "bench": "delivery",
        "ours": None,
        "peer": GOAL_P99_MS,
        "ratio": None,
        "goal": 1.0,
        "ok": False,
        "lost": str(error),
    }
