"""What the workspace addresses take and answer."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from tertulia_chat.permissions import Permission
from tertulia_shared.edge import Body
from tertulia_shared.events import HistoryPolicy, Role, User, View, Workspace

Name = Annotated[str, Meta(pattern=r"\S", min_length=1, max_length=80)]
# Python's `$` also stands before a last newline; `(?!\n)` says that there is none, in Python as in ECMAScript.
Slug = Annotated[
    str,
    Meta(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$(?!\n)", description="1 to 40 of a-z, 0-9, hyphen."),
]


class NewWorkspace(Body, frozen=True, kw_only=True):
    """Without `slug` one is made from the name."""

    name: Name
    slug: Slug | None = None


class PatchWorkspace(Body, frozen=True, kw_only=True):
    name: Name | UnsetType = UNSET
    history_policy: HistoryPolicy | UnsetType = UNSET


class PutPermissions(Body, frozen=True, kw_only=True):
    """The least role that has each permission; one that is left out is as in a new workspace."""

    permissions: dict[Permission, Role]


class PermissionTable(View, frozen=True, kw_only=True):
    """`permissions` and `defaults`: the least role that has each. `lowest`: how far down each can be given. `mine`:
    what I may."""

    permissions: dict[str, Role]
    defaults: dict[str, Role]
    lowest: dict[str, Role]
    mine: list[str]


class AddWorkspaceMember(Body, frozen=True, kw_only=True):
    """Somebody who shares a workspace with me, by `user_id` or by `username`; nobody is named by e-mail address.

    `channel_ids` are where a guest comes in, and nowhere else; null: in `general`. Others join the default channels.
    """

    user_id: UUID | None = None
    username: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    role: Role = Role.MEMBER
    channel_ids: Annotated[list[UUID], Meta(max_length=50)] | None = None


class PatchMember(Body, frozen=True, kw_only=True):
    role: Role


class NewInvite(Body, frozen=True, kw_only=True):
    """`max_uses` null lets in any number of people; `expires_in_s` is at most 90 days.

    `channel_ids` are where guests come in, and nowhere else; null: in `general`. Others join the default channels.
    """

    role: Role = Role.MEMBER
    max_uses: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    expires_in_s: Annotated[int, Meta(ge=60, le=7_776_000)] = 604_800
    channel_ids: Annotated[list[UUID], Meta(max_length=50)] | None = None


class Membership(View, frozen=True, kw_only=True):
    """A workspace with my role in it."""

    workspace: Workspace
    role: Role


class WorkspaceList(View, frozen=True, kw_only=True):
    items: list[Membership]


class Member(View, frozen=True, kw_only=True):
    """With `deactivated_at` they are out until somebody reactivates them; `role` is what they will be again.

    `muted_until` is given while they are muted in all of the workspace.
    """

    user: User
    role: Role
    joined_at: datetime
    deactivated_at: datetime | None = None
    muted_until: datetime | None = None


class MemberPage(View, frozen=True, kw_only=True):
    items: list[Member]
    next: str | None


class Invite(View, frozen=True, kw_only=True):
    code: str
    role: Role
    max_uses: int | None
    uses: int
    expires_at: datetime
    created_by: str
    created_at: datetime
    channel_ids: list[str] | None = None


class InviteList(View, frozen=True, kw_only=True):
    items: list[Invite]
