"""Is what was acknowledged still in the stream? If not, how far back must the relay go?

A JetStream acknowledgement is a very good sign, not a promise: a stream can come back shorter, empty or not at all. The
newest acknowledged message is looked up by its sequence; its id must be the one we know. `Low` in a message's headers
tells that everything below was in the stream before it, so the newest surviving message of a shard says where to begin.
Publishing again what survived is harmless.
"""

from collections.abc import Sequence

from tertulia_chat.outbox.position import ShardPosition, rewound
from tertulia_shared.bus import (
    Bus,
    StoredMessage,
    StreamState,
    ensure_event_stream,
    last_on_shard,
    read_range,
    renew_incarnation,
)
from tertulia_shared.events.subjects import H_LOW, H_MSG_ID
from tertulia_shared.telemetry import logger

log = logger(__name__)


async def verify(bus: Bus, positions: Sequence[ShardPosition]) -> list[ShardPosition]:
    """The positions to go on from, the same ones when all is well. Raises BusError while NATS is away."""
    state = await ensure_event_stream(bus)
    same_life = [each for each in positions if each.incarnation == state.incarnation]
    truncated = bool(same_life) and await _is_truncated(bus, state, same_life)
    if truncated:
        state = await renew_incarnation(bus)
        log.error("the stream came back shorter", last_seq=state.last_seq, incarnation=state.incarnation)
    return [
        position
        if position.incarnation == state.incarnation and not truncated
        else await _go_back(bus, position, state)
        for position in positions
    ]


async def _is_truncated(bus: Bus, state: StreamState, positions: Sequence[ShardPosition]) -> bool:
    newest = max(positions, key=lambda position: position.stream_seq)
    if newest.stream_seq == 0:
        return False
    if state.last_seq < newest.stream_seq:
        return True
    if state.first_seq > newest.stream_seq:
        # Aged out by the stream's own limits.
        return False
    stored = [message async for message in read_range(bus, newest.stream_seq, newest.stream_seq)]
    return not stored or stored[0].headers.get(H_MSG_ID) != newest.event_id


async def _go_back(bus: Bus, position: ShardPosition, state: StreamState) -> ShardPosition:
    last = await last_on_shard(bus, position.shard)
    if last is None:
        return rewound(position, 0, state.incarnation, 0, None)
    return rewound(position, _low_of(last), state.incarnation, last.seq, last.headers.get(H_MSG_ID))


def _low_of(message: StoredMessage) -> int:
    """0, and so everything, for a message that does not say."""
    text = message.headers.get(H_LOW, "")
    return int(text) if text.isdigit() else 0
