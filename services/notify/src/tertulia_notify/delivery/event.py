"""One event of the stream as this process needs it."""

from collections.abc import Mapping
from typing import Final

import msgspec

from tertulia_notify.delivery import frames
from tertulia_shared.cursors import CursorSealer, Position
from tertulia_shared.events import (
    INTERNAL_TYPES,
    BanUpdated,
    Fact,
    MemberJoined,
    MemberLeft,
    PresenceUpdated,
    Scope,
    SessionRevoked,
    Topology,
    WorkspaceMemberJoined,
    WorkspaceMemberLeft,
    WorkspaceMemberUpdated,
    decode,
    decode_envelope,
)
from tertulia_shared.events.subjects import H_CH_SEQ, H_MSG_ID, H_TIME, H_TYPE
from tertulia_shared.telemetry import TraceContext, extract
from tertulia_shared.telemetry.trace import recording

ACTED_ON: Final = frozenset(
    fact.type
    for fact in (
        MemberJoined,
        MemberLeft,
        WorkspaceMemberJoined,
        WorkspaceMemberLeft,
        WorkspaceMemberUpdated,
        BanUpdated,
        PresenceUpdated,
        SessionRevoked,
    )
)
"""Types whose facts this service reads. Every other event passes through as bytes."""


class NotAnEvent(Exception):
    """A message on the stream that breaks the contract; it is counted, logged and passed over."""


class Event:
    """Immutable by convention; shared by the ring and by every connection's queue.

    `frame` is None for what no client may see. `leaver` is the user whom a `member.left` is about: it is theirs to
    see although they are no longer a member. `channel_id` is the channel that an event for a whole workspace is about.
    """

    __slots__ = (
        "ch_seq",
        "channel_id",
        "fact",
        "frame",
        "id",
        "leaver",
        "scope",
        "seq",
        "target",
        "time_ms",
        "trace",
        "type",
        "workspace_id",
    )

    def __init__(
        self,
        *,
        seq: int,
        event_id: str,
        event_type: str,
        scope: Scope,
        target: str,
        workspace_id: str | None,
        ch_seq: int | None,
        time_ms: int | None,
        fact: Fact | None,
        frame: bytes | None,
        channel_id: str | None = None,
        trace: TraceContext | None = None,
    ) -> None:
        self.seq = seq
        self.id = event_id
        self.type = event_type
        self.scope: Scope = scope
        self.target = target
        self.workspace_id = workspace_id
        self.ch_seq = ch_seq
        self.channel_id = channel_id
        self.time_ms = time_ms
        self.fact = fact
        self.frame = frame
        self.trace = trace
        """Where the event comes from, while spans are recorded."""
        self.leaver = fact.user_id if isinstance(fact, MemberLeft | WorkspaceMemberLeft) else None


class EventReader:
    """Turns messages, live or stored, into events of one epoch."""

    def __init__(self, topology: Topology, sealer: CursorSealer) -> None:
        self._topology = topology
        self._sealer = sealer

    def read(self, epoch: str, seq: int, subject: str, headers: Mapping[str, str], data: bytes) -> Event:
        """Raises NotAnEvent."""
        try:
            address = self._topology.parse(subject)
            event_type = headers[H_TYPE]
            return Event(
                seq=seq,
                event_id=headers[H_MSG_ID],
                event_type=event_type,
                scope=address.scope,
                target=address.id,
                workspace_id=address.workspace_id,
                ch_seq=int(headers[H_CH_SEQ]) if H_CH_SEQ in headers else None,
                time_ms=int(headers[H_TIME]) if H_TIME in headers else None,
                fact=decode(decode_envelope(data)) if event_type in ACTED_ON else None,
                frame=self._frame(epoch, seq, event_type, data),
                channel_id=decode_envelope(data).channel_id if address.scope == "ws" else None,
                trace=extract(headers) if recording() else None,
            )
        except (KeyError, ValueError, msgspec.DecodeError) as error:
            raise NotAnEvent(f"{subject}: {error!r}") from error

    def _frame(self, epoch: str, seq: int, event_type: str, data: bytes) -> bytes | None:
        if event_type in INTERNAL_TYPES:
            return None
        return frames.durable(self._sealer.seal_event(Position(epoch, seq)), event_type, data)
