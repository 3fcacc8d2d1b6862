"""Members of channels and workspaces, as the events tell it, on top of a snapshot.

A membership change is applied only when it is news: changes of one channel carry its gap-free `ch_seq` and arrive in
that order, so one at or below what was already applied is a repetition (the relay may publish twice), and a `left`
below the `ch_seq` at which the person (re)joined is older than the snapshot. The snapshot says how far each channel was
when it was taken, so no older joining can undo a removal. Workspace membership carries no number;
its events arrive in their own order, and channel memberships never depend on it: leaving a workspace sends a
`member.left` for each channel.
"""

from collections.abc import Set as AbstractSet

from tertulia_shared.events import (
    Fact,
    MemberJoined,
    MemberLeft,
    Role,
    WorkspaceMemberJoined,
    WorkspaceMemberLeft,
)

_NOBODY: dict[str, int] = {}
_NONE: frozenset[str] = frozenset()


class Projection:
    """Ids of users, channels and workspaces are shared objects: a hundred thousand memberships fit in some 30 MB."""

    def __init__(self) -> None:
        self._members: dict[str, dict[str, int]] = {}
        self._channels_of: dict[str, set[str]] = {}
        self._workspace_of: dict[str, str] = {}
        self._applied: dict[str, int] = {}
        self._workspace_members: dict[str, set[str]] = {}
        self._guests: dict[str, set[str]] = {}
        self._workspaces_of: dict[str, set[str]] = {}
        self._shared_ids: dict[str, str] = {}

    @property
    def memberships(self) -> int:
        return sum(len(members) for members in self._members.values())

    def joined_at(self, channel_id: str, user_id: str) -> int | None:
        """The `ch_seq` of the member's (latest) joining; None for a non-member."""
        return self._members.get(channel_id, _NOBODY).get(user_id)

    def channels_of(self, user_id: str) -> AbstractSet[str]:
        return self._channels_of.get(user_id, _NONE)

    def workspace_of(self, channel_id: str) -> str | None:
        return self._workspace_of.get(channel_id)

    def workspaces_of(self, user_id: str) -> AbstractSet[str]:
        return self._workspaces_of.get(user_id, _NONE)

    def in_workspace(self, workspace_id: str, user_id: str) -> bool:
        return user_id in self._workspace_members.get(workspace_id, _NONE)

    def is_guest(self, workspace_id: str, user_id: str) -> bool:
        return user_id in self._guests.get(workspace_id, _NONE)

    def apply(self, fact: Fact | None, workspace_id: str | None, channel_id: str | None, ch_seq: int | None) -> bool:
        """Whether the event changed a membership."""
        match fact:
            case MemberJoined() if channel_id and workspace_id and self._is_news(channel_id, ch_seq):
                return self.join(channel_id, workspace_id, fact.user.id, ch_seq or 0)
            case MemberLeft() if channel_id and self._is_news(channel_id, ch_seq):
                return self._leave(channel_id, fact.user_id, ch_seq or 0)
            case WorkspaceMemberJoined() if workspace_id:
                return self.join_workspace(workspace_id, fact.user.id, fact.role)
            case WorkspaceMemberLeft() if workspace_id:
                return self._leave_workspace(workspace_id, fact.user_id)
            case _:
                return False

    def join(self, channel_id: str, workspace_id: str, user_id: str, joined_at: int) -> bool:
        channel_id, user_id = self._share(channel_id), self._share(user_id)
        self._workspace_of.setdefault(channel_id, self._share(workspace_id))
        members = self._members.setdefault(channel_id, {})
        before = members.get(user_id)
        members[user_id] = joined_at if before is None else max(before, joined_at)
        self._channels_of.setdefault(user_id, set()).add(channel_id)
        return before is None

    def reflects(self, channel_id: str, ch_seq: int) -> None:
        """The members known of the channel are those after its change number `ch_seq`."""
        self._applied[self._share(channel_id)] = ch_seq

    def join_workspace(self, workspace_id: str, user_id: str, role: str) -> bool:
        """A role changes only by leaving and joining again, so that of a known member stays."""
        workspace_id, user_id = self._share(workspace_id), self._share(user_id)
        if self.in_workspace(workspace_id, user_id):
            return False
        self._workspace_members.setdefault(workspace_id, set()).add(user_id)
        self._workspaces_of.setdefault(user_id, set()).add(workspace_id)
        if role == Role.GUEST:
            self._guests.setdefault(workspace_id, set()).add(user_id)
        return True

    def _leave(self, channel_id: str, user_id: str, ch_seq: int) -> bool:
        joined_at = self.joined_at(channel_id, user_id)
        if joined_at is None or joined_at > ch_seq:
            return False
        del self._members[channel_id][user_id]
        self._channels_of[user_id].discard(channel_id)
        return True

    def _leave_workspace(self, workspace_id: str, user_id: str) -> bool:
        if not self.in_workspace(workspace_id, user_id):
            return False
        self._workspace_members[workspace_id].discard(user_id)
        self._workspaces_of[user_id].discard(workspace_id)
        self._guests.get(workspace_id, set()).discard(user_id)
        return True

    def _is_news(self, channel_id: str, ch_seq: int | None) -> bool:
        if ch_seq is None:
            return False
        if ch_seq <= self._applied.get(channel_id, 0):
            return False
        self._applied[self._share(channel_id)] = ch_seq
        return True

    def _share(self, text: str) -> str:
        return self._shared_ids.setdefault(text, text)
