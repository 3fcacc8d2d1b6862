"""The event stream: how it is set up, what state it is in, and which life of it this is.

A stream can come back shorter or empty (a lost disk, a restored backup, a deletion). Its `incarnation` is a random id
in the stream's metadata, so that a position in one life is never mistaken for a position in another.
"""

import base64
from datetime import UTC, datetime
from typing import Any, NamedTuple

from uuid_utils import uuid4

from tertulia_shared.bus import jetstream
from tertulia_shared.bus.connection import Bus
from tertulia_shared.bus.errors import JetStreamError
from tertulia_shared.bus.message import StoredMessage, parse_headers, parse_time
from tertulia_shared.telemetry import logger

log = logger(__name__)

DAY_S = 86_400
INCARNATION = "incarnation"
MAX_MESSAGE_BYTES = 256 * 1024
DUPLICATE_WINDOW_S = 300


class StreamState(NamedTuple):
    """As the stream's leader sees it. An empty stream has first_seq = last_seq + 1."""

    incarnation: str
    first_seq: int
    last_seq: int
    messages: int


async def ensure_event_stream(
    bus: Bus, *, max_age_s: int = 7 * DAY_S, max_bytes: int = -1, replicas: int = 1
) -> StreamState:
    """Create the stream, or bring an existing one up to this configuration; its incarnation stays.

    Raises BusError while NATS is down.
    """
    topology = bus.topology
    current = await _info_or_none(bus)
    wanted = _configuration(bus, max_age_s=max_age_s, max_bytes=max_bytes, replicas=replicas)
    if current is None:
        wanted["metadata"] = {INCARNATION: uuid4().hex}
        try:
            created = await jetstream.call(bus, f"STREAM.CREATE.{topology.stream}", wanted)
        except JetStreamError as error:
            if error.err_code != jetstream.STREAM_NAME_IN_USE:
                raise
            # Somebody else created it between our question and our request.
            return await stream_state(bus)
        log.info("stream.created", stream=topology.stream, incarnation=wanted["metadata"][INCARNATION])
        return _state(created)
    config: dict[str, Any] = current["config"]
    metadata: dict[str, str] = config.get("metadata") or {}
    wanted["metadata"] = {**metadata, INCARNATION: metadata.get(INCARNATION) or uuid4().hex}
    if any(config.get(key) != value for key, value in wanted.items()):
        current = await jetstream.call(bus, f"STREAM.UPDATE.{topology.stream}", {**config, **wanted})
        log.info("stream.updated", stream=topology.stream)
    return _state(current)


async def stream_state(bus: Bus) -> StreamState:
    """Asks the leader. Raises JetStreamError with err_code STREAM_NOT_FOUND when there is no stream."""
    return _state(await jetstream.call(bus, f"STREAM.INFO.{bus.topology.stream}"))


async def deleted_inside(bus: Bus) -> frozenset[int]:
    """The numbers between the stream's first and last that have no message. Asks the leader. Raises BusError."""
    info = await jetstream.call(bus, f"STREAM.INFO.{bus.topology.stream}", {"deleted_details": True})
    return frozenset(info["state"].get("deleted") or ())


async def renew_incarnation(bus: Bus) -> StreamState:
    """Declare that positions taken so far no longer hold, because the stream came back shorter."""
    info = await jetstream.call(bus, f"STREAM.INFO.{bus.topology.stream}")
    config: dict[str, Any] = info["config"]
    config["metadata"] = {**(config.get("metadata") or {}), INCARNATION: uuid4().hex}
    return _state(await jetstream.call(bus, f"STREAM.UPDATE.{bus.topology.stream}", config))


async def first_at(bus: Bus, time: datetime) -> int | None:
    """The first message that the stream took at `time` or later; None when it took none."""
    start = time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    message = await _message(bus, {"start_time": start, "next_by_subj": ">"})
    # Asked for a time after its last message, the server begins at the first.
    return None if message is None or parse_time(message["time"]) < time else message["seq"]


async def last_on_shard(bus: Bus, shard: int) -> StoredMessage | None:
    """The newest message of an ordering lane, asked of the leader; None when it has none (or all have aged out)."""
    message = await _message(bus, {"last_by_subj": bus.topology.evt_shard(shard)})
    if message is None:
        return None
    headers = base64.b64decode(message.get("hdrs") or "")
    return StoredMessage(
        seq=message["seq"],
        subject=message["subject"],
        headers=parse_headers(headers) if headers else {},
        data=base64.b64decode(message.get("data") or ""),
        stamp=message["time"],
    )


def _configuration(bus: Bus, *, max_age_s: int, max_bytes: int, replicas: int) -> dict[str, Any]:
    topology = bus.topology
    return {
        "name": topology.stream,
        "subjects": [topology.evt_all],
        "retention": "limits",
        "storage": "file",
        "discard": "old",
        "max_age": max_age_s * jetstream.NANOSECONDS,
        "max_bytes": max_bytes,
        "max_msg_size": MAX_MESSAGE_BYTES,
        "duplicate_window": min(DUPLICATE_WINDOW_S, max_age_s) * jetstream.NANOSECONDS,
        "num_replicas": replicas,
        "allow_direct": True,
        "republish": {"src": topology.evt_all, "dest": topology.live_all},
    }


async def _info_or_none(bus: Bus) -> dict[str, Any] | None:
    try:
        return await jetstream.call(bus, f"STREAM.INFO.{bus.topology.stream}")
    except JetStreamError as error:
        if error.err_code == jetstream.STREAM_NOT_FOUND:
            return None
        raise


def _state(info: dict[str, Any]) -> StreamState:
    state: dict[str, Any] = info["state"]
    # A stream that never held anything says first_seq 0; one that was emptied says last_seq + 1.
    first_seq: int = state["first_seq"] if state["messages"] else state["last_seq"] + 1
    metadata: dict[str, str] = info["config"].get("metadata") or {}
    return StreamState(
        incarnation=metadata.get(INCARNATION, ""),
        first_seq=first_seq,
        last_seq=state["last_seq"],
        messages=state["messages"],
    )


async def _message(bus: Bus, request: dict[str, Any]) -> dict[str, Any] | None:
    """The leader's answer; None when there is no such message."""
    try:
        return (await jetstream.call(bus, f"STREAM.MSG.GET.{bus.topology.stream}", request))["message"]
    except JetStreamError as error:
        if error.err_code == jetstream.MESSAGE_NOT_FOUND:
            return None
        raise
