"""Who belongs where and who may read what, as the events tell it, on top of a snapshot.

    U may read C  =  U is a member of C,  or  C is public and U belongs to its workspace, is not a guest and not banned

This is the one implementation for every service but chat, which has the same rule in SQL; the shared suite
(`libs/shared/tests/membership`) holds both this and its users to it. Live delivery asks `is_member` instead: nobody is
sent the messages of a channel that they only could read.

A membership change is applied only when it is news: changes of one channel carry its gap-free `ch_seq` and arrive in
that order, so one at or below what was already applied is a repetition (the relay may publish twice), and a `left`
below the `ch_seq` at which the person (re)joined is older than the snapshot. The snapshot says how far each channel was
when it was taken, so no older joining can undo a removal. Workspace membership carries no number; its events arrive in
their own order, and channel memberships never depend on it: leaving a workspace sends a `member.left` for each channel.
A ban from a channel carries the time of the deed, and the later word holds; nobody is told when one ends by itself.
A role is told absolutely, and so is how somebody wants to appear: while the relay repeats the past, what was said
before may show until its end is reached.
"""

import time
from collections.abc import Set as AbstractSet
from math import inf
from typing import NamedTuple

from tertulia_shared.events import (
    BanUpdated,
    Channel,
    ChannelArchived,
    ChannelCreated,
    ChannelKind,
    ChannelUpdated,
    Fact,
    MemberJoined,
    MemberLeft,
    PresenceUpdated,
    Role,
    User,
    UserKind,
    UserUpdated,
    WorkspaceMemberJoined,
    WorkspaceMemberLeft,
    WorkspaceMemberUpdated,
)
from tertulia_shared.membership.directory import Directory

REMEMBERED_ANSWERS = 2_000
"""Per workspace: what so many people may read, each some 30 kB with 500 channels."""

_NOBODY: dict[str, int] = {}
_NO_ROLES: dict[str, Role] = {}
_NONE: frozenset[str] = frozenset()


class _Ban(NamedTuple):
    """Unix seconds: of the deed, and until when the ban holds; 0 when it was lifted."""

    at: float
    until: float


_NO_BANS: dict[str, _Ban] = {}


