"""Sending a message. See `statement` for what happens in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from tertulia_chat.caller import Authenticator, Caller, session_ended
from tertulia_chat.database import Database
from tertulia_chat.errors import ChannelArchived, ClientMsgIdReused, NotAMember, PostingRestricted, ThreadNotFound
from tertulia_chat.messages.schemas import SendMessage
from tertulia_chat.messages.statement import REPLY, SEND, UNKNOWN_WORKSPACE
from tertulia_chat.tables import MessageRow, new_id, now
from tertulia_shared.events import (
    UNSEQUENCED,
    Address,
    Message,
    MessageCreated,
    Topology,
    encode,
    envelope_of,
    shard_of,
)
from tertulia_shared.problems import DependencyUnavailable, FieldError, NotFound, Problem
from tertulia_shared.telemetry import traceparent

ATTEMPTS = 4
"""One is enough unless somebody leaves the channel, or the same message is sent twice, at the same moment."""


@dataclass(frozen=True, slots=True)
class Sender:
    """One object with all that sending needs: Litestar hands over a single dependency cheaply."""

    authenticator: Authenticator
    database: Database

    async def send(self, authorization: str, channel_id: UUID, wish: SendMessage) -> tuple[Message, bool]:
        """The message, and whether it is new.

        Raises Unauthenticated, NotFound, NotAMember, PostingRestricted, ChannelArchived, ThreadNotFound,
        ClientMsgIdReused, DependencyUnavailable.
        """
        caller = await self.authenticator.claimed(authorization)
        return await _send(self.database, caller, channel_id, wish)


async def _send(database: Database, caller: Caller, channel_id: UUID, wish: SendMessage) -> tuple[Message, bool]:
    shard = shard_of(str(channel_id))
    statement, root = (SEND, ()) if wish.thread_id is None else (REPLY, (wish.thread_id,))
    for _ in range(ATTEMPTS):
        message_id, created_at = new_id(), now()
        draft = _message(message_id, channel_id, caller.user_id, wish, created_at)
        try:
            row = await database.hot_row(
                statement,
                channel_id,
                caller.user_id,
                caller.session_id,
                message_id,
                wish.client_msg_id,
                wish.text,
                created_at,
                *_event(draft, shard, created_at),
                *root,
            )
        except asyncpg.UniqueViolationError:
            continue
        if row is None:
            break
        refused = _refusal(row)
        if refused is not None:
            raise refused
        if row["seen_id"] is not None:
            return _first_one(row, caller, channel_id, wish), False
        if row["ch_seq"] is not None:
            database.wake((shard,))
            return msgspec.structs.replace(draft, workspace_id=str(row["workspace_id"]), ch_seq=row["ch_seq"]), True
    raise DependencyUnavailable("The channel is changing too fast.")


def _message(message_id: UUID, channel_id: UUID, author_id: UUID, wish: SendMessage, created_at: datetime) -> Message:
    """Complete but for the two things that only the statement will know."""
    return Message(
        id=str(message_id),
        workspace_id=str(UNKNOWN_WORKSPACE),
        channel_id=str(channel_id),
        ch_seq=UNSEQUENCED,
        author_id=str(author_id),
        text=wish.text,
        client_msg_id=str(wish.client_msg_id),
        created_at=created_at,
        thread_id=str(wish.thread_id) if wish.thread_id else None,
    )


def _event(draft: Message, shard: int, created_at: datetime) -> tuple[int, str, str, UUID, str | None, str]:
    """The values $8 to $13 of the statement: where the event goes, and the event itself."""
    event_id = new_id()
    envelope = envelope_of(
        MessageCreated(message=draft),
        event_id=str(event_id),
        time=created_at,
        workspace_id=draft.workspace_id,
        channel_id=draft.channel_id,
        ch_seq=UNSEQUENCED,
        actor_id=draft.author_id,
    )
    subject = Topology().evt(Address(shard, draft.workspace_id, "ch", draft.channel_id))
    return shard, subject, MessageCreated.type, event_id, traceparent(), encode(envelope).decode()


def _refusal(row: asyncpg.Record) -> Problem | None:
    if not row["live"]:
        return session_ended()
    if row["workspace_id"] is None:
        return NotFound()
    if row["seen_id"] is not None:
        return None
    if not row["member"]:
        return NotAMember()
    if not row["allowed"]:
        return PostingRestricted()
    if row["archived"]:
        return ChannelArchived()
    if not row["rooted"]:
        return ThreadNotFound(errors=[FieldError(detail="No first message of a thread here.", pointer="/thread_id")])
    return None


def _first_one(row: asyncpg.Record, caller: Caller, channel_id: UUID, wish: SendMessage) -> Message:
    """The message that this `client_msg_id` made before, as it is now.

    Raises ClientMsgIdReused when it was another one. What an edited or deleted message first said is known nowhere;
    its place alone tells.
    """
    changed = row["seen_edited_at"] is not None or row["seen_deleted_at"] is not None
    same_place = (row["seen_channel_id"], row["seen_thread_id"]) == (channel_id, wish.thread_id)
    if not same_place or not (changed or row["seen_text"] == wish.text):
        raise ClientMsgIdReused
    return MessageRow(
        id=row["seen_id"],
        workspace_id=row["workspace_id"],
        channel_id=channel_id,
        ch_seq=row["seen_ch_seq"],
        author_id=caller.user_id,
        client_msg_id=wish.client_msg_id,
        text=row["seen_text"],
        thread_id=row["seen_thread_id"],
        created_at=row["seen_created_at"],
        edited_at=row["seen_edited_at"],
        deleted_at=row["seen_deleted_at"],
    ).view()
