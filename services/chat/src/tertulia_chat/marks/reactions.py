"""Reacting to a message: one emoji once from each person.

Each change takes the channel's next number under its lock and tells all reactions that the message has then, and not
its text. Deleting a message clears them (`messages/changes.py`).
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.errors import TooManyReactions
from tertulia_chat.marks.holding import hold_message
from tertulia_chat.membership import sequenced
from tertulia_chat.outbox import record
from tertulia_chat.tables import ChannelRow, MessageRow
from tertulia_shared.events import Message, Reaction, ReactionAdded, ReactionRemoved

MAX_DIFFERENT = 50
"""Emoji on one message; however many people have each."""


async def react(session: AsyncSession, caller_id: UUID, message_id: UUID, emoji: str) -> Message:
    """Idempotent. Raises what `hold_message` raises, and TooManyReactions."""
    row, channel = await hold_message(session, caller_id, message_id)
    before, person = row.view().reactions, str(caller_id)
    after = with_reaction(before, emoji, person)
    if after != before:
        await _store(session, row, channel, after)
        fact = ReactionAdded(message_id=str(row.id), user_id=person, emoji=emoji, reactions=after)
        await record(session, sequenced(fact, channel, caller_id))
    return row.view()


async def take_back(session: AsyncSession, caller_id: UUID, message_id: UUID, emoji: str) -> Message:
    """Idempotent. Raises what `hold_message` raises."""
    row, channel = await hold_message(session, caller_id, message_id)
    before, person = row.view().reactions, str(caller_id)
    after = without_reaction(before, emoji, person)
    if after != before:
        await _store(session, row, channel, after)
        fact = ReactionRemoved(message_id=str(row.id), user_id=person, emoji=emoji, reactions=after)
        await record(session, sequenced(fact, channel, caller_id))
    return row.view()


def with_reaction(reactions: Sequence[Reaction], emoji: str, person: str) -> list[Reaction]:
    """Emoji in the order of their first use, people in the order of their reacting. Raises TooManyReactions."""
    if any(each.emoji == emoji for each in reactions):
        return [_joined(each, person) if each.emoji == emoji else each for each in reactions]
    if len(reactions) >= MAX_DIFFERENT:
        raise TooManyReactions
    return [*reactions, Reaction(emoji=emoji, user_ids=[person])]


def without_reaction(reactions: Sequence[Reaction], emoji: str, person: str) -> list[Reaction]:
    left = [_left(each, person) if each.emoji == emoji else each for each in reactions]
    return [each for each in left if each.user_ids]


def _joined(reaction: Reaction, person: str) -> Reaction:
    if person in reaction.user_ids:
        return reaction
    return msgspec.structs.replace(reaction, user_ids=[*reaction.user_ids, person])


def _left(reaction: Reaction, person: str) -> Reaction:
    return msgspec.structs.replace(reaction, user_ids=[one for one in reaction.user_ids if one != person])


async def _store(session: AsyncSession, row: MessageRow, channel: ChannelRow, reactions: list[Reaction]) -> None:
    channel.last_seq += 1
    row.reactions = msgspec.to_builtins(reactions)
    session.add_all([channel, row])
    await session.flush()
