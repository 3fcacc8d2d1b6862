"""Everything that speaks NATS. Read `connection` first, then `publisher` and `consumer`."""

from tertulia_shared.bus.batches import BatchConsumer, BatchOptions
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
    NotPermitted,
    PublishFailed,
    RequestTimeout,
    StreamRegressed,
)
from tertulia_shared.bus.follow import FollowLimits, Source, State, StreamFollower
from tertulia_shared.bus.lag import ConsumerLag, consumer_lag
from tertulia_shared.bus.message import BusMessage, Outgoing, StoredMessage
from tertulia_shared.bus.outcomes import Reject, Retry
from tertulia_shared.bus.proof import Deletions, EpochChanged, Lost, NotYet, check_same_life, read_on, state_of
from tertulia_shared.bus.publisher import PipelinedPublisher
from tertulia_shared.bus.reader import read_batches, read_range
from tertulia_shared.bus.redelivery import Redelivery
from tertulia_shared.bus.streams import (
    StreamState,
    ensure_event_stream,
    last_on_shard,
    renew_incarnation,
    stream_state,
)

__all__ = [
    "DEAD_LETTER_DDL",
    "BatchConsumer",
    "BatchOptions",
    "Bus",
    "BusError",
    "BusMessage",
    "BusUnavailable",
    "ConsumerLag",
    "ConsumerOptions",
    "DeadLetter",
    "DeadLetters",
    "Deletions",
    "Delivery",
    "DurableConsumer",
    "EpochChanged",
    "FollowLimits",
    "JetStreamError",
    "Lost",
    "MessageTooLarge",
    "NoResponders",
    "NotPermitted",
    "NotYet",
    "Outgoing",
    "PipelinedPublisher",
    "PublishFailed",
    "Redelivery",
    "Reject",
    "RequestTimeout",
    "Retry",
    "Source",
    "State",
    "StoredMessage",
    "StreamFollower",
    "StreamRegressed",
    "StreamState",
    "Subscription",
    "check_same_life",
    "consumer_lag",
    "ensure_event_stream",
    "last_on_shard",
    "read_batches",
    "read_on",
    "read_range",
    "renew_incarnation",
    "state_of",
    "stream_state",
]
