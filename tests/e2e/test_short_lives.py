"""Tokens that die and connections that rotate every few seconds, with the limits on: nobody notices.

A stack of its own, because the usual lifetimes are a quarter of an hour and ten minutes. Without search, analytics and
the bot, whose starts take more than half of the processor's time and which nobody asks here.
"""

import asyncio
import math
from collections.abc import Iterator

import pytest

from tertulia_client import Disconnected
from tertulia_stack.background import BackgroundStack

from .people import founded, listening, people
from .test_faults import assert_saw_exactly, truth

TOKEN_S = 3
ROTATE_S = 1.0
BURST = 300
"""Of one person: the limit lets 120 pass at once and 20 more each second."""


@pytest.fixture(scope="module")
def hasty_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackgroundStack]:
    lives = {"ACCESS_TOKEN_TTL_S": str(TOKEN_S), "STREAM_ROTATE_S": str(ROTATE_S), "RATE_LIMITS": "on"}
    stack = BackgroundStack(tmp_path_factory.mktemp("hasty") / "data", env=lives)
    stack.start("--without", "search", "--without", "analytics", "--without", "bot")
    yield stack
    stack.stop()


async def test_short_lived_tokens_connections_and_limits_cost_nothing_but_time(hasty_stack: BackgroundStack):
    async with people(hasty_stack, "Ada", "Ben") as (ada, ben):
        _, general = await founded(ada, ben)
        async with listening(ada, ben) as listeners:
            sent = await asyncio.gather(*(ada.send(general, f"message {n}") for n in range(BURST)))
            for listener in listeners:
                await listener.until(lambda me: len(me.messages(general)) == BURST)
        assert {message.id for message in sent} == {message.id for message in await truth(ben, general)}
        expected = await truth(ada, general)
        for listener in listeners:
            assert_saw_exactly(listener, general, expected)
            reasons = [item.reason for item in listener.items if isinstance(item, Disconnected)]
            assert reasons.count("rotate") >= 2, reasons


async def test_a_client_that_learns_of_its_tokens_death_from_the_server_misses_nothing(hasty_stack: BackgroundStack):
    async with people(hasty_stack, "Ada", "Ben") as (ada, ben):
        _, general = await founded(ada, ben)
        async with listening(ben) as (bens,):
            for number in range(3 * TOKEN_S):
                # As if this machine's clock stood still: the client never renews in advance.
                ben.auth._caller.tokens._renew_at = math.inf
                await ada.send(general, f"second {number}")
                await asyncio.sleep(1)
            await bens.until_texts(general, *(f"second {n}" for n in range(3 * TOKEN_S)))
            assert_saw_exactly(bens, general, await truth(ada, general))
