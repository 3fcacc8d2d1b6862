"""The envelope that every event travels in.

The envelope is the public JSON of an event. chat renders it once, in the transaction that caused it; the relay,
notify and the browser pass on the same bytes. `data` stays raw until someone who knows the type decodes it
(`registry.decode`), so that a new event type never breaks an old consumer.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec

UNSEQUENCED = -1
"""Stands for a `ch_seq` that only the writing SQL statement will know; see `Envelope.render`."""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """The `data` of one event type. Later fields need defaults; a changed meaning is a new `version`."""

    type: ClassVar[str]
    version: ClassVar[int] = 1


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One durable event.

    `ch_seq` is the channel's gap-free sequence number; it is None for events that are not a change of a channel.
    """

    id: str
    type: str
    v: int
    workspace_id: str | None
    channel_id: str | None
    ch_seq: int | None
    actor_id: str | None
    time: datetime
    data: msgspec.Raw


def envelope_of(
    fact: Fact,
    *,
    event_id: str,
    time: datetime,
    workspace_id: str | None = None,
    channel_id: str | None = None,
    ch_seq: int | None = None,
    actor_id: str | None = None,
) -> Envelope:
    """Wrap a fact. `time` is cut to whole milliseconds, the precision of the public API."""
    return Envelope(
        id=event_id,
        type=fact.type,
        v=fact.version,
        workspace_id=workspace_id,
        channel_id=channel_id,
        ch_seq=ch_seq,
        actor_id=actor_id,
        time=to_milliseconds(time),
        data=msgspec.Raw(encode(fact)),
    )


def to_milliseconds(time: datetime) -> datetime:
    """Times in the API are RFC 3339 UTC with milliseconds."""
    return time.astimezone(UTC).replace(microsecond=time.microsecond // 1000 * 1000)


_encoder = msgspec.json.Encoder()
_envelope_decoder = msgspec.json.Decoder(Envelope)


def encode(value: Any) -> bytes:
    """Compact JSON without raw line breaks, so the bytes fit a `data:` line of server-sent events as they are."""
    return _encoder.encode(value)


def decode_envelope(body: bytes | str) -> Envelope:
    """Raises `msgspec.DecodeError` when the body is not an envelope; unknown fields pass."""
    return _envelope_decoder.decode(body)
