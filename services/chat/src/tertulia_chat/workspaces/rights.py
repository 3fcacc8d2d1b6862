"""The permission table of a workspace: reading and changing it.

Who manages permissions changes those that they hold, and leaves them no higher than their own role: nobody lifts
themselves, and nobody takes anything away from who stands above them. An owner holds all of them, whatever is written.
"""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.access import WorkspaceSeat
from tertulia_chat.audit import Action, note
from tertulia_chat.membership import to_workspace
from tertulia_chat.outbox import record
from tertulia_chat.permissions import DEFAULTS, LOWEST, Permission, differences, held_by, outranks, table_of
from tertulia_chat.workspaces.inviting import withdraw_unmakeable
from tertulia_chat.workspaces.members import workspace_entry
from tertulia_chat.workspaces.schemas import PermissionTable
from tertulia_shared.events import Role, WorkspaceUpdated
from tertulia_shared.problems import FieldError, Forbidden, ValidationFailed


def show(seat: WorkspaceSeat) -> PermissionTable:
    return PermissionTable(
        permissions=_named(table_of(seat.workspace.permissions)),
        defaults=_named(DEFAULTS),
        lowest=_named(LOWEST),
        mine=[str(permission) for permission in held_by(seat.workspace.permissions, seat.role)],
    )


async def change(
    session: AsyncSession, seat: WorkspaceSeat, wish: Mapping[Permission, Role], actor_id: UUID
) -> PermissionTable:
    """Invitations go with the right to make them. The same table changes nothing.

    Raises Forbidden, ValidationFailed.
    """
    seat.require_permission(Permission.MANAGE_PERMISSIONS)
    workspace = seat.workspace
    was, table = table_of(workspace.permissions), {**DEFAULTS, **wish}
    _check_lowest(wish)
    changed = [permission for permission in Permission if was[permission] != table[permission]]
    _check_may_change(seat, was, table, changed)
    if changed:
        workspace.permissions = differences(table)
        session.add(workspace)
        await session.flush()
        await withdraw_unmakeable(session, workspace)
        await record(session, to_workspace(WorkspaceUpdated(workspace=workspace.view()), workspace, actor_id))
        entry = workspace_entry(workspace, actor_id, Action.PERMISSIONS_UPDATED, _named(was), _named(table))
        await note(session, entry)
    return show(seat)


def _check_lowest(wish: Mapping[Permission, Role]) -> None:
    errors = [
        FieldError(detail=f"Not below the role {LOWEST[permission]}.", pointer=f"/permissions/{permission}")
        for permission, role in wish.items()
        if outranks(LOWEST[permission], role)
    ]
    if errors:
        raise ValidationFailed(errors=errors)


def _check_may_change(
    seat: WorkspaceSeat, was: Mapping[Permission, Role], table: Mapping[Permission, Role], changed: list[Permission]
) -> None:
    if seat.role == Role.OWNER:
        return
    for permission in changed:
        if outranks(was[permission], seat.role) or outranks(table[permission], seat.role):
            raise Forbidden(f"Only a higher role decides on {permission} like this.")


def _named(table: Mapping[Permission, Role]) -> dict[str, Role]:
    return {str(permission): role for permission, role in table.items()}
