"""What a text names, before anybody has asked whether it exists (`resolve` does).

| in the text | read as |
|---|---|
| `<@id>`, `@username` | people |
| `@channel`, `@here` | the audience; the whole channel when both are there |
| `<#id>`, `#name` | channels |
| `/w/{workspace}/c/{channel}/m/{message}`, also behind a host, also in `[[…]]` | messages |
| `http://…`, `https://…` | links, permanent links among them |

Nothing in code counts (`code`), nor a name inside a word, a path or a link, nor one behind a backslash. Of each kind
the first `MOST` different ones are read, in the order of the text.

The patterns go forward only: a match is never longer than what it takes off the text or a fixed length, so that 16,000
characters of anything take milliseconds.
"""

import re
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar
from uuid import UUID

from tertulia_chat.messages.code import without_code
from tertulia_shared.events import Audience

T = TypeVar("T")

MOST = 50
MAX_LINK = 2_000

_ID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_PLACE = rf"/w/(?P<workspace>[0-9a-zA-Z-]{{1,40}})/c/(?P<channel>{_ID})/m/(?P<message>{_ID})(?![\w-])"
_HINT = re.compile(r"[@#]|://|/m/")
_TOKEN = re.compile(
    rf"""
      (?<!\w)(?P<link>(?i:https?)://[^\s<>"`]{{1,{MAX_LINK + 1}}})
    | (?<!\\)<@(?P<person>{_ID})>
    | (?<!\\)<\#(?P<room>{_ID})>
    | (?<![\w@./\\-])@(?P<username>[0-9a-zA-Z][\w.-]*)
    | (?<![\w\#&./\\-])\#(?P<name>[^\W_][\w.-]*)
    | (?<![\w./:-])(?P<place>{_PLACE})
    """,
    re.VERBOSE,
)
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
_MAX_NAME = 64
_ABSOLUTE = re.compile(rf"\w+://[^/?#]+{_PLACE}")
_HOST = re.compile(r"\w+://[^/?#]")
_AUDIENCES = {str(audience): audience for audience in Audience}
_END_OF_SENTENCE = ".-"
_AFTER_LINK = frozenset(".,;:!?'*_~|\\")
_BRACKETS = {")": "(", "]": "["}


class Place(NamedTuple):
    """Where a permanent link leads; the workspace by its id or by its short name."""

    workspace: str
    channel: UUID
    message: UUID


@dataclass(frozen=True, slots=True)
class Reading:
    """People and channels by their id, or by the name that was typed."""

    people: tuple[UUID | str, ...] = ()
    audience: Audience | None = None
    channels: tuple[UUID | str, ...] = ()
    messages: tuple[Place, ...] = ()
    links: tuple[str, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether there is anything that may or may not exist."""
        return bool(self.people or self.channels or self.messages)

    def without_audience(self) -> "Reading":
        """The same text when its author may not address everyone at once."""
        return replace(self, audience=None)

    def unaddressed(self) -> "Reading":
        """The same text when nobody is spoken to by it."""
        return replace(self, people=(), audience=None)


NOTHING = Reading()


def read(text: str) -> Reading:
    if _HINT.search(text) is None:
        return NOTHING
    text = without_code(text)
    notes = _Notes()
    place = 0
    while (token := _TOKEN.search(text, place)) is not None:
        place = notes.take(token)
    return notes.reading()


@dataclass(slots=True)
class _Notes:
    """What was read so far; the keys of a dict are in order, and each is there once."""

    people: dict[UUID | str, None] = field(default_factory=dict[UUID | str, None])
    audiences: set[Audience] = field(default_factory=set[Audience])
    channels: dict[UUID | str, None] = field(default_factory=dict[UUID | str, None])
    messages: dict[Place, None] = field(default_factory=dict[Place, None])
    links: dict[str, None] = field(default_factory=dict[str, None])

    def take(self, token: re.Match[str]) -> int:
        """Where to read on."""
        match token.lastgroup:
            case "link":
                return token.start() + self._link(_link_of(token["link"]))
            case "person":
                _add(self.people, UUID(token["person"]))
            case "room":
                _add(self.channels, UUID(token["room"]))
            case "username":
                self._username(token["username"].lower().rstrip(_END_OF_SENTENCE))
            case "name":
                self._name(token["name"].lower().rstrip(_END_OF_SENTENCE))
            case _:
                _add(self.messages, _place_of(token))
        return token.end()

    def _link(self, link: str) -> int:
        if len(link) <= MAX_LINK and _HOST.match(link):
            _add(self.links, link)
            permanent = _ABSOLUTE.match(link)
            if permanent is not None:
                _add(self.messages, _place_of(permanent))
        return len(link)

    def _username(self, name: str) -> None:
        if name in _AUDIENCES:
            self.audiences.add(_AUDIENCES[name])
        elif _USERNAME.fullmatch(name):
            _add(self.people, name)

    def _name(self, name: str) -> None:
        if len(name) <= _MAX_NAME:
            _add(self.channels, name)

    def reading(self) -> Reading:
        widest = next((audience for audience in Audience if audience in self.audiences), None)
        return Reading(tuple(self.people), widest, tuple(self.channels), tuple(self.messages), tuple(self.links))


def _add(noted: dict[T, None], value: T) -> None:
    if len(noted) < MOST:
        noted[value] = None


def _place_of(found: re.Match[str]) -> Place:
    return Place(found["workspace"].lower(), UUID(found["channel"]), UUID(found["message"]))


def _link_of(run: str) -> str:
    """Up to a bracket that was opened before the link, and without the punctuation that ends the sentence."""
    open_now = dict.fromkeys(_BRACKETS.values(), 0)
    for at, character in enumerate(run):
        if character in open_now:
            open_now[character] += 1
        elif character in _BRACKETS:
            open_now[_BRACKETS[character]] -= 1
            if open_now[_BRACKETS[character]] < 0:
                return _without_end(run[:at])
    return _without_end(run)


def _without_end(link: str) -> str:
    end = len(link)
    while end and link[end - 1] in _AFTER_LINK:
        end -= 1
    return link[:end]
