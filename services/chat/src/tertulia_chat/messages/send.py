"""Sending a message. See `statement` for what happens in PostgreSQL."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.caller import Authenticator, session_ended
from tertulia_chat.database import Database
from tertulia_chat.errors import (
    AuthorDeactivated,
    Banned,
    ChannelArchived,
    ClientMsgIdReused,
    Muted,
    NotAMember,
    PostingRestricted,
    SlowMode,
    ThreadNotFound,
)
from tertulia_chat.messages.reading import NOTHING, Reading, read
from tertulia_chat.messages.reply import unknown_summary
from tertulia_chat.messages.resolve import asked
from tertulia_chat.messages.schemas import SendMessage
from tertulia_chat.messages.statement import SCHEDULED_STATEMENTS, SEEN, STATEMENTS, UNKNOWN_LIST, UNKNOWN_WORKSPACE
from tertulia_chat.slow_mode import EARLY
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
from tertulia_shared.problems import DependencyUnavailable, FieldError, NotFound, Problem, ValidationFailed
from tertulia_shared.telemetry import traceparent

ATTEMPTS = 4
"""One is enough unless somebody leaves the channel, or the same message is sent twice, or a person who has to wait
sends several, at the same moment."""

Run = Callable[..., Awaitable[asyncpg.Record | None]]
"""Runs a statement with its values. Raises what the statement raises."""


@dataclass(frozen=True, slots=True)
class Sender:
    """One object with all that sending needs: Litestar hands over a single dependency cheaply."""

    authenticator: Authenticator
    database: Database

    async def send(self, authorization: str, channel_id: UUID, wish: SendMessage) -> tuple[Message, bool]:
        """The message, and whether it is new.

        Raises Unauthenticated, NotFound, Banned, NotAMember, Muted, PostingRestricted, ChannelArchived,
        ThreadNotFound, SlowMode, ClientMsgIdReused, ValidationFailed, DependencyUnavailable.
        """
        caller = await self.authenticator.claimed(authorization)
        if wish.also_in_channel and wish.thread_id is None:
            raise ValidationFailed(errors=[FieldError(detail="Only of a reply.", pointer="/also_in_channel")])
        run = self.database.hot_row
        message, new = await _send(run, STATEMENTS, caller.user_id, caller.session_id, channel_id, wish)
        if new:
            self.database.wake((shard_of(str(channel_id)),))
        return message, new


async def send_scheduled(
    session: AsyncSession,
    author_id: UUID,
    channel_id: UUID,
    *,
    text: str,
    client_msg_id: UUID,
    thread_id: UUID | None,
    also_in_channel: bool,
) -> Message:
    """Sends in a transaction of the caller's, for somebody who need not be logged in; otherwise as `Sender.send`.

    With this `client_msg_id` seen it answers with the first one's message. Raises AuthorDeactivated, NotFound, Banned,
    NotAMember, Muted, PostingRestricted, ChannelArchived, ThreadNotFound, SlowMode, ClientMsgIdReused,
    DependencyUnavailable.
    """
    wish = SendMessage(text=text, client_msg_id=client_msg_id, thread_id=thread_id, also_in_channel=also_in_channel)

    async def run(statement: str, *values: Any) -> asyncpg.Record | None:
        async with session.begin_nested():
            # Asked for inside: only then the session makes its savepoint, to which a refused attempt goes back.
            driver = (await (await session.connection()).get_raw_connection()).driver_connection
            return await cast("asyncpg.Connection", driver).fetchrow(statement, *values)

    message, new = await _send(run, SCHEDULED_STATEMENTS, author_id, None, channel_id, wish)
    if new:
        session.info.setdefault("outbox_shards", set()).add(shard_of(str(channel_id)))
    return message


async def _send(
    run: Run,
    statements: Mapping[tuple[bool, bool], str],
    author_id: UUID,
    session_id: UUID | None,
    channel_id: UUID,
    wish: SendMessage,
) -> tuple[Message, bool]:
    """`session_id` is None for `SCHEDULED_STATEMENTS`, which ask for none."""
    shard = shard_of(str(channel_id))
    reading = read(wish.text)
    reply, reads = wish.thread_id is not None, reading != NOTHING
    statement = statements[reply, reads]
    more = [*((wish.thread_id, wish.also_in_channel) if reply else ()), *(_read(reading) if reads else ())]
    for _ in range(ATTEMPTS):
        message_id, created_at = new_id(), now()
        draft = _message(message_id, channel_id, author_id, wish, created_at)
        if reads:
            draft = _with_readings(draft, reading)
        try:
            row = await run(
                statement,
                channel_id,
                author_id,
                session_id,
                message_id,
                wish.client_msg_id,
                wish.text,
                created_at,
                *_event(draft, shard, created_at),
                *more,
            )
        except asyncpg.UniqueViolationError:
            continue
        except asyncpg.CheckViolationError as error:
            if getattr(error, "constraint_name", None) != EARLY:
                raise
            continue
        if row is None:
            break
        refused = _refusal(row, scheduled=session_id is None)
        if refused is not None:
            raise refused
        if row["seen_id"] is not None:
            return _first_one(row, channel_id, wish), False
        if row["ch_seq"] is not None:
            return _complete(draft, row, reads=reads), True
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
        in_channel=wish.also_in_channel,
    )


def _with_readings(draft: Message, reading: Reading) -> Message:
    """What the text names there may not be: the statement will know."""
    return msgspec.structs.replace(
        draft,
        mentions=UNKNOWN_LIST,
        audience=reading.audience,
        channels=UNKNOWN_LIST,
        messages=UNKNOWN_LIST,
        links=list(reading.links),
    )


def _read(reading: Reading) -> tuple[Any, ...]:
    """In the order of the statement's values."""
    return reading.audience, list(reading.links), *asked(reading).values()


