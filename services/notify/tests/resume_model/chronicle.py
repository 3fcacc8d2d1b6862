"""What people do, and what becomes of the stream that tells it."""

from uuid import UUID

from uuid_utils import uuid4

from resume_model.clients import Device
from resume_model.standing import ABOUT, ADA, BOB, CHANNELS, EVE, HOMES, NOW, WORKSPACES, Entry, Log, Standing, time_of
from resume_model.streams import MemoryStream, NatsStream
from tertulia_shared import events
from tertulia_shared.bus import Outgoing
from tertulia_shared.events import ChannelKind, LeaveReason, Role, subjects


class Chronicle:
    """Everything that ever happened, in every life of the stream, and how things stand now."""

    def __init__(self, stream: MemoryStream | NatsStream, life: str) -> None:
        self.stream = stream
        self.life = life[:16]
        self.lives = {self.life: Log()}
        self.truth = Standing()
        self.deeds = 0
        self._done: list[Entry] = []
        for person, role in ((ADA, "member"), (BOB, "guest")):
            self.truth.roles["west", person] = role
            self.truth.members["tea", person] = 0

    @property
    def log(self) -> Log:
        return self.lives[self.life]

    # -- what people do --------------------------------------------------------------------------------------------

    async def write(self, step: int, person: str, device: Device) -> None:
        step, what = divmod(step, 12)
        channel, workspace = CHANNELS[step % 3], WORKSPACES[step % 2]
        match what:
            case 0 | 1 | 2:
                for _ in range(step // 3 % 4 + 1):
                    await self._say(channel)
            case 3 | 4:
                about = ABOUT[workspace][step // 2 % 2]
                fact = events.ChannelUpdated(channel=channel_of(about or "tea"))
                await self._deed("announced", fact, workspace, value=about, channel=about)
            case 5:
                wish = events.PresenceSettings(state=events.PresenceWish.AUTO)
                await self._deed("told", events.PresenceUpdated(user_id=person, presence=wish), person)
            case 6 | 7 | 8:
                await self._move(channel, person)
            case 9:
                await self._change_workspace(workspace, person, "member" if step % 4 else "guest")
            case 10:
                await self._change_role(workspace, person)
            case _:
                await (self._ban(channel, person) if step % 3 else self.revoke(device))

    async def _say(self, channel: str) -> None:
        author = self.deeds + 1
        message = events.Message(
            id=str(UUID(int=author)),
            workspace_id=HOMES[channel],
            channel_id=channel,
            ch_seq=author,
            author_id=EVE,
            text=f"number {author}",
            client_msg_id=str(UUID(int=author)),
            created_at=NOW,
        )
        await self._deed("said", events.MessageCreated(message=message), channel)

    async def _move(self, channel: str, person: str) -> None:
        """In or out. Nobody is in a channel of a workspace that they do not belong to, or that they are banned from."""
        if (channel, person) in self.truth.members:
            await self._deed("left", events.MemberLeft(user_id=person, reason=LeaveReason.LEFT), channel, person)
        elif (HOMES[channel], person) in self.truth.roles and not self._banned(channel, person):
            fact = events.MemberJoined(channel=channel_of(channel), user=user_of(person), role=Role.MEMBER)
            await self._deed("joined", fact, channel, person)

    async def _change_workspace(self, workspace: str, person: str, role: str) -> None:
        if (workspace, person) not in self.truth.roles:
            fact = events.WorkspaceMemberJoined(user=user_of(person), role=Role(role))
            await self._deed("admitted", fact, workspace, person, role)
            return
        for channel, home in HOMES.items():
            if home == workspace and (channel, person) in self.truth.members:
                await self._move(channel, person)
        fact = events.WorkspaceMemberLeft(user_id=person, reason=LeaveReason.REMOVED)
        await self._deed("dismissed", fact, workspace, person)

    async def _change_role(self, workspace: str, person: str) -> None:
        role = self.truth.roles.get((workspace, person))
        if role is not None:
            new = "guest" if role == "member" else "member"
            fact = events.WorkspaceMemberUpdated(user_id=person, role=Role(new))
            await self._deed("role", fact, workspace, person, new)

    async def _ban(self, channel: str, person: str) -> None:
        banned = not self._banned(channel, person)
        if banned and (channel, person) in self.truth.members:
            await self._move(channel, person)
        fact = events.BanUpdated(channel_id=channel, user_id=person, banned=banned, at=time_of(self.deeds + 1))
        await self._deed("ban", fact, person, person, f"{channel}/{'yes' if banned else 'no'}", channel=channel)

    async def revoke(self, device: Device) -> None:
        reason = events.RevokeReason.LOGOUT
        fact = events.SessionRevoked(session_id=device.session, user_id=device.person, reason=reason)
        await self._deed("revoked", fact, device.person, device.person, device.session)

    def _banned(self, channel: str, person: str) -> bool:
        return self.truth.bans.get((channel, person), (0, False))[1]

    async def _deed(
        self,
        what: str,
        fact: events.Fact,
        target: str,
        person: str = "",
        value: str | None = None,
        channel: str | None = None,
    ) -> None:
        self.deeds += 1
        entry = Entry(what, target, Outgoing("", b"", {}), person, value, self.deeds)
        entry.outgoing = self._outgoing(entry, fact, channel)
        self.truth.take(entry)
        self._done.append(entry)
        await self._append(entry)

    def _outgoing(self, entry: Entry, fact: events.Fact, channel: str | None) -> Outgoing:
        of_channel = entry.scope == "ch"
        envelope = events.envelope_of(
            fact,
            event_id=str(UUID(int=entry.deed)),
            time=NOW,
            workspace_id=HOMES[entry.target] if of_channel else entry.target if entry.scope == "ws" else None,
            channel_id=entry.target if of_channel else channel,
            ch_seq=entry.deed if of_channel else None,
        )
        headers = {subjects.H_MSG_ID: envelope.id, subjects.H_TYPE: envelope.type}
        if of_channel:
            headers[subjects.H_CH_SEQ] = str(entry.deed)
        address = events.Address(0, envelope.workspace_id, entry.scope, entry.target)
        return Outgoing(self.stream.bus.topology.evt(address), events.encode(envelope), headers)

    async def _append(self, entry: Entry) -> None:
        entry.seq = await self.stream.append(entry.outgoing)
        self.log.entries.append(entry)
        self.log.stored.add(entry.seq)
        assert entry.seq == len(self.log.entries)

    # -- what happens to the stream --------------------------------------------------------------------------------

    async def happen(self, step: int) -> None:
        step, what = divmod(step, 16)
        log = self.log
        if what < 3:
            await self.expire(step)
        elif what < 6 and log.stored:
            erased = sorted(log.stored)[step % len(log.stored)]
            await self.stream.erase(erased)
            log.stored.discard(erased)
            log.erased.add(erased)
        elif what < 11:
            await self._repeat(step % 6 + 1)
        elif what < 15:
            header = {subjects.H_MSG_ID: uuid4().hex}
            await self._append(Entry("spoilt", "tea", Outgoing(self._subject_of("tea"), b"nonsense", header)))
        else:
            await self.begin_anew(recreate=step % 2 == 0)

    async def expire(self, step: int) -> None:
        log = self.log
        below = min(log.first + step % 12, len(log.entries) + 1)
        if log.stored:
            await self.stream.expire(below)
            log.stored = {seq for seq in log.stored if seq >= below}

    async def _repeat(self, count: int) -> None:
        """The relay went back, so long after the first time that the stream does not know them again."""
        for entry in self._done[-count:]:
            headers = {**entry.outgoing.headers, subjects.H_MSG_ID: uuid4().hex}
            again = Outgoing(entry.outgoing.subject, entry.outgoing.data, headers)
            await self._append(Entry(entry.what, entry.target, again, entry.person, entry.value, entry.deed))

    async def begin_anew(self, *, recreate: bool) -> None:
        before = self.log
        life = await (self.stream.recreate() if recreate else self.stream.renew())
        self.life = life[:16]
        self.lives[self.life] = Log() if recreate else Log([*before.entries], {*before.stored}, {*before.erased})

    def _subject_of(self, channel: str) -> str:
        return self.stream.bus.topology.evt(events.Address(0, HOMES[channel], "ch", channel))


def channel_of(channel: str) -> events.Channel:
    return events.Channel(
        id=channel,
        workspace_id=HOMES[channel],
        kind=ChannelKind.PRIVATE if channel == "den" else ChannelKind.PUBLIC,
        name=channel,
        topic="",
        created_by=EVE,
        created_at=NOW,
    )


def user_of(person: str) -> events.User:
    return events.User(id=person, username=f"u{person[-1]}", display_name="Somebody", created_at=NOW)
