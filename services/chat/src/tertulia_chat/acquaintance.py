"""Whom somebody knows: who shares a workspace with them, also one that the other is deactivated in, and themselves.

Their messages stay there, so that they can be looked up. Of anybody else nobody learns whether they are there at all.
"""

from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, exists, or_, select

from tertulia_chat.tables import DeactivatedMemberRow, UserRow, WorkspaceMemberRow


def known_to(caller_id: UUID) -> ColumnElement[bool]:
    """For statements about `UserRow`."""
    mine = select(WorkspaceMemberRow.workspace_id).where(col(WorkspaceMemberRow.user_id) == caller_id)
    shared = [
        exists().where(col(seat.user_id) == col(UserRow.id), col(seat.workspace_id).in_(mine))
        for seat in (WorkspaceMemberRow, DeactivatedMemberRow)
    ]
    return or_(col(UserRow.id) == caller_id, *shared)
