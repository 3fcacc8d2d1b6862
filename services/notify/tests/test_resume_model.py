"""Random histories of comings and goings, against a model that remembers everything (see `resume_model`).

What answers the reads is a stream in memory, so that there can be a hundred thousand cases; the same histories are
played on a NATS server, too. A case is one client coming back.
"""

import asyncio
import importlib.util
import logging
import secrets
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from uuid_utils import uuid4

from tertulia_shared import events
from tertulia_shared.bus import Bus, ensure_event_stream


def load_model() -> tuple[Any, ...]:
    """A package that is not on the path: its modules know each other by its name."""
    place = Path(__file__).with_name("resume_model")
    spec = importlib.util.spec_from_file_location(
        place.name, place / "__init__.py", submodule_search_locations=[str(place)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return tuple(importlib.import_module(f"{place.name}.{name}") for name in ("chronicle", "story", "streams"))


chronicle, story, streams = load_model()

BOUNDS = [
    {"ring_events": 1_000, "warm_events": 1_000},
    {"ring_events": 4, "warm_events": 4},
    {"ring_events": 3, "warm_events": 9},
    {"ring_events": 5, "warm_events": 2, "max_sent": 12},
    {"ring_events": 6, "warm_events": 6, "max_scanned": 25},
    {"ring_events": 2, "warm_events": 1, "max_sent": 20, "max_scanned": 40},
]
STEPS = st.lists(st.integers(0, 2**20 - 1), min_size=40, max_size=70)
RUN = {
    "deadline": None,
    "database": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Every start and every message that is nonsense would be told."""
    former = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**former)


CASES = ("ring", "stream", "too_far", "epoch", "invalid", "foreign", "expired", "again", "revoked")
"""How it ends for a client that comes with a place. Not counted: who comes without, or after the session's end."""


async def play_in_memory(bounds: dict[str, int], steps: list[int]) -> Counter[str]:
    stream = streams.MemoryStream(events.Topology())
    return await play(stream, stream.bus.incarnation, bounds, steps)


async def play_on_server(url: str, bounds: dict[str, int], steps: list[int]) -> Counter[str]:
    topology = events.Topology(f"m{uuid4().hex[:8]}_")
    async with streams.SlowBus(url, "model", topology) as bus, Bus(url, "writer", topology) as writing:
        await bus.wait_connected(10)
        await writing.wait_connected(10)
        life = (await ensure_event_stream(writing)).incarnation
        cases = await play(streams.NatsStream(bus, writing), life, bounds, steps)
        await writing.request(f"$JS.API.STREAM.DELETE.{topology.stream}", b"")
    return cases


async def play(stream: Any, life: str, bounds: dict[str, int], steps: list[int]) -> Counter[str]:
    history = story.Story(chronicle.Chronicle(stream, life), bounds)
    await history.play(steps)
    return history.cases


@given(bounds=st.sampled_from(BOUNDS), steps=STEPS)
@settings(max_examples=150, **RUN)
async def test_who_comes_back_gets_what_is_theirs_or_is_told_why_not(bounds: dict[str, int], steps: list[int]) -> None:
    await play_in_memory(bounds, steps)


@given(bounds=st.sampled_from(BOUNDS), steps=STEPS)
@settings(max_examples=30, **RUN)
async def test_the_same_on_a_server(nats_url: str, bounds: dict[str, int], steps: list[int]) -> None:
    await play_on_server(nats_url, bounds, steps)


# -- at length -----------------------------------------------------------------------------------------------------

Play = Callable[[dict[str, int], list[int]], Awaitable[Counter[str]]]

PIECES = 10
HISTORIES = 1_250
"""In each piece; each has some eight cases."""
WANTED = 100_000
ON_A_SERVER = 400
"""Histories."""


def play_many(histories: int, play: Play) -> Counter[str]:
    """Others every time; the seed, by which the same can be played again, is told. The cases are counted."""
    cases: Counter[str] = Counter()
    chosen = secrets.randbits(32)

    @seed(chosen)
    @given(bounds=st.sampled_from(BOUNDS), steps=STEPS)
    @settings(max_examples=histories, phases=[Phase.generate, Phase.shrink], **RUN)
    def one(bounds: dict[str, int], steps: list[int]) -> None:
        cases.update(runner.run(play(bounds, steps)))

    print(f"seed {chosen}")
    with asyncio.Runner() as runner:
        one()
    return cases


def told(cases: Counter[str]) -> int:
    """How many came back."""
    came_back = sum(cases[how] for how in CASES)
    print(f"{came_back:,} cases, no difference: {dict(cases)}")
    return came_back


def test_a_history_on_a_server_leaves_no_connection_behind(nats_url: str) -> None:
    """Hundreds are played one after the other, and each has some thirty messages."""
    open_files: list[int] = []

    async def counted(bounds: dict[str, int], steps: list[int]) -> Counter[str]:
        cases = await play_on_server(nats_url, bounds, steps)
        open_files.append(len(list(Path("/dev/fd").iterdir())))
        return cases

    play_many(6, counted)
    assert max(open_files) <= open_files[0] + 3


@pytest.mark.full
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("piece", range(PIECES))
def test_who_comes_back_gets_what_is_theirs_in_100_000_cases(piece: int) -> None:
    """In pieces: hypothesis remembers every example of a test."""
    assert told(play_many(HISTORIES, play_in_memory)) >= WANTED / PIECES


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_the_same_on_a_server_at_length(nats_url: str) -> None:
    cases = play_many(ON_A_SERVER, lambda bounds, steps: play_on_server(nats_url, bounds, steps))
    assert told(cases) >= 5 * ON_A_SERVER
