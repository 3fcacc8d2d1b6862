"""Which sources an answer rests on, and an answer without numbers that stand for nothing.

A citation is always one of the messages that the model was given. If the text names numbers, those are cited and wrong
numbers are taken out. A small model often names none: then the given messages that share the most words with the
answer are attached, so that a reader can open what it most likely rests on.
"""

import re
from collections.abc import Sequence

from tertulia_bot.context.retrieval import Source
from tertulia_bot.limits import QUOTE_CHARACTERS
from tertulia_shared.events import Citation

RELATED = 2
_LEAST_WORD = 4

_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
_NUMBERS = re.compile(r"[ \t]*\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\](?!\()")
_WORDS = re.compile(r"\w+")


def settle(text: str, sources: Sequence[Source]) -> tuple[str, list[Citation]]:
    """The text with only numbers that stand for a source, and what it cites."""
    cited: set[int] = set()

    def kept(match: re.Match[str]) -> str:
        numbers = [int(number) for number in match[1].split(",")]
        valid = [number for number in dict.fromkeys(numbers) if 1 <= number <= len(sources)]
        cited.update(valid)
        space = match[0][: len(match[0]) - len(match[0].lstrip())]
        return space + "".join(f"[{number}]" for number in valid) if valid else ""

    # Odd parts are code, where brackets mean something else.
    parts = _CODE.split(text)
    parts[::2] = [_NUMBERS.sub(kept, part) for part in parts[::2]]
    chosen = sorted(cited) or _related(text, sources)
    return "".join(parts), [citation(number, sources[number - 1]) for number in chosen]


def citation(number: int, source: Source) -> Citation:
    text = " ".join(source.text.split())
    return Citation(
        n=number,
        message_id=source.message_id,
        channel_id=source.channel_id,
        ch_seq=source.ch_seq,
        author_id=source.author_id,
        created_at=source.created_at,
        quote=text if len(text) <= QUOTE_CHARACTERS else text[: QUOTE_CHARACTERS - 1] + "…",
    )


def _related(text: str, sources: Sequence[Source]) -> list[int]:
    answer = _content_words(text)
    shared = [(len(answer & _content_words(source.text)), -number) for number, source in enumerate(sources, 1)]
    best = sorted((pair for pair in shared if pair[0] > 0), reverse=True)[:RELATED]
    return sorted(-number for _, number in best)


def _content_words(text: str) -> set[str]:
    return {word for word in _WORDS.findall(text.lower()) if len(word) >= _LEAST_WORD}
