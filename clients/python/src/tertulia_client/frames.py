"""From frames of the wire to what they mean."""

from typing import TypeVar

import msgspec

from tertulia_client.errors import ProtocolError
from tertulia_client.events import Ephemeral, Event, Presence, RunDelta, RunStep, Typing, decode_event
from tertulia_client.sse import Frame

T = TypeVar("T")


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """The first frame. With `resumed` False the stream starts at `cursor`, and what came before it was missed."""

    resumed: bool
    cursor: str
    server: str = ""
    connection: str = ""


class ResetFrame(msgspec.Struct, frozen=True, kw_only=True):
    """The position could not be honoured; the stream goes on, live, from `cursor`."""

    reason: str
    cursor: str


class Bye(msgspec.Struct, frozen=True, kw_only=True):
    """The last frame: the server closes, and wishes to see the client again after `retry_ms`."""

    reason: str
    retry_ms: int = 0


Meaning = Hello | ResetFrame | Bye | Typing | Presence | RunDelta | RunStep | Ephemeral | Event

_CONTROL: dict[str, type[Hello | ResetFrame | Bye | Typing | Presence | RunDelta | RunStep]] = {
    "hello": Hello,
    "reset": ResetFrame,
    "bye": Bye,
    "typing": Typing,
    "presence": Presence,
    "run.delta": RunDelta,
    "run.step": RunStep,
}


def meaning_of(frame: Frame) -> Meaning | None:
    """None for a heartbeat. Raises ProtocolError."""
    if frame.data is None:
        return None
    control = _CONTROL.get(frame.event)
    if control is not None:
        try:
            return msgspec.json.decode(frame.data, type=control)
        except msgspec.DecodeError as error:
            raise ProtocolError(f"a {frame.event} frame cannot be read: {error}") from error
    # Only durable facts carry an id: it is the cursor behind them.
    return Ephemeral(type=frame.event, raw=frame.data) if frame.id is None else decode_event(frame.data)
