"""Founding workspaces and changing what they are."""

import re
import secrets
import unicodedata
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from msgspec import UNSET
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, select

from tertulia_chat import membership
from tertulia_chat.access import WorkspaceSeat
from tertulia_chat.audit import Action, note
from tertulia_chat.bot import seat_bot
from tertulia_chat.errors import SlugTaken
from tertulia_chat.membership import to_workspace
from tertulia_chat.outbox import record
from tertulia_chat.permissions import Permission
from tertulia_chat.tables import GENERAL, ChannelRow, MessageRow, RevisionRow, UserRow, WorkspaceRow
from tertulia_chat.workspaces.members import admit, workspace_entry
from tertulia_chat.workspaces.schemas import PatchWorkspace
from tertulia_shared.events import ChannelKind, HistoryPolicy, Role, Workspace, WorkspaceUpdated

_SLUG_LENGTH = 32
_LONG = sa.text("SET LOCAL statement_timeout = '60s'")


async def found(session: AsyncSession, founder_id: UUID, name: str, slug: str | None) -> Workspace:
    """A workspace with its owner and the bot, and the owner in the public channel `general`. Raises SlugTaken."""
    founder = await session.get_one(UserRow, founder_id)
    workspace = WorkspaceRow(name=name.strip(), slug=slug or slug_from(name), created_by=founder_id)
    session.add(workspace)
    try:
        await session.flush()
    except IntegrityError as error:
        raise SlugTaken from error
    await admit(session, workspace, founder, Role.OWNER, actor_id=founder_id)
    await seat_bot(session, workspace.id)
    general = ChannelRow(
        workspace_id=workspace.id, kind=ChannelKind.PUBLIC, name=GENERAL, created_by=founder_id, is_default=True
    )
    await membership.open_channel(session, general, [founder], actor_id=founder_id)
    return workspace.view()


def slug_from(name: str) -> str:
    """Readable, and unlike anybody else's."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_SLUG_LENGTH].strip("-")
    return f"{words or 'team'}-{secrets.token_hex(3)}"


async def update(session: AsyncSession, seat: WorkspaceSeat, wish: PatchWorkspace, actor_id: UUID) -> Workspace:
    """Raises Forbidden."""
    seat.require_permission(Permission.MANAGE_WORKSPACE)
    was = _settings(seat.workspace)
    if wish.name is not UNSET:
        seat.workspace.name = wish.name.strip()
    if wish.history_policy is not UNSET:
        await _keep_less(session, seat.workspace, wish.history_policy)
        seat.workspace.history_policy = wish.history_policy
    if wish != PatchWorkspace():
        session.add(seat.workspace)
        await session.flush()
        await record(session, to_workspace(WorkspaceUpdated(workspace=seat.workspace.view()), seat.workspace, actor_id))
        if _settings(seat.workspace) != was:
            entry = workspace_entry(seat.workspace, actor_id, Action.WORKSPACE_UPDATED, was, _settings(seat.workspace))
            await note(session, entry)
    return seat.workspace.view()


def _settings(workspace: WorkspaceRow) -> dict[str, Any]:
    return {"name": workspace.name, "history_policy": str(workspace.history_policy)}


async def _keep_less(session: AsyncSession, workspace: WorkspaceRow, policy: HistoryPolicy) -> None:
    """Former texts that the new policy does not keep go at once. Who changes a message holds the workspace, too."""
    least_first = list(HistoryPolicy)
    if least_first.index(policy) >= least_first.index(HistoryPolicy(workspace.history_policy)):
        return
    former = delete(RevisionRow).where(col(RevisionRow.workspace_id) == workspace.id)
    if policy == HistoryPolicy.EDITS:
        deleted = select(MessageRow.id).where(
            col(MessageRow.id) == col(RevisionRow.message_id), col(MessageRow.deleted_at).is_not(None)
        )
        former = former.where(deleted.exists())
    await session.execute(_LONG)
    await session.execute(former)
