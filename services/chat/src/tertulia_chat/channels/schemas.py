"""What the channel addresses take and answer."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from tertulia_shared.edge import Body
from tertulia_shared.events import Channel, Posting, Role, User, View

MAX_PEOPLE = 9
"""In a group conversation, the one who opens it included."""


MAX_SLOW_MODE_S = 6 * 60 * 60

Kind = Literal["public", "private"]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Topic = Annotated[str, Meta(max_length=250)]
Purpose = Annotated[str, Meta(max_length=500)]


class NewChannel(Body, frozen=True, kw_only=True):
    """`name`: 1 to 64 letters, digits, dots, underscores or hyphens, the first a letter or digit; in lower case."""

    kind: Kind
    name: Name
    topic: Topic = ""
    purpose: Purpose = ""


class PatchChannel(Body, frozen=True, kw_only=True):
    """`topic` and `purpose` for everybody who writes in the channel, the rest for its owner and the workspace's admins.

    `kind` may become private and never public again. `posting` "admins" makes an announcement channel. `is_default`
    (public channels only): everybody who comes into the workspace joins it, guests aside; who is here already does not.
    `slow_mode_s` is for who sets slow mode: seconds between two messages of one person who does not; 0 ends it.
    """

    name: Name | UnsetType = UNSET
    topic: Topic | UnsetType = UNSET
    purpose: Purpose | UnsetType = UNSET
    posting: Posting | UnsetType = UNSET
    is_default: bool | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    slow_mode_s: Annotated[int, Meta(ge=0, le=MAX_SLOW_MODE_S)] | UnsetType = UNSET


class OpenDirect(Body, frozen=True, kw_only=True):
    """One other person makes a DM, two to eight a group DM, my own id alone a place for notes."""

    user_ids: Annotated[list[UUID], Meta(min_length=1, max_length=MAX_PEOPLE)]


class AddMember(Body, frozen=True, kw_only=True):
    user_id: UUID


class PatchChannelMember(Body, frozen=True, kw_only=True):
    role: Literal["owner", "member"]


class ChannelState(View, frozen=True, kw_only=True):
    """A channel as one person sees it."""

    channel: Channel
    joined: bool
    member_count: int


class ChangedChannel(View, frozen=True, kw_only=True):
    channel: Channel


class ChannelFilter(StrEnum):
    """Which channels of the list: those I am in, the public ones (neither shows archived ones), or the archived."""

    JOINED = "joined"
    PUBLIC = "public"
    ARCHIVED = "archived"


class ChannelPage(View, frozen=True, kw_only=True):
    items: list[ChannelState]
    next: str | None


class ChannelMember(View, frozen=True, kw_only=True):
    """`role` is the role within this channel: `owner` for whoever opened it or was made one, else `member`.

    `muted_until` is given while they are muted in this channel, whatever holds of them in all of the workspace.
    """

    user: User
    role: Role
    joined_at: datetime
    muted_until: datetime | None = None


class ChannelMemberPage(View, frozen=True, kw_only=True):
    items: list[ChannelMember]
    next: str | None


class Reach(View, frozen=True, kw_only=True):
    """Everybody else in a channel: how many people, and how many different times it is where they are, as far as that
    is known. `quiet_until`, in a DM only: the other is in their quiet hours, which end then; null when they are not.
    """

    people: int
    time_zones: int
    quiet_until: datetime | None
