"""What the channel addresses take and answer."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from tertulia_shared.edge import Body
from tertulia_shared.events import Channel, Role, User, View

MAX_PEOPLE = 9
"""In a group conversation, the one who opens it included."""


class NewChannel(Body, frozen=True, kw_only=True):
    """`name`: 1 to 64 letters, digits, dots, underscores or hyphens, the first a letter or digit; in lower case."""

    kind: Literal["public", "private"]
    name: Annotated[str, Meta(min_length=1, max_length=64)]
    topic: Annotated[str, Meta(max_length=250)] = ""


class OpenDirect(Body, frozen=True, kw_only=True):
    """One other person makes a DM, two to eight a group DM, my own id alone a place for notes."""

    user_ids: Annotated[list[UUID], Meta(min_length=1, max_length=MAX_PEOPLE)]


class AddMember(Body, frozen=True, kw_only=True):
    user_id: UUID


class ChannelState(View, frozen=True, kw_only=True):
    """A channel as one person sees it."""

    channel: Channel
    joined: bool
    member_count: int


class ChangedChannel(View, frozen=True, kw_only=True):
    channel: Channel


class ChannelPage(View, frozen=True, kw_only=True):
    items: list[ChannelState]
    next: str | None


class ChannelMember(View, frozen=True, kw_only=True):
    """`role` is the role within this channel: `owner` for whoever opened it."""

    user: User
    role: Role
    joined_at: datetime


class ChannelMemberPage(View, frozen=True, kw_only=True):
    items: list[ChannelMember]
    next: str | None
