"""Who may let in whom.

`invite_members` lets in members and whoever is above them, `invite_guests` guests, by a code or by adding them; never
above oneself. Who may not make a code any more has none left: a code would outlive the right.
"""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete

from tertulia_chat.access import WorkspaceSeat
from tertulia_chat.errors import PermissionMissing
from tertulia_chat.permissions import ORDER, Permission, has, outranks
from tertulia_chat.tables import InviteRow, WorkspaceMemberRow, WorkspaceRow
from tertulia_shared.events import Role
from tertulia_shared.problems import FieldError, Forbidden, ValidationFailed


def permission_for(role: Role) -> Permission:
    return Permission.INVITE_GUESTS if role == Role.GUEST else Permission.INVITE_MEMBERS


def makeable(stored: Mapping[str, str], maker: Role) -> list[Role]:
    """The roles that this one may let in, by a workspace's differences."""
    return [
        role
        for role in ORDER
        if role != Role.OWNER and not outranks(role, maker) and has(stored, maker, permission_for(role))
    ]


def check_may_let_in(seat: WorkspaceSeat, role: Role) -> None:
    """Nobody lets in somebody above themselves, or an owner. Raises Forbidden, ValidationFailed."""
    if role == Role.OWNER:
        checked_makeable(seat)
        raise ValidationFailed(errors=[FieldError(detail="Nobody becomes owner by an invitation.", pointer="/role")])
    seat.require_permission(permission_for(role))
    if outranks(role, seat.role):
        raise Forbidden("Nobody invites above themselves.")


def checked_makeable(seat: WorkspaceSeat) -> list[Role]:
    """Raises Forbidden for who may invite nobody."""
    roles = makeable(seat.workspace.permissions, seat.role)
    if not roles:
        raise PermissionMissing(Permission.INVITE_MEMBERS)
    return roles


async def withdraw_invites(
    session: AsyncSession, workspace: WorkspaceRow, maker_id: UUID, *, keeping: list[Role]
) -> None:
    """All codes that somebody made, but those for these roles."""
    await session.execute(
        delete(InviteRow).where(
            col(InviteRow.workspace_id) == workspace.id,
            col(InviteRow.created_by) == maker_id,
            col(InviteRow.role).not_in([str(role) for role in keeping]),
        )
    )


async def withdraw_unmakeable(session: AsyncSession, workspace: WorkspaceRow) -> None:
    """All codes whose makers could not make them by the workspace's permissions of now."""
    good = [(str(maker), str(role)) for maker in ORDER for role in makeable(workspace.permissions, maker)]
    await session.execute(
        delete(InviteRow).where(
            col(InviteRow.workspace_id) == workspace.id,
            col(WorkspaceMemberRow.workspace_id) == workspace.id,
            col(WorkspaceMemberRow.user_id) == col(InviteRow.created_by),
            tuple_(col(WorkspaceMemberRow.role), col(InviteRow.role)).not_in(good),
        ),
        execution_options={"synchronize_session": False},
    )
