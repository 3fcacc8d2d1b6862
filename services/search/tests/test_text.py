"""What a word is, and what people may type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia_search.engines.port import Phrase, Word
from tertulia_search.find.fragments import LENGTH, Marker
from tertulia_search.query.parser import MAX_CLAUSES, any_words, parse
from tertulia_search.query.stop_words import STOP_WORDS
from tertulia_search.text import (
    MAX_WORD,
    fold,
    is_one_typo_away,
    is_one_typo_from_a_beginning,
    may_be_misspelt,
    tokens,
    words,
)

ANY_TEXT = st.text(max_size=10_000)
QUERIES = st.lists(
    st.one_of(
        st.sampled_from(
            ['"', "from:", "in:", "BEFORE:", "after:2026-11-21", "from:ada", " ", "\u3000", "会议", "👍🏽", "x" * 90]
        ),
        st.text(max_size=20),
    ),
    max_size=60,
).map("".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Café's ÜBER-plan", ["the", "cafes", "uber", "plan"]),
        ("don’t rock'n'roll", ["dont", "rocknroll"]),
        ("ﬁnal ＡＢＣ straße Łódź ΟΔΟΣ", ["final", "abc", "strasse", "lodz", "οδοσ"]),
        ("会议 at 3", ["会", "议", "at", "3"]),
        ("明日の会議", ["明", "日", "の", "会", "議"]),
        ("สวัสดี", list("สวัสดี")),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("안녕하세요 여러분", ["안녕하세요", "여러분"]),
        ("ship it 🚀👍🏽!", ["ship", "it", "🚀", "👍"]),
        ("foo_bar.baz@example.com", ["foo", "bar", "baz", "example", "com"]),
        ("", []),
        ("--- ... '' _", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text(st.characters(max_codepoint=127), max_size=200))
def test_plain_text_has_the_words_that_any_text_has(text: str) -> None:
    beside = [token for token in tokens(f"{text}\u00b7") if token.start < len(text)]
    assert list(tokens(text)) == beside


@given(ANY_TEXT)
def test_words_are_stable_and_lie_where_they_say(text: str) -> None:
    found = list(tokens(text))
    assert all(fold(text[token.start : token.end]) == token.text for token in found)
    assert all(0 < len(token.text) <= MAX_WORD and not token.text.isspace() for token in found)
    assert all(" " not in token.text and "\n" not in token.text for token in found)
    ends = [0, *(place for token in found for place in (token.start, token.end))]
    assert ends == sorted(ends)


@pytest.mark.parametrize(
    ("wanted", "word", "expected"),
    [
        ("meeting", "meeting", True),
        ("meeting", "meting", True),
        ("meeting", "meetting", True),
        ("meeting", "meeying", True),
        ("meeting", "emeting", True),
        ("meeting", "meetign", True),
        ("meeting", "metign", False),
        ("meeting", "meets", False),
        ("ab", "ba", True),
        ("ab", "bc", False),
        ("a", "b", True),
    ],
)
def test_one_typo(wanted: str, word: str, expected: bool) -> None:
    assert is_one_typo_away(wanted, word) is expected
    assert is_one_typo_away(word, wanted) is expected


@given(st.text("abcd", min_size=1, max_size=9), st.data())
def test_every_single_typo_is_seen(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("abcdz"))
    for typo in (
        word[:place] + letter + word[place:],
        word[:place] + word[place + 1 :],
        word[:place] + letter + word[place + 1 :],
        word[:place] + word[place : place + 2][::-1] + word[place + 2 :],
    ):
        assert is_one_typo_away(word, typo), typo
        assert is_one_typo_from_a_beginning(word, typo + "etc"), typo


def test_who_may_be_misspelt() -> None:
    assert [word for word in ("tea", "team", "2026", "v2.1", "会议茶馆") if may_be_misspelt(word)] == [
        "team",
        "会议茶馆",
    ]


@given(st.one_of(ANY_TEXT, QUERIES))
def test_anything_can_be_typed(text: str) -> None:
    query = parse(text)
    assert len(query.clauses) <= MAX_CLAUSES
    assert all(
        words(word)
        for clause in query.clauses
        for word in ([clause.text] if isinstance(clause, Word) else clause.words)
    )
    assert sum(clause.prefix for clause in query.clauses) <= 1
    assert all(name and name == name.strip() for name in query.people + query.channels)
    any_words(text, STOP_WORDS)


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("green te", [Word("green"), Word("te", prefix=True)]),
        ("green te ", [Word("green"), Word("te", prefix=True)]),
        ('"green tea" le', [Phrase(("green", "tea")), Word("le", prefix=True)]),
        ('"green te', [Phrase(("green", "te"), prefix=True)]),
        ('te "green"', [Word("te"), Phrase(("green",))]),
        ("tea-hou", [Phrase(("tea", "hou"), prefix=True)]),
        ("会议", [Phrase(("会", "议"))]),
        ("👍", [Phrase(("👍",))]),
        ("tea from:ada", [Word("tea")]),
        ('""', []),
    ],
)
def test_clauses(text: str, clauses: list[Word | Phrase]) -> None:
    assert parse(text).clauses == clauses


def test_operators() -> None:
    query = parse(
        'FROM:@Ada in:"#general" from:me before:2026-11-21 before:2026-11-20 after:2026-11-01 after:2026-11-02'
    )
    assert (query.people, query.channels) == (["Ada", "me"], ["general"])
    assert (query.from_ms, query.until_ms) == (1_793_577_600_000, 1_795_132_800_000)
    assert not query.problems
    assert not query.is_empty
    assert parse("from: in: before:1 after:2026-02-30").is_empty


def test_a_question_without_its_empty_words() -> None:
    assert any_words("When is the next tea meeting?", STOP_WORDS) == [Word("next"), Word("tea"), Word("meeting")]
    assert any_words("会议室在哪里 is", STOP_WORDS)[:2] == [Phrase(("会", "议")), Phrase(("议", "室"))]
    assert any_words("茶?", STOP_WORDS) == [Phrase(("茶",))]
    assert any_words("the of", STOP_WORDS) == []


LONG = "word " * 100 + "needle " + "more " * 100


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("The Meeting is on", "meeting", ["Meeting"]),
        ("The metting is on", "meeting is", ["metting", "is"]),
        ("The meetings are on", "meet", ["meetings"]),
        ("No café today", "cafe today", ["café", "today"]),
        ("green tea, greenish", '"green tea"', ["green tea"]),
        ("明日の会議です", "会議", ["会議"]),
        ("tea tea", "tea", ["tea", "tea"]),
        ("nothing of it", "else", []),
        (LONG, "needle", ["needle"]),
    ],
)
def test_fragments(text: str, query: str, marked: list[str]) -> None:
    found = Marker(parse(query).clauses).fragments(text)
    assert [piece.text for piece in found if piece.hit] == marked
    whole = "".join(piece.text for piece in found)
    assert whole.strip("…") in text
    assert len(whole) <= LENGTH + 2
    assert (whole == text) is (len(text) <= LENGTH)


@given(st.text(max_size=2_000), QUERIES)
def test_fragments_are_a_part_of_the_message(text: str, query: str) -> None:
    found = Marker(parse(query).clauses).fragments(text)
    pieces = [piece.text for piece in found]
    inner = pieces[1 if len(text) > LENGTH and pieces[0] == "…" and not text.startswith("".join(pieces[:-1])) else 0 :]
    body = "".join(inner)
    assert body in text or body.removesuffix("…") in text
    assert all(pieces)
