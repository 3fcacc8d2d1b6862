"""Workspaces, who belongs to them, and the codes that let people in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from tertulia_chat.permissions import table_of
from tertulia_chat.tables.base import Json, JsonList, UtcTime, UuidList, new_id, now
from tertulia_shared.events import HistoryPolicy, Role, Workspace


class WorkspaceRow(SQLModel, table=True):
    """`permissions` holds the least role of each permission that differs from the defaults."""

    __tablename__ = "workspace"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str
    slug: str
    created_by: UUID
    created_at: datetime = Field(default_factory=now, sa_type=UtcTime)
    history_policy: str = HistoryPolicy.EDITS
    permissions: dict[str, Any] = Field(default={}, sa_type=Json)

    def view(self) -> Workspace:
        return Workspace(
            id=str(self.id),
            name=self.name,
            slug=self.slug,
            created_by=str(self.created_by),
            created_at=self.created_at,
            history_policy=HistoryPolicy(self.history_policy),
            permissions={str(permission): role for permission, role in table_of(self.permissions).items()},
        )


class WorkspaceMemberRow(SQLModel, table=True):
    __tablename__ = "workspace_member"  # pyright: ignore[reportAssignmentType]

    workspace_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    role: str
    joined_at: datetime = Field(default_factory=now, sa_type=UtcTime)

    @property
    def rank(self) -> Role:
        return Role(self.role)


class DeactivatedMemberRow(SQLModel, table=True):
    """A seat that was taken away and may be given back. `channels` holds where the person was, as what, and what they
    wished about each."""

    __tablename__ = "deactivated_member"  # pyright: ignore[reportAssignmentType]

    workspace_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    role: str
    joined_at: datetime = Field(sa_type=UtcTime)
    deactivated_at: datetime = Field(default_factory=now, sa_type=UtcTime)
    deactivated_by: UUID
    channels: list[dict[str, Any]] = Field(default=[], sa_type=JsonList)

    @property
    def rank(self) -> Role:
        return Role(self.role)


class InviteRow(SQLModel, table=True):
    """`max_uses` None means any number of people; `channel_ids` None says nothing about where a guest comes in."""

    __tablename__ = "invite"  # pyright: ignore[reportAssignmentType]

    code: str = Field(primary_key=True)
    workspace_id: UUID
    role: str
    max_uses: int | None = None
    uses: int = 0
    expires_at: datetime = Field(sa_type=UtcTime)
    created_by: UUID
    created_at: datetime = Field(default_factory=now, sa_type=UtcTime)
    channel_ids: list[UUID] | None = Field(default=None, sa_type=UuidList)
