"""What the service needs of a search engine.

An engine holds *generations*: complete indexes of which one is live. A rebuild fills another one while the live one
serves and then swaps them. Within a generation every change carries the `ch_seq` of its cause as `version`; a change at
or below what is stored of its message does nothing, whatever the order in which changes come and however often. A
deleted message stays as a tombstone, which has a version and nothing to be found by, so that no late edit brings it
back. Of a deleted channel a single tombstone stays, in place of all that was in it, and no message of it is taken in.

Who may see what is not the engine's business: every query names the channels it may look into.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Literal, NamedTuple, NoReturn, Protocol

import msgspec

Sort = Literal["relevance", "newest", "oldest"]

FACET_SIZE = 20
"""The most frequent channels and people of a result."""
TIE_BITS = 22
LAST_MS = (1 << 64 - TIE_BITS) - 1
"""In 2109."""


class EngineUnavailable(Exception):
    """The engine cannot do it now; trying again later is right."""


class EngineBroken(Exception):
    """Only a new process can use the engine again."""


class ChangeRefused(Exception):
    """The engine will never take one of these changes."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it can be found."""

    message_id: str
    version: int
    workspace_id: str
    channel_id: str
    author_id: str
    ch_seq: int
    created_at: datetime
    text: str
    thread_id: str | None = None
    edited_at: datetime | None = None


class Tombstone(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was deleted by the change `version` of its channel."""

    message_id: str
    version: int


class ChannelTombstone(msgspec.Struct, frozen=True, kw_only=True):
    """A channel that was deleted, with all its messages, by its change `version`."""

    channel_id: str
    version: int

    @property
    def message_id(self) -> str:
        """What it is kept under among the messages; an id names one thing only."""
        return self.channel_id


Change = Document | Tombstone | ChannelTombstone


class Position(NamedTuple):
    """A message's place in time, total and stable: by milliseconds, then by bits of its id, then by the id."""

    created_ms: int
    tie: int
    message_id: str


def position_of(document: Document) -> Position:
    tie = int.from_bytes(blake2b(document.message_id.encode(), digest_size=4).digest()) >> (32 - TIE_BITS)
    return Position(milliseconds(document.created_at), tie, document.message_id)


def milliseconds(time: datetime) -> int:
    return min(max(0, round(time.timestamp() * 1000)), LAST_MS)


@dataclass(frozen=True, slots=True)
class Word:
    """A word as `text.fold` writes it. `prefix`: more of it may follow."""

    text: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that follow each other, without typos. `prefix`: more of the last one may follow."""

    words: tuple[str, ...]
    prefix: bool = False


Clause = Word | Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question to the engine. All clauses must match, or with `any_clause` at least one; no clause matches all.

    `after` is where the page before ended (sorts by time); `offset` counts hits to pass over (relevance).
    """

    channels: frozenset[str]
    clauses: tuple[Clause, ...] = ()
    any_clause: bool = False
    authors: frozenset[str] | None = None
    from_ms: int | None = None
    """Inclusive."""
    until_ms: int | None = None
    """Exclusive."""
    sort: Sort = "relevance"
    limit: int = 20
    after: Position | None = None
    offset: int = 0
    facets: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """`documents` has at most `limit` of the hits; `more` says whether others follow."""

    documents: list[Document]
    more: bool = False
    total: int = 0
    channels: Mapping[str, int] = field(default_factory=dict[str, int])
    people: Mapping[str, int] = field(default_factory=dict[str, int])


class Generation(Protocol):
    """One complete index, live or being filled."""

    async def upsert(self, changes: Sequence[Change]) -> None:
        """Take the changes in; they count from `commit` on. Raises EngineUnavailable, and then none may be counted on
        that was not committed."""
        ...

    async def commit(self) -> None:
        """Returns when everything taken in can be found and survives a kill.

        Raises EngineUnavailable, or ChangeRefused.
        """
        ...

    async def counts(self) -> dict[str, int]:
        """Messages (not tombstones) by workspace. Raises EngineUnavailable."""
        ...


class SearchEngine(Generation, Protocol):
    """The live generation, and the making of new ones."""

    @property
    def name(self) -> str:
        """Names the index in records and logs, without secrets."""
        ...

    async def exists(self) -> bool:
        """Whether there is a live generation already. Raises EngineUnavailable."""
        ...

    async def open(self) -> None:
        """Make ready, with an empty generation if there is none; throws away what an interrupted rebuild left.
        Raises EngineUnavailable."""
        ...

    async def close(self) -> None: ...

    async def check(self) -> None:
        """Raises EngineUnavailable while nothing can be found."""
        ...

    async def watch(self) -> NoReturn:
        """Waits as long as the engine is whole; then raises EngineBroken."""
        ...

    async def search(self, ask: Ask) -> Found:
        """Raises EngineUnavailable."""
        ...

    async def prepare(self) -> Generation:
        """A new, empty generation beside the live one."""
        ...

    async def swap(self, generation: Generation) -> None:
        """Make it the live one, in one step; the former one goes. Once it is live nothing is raised any more.

        Raises EngineUnavailable, and then the former one is live."""
        ...

    async def discard(self, generation: Generation) -> None:
        """Throw it away, unless it is the live one."""
        ...


def page_after(after: Position | None, newest: bool, documents: list[Document]) -> list[Document]:
    """In exact order of time, without what the page before had. Engines order by less than the whole position."""
    placed = sorted(((position_of(document), document) for document in documents), reverse=newest, key=lambda p: p[0])
    if after is None:
        return [document for _, document in placed]
    return [document for place, document in placed if (place < after if newest else place > after)]


def looked_up(changes: Sequence[Change]) -> list[str]:
    """What must be known of what is stored before these changes are written: their messages, and which of their
    channels were deleted."""
    channels = (change.channel_id for change in changes if isinstance(change, Document))
    return list(dict.fromkeys([*(change.message_id for change in changes), *channels]))


def newer_only(changes: Sequence[Change], stored: Mapping[str, int]) -> dict[str, Change]:
    """The changes that are news, one a message: its highest version, if that is above what is stored.

    What happened in a channel before it was deleted is none, wherever it stands among them.
    """
    gone = stored.keys() | {change.channel_id for change in changes if isinstance(change, ChannelTombstone)}
    news: dict[str, Change] = {}
    for change in changes:
        if isinstance(change, Document) and change.channel_id in gone:
            continue
        known = news.get(change.message_id)
        version = stored.get(change.message_id, -1) if known is None else known.version
        if change.version > version:
            news[change.message_id] = change
    return news
