"""What bootstrap answers."""

from datetime import datetime

from tertulia_chat.tables.accounts import Me
from tertulia_shared.events import Channel, ChannelPreferences, Role, Sidebar, User, View, Workspace


class JoinedChannel(View, frozen=True, kw_only=True):
    """`read_seq` is how far I have read; `unread` and `mentions` are above that, up to 1000, which means "or more".

    `muted_until` is given while I am muted in this channel, whatever holds of me in all of the workspace.
    """

    channel: Channel
    joined: bool
    member_count: int
    read_seq: int
    unread: int
    mentions: int
    preferences: ChannelPreferences
    muted_until: datetime | None = None


class Person(View, frozen=True, kw_only=True):
    """`muted_until` is given while they are muted in all of the workspace."""

    user: User
    role: Role
    muted_until: datetime | None = None


class FormerPerson(View, frozen=True, kw_only=True):
    """Who is deactivated. Their messages stay, so their name is shown."""

    user: User
    deactivated_at: datetime


class Bootstrap(View, frozen=True, kw_only=True):
    """`cursor` is older than all the data: opening the stream with it misses nothing and may repeat something.

    It is null only while the bus is away. The client then opens the stream without one and bootstraps again after
    `hello`.
    """

    cursor: str | None
    me: Me
    workspace: Workspace
    role: Role
    channels: list[JoinedChannel]
    sidebar: Sidebar
    members: list[Person]
    former: list[FormerPerson]
    server_time: datetime