class Projection(Directory):
    """Ids of users, channels and workspaces are shared objects: a hundred thousand memberships fit in some 30 MB."""

    def __init__(self) -> None:
        super().__init__()
        self._members: dict[str, dict[str, int]] = {}
        self._channels_of: dict[str, set[str]] = {}
        self._applied: dict[str, int] = {}
        self._roles: dict[str, dict[str, Role]] = {}
        self._workspaces_of: dict[str, set[str]] = {}
        self._bans: dict[str, dict[str, _Ban]] = {}
        self._shared_ids: dict[str, str] = {}
        # Answers by workspace, forgotten together when anything changes in it.
        self._readable: dict[str, dict[str, frozenset[str]]] = {}
        self._by_room: dict[str, dict[str, frozenset[str]]] = {}

    @property
    def memberships(self) -> int:
        return sum(len(members) for members in self._members.values())

    # -- who may read what -------------------------------------------------------------------------------

    def joined_at(self, channel_id: str, user_id: str) -> int | None:
        """The `ch_seq` of the member's (latest) joining; None for a non-member."""
        return self._members.get(channel_id, _NOBODY).get(user_id)

    def is_member(self, user_id: str, channel_id: str) -> bool:
        return user_id in self._members.get(channel_id, _NOBODY)

    def may_read(self, user_id: str, channel_id: str) -> bool:
        if self.is_member(user_id, channel_id):
            return True
        workspace_id = self.workspace_of(channel_id)
        return (
            workspace_id is not None
            and self.kind_of(channel_id) is ChannelKind.PUBLIC
            and self._is_insider(workspace_id, user_id)
            and not self.is_banned(user_id, channel_id)
        )

    def is_banned(self, user_id: str, channel_id: str) -> bool:
        ban = self._bans.get(channel_id, _NO_BANS).get(user_id)
        return ban is not None and ban.until > time.time()

    def readable(self, workspace_id: str, user_id: str) -> frozenset[str]:
        """Every channel of the workspace that the user may read. After a ban has ended by itself, its channel may be
        missing until something changes in the workspace."""
        known = self._readable.setdefault(workspace_id, {})
        answer = known.get(user_id)
        if answer is None:
            own = self.channels_of(user_id) & self.channels_of_workspace(workspace_id)
            insider = self._is_insider(workspace_id, user_id)
            answer = frozenset(own | self._open_to(workspace_id, user_id) if insider else own)
            if len(known) >= REMEMBERED_ANSWERS:
                known.clear()
            known[user_id] = answer
        return answer

    def readable_by_room(self, channel_id: str) -> frozenset[str]:
        """The room and every channel that each person who may read the room may read too. Bots do not count.

        What the bot may quote there: it tells nobody anything that they could not have looked up. An empty room has
        only itself.
        """
        workspace_id = self.workspace_of(channel_id)
        if workspace_id is None:
            return _NONE
        known = self._by_room.setdefault(workspace_id, {})
        answer = known.get(channel_id)
        if answer is None:
            answer = known[channel_id] = frozenset(self._shared_by(workspace_id, channel_id))
        return answer

    # -- who is where ------------------------------------------------------------------------------------

    def channels_of(self, user_id: str) -> AbstractSet[str]:
        return self._channels_of.get(user_id, _NONE)

    def workspaces_of(self, user_id: str) -> AbstractSet[str]:
        return self._workspaces_of.get(user_id, _NONE)

    def in_workspace(self, workspace_id: str, user_id: str) -> bool:
        return user_id in self._roles.get(workspace_id, _NO_ROLES)

    def role_of(self, workspace_id: str, user_id: str) -> Role | None:
        return self._roles.get(workspace_id, _NO_ROLES).get(user_id)

    def is_guest(self, workspace_id: str, user_id: str) -> bool:
        return self.role_of(workspace_id, user_id) is Role.GUEST

    def user_named(self, workspace_id: str, username: str) -> str | None:
        """Among the workspace's people of now."""
        user_id = self.person_named(username)
        return user_id if user_id is not None and self.in_workspace(workspace_id, user_id) else None

    # -- what changes it ---------------------------------------------------------------------------------

    def apply(self, fact: Fact | None, workspace_id: str | None, channel_id: str | None, ch_seq: int | None) -> bool:
        """Whether the event changed a membership."""
        match fact:
            case MemberJoined() if channel_id and workspace_id and self._is_news(channel_id, ch_seq):
                self._learn(fact.channel)
                self._meet(fact.user)
                return self.join(channel_id, workspace_id, fact.user.id, ch_seq or 0)
            case MemberLeft() if channel_id and self._is_news(channel_id, ch_seq):
                return self._leave(channel_id, fact.user_id, ch_seq or 0)
            case WorkspaceMemberJoined() if workspace_id:
                self._meet(fact.user)
                return self.join_workspace(workspace_id, fact.user.id, fact.role)
            case WorkspaceMemberLeft() if workspace_id:
                return self._leave_workspace(workspace_id, fact.user_id)
            case WorkspaceMemberUpdated() if workspace_id:
                self._change_role(workspace_id, fact.user_id, fact.role)
            case ChannelCreated() | ChannelUpdated() | ChannelArchived():
                self._learn(fact.channel)
            case UserUpdated():
                self._meet(fact.user)
            case BanUpdated():
                until = inf if fact.until is None else fact.until.timestamp()
                self.ban(fact.channel_id, fact.user_id, until if fact.banned else 0.0, fact.at.timestamp())
            case PresenceUpdated():
                self.wish_presence(self._share(fact.user_id), fact.presence.state)
            case _:
                pass
        return False

    def ban(self, channel_id: str, user_id: str, until: float, at: float) -> None:
        """From a channel, by a deed of that time. Unix seconds; 0: the ban was lifted."""
        bans = self._bans.setdefault(self._share(channel_id), {})
        known = bans.get(user_id)
        if known is None or known.at <= at:
            bans[self._share(user_id)] = _Ban(at, until)
            self._forget_answers(self.workspace_of(channel_id))

    def join(self, channel_id: str, workspace_id: str, user_id: str, joined_at: int) -> bool:
        channel_id, user_id = self._share(channel_id), self._share(user_id)
        self.place_channel(channel_id, self._share(workspace_id))
        members = self._members.setdefault(channel_id, {})
        before = members.get(user_id)
        members[user_id] = joined_at if before is None else max(before, joined_at)
        self._channels_of.setdefault(user_id, set()).add(channel_id)
        self._forget_answers(workspace_id)
        return before is None

    def reflects(self, channel_id: str, ch_seq: int) -> None:
        """The members known of the channel are those after its change number `ch_seq`."""
        self._applied[self._share(channel_id)] = ch_seq

    def join_workspace(self, workspace_id: str, user_id: str, role: str) -> bool:
        """Who is in already joined earlier, so what is told of them stays: a role changes by `_change_role`."""
        workspace_id, user_id = self._share(workspace_id), self._share(user_id)
        if self.in_workspace(workspace_id, user_id):
            return False
        self._roles.setdefault(workspace_id, {})[user_id] = _role(role)
        self._workspaces_of.setdefault(user_id, set()).add(workspace_id)
        self._forget_answers(workspace_id)
        return True

    def describe_channel(
        self, channel_id: str, workspace_id: str, kind: ChannelKind | None, name: str | None, as_of: int = 0
    ) -> bool:
        news = super().describe_channel(self._share(channel_id), self._share(workspace_id), kind, name, as_of)
        if news:
            self._forget_answers(workspace_id)
        return news

    def describe_person(self, user_id: str, username: str | None, *, bot: bool = False) -> bool:
        news = super().describe_person(self._share(user_id), username, bot=bot)
        if news:
            self._by_room.clear()
        return news

    def _learn(self, channel: Channel) -> None:
        self.describe_channel(channel.id, channel.workspace_id, channel.kind, channel.name, channel.last_seq)

    def _meet(self, user: User) -> None:
        self.describe_person(user.id, user.username, bot=user.kind is UserKind.BOT)

    def _leave(self, channel_id: str, user_id: str, ch_seq: int) -> bool:
        joined_at = self.joined_at(channel_id, user_id)
        if joined_at is None or joined_at > ch_seq:
            return False
        del self._members[channel_id][user_id]
        self._channels_of[user_id].discard(channel_id)
        self._forget_answers(self.workspace_of(channel_id))
        return True

    def _change_role(self, workspace_id: str, user_id: str, role: Role) -> None:
        """Of a member. Whom nobody has told of yet comes by the snapshot or by joining, with a role."""
        if self.in_workspace(workspace_id, user_id):
            self._roles[workspace_id][self._share(user_id)] = role
            self._forget_answers(workspace_id)

    def _leave_workspace(self, workspace_id: str, user_id: str) -> bool:
        if not self.in_workspace(workspace_id, user_id):
            return False
        del self._roles[workspace_id][user_id]
        self._workspaces_of[user_id].discard(workspace_id)
        self._forget_answers(workspace_id)
        return True

    def _is_news(self, channel_id: str, ch_seq: int | None) -> bool:
        if ch_seq is None:
            return False
        if ch_seq <= self._applied.get(channel_id, 0):
            return False
        self._applied[self._share(channel_id)] = ch_seq
        return True

    def _is_insider(self, workspace_id: str, user_id: str) -> bool:
        """Belongs to the workspace and is not a guest: may read every public channel of it."""
        return self.role_of(workspace_id, user_id) not in (None, Role.GUEST)

    def _open_to(self, workspace_id: str, user_id: str) -> set[str]:
        """The public channels, for somebody who is no guest."""
        return {channel for channel in self.public_channels(workspace_id) if not self.is_banned(user_id, channel)}

    def _shared_by(self, workspace_id: str, room: str) -> set[str]:
        audience = set(self._members.get(room, _NOBODY))
        if self.kind_of(room) is ChannelKind.PUBLIC:
            roles = self._roles.get(workspace_id, _NO_ROLES)
            audience.update(
                user for user, role in roles.items() if role is not Role.GUEST and not self.is_banned(user, room)
            )
        audience -= self.bots
        if not audience:
            return {room}
        only_members = {user for user in audience if not self._is_insider(workspace_id, user)}
        public = self.public_channels(workspace_id)
        shared: set[str] = set()
        for channel in self.channels_of_workspace(workspace_id):
            closed_to = audience
            if channel in public:
                bans = self._bans.get(channel, _NO_BANS)
                closed_to = only_members | {user for user in audience & bans.keys() if self.is_banned(user, channel)}
            if closed_to <= self._members.get(channel, _NOBODY).keys():
                shared.add(channel)
        return shared | {room}

    def _forget_answers(self, workspace_id: str | None) -> None:
        if workspace_id is not None:
            self._readable.pop(workspace_id, None)
            self._by_room.pop(workspace_id, None)

    def _share(self, text: str) -> str:
        return self._shared_ids.setdefault(text, text)


def _role(name: str) -> Role:
    """A role that this release does not know is the least one."""
    try:
        return Role(name)
    except ValueError:
        return Role.GUEST
