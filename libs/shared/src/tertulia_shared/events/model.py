"""The public views of the things that a conversation is made of. Events and API answers share them."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Role(StrEnum):
    """What a person may do in a workspace, strongest first."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    GUEST = "guest"


class ChannelKind(StrEnum):
    """Who may find and read a channel."""

    PUBLIC = "public"
    PRIVATE = "private"
    DM = "dm"
    GROUP_DM = "group_dm"


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all public views; later fields need defaults."""


class User(View, frozen=True, kw_only=True):
    """A person's public profile: what everyone who shares a workspace sees."""

    id: str
    username: str
    display_name: str
    created_at: datetime
    deactivated_at: datetime | None = None


class Workspace(View, frozen=True, kw_only=True):
    """The tenant: everything else belongs to exactly one."""

    id: str
    name: str
    slug: str
    created_by: str
    created_at: datetime


class Channel(View, frozen=True, kw_only=True):
    """A place for messages. `member_ids` is given for DMs and group DMs, where the people are the name.

    `last_seq` numbers every change of the channel, `last_msg_seq` is the `ch_seq` of its newest message.
    """

    id: str
    workspace_id: str
    kind: ChannelKind
    name: str | None
    topic: str
    created_by: str
    created_at: datetime
    archived_at: datetime | None = None
    last_seq: int = 0
    last_msg_seq: int = 0
    member_ids: list[str] | None = None


class Reaction(View, frozen=True, kw_only=True):
    """Absolute: who has this reaction now."""

    emoji: str
    user_ids: list[str]


class Message(View, frozen=True, kw_only=True):
    """`ch_seq` orders messages within a channel; ids are UUIDv7 and only roughly follow time."""

    id: str
    workspace_id: str
    channel_id: str
    ch_seq: int
    author_id: str
    text: str
    client_msg_id: str
    created_at: datetime
    thread_id: str | None = None
    mentions: list[str] = []
    reactions: list[Reaction] = []
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
