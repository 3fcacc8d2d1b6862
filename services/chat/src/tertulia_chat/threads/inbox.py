"""The threads that somebody follows, in the channels that they may still read."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.access import READABLE, READER, access_workspace
from tertulia_chat.tables import MessageRow
from tertulia_chat.threads.schemas import FollowedThread, ThreadPage
from tertulia_chat.unread import any_unread_in_thread, direct, mentions_in_thread, unread_in_thread
from tertulia_shared.problems import FieldError, ValidationFailed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_END = (datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1))

# The page is found first; only its threads are counted.
_PAGE = sa.text(f"""
SELECT page.thread_id, page.read_seq, page.active_at, counted.unread,
    CASE WHEN counted.unread = 0 OR {direct("page.kind")} THEN counted.unread
         ELSE {mentions_in_thread(":user_id", "page.thread_id", "page.read_seq")} END AS mentions
FROM (
    SELECT f.thread_id, f.read_seq, c.kind, coalesce(r.last_reply_at, r.created_at) AS active_at
    FROM thread_follow f
    JOIN message r ON r.id = f.thread_id
    JOIN channel c ON c.id = f.channel_id
    {READER}
    WHERE f.user_id = :user_id AND f.workspace_id = :workspace_id AND f.following AND {READABLE}
      AND (coalesce(r.last_reply_at, r.created_at), f.thread_id) < (:before, :before_id)
      AND (:everything OR (
          r.last_reply_seq > f.read_seq AND {any_unread_in_thread(":user_id", "f.thread_id", "f.read_seq")}
      ))
    ORDER BY active_at DESC, f.thread_id DESC LIMIT :limit
) AS page
CROSS JOIN LATERAL {unread_in_thread(":user_id", "page.thread_id", "page.read_seq")} AS counted (unread)
ORDER BY page.active_at DESC, page.thread_id DESC
""").bindparams(  # noqa: S608 composed of constants only
    sa.bindparam("user_id", type_=sa.Uuid),
    sa.bindparam("before", type_=sa.DateTime(timezone=True)),
    sa.bindparam("before_id", type_=sa.Uuid),
    sa.bindparam("everything", type_=sa.Boolean),
)


async def page(
    session: AsyncSession, user_id: UUID, workspace_id: UUID, *, only_unread: bool, limit: int, cursor: str | None
) -> ThreadPage:
    """A thread without replies stands where it was begun. Raises NotFound, ValidationFailed."""
    await access_workspace(session, user_id, workspace_id)
    before, before_id = _place(cursor) if cursor else _END
    found = (
        await session.execute(
            _PAGE,
            {
                "user_id": user_id,
                "workspace_id": workspace_id,
                "everything": not only_unread,
                "before": before,
                "before_id": before_id,
                "limit": limit + 1,
            },
        )
    ).all()
    shown = found[:limit]
    query = select(MessageRow).where(col(MessageRow.id).in_([row.thread_id for row in shown]))
    roots = {root.id: root for root in await session.scalars(query)}
    items = [
        FollowedThread(
            root=roots[row.thread_id].view(), read_seq=row.read_seq, unread=row.unread, mentions=row.mentions
        )
        for row in shown
    ]
    more = len(found) > limit
    return ThreadPage(items=items, next=_cursor(shown[-1].active_at, shown[-1].thread_id) if more else None)


def _cursor(active_at: datetime, thread_id: UUID) -> str:
    return f"{(active_at - _EPOCH) // _MILLISECOND}-{thread_id}"


def _place(cursor: str) -> tuple[datetime, UUID]:
    milliseconds, _, thread_id = cursor.partition("-")
    try:
        return _EPOCH + int(milliseconds) * _MILLISECOND, UUID(thread_id)
    except (ValueError, OverflowError) as error:
        detail = "Not the `next` of a page."
        raise ValidationFailed(errors=[FieldError(detail=detail, parameter="cursor")]) from error
