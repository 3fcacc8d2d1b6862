"""What every engine must do; see engines.py for which ones are asked."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tertulia_search.engines.port import (
    Ask,
    ChannelTombstone,
    Clause,
    Phrase,
    SearchEngine,
    Word,
    milliseconds,
    position_of,
)
from tertulia_search.query.parser import parse

from .engines import ALL, ENGINES, START, document, opened, put, texts, tombstone


@pytest.fixture(params=ENGINES)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SearchEngine]:
    async with opened(request.param, tmp_path / "index") as engine:
        yield engine


def asked(query: str) -> tuple[Clause, ...]:
    return tuple(parse(query).clauses)


async def test_what_is_committed_is_found(engine: SearchEngine) -> None:
    given = document(1, "green tea", thread_id="t", edited_at=START)
    assert await texts(engine, sort="newest") == []
    await put(engine, given)
    found = await engine.search(Ask(channels=ALL, clauses=(Word("green"),)))
    assert found.documents == [given]
    assert (found.total, found.more, found.channels, found.people) == (1, False, {"C1": 1}, {"ada": 1})
    await engine.check()
    assert await engine.exists()


async def test_only_the_named_channels(engine: SearchEngine) -> None:
    await put(engine, *(document(n, f"tea {n}", channel_id=f"C{n}") for n in (1, 2, 3)))
    assert await texts(engine, clauses=(Word("tea"),), channels=frozenset({"C1", "C3"}), sort="oldest") == [
        "tea 1",
        "tea 3",
    ]
    assert await texts(engine, clauses=(Word("tea"),), channels=frozenset()) == []
    assert await texts(engine, sort="oldest", channels=frozenset({"C2", "X"})) == ["tea 2"]


async def test_the_newest_change_wins_and_deleted_stays_deleted(engine: SearchEngine) -> None:
    await put(
        engine, document(1, "first", version=1), document(1, "third", version=9), document(1, "second", version=5)
    )
    assert await texts(engine) == ["third"]
    await put(engine, document(1, "second", version=5))
    assert await texts(engine) == ["third"]
    await put(engine, tombstone(1, 12))
    await put(engine, document(1, "late", version=10), document(2, "other"))
    assert await texts(engine) == ["other"]
    await engine.upsert([document(2, "other", version=20)])
    await engine.upsert([document(2, "stale", version=15)])
    await engine.commit()
    assert await texts(engine) == ["other"]
    assert await engine.counts() == {"W1": 1}


async def test_a_deleted_channel_keeps_no_message_and_takes_none(engine: SearchEngine) -> None:
    other = document(2, "other", channel_id="C2")
    gone = ChannelTombstone(channel_id="C1", version=9)
    await put(engine, document(1, "first"), other, tombstone(3, 3))
    await engine.upsert([document(4, "not committed yet")])
    await put(engine, document(5, "in the same batch"), gone)
    assert await texts(engine) == ["other"]
    assert await engine.counts() == {"W1": 1}
    await put(engine, document(1, "first"), document(6, "late"), gone)
    await put(engine, gone, document(1, "once more", version=20))
    await engine.upsert([document(7, "later yet")])
    await engine.commit()
    assert await texts(engine) == ["other"]
    assert await engine.counts() == {"W1": 1}
    await put(engine, document(2, "changed", version=20, channel_id="C2"))
    assert await texts(engine) == ["changed"]


async def test_counts_by_workspace(engine: SearchEngine) -> None:
    assert await engine.counts() == {}
    await put(engine, document(1), document(2), document(3, workspace_id="W2", channel_id="C3"), tombstone(4, 4))
    assert await engine.counts() == {"W1": 2, "W2": 1}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("meeting", {"the meeting is today", "metting typo"}),
        ("meetign", {"the meeting is today"}),
        ("meet", {"the meeting is today", "metting typo"}),
        ("tod", {"the meeting is today"}),
        ("the tod", {"the meeting is today"}),
        ("tod the", set()),
        ("cat", {"a cat sat"}),
        ("cta", set()),
        ('"is today"', {"the meeting is today"}),
        ('"today is"', set()),
        ('"meeting tody"', set()),
        ("CAFÉ", {"at the cafe"}),
        ("dont", {"please don’t"}),
        ("2026", {"plan 2026"}),
        ("2027", set()),
    ],
)
async def test_words_typos_beginnings_and_phrases(engine: SearchEngine, query: str, expected: set[str]) -> None:
    said = ["the meeting is today", "metting typo", "a cat sat", "at the cafe", "please don’t", "plan 2026"]
    await put(engine, *(document(n, text) for n, text in enumerate(said, 1)))
    assert set(await texts(engine, clauses=asked(query))) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("会议", ["明天的会议"]),
        ("会", ["会見します", "明天的会议"]),
        ("会見", ["会見します"]),
        ("します", ["会見します"]),
        ("🚀", ["ship it 🚀"]),
    ],
)
async def test_unspaced_scripts_and_emoji(engine: SearchEngine, query: str, expected: list[str]) -> None:
    said = ["明天的会议", "会見します", "ship it 🚀", "议会"]
    await put(engine, *(document(n, text) for n, text in enumerate(said, 1)))
    found = await texts(engine, clauses=asked(query), sort="newest")
    assert [text for text in found if text != "议会"] == expected
    assert ("议会" in found) is (query == "会")


async def test_exact_before_typo_and_recent_before_old(engine: SearchEngine) -> None:
    year = timedelta(days=365)
    await put(
        engine,
        document(1, "the meeting", created_at=START - year),
        document(2, "the meeting", created_at=START),
        document(3, "the metting", created_at=START + timedelta(days=1)),
    )
    found = await engine.search(Ask(channels=ALL, clauses=(Word("meeting"),)))
    assert [document.message_id for document in found.documents] == ["m00002", "m00001", "m00003"]


async def test_any_of_the_words(engine: SearchEngine) -> None:
    await put(engine, document(1, "samovar and tea"), document(2, "only tea here"), document(3, "nothing"))
    clauses = (Word("tea"), Word("samovar"))
    assert await texts(engine, clauses=clauses) == ["samovar and tea"]
    assert await texts(engine, clauses=clauses, any_clause=True, facets=False) == ["samovar and tea", "only tea here"]


async def test_people_and_times(engine: SearchEngine) -> None:
    await put(engine, *(document(n, f"n{n}", author_id="ada" if n % 2 else "bob") for n in range(1, 7)))
    assert await texts(engine, authors=frozenset({"ada"}), sort="oldest") == ["n1", "n3", "n5"]
    assert await texts(engine, authors=frozenset(), sort="oldest") == []
    second = milliseconds(START) + 2_000
    assert await texts(engine, from_ms=second, until_ms=second + 2_000, sort="oldest") == ["n2", "n3"]
    assert await texts(engine, from_ms=second + 4_000, sort="oldest") == ["n6"]
    assert await texts(engine, until_ms=second, sort="oldest") == ["n1"]
    assert await texts(engine, until_ms=0, sort="oldest") == []
    assert await texts(engine, from_ms=1 << 60, sort="oldest") == []
    assert len(await texts(engine, from_ms=0, until_ms=1 << 60)) == 6


@pytest.mark.parametrize("newest", [True, False])
async def test_pages_by_time_are_exact_also_within_a_millisecond(engine: SearchEngine, newest: bool) -> None:
    given = [document(n, created_at=START + timedelta(seconds=n // 9)) for n in range(40)]
    await put(engine, *given)
    expected = sorted(given, key=position_of, reverse=newest)
    seen: list[str] = []
    after = None
    more = True
    while more:
        page = await engine.search(Ask(channels=ALL, sort="newest" if newest else "oldest", limit=7, after=after))
        assert page.total == 40 or after is not None
        assert len(page.documents) <= 7
        seen += [document.message_id for document in page.documents]
        after, more = position_of(page.documents[-1]), page.more
    assert seen == [document.message_id for document in expected]


async def test_pages_by_relevance(engine: SearchEngine) -> None:
    await put(engine, *(document(n, f"tea {n}") for n in range(10)))
    pages = [
        await engine.search(Ask(channels=ALL, clauses=(Word("tea"),), limit=4, offset=offset)) for offset in (0, 4, 8)
    ]
    assert [page.more for page in pages] == [True, True, False]
    assert len({document.message_id for page in pages for document in page.documents}) == 10


async def test_facets(engine: SearchEngine) -> None:
    await put(
        engine,
        *(document(n, channel_id=f"C{n % 2 + 1}", author_id="ada" if n < 5 else "bob") for n in range(6)),
        document(9, "coffee"),
    )
    found = await engine.search(Ask(channels=ALL, clauses=(Word("tea"),), limit=1))
    assert (found.total, found.channels, found.people) == (6, {"C1": 3, "C2": 3}, {"ada": 5, "bob": 1})
    found = await engine.search(Ask(channels=frozenset({"C1"}), clauses=(Word("tea"),), limit=1))
    assert (found.total, found.channels, found.people) == (3, {"C1": 3}, {"ada": 3})


async def test_a_generation_is_filled_beside_the_live_one_and_swapped(engine: SearchEngine) -> None:
    await put(engine, document(1, "old"))
    coming = await engine.prepare()
    await coming.upsert([document(1, "new"), document(2, "newer")])
    await coming.commit()
    assert await texts(engine) == ["old"]
    assert await coming.counts() == {"W1": 2}
    await engine.swap(coming)
    assert sorted(await texts(engine)) == ["new", "newer"]
    await put(engine, document(3, "after"))
    assert await engine.counts() == {"W1": 3}


async def test_a_discarded_generation_changes_nothing(engine: SearchEngine) -> None:
    await put(engine, document(1, "old"))
    coming = await engine.prepare()
    await coming.upsert([document(2, "never")])
    await engine.discard(coming)
    assert await texts(engine) == ["old"]
    await engine.swap(await engine.prepare())
    assert await texts(engine) == []


async def test_a_long_text_and_a_long_word(engine: SearchEngine) -> None:
    long_word = "x" * 16_000
    await put(engine, document(1, long_word), document(2, "tea " * 4_000), document(3, ""))
    assert await texts(engine, clauses=asked(long_word[:70])) == [long_word]
    assert await texts(engine, clauses=(Phrase(("tea", "tea")),)) == ["tea " * 4_000]
    assert (await engine.counts())["W1"] == 3
