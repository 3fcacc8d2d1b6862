"""Any order and any repetition of a message's events ends in the same index as the right order, once each."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tertulia_search.engines.port import Change, Document, SearchEngine, Tombstone
from tertulia_search.engines.tantivy_engine import TantivyEngine

from .engines import document, texts, tombstone

MESSAGES = 3


@st.composite
def histories(draw: st.DrawFn) -> list[Change]:
    """What happened to a few messages of one channel, in the right order: posted, edited, deleted, restored."""
    changes: list[Change] = []
    there: set[int] = set()
    for version in range(1, draw(st.integers(1, 12)) + 1):
        number = draw(st.integers(1, MESSAGES))
        if number in there and draw(st.booleans()):
            there.remove(number)
            changes.append(tombstone(number, version))
        else:
            there.add(number)
            changes.append(document(number, f"message {number} v{version}", version=version))
    return changes


def expected(history: list[Change]) -> list[str]:
    last = {change.message_id: change for change in history}
    return sorted(change.text for change in last.values() if isinstance(change, Document))


@given(history=histories(), data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_order_any_repetition(history: list[Change], data: st.DataObject) -> None:
    delivered = data.draw(st.permutations(history + data.draw(st.lists(st.sampled_from(history), max_size=6))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(delivered)), max_size=4)))
    batches = [delivered[start:end] for start, end in zip([0, *cuts], [*cuts, len(delivered)], strict=True)]
    commits = data.draw(st.lists(st.booleans(), min_size=len(batches), max_size=len(batches)))
    asyncio.run(_converges(history, batches, commits))


async def _converges(history: list[Change], batches: list[list[Change]], commits: list[bool]) -> None:
    directory = Path(tempfile.mkdtemp())
    engine = TantivyEngine(directory)
    try:
        await engine.open()
        for batch, commit in zip(batches, commits, strict=True):
            await engine.upsert(batch)
            if commit:
                await engine.commit()
        await engine.commit()
        await _holds(engine, history)
        await engine.upsert(history[::-1])
        await engine.commit()
        await _holds(engine, history)
    finally:
        await engine.close()
        shutil.rmtree(directory)


async def _holds(engine: SearchEngine, history: list[Change]) -> None:
    assert sorted(await texts(engine, limit=100)) == expected(history)
    alive = len(expected(history))
    assert await engine.counts() == ({"W1": alive} if alive else {})


def test_a_history_can_end_in_a_tombstone() -> None:
    history: list[Change] = [document(1, "a", version=1), Tombstone(message_id="m00001", version=2)]
    asyncio.run(_converges(history, [[history[1]], [history[0]]], [True, True]))
