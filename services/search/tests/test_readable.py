"""The choke point while memberships change in the very moment of a search."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tertulia_search.engines.port import Ask, Found
from tertulia_search.engines.tantivy_engine import TantivyEngine
from tertulia_search.find.readable import TRIES, search_readable
from tertulia_shared.membership import Projection

from .engines import document, put

ASK = Ask(channels=frozenset({"C1", "C2"}))


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[TantivyEngine]:
    engine = TantivyEngine(tmp_path / "index")
    await engine.open()
    await put(engine, document(1, "open", channel_id="C1"), document(2, "secret", channel_id="C2", author_id="bob"))
    yield engine
    await engine.close()


async def search(engine: TantivyEngine, *answers: set[str]) -> tuple[Found, int]:
    """What is found when the projection answers so, one after the other; and how often it was asked."""
    asked = 0

    def readable(_: Projection) -> frozenset[str]:
        nonlocal asked
        asked += 1
        return frozenset(answers[min(asked, len(answers)) - 1])

    return await search_readable(engine, Projection, readable, ASK), asked


async def test_a_quiet_moment(engine: TantivyEngine) -> None:
    found, asked = await search(engine, {"C1", "C2", "C3"})
    assert ({each.text for each in found.documents}, found.total, asked) == ({"open", "secret"}, 2, 3)


async def test_who_loses_a_channel_meanwhile_is_answered_anew(engine: TantivyEngine) -> None:
    found, _ = await search(engine, {"C1", "C2"}, {"C1"})
    assert ([each.text for each in found.documents], found.total) == (["open"], 1)
    assert (found.channels, found.people) == ({"C1": 1}, {"ada": 1})


async def test_the_last_word_is_the_projections(engine: TantivyEngine) -> None:
    """However often it changes, what was lost at the end is not in the answer, nor counted in it."""
    changing = [{"C1", "C2"}, {"C1"}] * TRIES
    changing[-2:] = [{"C1", "C2"}, {"C2", "C1", "C3"}]
    found, asked = await search(engine, *changing, {"C1"})
    assert asked == 2 * TRIES + 1
    assert [each.text for each in found.documents] == ["open"]
    assert (found.total, found.channels, found.people) == (1, {"C1": 1}, {})


async def test_nothing_beyond_what_was_asked_for(engine: TantivyEngine) -> None:
    found = await search_readable(
        engine, Projection, lambda _: frozenset({"C1", "C2"}), replace(ASK, channels=frozenset({"C2"}))
    )
    assert [each.text for each in found.documents] == ["secret"]
