"""Random histories of a few people and channels against the rule itself, written down as plainly as it can be.

A history is what chat would commit. It reaches the projection as it may in production: on top of a snapshot taken
somewhere in the middle, from a place before that snapshot on, with parts of it once more (the relay went back), and
with single membership changes of channels repeated late.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tertulia_shared import events
from tertulia_shared.events import BOT_USER_ID, ChannelKind, Role
from tertulia_shared.membership import Projection, Revocations
from tertulia_shared.membership.snapshot import Line, take

NOW = datetime(2026, 11, 24, tzinfo=UTC)
WORKSPACES = ("W", "V")
PEOPLE = ("ada", "bob", "eve", "gil", BOT_USER_ID)
KINDS = tuple(ChannelKind)
ROLES = tuple(Role)


@dataclass
class Truth:
    """What chat has committed, and the events of it. `lines` is its snapshot."""

    roles: dict[tuple[str, str], Role] = field(default_factory=dict)
    kinds: dict[str, ChannelKind] = field(default_factory=dict)
    members: dict[str, dict[str, int]] = field(default_factory=dict)
    seqs: dict[str, int] = field(default_factory=dict)
    bans: dict[tuple[str, str], float] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    clock: float = 0.0
    told: list[tuple[events.Fact, str, str | None, int | None]] = field(default_factory=list)

    def admit(self, workspace: str, user: str, role: Role) -> None:
        if (workspace, user) not in self.roles:
            role = Role.MEMBER if user == BOT_USER_ID else role
            self.roles[workspace, user] = role
            self.told.append((events.WorkspaceMemberJoined(user=_user(user), role=role), workspace, None, None))

    def dismiss(self, workspace: str, user: str) -> None:
        if self.roles.pop((workspace, user), None) is not None:
            for channel in self.kinds:
                if channel.startswith(workspace):
                    self.leave(channel, user)
            fact = events.WorkspaceMemberLeft(user_id=user, reason=events.LeaveReason.LEFT)
            self.told.append((fact, workspace, None, None))

    def give_role(self, workspace: str, user: str, role: Role) -> None:
        if self.roles.get((workspace, user), role) is not role and user != BOT_USER_ID:
            self.roles[workspace, user] = role
            self.told.append((events.WorkspaceMemberUpdated(user_id=user, role=role), workspace, None, None))

    def privatise(self, channel: str) -> None:
        if self.kinds[channel] is ChannelKind.PUBLIC:
            self.kinds[channel] = ChannelKind.PRIVATE
            self.seqs[channel] += 1
            fact = events.ChannelUpdated(channel=self._view(channel))
            self.told.append((fact, channel[0], channel, None))
            self.told.append((fact, channel[0], channel, self.seqs[channel]))

    def delete(self, channel: str) -> None:
        """The workspace is told what `privatise` tells it, each of the people that they left, and the services."""
        if channel in self.deleted:
            return
        self.deleted.add(channel)
        if self.kinds[channel] is ChannelKind.PUBLIC:
            self.kinds[channel] = ChannelKind.PRIVATE
            view = msgspec.structs.replace(self._view(channel), last_seq=self.seqs[channel] + 1)
            self.told.append((events.ChannelUpdated(channel=view), channel[0], channel, None))
        self.kinds[channel] = ChannelKind.PRIVATE
        for user in list(self.members[channel]):
            self.leave(channel, user)
        self.seqs[channel] += 1
        self.told.append((events.ChannelDeleted(channel_id=channel), channel[0], channel, self.seqs[channel]))

    def create(self, workspace: str, kind: ChannelKind, user: str) -> None:
        if (workspace, user) in self.roles and len(self.kinds) < 8:
            channel = f"{workspace}{len(self.kinds)}"
            self.kinds[channel], self.members[channel], self.seqs[channel] = kind, {}, 0
            self.join(channel, user)
            self.told.append((events.ChannelCreated(channel=self._view(channel)), workspace, channel, None))

    def join(self, channel: str, user: str) -> None:
        may_join = (channel[0], user) in self.roles and (channel, user) not in self.bans
        may_join = may_join and channel not in self.deleted
        if may_join and user not in self.members[channel]:
            self.seqs[channel] += 1
            self.members[channel][user] = self.seqs[channel]
            fact = events.MemberJoined(channel=self._view(channel), user=_user(user), role=Role.MEMBER)
            self.told.append((fact, channel[0], channel, self.seqs[channel]))

    def leave(self, channel: str, user: str) -> None:
        if self.members[channel].pop(user, None) is not None:
            self.seqs[channel] += 1
            fact = events.MemberLeft(user_id=user, reason=events.LeaveReason.LEFT)
            self.told.append((fact, channel[0], channel, self.seqs[channel]))

    def ban(self, channel: str, user: str, *, banned: bool) -> None:
        """Told before the departure, as chat does."""
        self.clock += 1
        self.bans.pop((channel, user), None)
        if banned:
            self.bans[channel, user] = self.clock
        at = datetime.fromtimestamp(self.clock, UTC)
        fact = events.BanUpdated(channel_id=channel, user_id=user, banned=banned, at=at)
        self.told.append((fact, channel[0], channel, None))
        if banned:
            self.leave(channel, user)

    def lines(self) -> list[dict[str, Any]]:
        return [
            *({"c": c, "w": c[0], "u": u, "s": s} for c, members in self.members.items() for u, s in members.items()),
            *(
                {"c": c, "n": n, "w": c[0], "k": self.kinds[c], "name": c, "bans": self._bans_from(c)}
                for c, n in self.seqs.items()
            ),
            *(
                {"w": w, "u": u, "role": role, "name": u, "bot": u == BOT_USER_ID}
                for (w, u), role in self.roles.items()
            ),
        ]

    def may_read(self, user: str, channel: str) -> bool:
        role = self.roles.get((channel[0], user))
        public = self.kinds[channel] is ChannelKind.PUBLIC and (channel, user) not in self.bans
        return user in self.members[channel] or (public and role is not None and role is not Role.GUEST)

    def readable(self, workspace: str, user: str) -> set[str]:
        return {channel for channel in self.kinds if channel[0] == workspace and self.may_read(user, channel)}

    def readable_by_room(self, room: str) -> set[str]:
        audience = [user for user in PEOPLE if user != BOT_USER_ID and self.may_read(user, room)]
        if not audience:
            return {room}
        return {room} | set.intersection(*(self.readable(room[0], user) for user in audience))

    def _bans_from(self, channel: str) -> dict[str, tuple[None, float]]:
        return {user: (None, at) for (place, user), at in self.bans.items() if place == channel}

    def _view(self, channel: str) -> events.Channel:
        return events.Channel(
            id=channel,
            workspace_id=channel[0],
            kind=self.kinds[channel],
            name=channel,
            topic="",
            created_by="x",
            created_at=NOW,
            last_seq=self.seqs[channel],
        )


def _user(user: str) -> events.User:
    kind = events.UserKind.BOT if user == BOT_USER_ID else events.UserKind.PERSON
    return events.User(id=user, username=user, display_name=user, created_at=NOW, kind=kind)


STEPS = st.lists(
    st.tuples(st.integers(0, 14), st.integers(0, 999), st.integers(0, 999), st.integers(0, 999)), max_size=60
)


def _step(truth: Truth, what: int, a: int, b: int, c: int) -> None:
    workspace, user = WORKSPACES[a % 2], PEOPLE[b % len(PEOPLE)]
    channels = list(truth.kinds)
    match what:
        case 0 | 1:
            truth.admit(workspace, user, ROLES[c % len(ROLES)])
        case 2:
            truth.dismiss(workspace, user)
        case 3 | 4:
            truth.create(workspace, KINDS[c % len(KINDS)], user)
        case 5 | 6 | 7 if channels:
            truth.join(channels[c % len(channels)], user)
        case 8 | 9 if channels:
            truth.leave(channels[c % len(channels)], user)
        case 10:
            truth.give_role(workspace, user, ROLES[c % len(ROLES)])
        case 11 if channels:
            truth.privatise(channels[c % len(channels)])
        case 12 | 13 if channels:
            truth.ban(channels[c % len(channels)], user, banned=what == 12)
        case 14 if channels:
            truth.delete(channels[c % len(channels)])
        case _:
            pass


def _ask_everything(projection: Projection, channels: list[str]) -> None:
    """So that there is something remembered that must be forgotten."""
    for channel in channels:
        projection.readable_by_room(channel)
    for workspace in WORKSPACES:
        for user in PEOPLE:
            projection.readable(workspace, user)


def _check(projection: Projection, truth: Truth) -> None:
    for channel in truth.kinds:
        for user in PEOPLE:
            assert projection.may_read(user, channel) == truth.may_read(user, channel), (user, channel)
            assert projection.is_member(user, channel) == (user in truth.members[channel]), (user, channel)
        assert projection.readable_by_room(channel) == truth.readable_by_room(channel), channel
    for workspace in WORKSPACES:
        for user in PEOPLE:
            assert projection.readable(workspace, user) == truth.readable(workspace, user), (workspace, user)
            assert projection.role_of(workspace, user) == truth.roles.get((workspace, user))


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, data=st.data())
def test_the_projection_agrees_with_the_rule_however_the_history_reaches_it(
    steps: list[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    truth = Truth()
    snapshot_at = data.draw(st.integers(0, len(steps)), label="snapshot after step")
    lines: list[dict[str, Any]] = []
    told_by_then = 0
    for number, step in enumerate([*steps, None]):
        if number == snapshot_at:
            lines, told_by_then = truth.lines(), len(truth.told)
        if step is not None:
            _step(truth, *step)

    projection, revocations = Projection(), Revocations()
    for line in lines:
        take(msgspec.convert(line, Line), projection, revocations)
    begin = data.draw(st.integers(0, told_by_then), label="events from")
    rewind_at = data.draw(st.integers(begin, len(truth.told)), label="the relay goes back at")
    rewind_to = data.draw(st.integers(begin, rewind_at), label="to")
    late = data.draw(st.lists(st.integers(0, 999), max_size=5), label="repeated late")
    ask = data.draw(st.booleans(), label="ask in between")

    for position in [*range(begin, rewind_at), *range(rewind_to, len(truth.told))]:
        projection.apply(*truth.told[position])
        if position and position % 7 == 0 and late:
            repeated = truth.told[late.pop() % position]
            if repeated[3] is not None:
                projection.apply(*repeated)
        if ask:
            _ask_everything(projection, list(truth.kinds))
    _check(projection, truth)
