"""What the long poll answers, described for the API's documentation; the bytes come from `long_poll.Answer`."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from tertulia_notify.presence.states import PersonState


class Event(msgspec.Struct):
    """One durable event; docs/asyncapi.json says what `data` holds for each `type`."""

    id: str
    type: str
    v: int
    workspace_id: str | None
    channel_id: str | None
    ch_seq: int | None
    actor_id: str | None
    time: datetime
    data: dict[str, Any]


class PresentPeople(msgspec.Struct):
    """Whom the caller may not see, or nobody knows, is not in it."""

    items: list[PersonState]


class Events(msgspec.Struct):
    """What happened since the cursor. `reset` says why nothing could be told: fetch a snapshot, go on from `cursor`."""

    events: list[Event]
    cursor: str
    reset: Literal["invalid", "foreign", "expired", "epoch", "too_far"] | None
