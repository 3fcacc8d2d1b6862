"""What `make bench NAME=delivery` proves beside its times: every acknowledged post is at every member's stream, through
the gateway, once, in the channel's order, and at nobody else's."""

import random
import secrets

from tertulia_bench.population import memberships, settle
from tertulia_bench.turns import Quay
from tertulia_stack.background import BackgroundStack

PEOPLE, CHANNELS, MOST = 40, 8, 8
POSTS_PER_S, SECONDS = 30, 3.0


async def test_every_delivery_is_right_while_many_post(stack: BackgroundStack):
    places = memberships(PEOPLE, CHANNELS, MOST, random.Random(1))
    population = await settle(stack, f"sailor{secrets.token_hex(3)}", places)
    async with Quay(stack, population) as quay:
        turn = await quay.turn(POSTS_PER_S, SECONDS)  # raises Lost

    assert len(turn.posted.places) > POSTS_PER_S
    members = [len(population.members(channel)) for channel in range(CHANNELS)]
    assert len(turn.heard.seconds) == sum(members[channel] for channel, _ in turn.posted.places)
