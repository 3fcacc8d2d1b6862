"""The words that somebody watches for in a workspace, and who watches for what a message says.

Keywords are found by their first word, which an index holds, and then looked for in the text: what a message costs
does not depend on how many people have how many keywords.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, select

from tertulia_chat.access import access_workspace
from tertulia_chat.notifications.folding import fold, occurs, words
from tertulia_chat.notifications.schemas import Keywords
from tertulia_chat.outbox import NewEvent, record
from tertulia_chat.tables import KeywordRow, WorkspaceMemberRow
from tertulia_shared.events import KeywordsUpdated
from tertulia_shared.problems import FieldError, NotFound, ValidationFailed

_WATCHING = sa.text("""
SELECT x.message_id, k.user_id, k.folded
FROM unnest(
    CAST(:messages AS uuid[]), CAST(:workspaces AS uuid[]), CAST(:channels AS uuid[]), CAST(:seqs AS bigint[]),
    CAST(:leads AS text[])
) AS x (message_id, workspace_id, channel_id, ch_seq, lead)
JOIN keyword k ON k.workspace_id = x.workspace_id AND k.lead = x.lead
JOIN channel_member m ON m.channel_id = x.channel_id AND m.user_id = k.user_id AND m.joined_seq < x.ch_seq
""")


class Said(NamedTuple):
    """A message to look into."""

    id: UUID
    workspace_id: UUID
    channel_id: UUID
    ch_seq: int
    text: str


async def watching(session: AsyncSession, said: Sequence[Said]) -> set[tuple[UUID, UUID]]:
    """The messages that hold a keyword, and who of the channel watches for it."""
    texts = {one.id: fold(one.text) for one in said}
    asked = [(one, lead) for one in said for lead in dict.fromkeys(words(texts[one.id]))]
    if not asked:
        return set()
    values = {
        "messages": [one.id for one, _ in asked],
        "workspaces": [one.workspace_id for one, _ in asked],
        "channels": [one.channel_id for one, _ in asked],
        "seqs": [one.ch_seq for one, _ in asked],
        "leads": [lead for _, lead in asked],
    }
    found = await session.execute(_WATCHING, values)
    return {(row.message_id, row.user_id) for row in found if occurs(row.folded, texts[row.message_id])}


async def read(session: AsyncSession, user_id: UUID, workspace_id: UUID) -> Keywords:
    """Raises NotFound."""
    await access_workspace(session, user_id, workspace_id)
    rows = await session.scalars(
        select(KeywordRow.written)
        .where(col(KeywordRow.user_id) == user_id, col(KeywordRow.workspace_id) == workspace_id)
        .order_by(col(KeywordRow.place))
    )
    return Keywords(keywords=list(rows))


async def replace(session: AsyncSession, user_id: UUID, workspace_id: UUID, wanted: Sequence[str]) -> Keywords:
    """All of them at once; what is the same when folded is kept once. The same list changes nothing.

    Raises NotFound, ValidationFailed.
    """
    rows = _rows(user_id, workspace_id, wanted)
    await _hold(session, user_id, workspace_id)
    before = (await read(session, user_id, workspace_id)).keywords
    now = [row.written for row in rows]
    if now != before:
        await session.execute(
            delete(KeywordRow).where(col(KeywordRow.user_id) == user_id, col(KeywordRow.workspace_id) == workspace_id)
        )
        session.add_all(rows)
        await session.flush()
        me = str(user_id)
        fact = KeywordsUpdated(keywords=now)
        told = NewEvent(fact=fact, workspace_id=str(workspace_id), scope="user", scope_id=me, actor_id=me)
        await record(session, told)
    return Keywords(keywords=now)


async def _hold(session: AsyncSession, user_id: UUID, workspace_id: UUID) -> None:
    """One device after the other. Raises NotFound."""
    seat = await session.scalar(
        select(WorkspaceMemberRow.user_id)
        .where(col(WorkspaceMemberRow.workspace_id) == workspace_id, col(WorkspaceMemberRow.user_id) == user_id)
        .with_for_update(key_share=True)
    )
    if seat is None:
        raise NotFound


def _rows(user_id: UUID, workspace_id: UUID, wanted: Sequence[str]) -> list[KeywordRow]:
    rows: dict[str, KeywordRow] = {}
    errors: list[FieldError] = []
    for index, keyword in enumerate(wanted):
        folded = fold(keyword)
        found = words(folded)
        if not found:
            errors.append(FieldError(detail="A letter or a digit, at least.", pointer=f"/keywords/{index}"))
        elif folded not in rows:
            rows[folded] = KeywordRow(
                user_id=user_id,
                workspace_id=workspace_id,
                place=len(rows),
                written=" ".join(keyword.split()),
                folded=folded,
                lead=found[0],
            )
    if errors:
        raise ValidationFailed(errors=errors)
    return list(rows.values())
