"""Everything that speaks NATS. Read `connection` first, then `publisher` and `consumer`."""

from tertulia_shared.bus.connection import Bus, Subscription
from tertulia_shared.bus.consumer import ConsumerOptions, DurableConsumer
from tertulia_shared.bus.dead_letters import DEAD_LETTER_DDL, DeadLetter, DeadLetters
from tertulia_shared.bus.delivery import Delivery
from tertulia_shared.bus.errors import (
    BusError,
    BusUnavailable,
    JetStreamError,
    MessageTooLarge,
    NoResponders,
    PublishFailed,
    RequestTimeout,
    StreamRegressed,
)
from tertulia_shared.bus.message import BusMessage, Outgoing, StoredMessage
from tertulia_shared.bus.outcomes import Reject, Retry
from tertulia_shared.bus.publisher import PipelinedPublisher
from tertulia_shared.bus.reader import read_range
from tertulia_shared.bus.streams import (
    StreamState,
    ensure_event_stream,
    last_on_shard,
    renew_incarnation,
    stream_state,
)

__all__ = [
    "DEAD_LETTER_DDL",
    "Bus",
    "BusError",
    "BusMessage",
    "BusUnavailable",
    "ConsumerOptions",
    "DeadLetter",
    "DeadLetters",
    "Delivery",
    "DurableConsumer",
    "JetStreamError",
    "MessageTooLarge",
    "NoResponders",
    "Outgoing",
    "PipelinedPublisher",
    "PublishFailed",
    "Reject",
    "RequestTimeout",
    "Retry",
    "StoredMessage",
    "StreamRegressed",
    "StreamState",
    "Subscription",
    "ensure_event_stream",
    "last_on_shard",
    "read_range",
    "renew_incarnation",
    "stream_state",
]
