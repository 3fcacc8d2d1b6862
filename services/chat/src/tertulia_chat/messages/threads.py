"""Reading a thread: its first message and the replies to it, ascending."""

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from tertulia_chat.messages.schemas import MessagePage
from tertulia_chat.tables import MessageRow
from tertulia_shared.problems import NotFound


async def root_of(session: AsyncSession, message: MessageRow) -> MessageRow:
    """The first message of the thread that this one begins or belongs to."""
    if message.root_id is None:
        return message
    root = await session.get(MessageRow, message.root_id)
    if root is None:
        raise NotFound
    return root


async def before(session: AsyncSession, root: MessageRow, seq: int | None, limit: int) -> MessagePage:
    """The last ones with a smaller number, the last of all without one."""
    query = _replies(root).order_by(col(MessageRow.ch_seq).desc()).limit(limit)
    if seq is not None:
        query = query.where(col(MessageRow.ch_seq) < seq)
    rows = list(await session.scalars(query))[::-1]
    begun = seq is None or root.ch_seq < seq
    if begun and len(rows) < limit:
        return await _page(session, root, [root, *rows], has_before=False)
    return await _page(session, root, rows, has_before=begun)


async def after(session: AsyncSession, root: MessageRow, seq: int, limit: int) -> MessagePage:
    """The first ones with a greater number."""
    first = [root] if root.ch_seq > seq else []
    query = _replies(root).where(col(MessageRow.ch_seq) > seq).order_by(col(MessageRow.ch_seq))
    rows = [*first, *await session.scalars(query.limit(limit - len(first)))]
    return await _page(session, root, rows, has_before=not first)


async def _page(session: AsyncSession, root: MessageRow, rows: list[MessageRow], *, has_before: bool) -> MessagePage:
    newest = await session.scalar(_replies(root).order_by(col(MessageRow.ch_seq).desc()).limit(1))
    last = newest or root
    has_after = rows[-1].ch_seq < last.ch_seq if rows else not has_before
    return MessagePage(items=[row.view() for row in rows], has_before=has_before, has_after=has_after)


def _replies(root: MessageRow) -> SelectOfScalar[MessageRow]:
    return select(MessageRow).where(col(MessageRow.thread_id) == root.id)
