"""One event of the stream as this process needs it."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from tertulia_notify.delivery import frames
from tertulia_shared.cursors import CursorSealer, Position
from tertulia_shared.events import (
    INTERNAL_TYPES,
    Address,
    BanUpdated,
    CanarySent,
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
        CanarySent,
    )
)
"""Types whose facts this service reads. Every other event passes through as bytes."""


Seal = Callable[[int], str]
"""Makes the event id of a sequence number."""


class NotAnEvent(Exception):
    """A message on the stream that breaks the contract; it is counted, logged and passed over."""


class Event:
    """Immutable to whoever looks at it; shared by the ring and by every connection's queue.

    `visible` is False for what no client may see. `leaver` is the user whom a `member.left` is about: it is theirs to
    see although they are no longer a member. `channel_id` is the channel that an event for a whole workspace, or
    a departure, is about.
    `size` is what the ring counts: the bytes of the body.
    """

    __slots__ = (
        "_body",
        "_frame",
        "_seal",
        "ch_seq",
        "channel_id",
        "fact",
        "id",
        "leaver",
        "scope",
        "seq",
        "size",
        "target",
        "time_ms",
        "trace",
        "type",
        "visible",
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
        body: bytes,
        seal: Seal,
        visible: bool = True,
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
        self.visible = visible
        self.size = len(body) if visible else 0
        self.trace = trace
        """Where the event comes from, while spans are recorded."""
        self.leaver = fact.user_id if isinstance(fact, MemberLeft | WorkspaceMemberLeft) else None
        self._body = body if visible else b""
        self._seal = seal
        self._frame: bytes | None = None

    @property
    def frame(self) -> bytes:
        """Of a visible event, the same for everybody. Built for the first who asks: of the many replicas that receive
        an event most have nobody to show it to."""
        if self._frame is None:
            self._frame = frames.durable(self._seal(self.seq), self.type, self._body)
            self._body = b""
        return self._frame


class EventReader:
    """Turns messages, live or stored, into events of one epoch."""

    def __init__(self, topology: Topology, sealer: CursorSealer) -> None:
        self._topology = topology
        self._sealer = sealer
        self._epoch = ""
        self._seal: Seal = self._sealing("")

    def read(self, epoch: str, seq: int, subject: str, headers: Mapping[str, str], data: bytes) -> Event:
        """Raises NotAnEvent."""
        if epoch != self._epoch:
            self._epoch, self._seal = epoch, self._sealing(epoch)
        try:
            address = self._topology.parse(subject)
            event_type = headers[H_TYPE]
            ch_seq, time_ms = headers.get(H_CH_SEQ), headers.get(H_TIME)
            return Event(
                seq=seq,
                event_id=headers[H_MSG_ID],
                event_type=event_type,
                scope=address.scope,
                target=address.id,
                workspace_id=address.workspace_id,
                ch_seq=None if ch_seq is None else int(ch_seq),
                time_ms=None if time_ms is None else int(time_ms),
                fact=decode(decode_envelope(data)) if event_type in ACTED_ON else None,
                body=data,
                seal=self._seal,
                visible=event_type not in INTERNAL_TYPES,
                channel_id=_channel_of(address, event_type, data),
                trace=extract(headers) if recording() else None,
            )
        except (KeyError, ValueError, RecursionError, msgspec.DecodeError) as error:
            # RecursionError: a body nested too deeply.
            raise NotAnEvent(f"{subject}: {error!r}") from error

    def _sealing(self, epoch: str) -> Seal:
        """One object for all events of an epoch."""
        return lambda seq: self._sealer.seal_event(Position(epoch, seq))


def _channel_of(address: Address, event_type: str, data: bytes) -> str | None:
    """When a channel is deleted its people leave at once, and each is told for themselves."""
    if address.scope == "ws" or event_type == MemberLeft.type:
        return decode_envelope(data).channel_id
    return None
