"""The part of a message that shows why it was found, with the words that matched marked."""

from collections.abc import Sequence

import msgspec

from tertulia_search.engines.port import Clause, Phrase, Word
from tertulia_search.text import (
    Token,
    is_one_typo_away,
    is_one_typo_from_a_beginning,
    may_be_misspelt,
    tokens,
)

LENGTH = 240
"""Characters of a fragment. A shorter message is shown whole."""
BEFORE = 60
"""How much of that stands before the first hit."""
SCANNED = 20_000
"""Characters that are looked through."""


class Fragment(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    hit: bool


class Marker:
    """Marks one query's hits in one message after the other. It remembers which words it met: they come again."""

    def __init__(self, clauses: Sequence[Clause]) -> None:
        self._words = [word for word in clauses if isinstance(word, Word)]
        self._is_hit: dict[str, bool] = {}
        self._phrases = [phrase for phrase in clauses if isinstance(phrase, Phrase)]

    def fragments(self, text: str) -> list[Fragment]:
        """Joined, the texts are a part of the message (`…` marks where it was cut)."""
        hits = _joined(sorted(self._spans(list(tokens(text[:SCANNED])))))
        start, end = _window(text, hits)
        pieces = [Fragment(text="…", hit=False)] if start > 0 else []
        place = start
        for first, last in hits:
            if first < start or last > end:
                continue
            if first > place:
                pieces.append(Fragment(text=text[place:first], hit=False))
            pieces.append(Fragment(text=text[first:last], hit=True))
            place = last
        if place < end:
            pieces.append(Fragment(text=text[place:end], hit=False))
        if end < len(text):
            pieces.append(Fragment(text="…", hit=False))
        return pieces

    def _spans(self, found: list[Token]) -> set[tuple[int, int]]:
        spans = {(token.start, token.end) for token in found if self._meant(token.text)} if self._words else set()
        for phrase in self._phrases:
            size = len(phrase.words)
            spans |= {
                (found[at].start, found[at + size - 1].end)
                for at in range(len(found) - size + 1)
                if _follows(phrase, found[at : at + size])
            }
        return spans

    def _meant(self, text: str) -> bool:
        meant = self._is_hit.get(text)
        if meant is None:
            meant = self._is_hit[text] = any(_is_meant(word, text) for word in self._words)
        return meant


def _is_meant(word: Word, text: str) -> bool:
    if text == word.text or (word.prefix and text.startswith(word.text)):
        return True
    if not may_be_misspelt(word.text):
        return False
    return is_one_typo_from_a_beginning(word.text, text) if word.prefix else is_one_typo_away(word.text, text)


def _follows(phrase: Phrase, found: list[Token]) -> bool:
    *others, last = phrase.words
    if any(token.text != word for token, word in zip(found, others, strict=False)):
        return False
    return found[-1].text.startswith(last) if phrase.prefix else found[-1].text == last


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that touch or overlap become one."""
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _window(text: str, hits: list[tuple[int, int]]) -> tuple[int, int]:
    if len(text) <= LENGTH:
        return 0, len(text)
    first = hits[0][0] if hits else 0
    start = max(0, min(first - BEFORE, len(text) - LENGTH))
    if start > 0:
        # Not in the middle of a word, if there is a space soon.
        space = text.find(" ", start, first)
        start = space + 1 if space >= 0 else start
    end = min(len(text), max(start + LENGTH, hits[0][1] if hits else 0))
    if end < len(text):
        last_hit = max((last for _, last in hits if last <= end), default=start)
        space = text.rfind(" ", last_hit, end)
        end = space if space > start else end
    return start, end
