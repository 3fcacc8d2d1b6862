"""How far a durable consumer is behind, as the server tells: true also while the consumer itself does nothing."""

import time
from datetime import datetime
from typing import Any, NamedTuple

from prometheus_client import Gauge

from tertulia_shared.bus import jetstream
from tertulia_shared.bus.connection import Bus
from tertulia_shared.bus.errors import JetStreamError

UNSETTLED = Gauge(
    "bus_consumer_unsettled_messages", "Not delivered yet, in hand, or waiting for another attempt.", ["consumer"]
)
LAG = Gauge("bus_consumer_lag_seconds", "Age of the oldest message that is not settled; 0 when all are.", ["consumer"])


class ConsumerLag(NamedTuple):
    messages: int
    """Not delivered yet, in hand, or waiting for another attempt."""
    oldest_s: float
    """Age of the oldest of them; 0 when there is none."""


async def consumer_lag(bus: Bus, consumer: str) -> ConsumerLag:
    """Two questions to the server. Raises BusError; a JetStreamError with CONSUMER_NOT_FOUND before it exists."""
    info = await jetstream.call(bus, f"CONSUMER.INFO.{bus.topology.stream}.{consumer}")
    return await _lag_of(bus, info)


async def tell_lag(bus: Bus, consumer: str, info: dict[str, Any]) -> ConsumerLag:
    """Set the gauges. `info` is the consumer's own. Raises BusError."""
    lag = await _lag_of(bus, info)
    UNSETTLED.labels(consumer).set(lag.messages)
    LAG.labels(consumer).set(lag.oldest_s)
    return lag


async def _lag_of(bus: Bus, info: dict[str, Any]) -> ConsumerLag:
    unsettled: int = info["num_pending"] + info["num_ack_pending"]
    oldest_s = await _oldest_age_s(bus, info["ack_floor"]["stream_seq"]) if unsettled else 0.0
    return ConsumerLag(unsettled, oldest_s)


async def _oldest_age_s(bus: Bus, floor: int) -> float:
    try:
        # "next_by_subj" passes over what the stream has let go.
        request = {"seq": floor + 1, "next_by_subj": ">"}
        answer = await jetstream.call(bus, f"STREAM.MSG.GET.{bus.topology.stream}", request)
    except JetStreamError as error:
        if error.err_code == jetstream.MESSAGE_NOT_FOUND:
            return 0.0
        raise
    return max(0.0, time.time() - datetime.fromisoformat(answer["message"]["time"]).timestamp())
