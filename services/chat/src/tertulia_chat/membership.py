"""The only way to open a channel, and to change it, who is in it and as what.

Every change takes the channel's next `ch_seq` under its row lock and records the event in the same transaction, so a
joining or leaving has an exact place between the messages. What people should know of it the channel says behind that
(`notes`). Callers lock several channels in the order of their ids.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, select

from tertulia_chat.errors import Banned, PersonBanned
from tertulia_chat.notes import Note, of_change, of_people, say
from tertulia_chat.outbox import NewEvent, record
from tertulia_chat.sanctions import Laid, laid_in, laid_on, mute_of
from tertulia_chat.tables import (
    ChannelMemberRow,
    ChannelRow,
    DeletedChannelRow,
    SanctionKind,
    SanctionRow,
    UserRow,
    WorkspaceRow,
    now,
)
from tertulia_shared.events import (
    Channel,
    ChannelArchived,
    ChannelCreated,
    ChannelDeleted,
    ChannelKind,
    ChannelUpdated,
    Fact,
    LeaveReason,
    MemberJoined,
    MemberLeft,
    MemberUpdated,
    Removal,
    Role,
    SystemKind,
)

TOLD_AT_ONCE = 1_000
"""Events of one statement, and of one turn on the event loop, when a whole channel leaves."""


@dataclass(slots=True)
class _Entering:
    """People coming into a locked or brand-new channel, in order. `inside` is complete for direct channels only."""

    session: AsyncSession
    channel: ChannelRow
    actor_id: UUID
    laid: Laid = field(default_factory=dict[UUID, dict[SanctionKind, SanctionRow]])
    inside: list[UUID] = field(default_factory=list[UUID])
    events: list[NewEvent] = field(default_factory=list[NewEvent])

    def check_bans(self, people: Iterable[UserRow]) -> None:
        """Raises Banned, PersonBanned."""
        for user in people:
            if SanctionKind.BAN in self.laid.get(user.id, {}):
                raise Banned if user.id == self.actor_id else PersonBanned

    def enter(self, user: UserRow, role: Role) -> ChannelMemberRow:
        channel = self.channel
        channel.last_seq += 1
        channel.member_count += 1
        member = ChannelMemberRow(
            channel_id=channel.id,
            user_id=user.id,
            workspace_id=channel.workspace_id,
            role=role,
            joined_seq=channel.last_seq,
            read_seq=channel.last_seq,
        )
        self.session.add_all([channel, member])
        self.inside.append(user.id)
        fact = MemberJoined(
            channel=channel.view(self.inside), user=user.view(), role=role, muted_until=mute_of(self.laid, user.id)
        )
        self.events.append(sequenced(fact, channel, self.actor_id))
        return member


async def open_channel(
    session: AsyncSession, channel: ChannelRow, people: Iterable[UserRow], *, actor_id: UUID
) -> Channel:
    """Store a new channel and put its first people in; whoever acts owns it.

    The workspace hears of a public channel, only its people of any other. Their joining comes first, so that by the
    time of `channel.created` everybody knows who they are. A channel says nothing of those it begins with.
    """
    session.add(channel)
    await session.flush()
    entering = _Entering(session, channel, actor_id)
    for user in people:
        owner = user.id == actor_id and not channel.is_direct
        entering.enter(user, Role.OWNER if owner else Role.MEMBER)
    await session.flush()
    view = channel.view(entering.inside)
    await record(session, *entering.events, unsequenced(ChannelCreated(channel=view), channel, actor_id))
    return view


async def lock_channels(session: AsyncSession, channel_ids: Iterable[UUID]) -> list[ChannelRow]:
    """Lock the rows, always in the same order, and read what they hold now."""
    query = (
        select(ChannelRow)
        .where(col(ChannelRow.id).in_(sorted(channel_ids)))
        .order_by(col(ChannelRow.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(query))


async def people_of(session: AsyncSession, channel_ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """Who is in each channel; meant for direct channels, which are small."""
    query = select(ChannelMemberRow.channel_id, ChannelMemberRow.user_id).where(
        col(ChannelMemberRow.channel_id).in_(list(channel_ids))
    )
    people: dict[UUID, list[UUID]] = {}
    for channel_id, user_id in await session.execute(query):
        people.setdefault(channel_id, []).append(user_id)
    return people


async def view_channel(session: AsyncSession, channel: ChannelRow) -> Channel:
    """The public view, with the people of a direct channel."""
    if not channel.is_direct:
        return channel.view()
    return channel.view((await people_of(session, [channel.id])).get(channel.id, []))


async def add_people(
    session: AsyncSession, channel: ChannelRow, people: Iterable[UserRow], *, role: Role, actor_id: UUID
) -> list[ChannelMemberRow]:
    """Put people into a locked channel. Who is in already stays; returns only the new ones.

    Raises Banned for who comes by themselves, PersonBanned for who is brought in.
    """
    return await add_to_channels(session, [channel], people, role=role, actor_id=actor_id)


async def add_to_channels(
    session: AsyncSession, channels: Sequence[ChannelRow], people: Iterable[UserRow], *, role: Role, actor_id: UUID
) -> list[ChannelMemberRow]:
    """As `add_people`, into several; in as many statements as into one, unless they are direct. Nobody comes into a
    deleted one."""
    channels = [channel for channel in channels if not channel.is_deleted]
    wanted = {user.id: user for user in people}
    query = select(ChannelMemberRow.channel_id, ChannelMemberRow.user_id).where(
        col(ChannelMemberRow.channel_id).in_([channel.id for channel in channels]),
        col(ChannelMemberRow.user_id).in_(list(wanted)),
    )
    present = {(channel_id, user_id) for channel_id, user_id in await session.execute(query)}
    coming = {
        channel.id: [user for user in wanted.values() if (channel.id, user.id) not in present] for channel in channels
    }
    laid = await laid_in(session, [place for place, people in coming.items() if people], list(wanted))
    joined: list[ChannelMemberRow] = []
    events: list[NewEvent] = []
    notes: list[Note] = []
    for channel in channels:
        newcomers = coming[channel.id]
        entering = _Entering(session, channel, actor_id, laid.get(channel.id, {}))
        entering.check_bans(newcomers)
        if channel.is_direct:
            entering.inside = (await people_of(session, [channel.id])).get(channel.id, [])
        joined += [entering.enter(user, role) for user in newcomers]
        events += entering.events
        others = [user.id for user in newcomers if user.id != actor_id]
        notes += of_people(channel, SystemKind.JOINED, [actor_id] * (len(newcomers) - len(others)))
        notes += of_people(channel, SystemKind.ADDED, others)
    await record(session, *events, *await say(session, actor_id, notes))
    return joined


async def remove_person(
    session: AsyncSession,
    channel: ChannelRow,
    user_id: UUID,
    *,
    reason: LeaveReason,
    actor_id: UUID,
    removal: Removal | None = None,
) -> bool:
    """Take a person out of a locked channel; False when they were not in it."""
    removed = await remove_from_channels(session, [channel], user_id, reason=reason, actor_id=actor_id, removal=removal)
    return bool(removed)


async def remove_from_channels(
    session: AsyncSession,
    channels: Sequence[ChannelRow],
    user_id: UUID,
    *,
    reason: LeaveReason,
    actor_id: UUID,
    removal: Removal | None = None,
) -> list[ChannelRow]:
    """As `remove_person`, out of several, in as many statements; returns those that the person was in."""
    removed = await session.execute(
        delete(ChannelMemberRow)
        .where(
            col(ChannelMemberRow.channel_id).in_([channel.id for channel in channels]),
            col(ChannelMemberRow.user_id) == user_id,
        )
        .returning(col(ChannelMemberRow.channel_id))
    )
    left_ids = set(removed.scalars())
    left = [channel for channel in channels if channel.id in left_ids]
    events: list[NewEvent] = []
    notes: list[Note] = []
    kind = SystemKind.LEFT if reason is LeaveReason.LEFT else SystemKind.REMOVED
    for channel in left:
        channel.last_seq += 1
        channel.last_left_seq = channel.last_seq
        channel.member_count -= 1
        session.add(channel)
        fact = MemberLeft(user_id=str(user_id), reason=reason, removal=removal)
        events.append(sequenced(fact, channel, actor_id))
        notes += of_people(channel, kind, [user_id])
    await record(session, *events, *await say(session, actor_id, notes))
    return left


async def change_role(
    session: AsyncSession, channel: ChannelRow, member: ChannelMemberRow, role: Role, *, actor_id: UUID
) -> None:
    """Give a member of a locked channel another role in it; the same one is no change.

    Who stops owning the channel may have a message under way that only owners send: as with a departure,
    `last_left_seq` makes it look again.
    """
    if member.role == role:
        return
    member.role = role
    channel.last_seq += 1
    if role != Role.OWNER:
        channel.last_left_seq = channel.last_seq
    session.add_all([channel, member])
    await session.flush()
    await _tell_member(session, channel, member, actor_id)


async def tell_muted(session: AsyncSession, channel: ChannelRow, member: ChannelMemberRow, *, actor_id: UUID) -> None:
    """A member of a locked channel was muted in it, or no longer is.

    They may have a message under way: as with a departure, `last_left_seq` makes it look again.
    """
    channel.last_seq += 1
    channel.last_left_seq = channel.last_seq
    session.add(channel)
    await session.flush()
    await _tell_member(session, channel, member, actor_id)


async def _tell_member(session: AsyncSession, channel: ChannelRow, member: ChannelMemberRow, actor_id: UUID) -> None:
    laid = await laid_on(session, channel.id, [member.user_id])
    until = mute_of(laid, member.user_id)
    fact = MemberUpdated(user_id=str(member.user_id), role=Role(member.role), muted_until=until)
    await record(session, sequenced(fact, channel, actor_id))


async def record_change(
    session: AsyncSession,
    kind: type[ChannelUpdated | ChannelArchived],
    channel: ChannelRow,
    *,
    was: Channel,
    actor_id: UUID,
) -> Channel:
    """Number what was changed in the row of a locked channel since `was`, and tell it.

    An event goes to one place, and a public channel has two kinds of readers. Its people must get each of its numbers,
    so they are told with the next `ch_seq` (scope "ch"). The rest of the workspace, which finds and reads the channel
    without being in it, gets no numbers of it and is told the same without one (scope "ws"). That comes first: whoever
    hears both ends with what the people of the channel were told.

    When the channel stops being public, the workspace is told its new kind and nothing else that is new: for them it is
    gone, and its next name is not theirs to know.
    """
    channel.last_seq += 1
    session.add(channel)
    view = channel.view()
    events = [sequenced(kind(channel=view), channel, actor_id)]
    if was.kind is ChannelKind.PUBLIC:
        gone = view.kind is not ChannelKind.PUBLIC
        outside = msgspec.structs.replace(was, kind=view.kind, last_seq=view.last_seq) if gone else view
        events.insert(0, _to_workspace(kind(channel=outside), channel, actor_id))
    notes = await say(session, actor_id, [*of_change(channel, was)])
    await record(session, *events, *notes)
    return channel.view()


async def delete_channel(session: AsyncSession, channel: ChannelRow, *, actor_id: UUID) -> None:
    """A locked channel becomes a private one without people, name or words, which is what nobody can tell from one
    that never was: whoever asks for it is no member, and nobody can bring them in.

    So it is told as that, too, in words that every reader knows: who only could read it hears that it is private, and
    each member that they are no longer in it. They are told one by one, each with a number of its own but to them alone
    (scope "user"): to all of its people, the departures of a large channel would be millions of deliveries. At last the
    services are told, which keep what was said in it (`channel.deleted`).

    A message under way looks again, as with a departure. What is in the channel goes afterwards (`purge`).
    """
    was = channel.view()
    people = await session.scalars(
        delete(ChannelMemberRow)
        .where(col(ChannelMemberRow.channel_id) == channel.id)
        .returning(col(ChannelMemberRow.user_id))
    )
    events: list[NewEvent] = []
    if was.kind is ChannelKind.PUBLIC:
        outside = msgspec.structs.replace(was, kind=ChannelKind.PRIVATE, last_seq=channel.last_seq + 1)
        events.append(_to_workspace(ChannelUpdated(channel=outside), channel, actor_id))
    events += [_seen_off(channel, user_id, actor_id) for user_id in sorted(people)]
    channel.last_seq += 1
    events.append(sequenced(ChannelDeleted(channel_id=str(channel.id)), channel, actor_id))
    channel.last_left_seq = channel.last_seq
    channel.kind, channel.name, channel.topic, channel.purpose = ChannelKind.PRIVATE, channel.name_when_deleted, "", ""
    channel.archived_at = channel.archived_at or now()
    channel.member_count = 0
    session.add_all([channel, DeletedChannelRow(channel_id=channel.id, workspace_id=channel.workspace_id)])
    await session.flush()
    for start in range(0, len(events), TOLD_AT_ONCE):
        await record(session, *events[start : start + TOLD_AT_ONCE])


def _seen_off(channel: ChannelRow, user_id: UUID, actor_id: UUID) -> NewEvent:
    channel.last_seq += 1
    fact = MemberLeft(user_id=str(user_id), reason=LeaveReason.REMOVED)
    return replace(sequenced(fact, channel, actor_id), scope="user", scope_id=str(user_id))


def sequenced(fact: Fact, channel: ChannelRow, actor_id: UUID) -> NewEvent:
    """An event that holds the channel's present `last_seq` as its number."""
    return NewEvent(
        fact=fact,
        workspace_id=str(channel.workspace_id),
        scope="ch",
        scope_id=str(channel.id),
        channel_id=str(channel.id),
        ch_seq=channel.last_seq,
        actor_id=str(actor_id),
    )


def unsequenced(fact: Fact, channel: ChannelRow, actor_id: UUID) -> NewEvent:
    """An event about a channel that is no entry in its history. It keeps the channel's lane on the bus."""
    if channel.kind == ChannelKind.PUBLIC:
        return _to_workspace(fact, channel, actor_id)
    return replace(sequenced(fact, channel, actor_id), ch_seq=None)


def to_workspace(fact: Fact, workspace: WorkspaceRow, actor_id: UUID) -> NewEvent:
    """An event about the workspace itself, or somebody's seat in it."""
    here = str(workspace.id)
    return NewEvent(fact=fact, workspace_id=here, scope="ws", scope_id=here, actor_id=str(actor_id))


def _to_workspace(fact: Fact, channel: ChannelRow, actor_id: UUID) -> NewEvent:
    here = str(channel.workspace_id)
    return replace(sequenced(fact, channel, actor_id), scope="ws", scope_id=here, ch_seq=None)
