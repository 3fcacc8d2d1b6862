"""Founding workspaces and changing what they are."""

import re
import secrets
import unicodedata
from uuid import UUID

from msgspec import UNSET, UnsetType
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat import membership
from tertulia_chat.access import WorkspaceSeat
from tertulia_chat.bot import seat_bot
from tertulia_chat.errors import SlugTaken
from tertulia_chat.outbox import record
from tertulia_chat.tables import ChannelRow, UserRow, WorkspaceRow
from tertulia_chat.workspaces.invites import GENERAL
from tertulia_chat.workspaces.members import admit, to_workspace
from tertulia_shared.events import ChannelKind, Role, Workspace, WorkspaceUpdated

_SLUG_LENGTH = 32


async def found(session: AsyncSession, founder_id: UUID, name: str, slug: str | None) -> Workspace:
    """A workspace with its owner and the bot, and the owner in the public channel `general`. Raises SlugTaken."""
    founder = await session.get_one(UserRow, founder_id)
    workspace = WorkspaceRow(name=name.strip(), slug=slug or slug_from(name), created_by=founder_id)
    session.add(workspace)
    try:
        await session.flush()
    except IntegrityError as error:
        raise SlugTaken from error
    await admit(session, workspace, founder, Role.OWNER)
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


async def update(session: AsyncSession, seat: WorkspaceSeat, name: str | UnsetType, actor_id: UUID) -> Workspace:
    """Raises Forbidden below admin."""
    seat.require(Role.ADMIN)
    if name is not UNSET:
        seat.workspace.name = str(name).strip()
        session.add(seat.workspace)
        await session.flush()
        await record(session, to_workspace(WorkspaceUpdated(workspace=seat.workspace.view()), seat.workspace, actor_id))
    return seat.workspace.view()
