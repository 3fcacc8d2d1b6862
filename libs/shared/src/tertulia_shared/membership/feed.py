"""The projection kept current: chat's snapshot first, then what the live stream says.

A component for every service that must know who may read what. While the stream or chat is away it keeps the last
projection it had; `check` says when that can no longer be called current. `projection` is another object after a new
life of the stream: ask for it each time.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from prometheus_client import Counter, Gauge

from tertulia_shared.bus import Bus, FollowLimits, StreamFollower, StreamState
from tertulia_shared.cursors import Position
from tertulia_shared.events import (
    BanUpdated,
    ChannelArchived,
    ChannelCreated,
    ChannelUpdated,
    MemberJoined,
    MemberLeft,
    SessionRevoked,
    UserUpdated,
    WorkspaceMemberJoined,
    WorkspaceMemberLeft,
    WorkspaceMemberUpdated,
    decode,
    decode_envelope,
)
from tertulia_shared.events.subjects import H_MSG_ID, H_TYPE
from tertulia_shared.membership.projection import Projection
from tertulia_shared.membership.revocations import Revocations
from tertulia_shared.membership.snapshot import SnapshotLoader
from tertulia_shared.telemetry import logger
from tertulia_shared.tokens import ServiceTokens

log = logger(__name__)

LIMITS = FollowLimits(tail_check_s=1.0)
REMEMBERED_IDS = 1_000
FORGET_EVERY = 10_000
"""Events between two looks at which ended sessions may be forgotten."""
SETTLES_S = 2.0
"""How long a refusal waits for what may be on its way from chat. Under load an event takes some hundredths of that."""

ACTED_ON: Final = frozenset(
    fact.type
    for fact in (
        MemberJoined,
        MemberLeft,
        WorkspaceMemberJoined,
        WorkspaceMemberLeft,
        WorkspaceMemberUpdated,
        ChannelCreated,
        ChannelUpdated,
        ChannelArchived,
        UserUpdated,
        BanUpdated,
        SessionRevoked,
    )
)
"""Every other event passes by undecoded."""

POSITION = Gauge("membership_position", "Stream sequence that the membership projection has reached.")
MEMBERSHIPS = Gauge("membership_memberships", "Channel memberships in the last snapshot.")
DOUBTS = Counter("membership_doubts", "Times that the projection's completeness was in doubt, by reason.", ["reason"])
MALFORMED = Counter("membership_malformed_events", "Membership events that break the contract.")


class MembershipFeed(StreamFollower):
    name = "memberships"
    far_behind = 10_000

    def __init__(
        self, bus: Bus, chat_url: str, tokens: ServiceTokens, service: str, limits: FollowLimits = LIMITS
    ) -> None:
        super().__init__(bus, limits)
        self.projection = Projection()
        self.revocations = Revocations()
        self._snapshot = SnapshotLoader(chat_url, tokens, self.revocations, service)
        self._place = Position("", 0)
        self._ids: dict[int, str] = {}
        self._changed = asyncio.Event()

    @property
    def position(self) -> int:
        """The stream's sequence number up to which everything is in the projection."""
        return self._place.seq

    def place(self) -> Position:
        return self._place

    async def check(self) -> None:
        """For /readyz: raises until the first projection is there, and when it may have been outdated for seconds."""
        if not self.serving:
            raise RuntimeError(f"memberships are {self.state}")

    async def settled(self, holds: Callable[[Projection], bool]) -> bool:
        """Whether it holds, now or within SETTLES_S.

        The projection follows chat by milliseconds: who was let in by chat a moment ago, and asks another service at
        once, is waited for. Only a refusal costs that time.
        """
        try:
            async with asyncio.timeout(SETTLES_S):
                while not holds(self.projection):
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def begin(self, state: StreamState) -> None:
        self.projection = await self._snapshot.load()
        self._tell_changed()
        self._ids.clear()
        self._reach(Position(state.incarnation, state.last_seq))
        MEMBERSHIPS.set(self.projection.memberships)

    def accept(self, seq: int, subject: str, headers: Mapping[str, str], data: bytes) -> None:
        if headers.get(H_TYPE) in ACTED_ON:
            try:
                self._apply(data)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                # One bad message must not stop everything that follows it.
                MALFORMED.inc()
                log.error("membership.malformed", seq=seq, subject=subject, error=str(error))
        if seq % FORGET_EVERY == 0:
            self.revocations.forget_expired()
        self._ids[seq] = headers.get(H_MSG_ID, "")
        self._ids.pop(seq - REMEMBERED_IDS, None)
        self._reach(Position(self._place.epoch, seq))

    def pass_over(self, seq: int) -> None:
        self._reach(Position(self._place.epoch, seq))

    def id_at(self, seq: int) -> str | None:
        return self._ids.get(seq)

    def on_doubt(self, reason: str) -> None:
        DOUBTS.labels(reason).inc()

    def _apply(self, data: bytes) -> None:
        envelope = decode_envelope(data)
        fact = decode(envelope)
        if isinstance(fact, SessionRevoked):
            self.revocations.add(fact.session_id)
        else:
            self.projection.apply(fact, envelope.workspace_id, envelope.channel_id, envelope.ch_seq)
            self._tell_changed()

    def _tell_changed(self) -> None:
        """Wakes everybody who waits; who asks again from then on waits for the next change."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _reach(self, position: Position) -> None:
        self._place = position
        POSITION.set(position.seq)
