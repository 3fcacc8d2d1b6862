"""The projection kept current: chat's snapshot first, then what the live stream says.

A component for every service that must know who may read what. While the stream or chat is away it keeps the last
projection it had; `check` says when that can no longer be called current. `projection` is another object after a new
life of the stream: ask for it each time.
"""

from collections.abc import Mapping
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
from tertulia_shared.membership.settling import Settling
from tertulia_shared.membership.snapshot import SnapshotLoader
from tertulia_shared.telemetry import logger
from tertulia_shared.tokens import ServiceTokens

log = logger(__name__)

LIMITS = FollowLimits(tail_check_s=1.0)
REMEMBERED_IDS = 1_000
FORGET_EVERY = 10_000
"""Events between two looks at which ended sessions may be forgotten."""

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
        self.settling = Settling(lambda: self.projection)

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

    async def begin(self, state: StreamState) -> None:
        self.projection = await self._snapshot.load()
        self.settling.tell()
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
            self.settling.tell()

    def _reach(self, position: Position) -> None:
        self._place = position
        POSITION.set(position.seq)
