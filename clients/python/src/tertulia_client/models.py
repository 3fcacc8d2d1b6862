"""What the API answers, as frozen structs. Unknown fields are ignored, so that a newer server does not break this."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    GUEST = "guest"


class ChannelKind(StrEnum):
    PUBLIC = "public"
    PRIVATE = "private"
    DM = "dm"
    GROUP_DM = "group_dm"


class User(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    username: str
    display_name: str
    created_at: datetime
    deactivated_at: datetime | None = None


class Me(User, frozen=True, kw_only=True):
    email: str
    preferences: dict[str, Any] = {}


class AuthResult(msgspec.Struct, frozen=True, kw_only=True):
    user: Me
    access_token: str
    token_type: str
    expires_in: float
    """Seconds."""
    refresh_token: str | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    created_at: datetime
    last_used_at: datetime
    current: bool
    user_agent: str | None = None
    ip: str | None = None


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    slug: str
    created_by: str
    created_at: datetime


class WorkspaceMembership(msgspec.Struct, frozen=True, kw_only=True):
    """One of my workspaces."""

    workspace: Workspace
    role: Role


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in a workspace or in a channel."""

    user: User
    role: Role
    joined_at: datetime


class Invite(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    role: Role
    uses: int
    created_by: str
    created_at: datetime
    max_uses: int | None = None
    expires_at: datetime | None = None


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    workspace_id: str
    kind: ChannelKind
    name: str | None
    topic: str
    created_by: str
    created_at: datetime
    archived_at: datetime | None
    last_seq: int
    """`ch_seq` of the channel's last event of any kind."""
    last_msg_seq: int
    """How many messages the channel has had."""
    member_ids: list[str] | None = None
    """Who takes part; only for direct messages."""


class ChannelSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as one member sees it."""

    channel: Channel
    joined: bool
    member_count: int


class BootstrapChannel(ChannelSummary, frozen=True, kw_only=True):
    read_seq: int = 0


class BootstrapMember(msgspec.Struct, frozen=True, kw_only=True):
    user: User
    role: Role


class Bootstrap(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a client needs to paint one workspace. `cursor` was taken before the data was read."""

    cursor: str | None
    me: Me
    workspace: Workspace
    role: Role
    channels: list[BootstrapChannel]
    members: list[BootstrapMember]
    server_time: datetime

    @property
    def positions(self) -> dict[str, int]:
        """Channel id → `ch_seq` up to which this bootstrap knows everything."""
        return {entry.channel.id: entry.channel.last_seq for entry in self.channels}


class Message(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    workspace_id: str
    channel_id: str
    ch_seq: int
    author_id: str
    text: str
    created_at: datetime
    client_msg_id: str | None = None
    thread_id: str | None = None
    mentions: list[str] = []
    reactions: list[Any] = []
    edited_at: datetime | None = None
    deleted_at: datetime | None = None


class MessagePage(msgspec.Struct, frozen=True, kw_only=True):
    """A window of a channel's messages, ascending by `ch_seq`."""

    items: list[Message]
    has_before: bool
    has_after: bool


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a keyset-paginated list; `next` is None on the last one."""

    items: list[T]
    next: str | None = None
