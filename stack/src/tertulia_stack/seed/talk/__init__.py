"""What people say, read from the YAML files beside this one.

A file is a list of conversations. One is a list of lines (`a: text`; a letter is a speaker, a question mark before
it makes the line optional), or a recipe: `lines`, how many `times` it is used in a week, and `when` (`morning`,
`friday`). `<one|two>` picks one, `{slot}` takes the next card from that slot's shuffled deck, the same all through
a conversation (`{slot_2}` is a second card); `{pair.0}` and `{pair.1}` belong together. `week` fills in `@colleague`
(somebody outside the conversation) and `@clock` (a little before the message).
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

NUMBERS = {
    "n": (8, 190),
    "n2": (200, 900),
    "lines": (40, 900),
    "minutes": (2, 25),
    "seconds": (3, 50),
    "ms_before": (700, 4000),
    "ms_after": (3, 60),
    "pr": (811, 1290),
    "release": (211, 260),
}
SLOT = re.compile(r"\{(\w+)(?:\.(\d))?\}")
CHOICE = re.compile(r"<([^<>]*\|[^<>]*)>")
LINE = re.compile(r"(\??)([a-d]): (.*)", re.DOTALL)
SECOND = re.compile(r"_\d$")
OPTIONAL_SHARE = 0.6
HERE = Path(__file__).parent
# The corpus has people talk to a program, and not every joke is one for the office.
UNFIT = re.compile(r"\b(comedian|robot|murderer|eskimos|balls|die|dyslexic|humou?r|wife|boll)\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Line:
    speaker: str
    """A letter; the same letter is the same person within a conversation."""
    text: str


@dataclass(frozen=True, kw_only=True)
class Conversation:
    lines: Sequence[Line]
    when: str | None = None

    @property
    def speakers(self) -> list[str]:
        """The letters in the order of their first word."""
        return list(dict.fromkeys(line.speaker for line in self.lines))


class Talk:
    """Endless talk. Every `round` of a file says everything in it once, recipes as often as they ask for."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._cards: dict[str, list[Any]] = {**_read("slots"), "quiz": _corpus("trivia"), "joke": _corpus("humor")}
        self._decks: dict[str, list[Any]] = {}

    def round(self, name: str) -> list[Conversation]:
        """Everything of one file in a random order."""
        conversations = [
            self._tell(entry) for entry in map(_as_recipe, _read(name)) for _ in range(entry.get("times", 1))
        ]
        self._dice.shuffle(conversations)
        return conversations

    def _tell(self, recipe: dict[str, Any]) -> Conversation:
        drawn: dict[str, Any] = {}
        lines: list[Line] = []
        for written in recipe["lines"]:
            optional, speaker, text = _take_apart(written)
            if not optional or self._dice.random() < OPTIONAL_SHARE:
                lines.append(Line(speaker=speaker, text=self._fill(text, drawn).strip()))
        return Conversation(lines=lines, when=recipe.get("when"))

    def _fill(self, text: str, drawn: dict[str, Any]) -> str:
        text = CHOICE.sub(lambda match: self._dice.choice(match[1].split("|")), text)
        # Cards may hold slots themselves.
        while (filled := SLOT.sub(lambda match: self._value(match, drawn), text)) != text:
            text = filled
        return text

    def _value(self, match: re.Match[str], drawn: dict[str, Any]) -> str:
        name = match[1]
        if name not in drawn:
            drawn[name] = self._draw(SECOND.sub("", name))
        return str(drawn[name][int(match[2])] if match[2] else drawn[name])

    def _draw(self, name: str) -> Any:
        if name in NUMBERS:
            return self._dice.randint(*NUMBERS[name])
        deck = self._decks.setdefault(name, [])
        if not deck:
            deck += self._dice.sample(self._cards[name], len(self._cards[name]))
        return deck.pop()


def _read(name: str) -> Any:
    return yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8"))


def _as_recipe(entry: Any) -> dict[str, Any]:
    return entry if isinstance(entry, dict) else {"lines": entry}


def _take_apart(written: str) -> tuple[bool, str, str]:
    found = LINE.fullmatch(written)
    if found is None:
        raise ValueError(f"not a line of talk: {written!r}")
    return bool(found[1]), found[2], found[3]


def _corpus(topic: str) -> list[list[str]]:
    """Questions with their answers from chatterbot-corpus. The package is not imported: it only carries the files."""
    spec = find_spec("chatterbot_corpus")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package chatterbot-corpus is not installed")
    path = Path(spec.origin).parent / "data" / "english" / f"{topic}.yml"
    pairs = [[_tidy(text) for text in said[:2]] for said in yaml.safe_load(path.read_text())["conversations"]]
    return [pair for pair in pairs if len(pair) == 2 and not UNFIT.search(" ".join(pair))]


def _tidy(text: Any) -> str:
    flat = " ".join(str(text).split())
    return flat[:1].upper() + flat[1:]
