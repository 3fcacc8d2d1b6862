"""The proof that nothing was lost is worth as much as the checks that it rests on."""

import asyncio

import pytest

from tertulia_bench import conversation
from tertulia_bench.conversation import WRITERS, Lost, Reader, Room, flat_out, paced, percentile, text_of
from tertulia_bench.tertulia import Tertulia


class Wire:
    """A server that spoils what passes by a rule: text number → the numbers that arrive for it."""

    def __init__(self, reader: Reader, rule=lambda number: [number]) -> None:
        self.reader = reader
        self.rule = rule

    async def prepare(self) -> None:
        """Nothing to do."""

    async def send(self, text: str) -> None:
        await asyncio.sleep(0.001)
        number, sent_at, _ = text.split(" ", 2)
        for arriving in self.rule(int(number)):
            self.reader.take(text_of(arriving, float(sent_at)))


def rooms_of(rule=lambda number: [number]) -> list[Room]:
    readers = [Reader(number) for number in range(2)]
    return [Room(Wire(reader, rule), reader) for reader in readers]


async def test_a_round_counts_what_was_acknowledged_and_arrived():
    rooms = rooms_of()
    result = await flat_out(rooms, 0.1)
    assert result.messages == sum(room.sent for room in rooms) == len(result.acknowledged) == len(result.delivered)
    assert result.rate > 0
    again = await flat_out(rooms, 0.05)
    assert again.messages == sum(room.sent for room in rooms) - result.messages


@pytest.mark.parametrize(
    ("what", "rule"),
    [
        ("doubled", lambda number: [number, number] if number == 3 else [number]),
        ("swapped", lambda number: {3: [4], 4: [3]}.get(number, [number])),
        ("lost in the middle", lambda number: [] if number == 3 else [number]),
    ],
)
async def test_what_is_not_once_and_in_order_is_called_lost(what, rule):
    with pytest.raises(Lost):
        await flat_out(rooms_of(rule), 0.1)


async def test_what_never_arrives_is_called_lost(monkeypatch):
    monkeypatch.setattr(conversation, "ARRIVAL_TIMEOUT_S", 0.1)
    with pytest.raises(Lost, match="arrived"):
        await flat_out(rooms_of(lambda number: [number] if number < 5 else []), 0.1)


async def test_a_paced_round_keeps_its_rate_and_counts_lateness():
    result = await paced(rooms_of(), 0.4, 100)
    assert 30 <= result.messages <= 42
    assert percentile(result.delivered, 0.5) >= 0.001


async def test_our_side_hears_what_its_writers_send_and_not_what_a_channel_says_by_itself(tmp_path):
    side = Tertulia(tmp_path / "tertulia")
    try:
        await side.start()
        result = await flat_out(side.rooms, 0.5)
    finally:
        await side.stop()
    assert result.messages == len(result.delivered) >= WRITERS
