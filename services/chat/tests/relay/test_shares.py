"""Several relays divide the shards among themselves, whoever comes or goes."""

import asyncio
import time

from tertulia_shared.events import SHARDS


def sizes(*relays) -> list[int]:
    return sorted(len(relay.positions) for relay in relays)


async def test_relays_that_come_and_go_share_anew_and_nothing_is_lost(scene, until):
    writing = asyncio.create_task(write(scene, 6.0))
    async with scene.relay() as one:
        await until(lambda: sizes(one) == [SHARDS])
        async with scene.relay() as two:
            await until(lambda: sizes(one, two) == [16, 16])
            async with scene.relay() as three:
                await until(lambda: sizes(one, two, three) == [10, 11, 11])
                held = [*one.positions, *two.positions, *three.positions]
                assert sorted(held) == list(range(SHARDS))
            await until(lambda: sizes(one, two) == [16, 16])
        await until(lambda: sizes(one) == [SHARDS])
        await writing
        stored = await scene.check()
    # A shard that changed hands in good order was handed over exactly where it stood.
    assert len(stored) == len(await scene.logged())


async def write(scene, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    async with scene.connection() as connection:
        while time.monotonic() < deadline:
            await scene.post(connection)
            await asyncio.sleep(0.002)
