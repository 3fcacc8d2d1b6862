"""Reading on without a hole: a number without a message must have been deleted, or nothing is handed over."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tertulia_shared.bus import (
    Bus,
    Lost,
    NotYet,
    PipelinedPublisher,
    StoredMessage,
    jetstream,
    read_on,
    read_range,
    stream_state,
)


@pytest.fixture
async def ten(stream: Bus, event: Any) -> Bus:
    """A stream of ten messages of which the fourth was deleted."""
    async with PipelinedPublisher(stream) as publisher:
        await publisher.publish([event(number) for number in range(1, 11)])
    await _delete(stream, 4)
    return stream


async def _delete(bus: Bus, seq: int) -> None:
    await jetstream.call(bus, f"STREAM.MSG.DELETE.{bus.topology.stream}", {"seq": seq})


async def _purge(bus: Bus, below: int) -> None:
    await jetstream.call(bus, f"STREAM.PURGE.{bus.topology.stream}", {"seq": below})


async def _read(bus: Bus, after: int, until: int | None = None) -> list[int]:
    seqs: list[int] = []
    await read_on(bus, await stream_state(bus), after, lambda message: seqs.append(message.seq), until)
    return seqs


async def test_what_was_deleted_is_passed_over(ten: Bus) -> None:
    assert await _read(ten, 2) == [3, 5, 6, 7, 8, 9, 10]
    assert await _read(ten, 3, until=4) == []
    await _delete(ten, 10)
    assert await _read(ten, 8) == [9]


@pytest.mark.parametrize("unseen", [6, 10])
async def test_a_lagging_answer_is_no_deletion(ten: Bus, monkeypatch: pytest.MonkeyPatch, unseen: int) -> None:
    """Neither inside the range nor at its end, although something else of the stream was deleted."""

    async def lagging(*asked: Any) -> AsyncIterator[StoredMessage]:
        async for message in read_range(*asked):
            if message.seq != unseen:
                yield message

    monkeypatch.setattr("tertulia_shared.bus.proof.read_range", lagging)
    seqs: list[int] = []
    with pytest.raises(NotYet, match=f"{unseen} is missing"):
        await read_on(ten, await stream_state(ten), 2, lambda message: seqs.append(message.seq))
    assert seqs == [seq for seq in range(3, unseen) if seq != 4], "nothing from behind the hole"


async def test_what_expired_while_it_was_read_is_no_deletion(ten: Bus) -> None:
    state = await stream_state(ten)
    await _purge(ten, 6)
    seqs: list[int] = []
    with pytest.raises(NotYet, match="3 is missing"):
        await read_on(ten, state, 2, lambda message: seqs.append(message.seq))
    assert seqs == []
    with pytest.raises(Lost):
        await read_on(ten, await stream_state(ten), 2, lambda message: seqs.append(message.seq))