def _complete(draft: Message, row: asyncpg.Record, *, reads: bool) -> Message:
    found: dict[str, Any] = {}
    if reads:
        found = {name: _strings(row[name]) for name in ("mentions", "channels", "messages")}
        found["audience"] = draft.audience if row["addresses"] else None
    return msgspec.structs.replace(draft, workspace_id=str(row["workspace_id"]), ch_seq=row["ch_seq"], **found)


def _strings(ids: Sequence[UUID]) -> list[str]:
    return [str(one) for one in ids]


def _event(draft: Message, shard: int, created_at: datetime) -> tuple[int, str, str, UUID, str | None, str]:
    """The values $8 to $13 of the statement: where the event goes, and the event itself."""
    event_id = new_id()
    envelope = envelope_of(
        MessageCreated(message=draft, thread=unknown_summary(created_at) if draft.thread_id else None),
        event_id=str(event_id),
        time=created_at,
        workspace_id=draft.workspace_id,
        channel_id=draft.channel_id,
        ch_seq=UNSEQUENCED,
        actor_id=draft.author_id,
    )
    subject = Topology().evt(Address(shard, draft.workspace_id, "ch", draft.channel_id))
    return shard, subject, MessageCreated.type, event_id, traceparent(), encode(envelope).decode()


def _refusal(row: asyncpg.Record, *, scheduled: bool) -> Problem | None:
    if not row["live"]:
        return AuthorDeactivated() if scheduled else session_ended()
    if row["workspace_id"] is None:
        return NotFound()
    if row["seen_id"] is not None:
        return None
    if not row["member"]:
        return Banned() if row["banned"] else NotAMember()
    if row["muted_until"] is not None:
        return Muted(row["muted_until"])
    if not row["allowed"]:
        return PostingRestricted()
    if row["archived"]:
        return ChannelArchived()
    if not row["rooted"]:
        return ThreadNotFound(errors=[FieldError(detail="No first message of a thread here.", pointer="/thread_id")])
    if row["wait_s"] is not None and row["wait_s"] > 0:
        return SlowMode(retry_after=row["wait_s"])
    return None


def _first_one(row: asyncpg.Record, channel_id: UUID, wish: SendMessage) -> Message:
    """The message that this `client_msg_id` made before, as it is now.

    Raises ClientMsgIdReused when it was another one. What an edited or deleted message first said is known nowhere;
    its place alone tells.
    """
    first = _seen(row)
    changed = first.edited_at is not None or first.deleted_at is not None
    place = (first.channel_id, first.thread_id, first.in_channel, first.forwarded)
    same_place = place == (channel_id, wish.thread_id, wish.also_in_channel, None)
    if not same_place or not (changed or first.text == wish.text):
        raise ClientMsgIdReused
    return first.view()


def _seen(row: asyncpg.Record) -> MessageRow:
    """This connection answers `jsonb` as text."""
    values = {name: row[f"seen_{name}"] for name in SEEN}
    for name in ("ai", "forwarded", "reactions", "system"):
        values[name] = msgspec.json.decode(values[name] or "null")
    return MessageRow(**values)
