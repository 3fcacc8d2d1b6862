"""What a word is: the one analysis of messages, queries and highlights.

Words are lower case and without accents. An apostrophe inside a word is dropped (`don't` is `dont`). In scripts that
put no spaces between words (Chinese, Japanese, Thai …) every character is a word of its own, and so is every emoji; a
query looks for their sequence. Message and query pass through the same function, so whatever it does, they meet.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

MAX_WORD = 64
"""Longer words are cut, in the index as in the query."""
TYPO_LETTERS = 4
"""Words with this many letters may have one typo. A shorter word with a typo is another word."""

_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Myanmar, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"  # Han
)
_PICTURES = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001f3fa\U0001f400-\U0001faff"
)
# Marks that belong to the letter before them: combining accents, and the vowel signs of Arabic, Hebrew and India.
_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u0980-\u0983\u09bc-\u09d7\u0a01-\u0a03\u0a3c-\u0a51"
    "\u0a81-\u0a83\u0abc-\u0acd\u0b01-\u0b03\u0b3c-\u0b57\u0b82\u0bbe-\u0bd7\u0c00-\u0c04\u0c3c-\u0c56"
    "\u0c81-\u0c83\u0cbc-\u0cd6\u0d00-\u0d03\u0d3b-\u0d57\u0d81-\u0d83\u0dca-\u0df3"
)
_LETTER = rf"(?:(?![{_UNSPACED}{_PICTURES}])[^\W_]|[{_MARKS}])"
_WORD = re.compile(rf"[{_UNSPACED}{_PICTURES}]|{_LETTER}+(?:['’]{_LETTER}+)*")
_ASCII_WORD = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")
_SINGLE = re.compile(rf"[{_UNSPACED}{_PICTURES}]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_APOSTROPHES = re.compile("['’]")
# Letters that Unicode does not take apart.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ŋ": "n"})


class Token(NamedTuple):
    """`text` as it is compared; `start` and `end` say where it stands in the original."""

    text: str
    start: int
    end: int


def tokens(text: str) -> Iterator[Token]:
    if text.isascii():
        # Most texts are, and their words are found and folded in a fraction of the time.
        for match in _ASCII_WORD.finditer(text.lower()):
            yield Token(match.group().replace("'", "")[:MAX_WORD], match.start(), match.end())
        return
    for match in _WORD.finditer(text):
        word = fold(match.group())
        if word:
            yield Token(word, match.start(), match.end())


def words(text: str) -> list[str]:
    return [token.text for token in tokens(text)]


def fold(word: str) -> str:
    """Lower case, no accents, no apostrophes, at most MAX_WORD characters."""
    word = word[: 4 * MAX_WORD].casefold()
    if word.isascii():
        return word.replace("'", "")[:MAX_WORD]
    word = _ACCENTS.sub("", unicodedata.normalize("NFKD", _APOSTROPHES.sub("", word)))
    # Compatibility forms (ligatures, full width) may hide capitals and spaces until now.
    word = unicodedata.normalize("NFKC", word).casefold().translate(_PLAIN)
    return "".join(word.split())[:MAX_WORD]


def stands_alone(word: str) -> bool:
    """Whether it is a character of an unspaced script or an emoji: no prefix of anything, and never misspelt."""
    return len(word) == 1 and _SINGLE.match(word) is not None


def may_be_misspelt(word: str) -> bool:
    return len(word) >= TYPO_LETTERS and word.isalpha()


def is_one_typo_away(wanted: str, word: str) -> bool:
    """Whether nothing, or one letter more, less, other or swapped with its neighbour, makes `word` of `wanted`."""
    if abs(len(wanted) - len(word)) > 1:
        return False
    if wanted[:1] != word[:1] and wanted[1:2] != word[1:2] and wanted[:2] != word[1::-1]:
        return wanted[1:] == word or wanted == word[1:]  # what is left over of most words, quickly
    start = 0
    shorter = min(len(wanted), len(word))
    while start < shorter and wanted[start] == word[start]:
        start += 1
    rest, other = wanted[start:], word[start:]
    if len(rest) != len(other):
        return rest[1:] == other if len(rest) > len(other) else rest == other[1:]
    return rest[1:] == other[1:] or (rest[:2] == other[1::-1] and len(rest) > 1 and rest[2:] == other[2:])


def is_one_typo_from_a_beginning(wanted: str, word: str) -> bool:
    """The same for a word of which only the beginning was typed."""
    return any(is_one_typo_away(wanted, word[: len(wanted) + change]) for change in (-1, 0, 1))
