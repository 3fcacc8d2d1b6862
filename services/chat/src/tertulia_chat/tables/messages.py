"""Messages. They are written by one statement (`messages/statement.py`) or in bulk by an import; read through here.

And what they said before, as far as the workspace keeps it.
"""

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from tertulia_chat.tables.base import Json, JsonList, TextList, UtcTime, UuidList
from tertulia_shared.events import (
    AiMark,
    Audience,
    Message,
    Origin,
    Pin,
    Reaction,
    SystemKind,
    SystemNote,
    ThreadSummary,
)

NO_THREAD = UUID(int=0)
"""Where notes stand (`notes.py`): in a thread that is none."""

_reactions = partial(msgspec.convert, type=list[Reaction])


class MessageRow(SQLModel, table=True):
    """`changed_seq` is the number of the newest event that tells the text; None: of the message's sending. `pin_seq` is
    the number of the newest pinning or unpinning.

    `ai` is given for answers of the bot. `reactions` are kept as they are shown, changed under the channel's lock. The
    last five columns but the pin's are a thread's, on its first message (`view_thread`). A deleted message has neither
    text nor `ai`, nor anything that was read out of the text, nor reactions or a pin; of `system` only the kind.
    """

    __tablename__ = "message"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(primary_key=True)
    workspace_id: UUID
    channel_id: UUID
    ch_seq: int = Field(sa_type=BigInteger)
    author_id: UUID
    client_msg_id: UUID
    text: str
    thread_id: UUID | None = None
    created_at: datetime = Field(sa_type=UtcTime)
    edited_at: datetime | None = Field(default=None, sa_type=UtcTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcTime)
    ai: dict[str, Any] | None = Field(default=None, sa_type=Json)
    changed_seq: int | None = Field(default=None, sa_type=BigInteger)
    mentions: list[UUID] = Field(default=[], sa_type=UuidList)
    audience: str | None = None
    channels: list[UUID] = Field(default=[], sa_type=UuidList)
    messages: list[UUID] = Field(default=[], sa_type=UuidList)
    links: list[str] = Field(default=[], sa_type=TextList)
    in_channel: bool = False
    forwarded: dict[str, Any] | None = Field(default=None, sa_type=Json)
    reactions: list[dict[str, Any]] = Field(default=[], sa_type=JsonList)
    reply_count: int = 0
    last_reply_seq: int | None = Field(default=None, sa_type=BigInteger)
    last_reply_at: datetime | None = Field(default=None, sa_type=UtcTime)
    last_repliers: list[UUID] = Field(default=[], sa_type=UuidList)
    pinned_by: UUID | None = None
    pinned_at: datetime | None = Field(default=None, sa_type=UtcTime)
    pin_seq: int | None = Field(default=None, sa_type=BigInteger)
    system: dict[str, Any] | None = Field(default=None, sa_type=Json)

    @property
    def root_id(self) -> UUID | None:
        """The first message of the thread in which this one is an answer. A note answers to nothing."""
        return self.thread_id if self.system is None else None

    @property
    def told_at(self) -> list[int]:
        """The numbers of all events that tell the present text: its own, and a pin's that came later."""
        own = self.changed_seq or self.ch_seq
        return [own] if self.pin_seq is None or self.pin_seq < own else [own, self.pin_seq]

    def view(self) -> Message:
        return Message(
            id=str(self.id),
            workspace_id=str(self.workspace_id),
            channel_id=str(self.channel_id),
            ch_seq=self.ch_seq,
            author_id=str(self.author_id),
            text=self.text,
            client_msg_id=str(self.client_msg_id),
            created_at=self.created_at,
            thread_id=str(self.root_id) if self.root_id else None,
            edited_at=self.edited_at,
            deleted_at=self.deleted_at,
            ai=msgspec.convert(self.ai, AiMark) if self.ai else None,
            mentions=list(map(str, self.mentions)) if self.mentions else [],
            audience=Audience(self.audience) if self.audience else None,
            channels=list(map(str, self.channels)) if self.channels else [],
            messages=list(map(str, self.messages)) if self.messages else [],
            links=self.links,
            in_channel=self.in_channel,
            forwarded=msgspec.convert(self.forwarded, Origin) if self.forwarded else None,
            reactions=_reactions(self.reactions) if self.reactions else [],
            thread=self.view_thread(),
            pinned=Pin(by=str(self.pinned_by), at=self.pinned_at) if self.pinned_by and self.pinned_at else None,
            system=msgspec.convert(self.system, SystemNote) if self.system else None,
        )

    def silence(self) -> None:
        """What a deletion leaves of a note."""
        if self.system is not None:
            kind = SystemKind(self.system["kind"])
            self.system = msgspec.to_builtins(SystemNote(kind=kind))

    def view_thread(self) -> ThreadSummary | None:
        """What stands under the first message of a thread; None while nobody has answered."""
        if self.last_reply_seq is None:
            return None
        return ThreadSummary(
            reply_count=self.reply_count,
            last_reply_seq=self.last_reply_seq,
            last_reply_at=self.last_reply_at,
            last_repliers=list(map(str, self.last_repliers)),
        )


class RevisionRow(SQLModel, table=True):
    """A text that an edit replaced; with `read_out`, the text that a deletion took and what was read out of it.

    With `purge_at` it is kept until then only so that the deletion can be undone, and nobody is shown it.
    """

    __tablename__ = "message_revision"  # pyright: ignore[reportAssignmentType]

    message_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    workspace_id: UUID
    text: str
    replaced_at: datetime = Field(sa_type=UtcTime)
    replaced_by: UUID
    read_out: dict[str, Any] | None = Field(default=None, sa_type=Json)
    purge_at: datetime | None = Field(default=None, sa_type=UtcTime)
