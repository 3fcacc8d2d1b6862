"""One delivery of a stored message to a durable consumer, and the answers that JetStream takes for it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tertulia_shared.bus.message import BusMessage, StoredMessage

ACK = b"+ACK"
IN_PROGRESS = b"+WPI"
TERM = b"+TERM"

_SHORT_REPLY_TOKENS = 9


def nak(delay_s: float) -> bytes:
    """Deliver again after `delay_s`. A plain -NAK would mean at once, whatever back-off is configured."""
    return b'-NAK {"delay": %d}' % math.ceil(max(delay_s, 0.001) * 1_000_000_000)


@dataclass(slots=True)
class Delivery:
    """What a handler gets."""

    message: StoredMessage
    attempt: int
    """1 for the first delivery. Counts deliveries, also those that died with their process."""
    reply: str
    """Where the answer goes. A newer delivery of the same message replaces it."""

    @property
    def seq(self) -> int:
        return self.message.seq

    @property
    def subject(self) -> str:
        return self.message.subject

    @property
    def headers(self) -> Mapping[str, str]:
        return self.message.headers

    @property
    def data(self) -> bytes:
        return self.message.data

    @property
    def event_type(self) -> str:
        return self.message.headers.get("Ev-Type", "")


def delivery_of(message: BusMessage) -> Delivery:
    """Raises ValueError when the message did not come from a consumer.

    The reply subject is `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`, with
    `<domain>.<account>` after `ACK` on servers that say so (ADR-15).
    """
    tokens = message.reply.split(".")
    if tokens[:2] != ["$JS", "ACK"] or len(tokens) < _SHORT_REPLY_TOKENS:
        raise ValueError(f"not a delivery: {message.reply!r}")
    start = 2 if len(tokens) == _SHORT_REPLY_TOKENS else 4
    _stream, _consumer, delivered, seq, _consumer_seq, nanoseconds, _pending = tokens[start : start + 7]
    stored = StoredMessage(
        seq=int(seq),
        subject=message.subject,
        headers=message.headers or {},
        data=message.data,
        stamp=datetime.fromtimestamp(int(nanoseconds) / 1e9, UTC),
    )
    return Delivery(stored, int(delivered), message.reply)
