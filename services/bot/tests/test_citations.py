"""Numbers in an answer stand for a source, or they go."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia_bot.context.citations import settle
from tertulia_bot.context.retrieval import Source


def source(number, text):
    return Source(
        message_id=f"m{number}",
        channel_id=f"c{number}",
        ch_seq=number,
        author_id=f"u{number}",
        author="ana",
        channel="plans",
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
        text=text,
    )


SOURCES = [source(1, "The release is on Friday."), source(2, "Ben bakes bread."), source(3, "Release notes: Carla")]


@pytest.mark.parametrize(
    ("text", "kept", "cited"),
    [
        ("Friday [1].", "Friday [1].", [1]),
        ("Friday [1, 3] [9].", "Friday [1][3].", [1, 3]),
        ("Friday [0][4].", "Friday.", []),
        ("Twice [2] and [2].", "Twice [2] and [2].", [2]),
        ("A [1](https://example.org) link", "A [1](https://example.org) link", []),
        ("Bread `a[7]` [2]\n```\nx[9]\n```", "Bread `a[7]` [2]\n```\nx[9]\n```", [2]),
        ("[1000] 1000", "[1000] 1000", []),
    ],
)
def test_numbers(text, kept, cited):
    settled, citations = settle(text, SOURCES)
    assert settled == kept
    assert [each.n for each in citations] == cited or not cited


def test_without_numbers_the_nearest_sources_are_attached():
    text, citations = settle("The release is on Friday.", SOURCES)
    assert text == "The release is on Friday."
    assert [each.n for each in citations] == [1, 3]
    assert citations[0].message_id == "m1"
    assert settle("Nothing alike whatsoever", SOURCES)[1] == []
    assert settle("Friday [1]", []) == ("Friday", [])


def test_a_quote_is_short():
    (citation,) = settle("x [1]", [source(1, "word\n" * 500)])[1]
    assert len(citation.quote) == 280
    assert "\n" not in citation.quote


@given(st.text(alphabet="ab [],0123`\n", max_size=80))
def test_whatever_is_written_only_sources_are_cited(text):
    settled, citations = settle(text, SOURCES)
    assert {each.n for each in citations} <= {1, 2, 3}
    assert settle(settled, SOURCES)[0] == settled or "[" in settled
