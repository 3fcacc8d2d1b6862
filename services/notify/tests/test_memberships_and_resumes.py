"""A property over whole lives: people join, leave and reconnect at random, in the middle of everything else."""

import asyncio
import contextlib
import random
from typing import Any

import pytest

from tertulia_notify.limits import Limits

CHANNELS = ["c" * 36, "d" * 36, "e" * 36]


class Member:
    """What one person may see, by the order of the stream."""

    def __init__(self) -> None:
        self.joined_at: dict[str, int] = {}
        self.allowed: set[tuple[str, int]] = set()
        self.all_since_join: dict[str, set[int]] = {channel: set() for channel in CHANNELS}

    def sees(self, channel: str, seq: int) -> None:
        if channel in self.joined_at:
            self.allowed.add((channel, seq))
            self.all_since_join[channel].add(seq)

    def joins(self, channel: str, seq: int) -> None:
        self.joined_at[channel] = seq
        self.all_since_join[channel] = set()
        self.sees(channel, seq)

    def leaves(self, channel: str, seq: int) -> None:
        self.sees(channel, seq)
        del self.joined_at[channel]


class Writer:
    """Publishes bursts of messages and membership changes, and tells the model."""

    def __init__(self, world: Any, person: str, chance: random.Random) -> None:
        self.model = Member()
        self.done = False
        self._world = world
        self._person = person
        self._chance = chance

    async def run(self) -> None:
        for _ in range(60):
            await self._world.publish(*(self._event() for _ in range(self._chance.randint(1, 8))))
            await asyncio.sleep(self._chance.choice([0, 0.002, 0.01]))
        self.done = True

    def _event(self) -> Any:
        channel = self._chance.choice(CHANNELS)
        member = channel in self.model.joined_at
        dice = self._chance.random()
        if dice < 0.1 and not member:
            message, tell = self._world.joined(channel, self._person), self.model.joins
        elif dice < 0.1:
            message, tell = self._world.left(channel, self._person), self.model.leaves
        else:
            message, tell = self._world.message(channel), self.model.sees
        tell(channel, self._world._seqs[channel])
        return message


class Reader:
    """Reads for a random while, breaks off, comes back from its last place."""

    def __init__(self, notify: Any, token: str, chance: random.Random) -> None:
        self.got: list[tuple[str, int]] = []
        self._notify = notify
        self._token = token
        self._chance = chance
        self._place: str | None = None
        self._cursor: str | None = None

    async def run(self, writer: Writer) -> None:
        last = False
        while not last:
            last = writer.done
            stream = await self._notify.stream(self._token, cursor=self._cursor, last_event_id=self._place)
            hello = await stream.hello()
            assert hello["resumed"] is (self._cursor is not None)
            self._cursor = self._cursor or hello["cursor"]
            await self._read(stream, None if last else self._chance.random() * 0.15)
            stream.answer.close()

    async def _read(self, stream: Any, seconds: float | None) -> None:
        """For so long; with None until nothing comes any more."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    frame = await stream.next(timeout=10 if seconds else 0.5)
                    self.got.append((frame.data["channel_id"], frame.data["ch_seq"]))
                    self._place = frame.id


@pytest.mark.parametrize("limits", [Limits(), Limits(ring_events=10, warm_events=10)], ids=["ring", "stream"])
@pytest.mark.parametrize("seed", range(3))
async def test_nobody_sees_too_much_and_in_the_end_nobody_misses_anything(
    world: Any, limits: Limits, seed: int
) -> None:
    chance = random.Random(seed)
    person = world.person()
    writer = Writer(world, person, chance)
    async with world.notify(limits) as notify:
        reader = Reader(notify, world.token(person), chance)
        reading = asyncio.ensure_future(reader.run(writer))
        await asyncio.sleep(0.1)
        await writer.run()
        await reading
    model, got = writer.model, reader.got
    assert len(got) == len(set(got)), "twice"
    assert set(got) <= model.allowed, "too much"
    for channel in CHANNELS:
        order = [seq for where, seq in got if where == channel]
        assert order == sorted(order)
        if channel in model.joined_at:
            assert model.all_since_join[channel] <= set(order), "missed"
