"""What the processes of this service say to each other about who is connected to them.

Each process numbers its changes. Who has not got all of them sees that by the next number, at the latest by the one in
`Alive`, and asks for everything. Core NATS keeps the order of what one process says.
"""

import msgspec

from tertulia_notify.presence.states import PresenceState


class Changed(msgspec.Struct, frozen=True, tag="changed"):
    """The change after `number - 1`: these people's state here is now this one."""

    process: str
    number: int
    people: dict[str, PresenceState]


class Alive(msgspec.Struct, frozen=True, tag="alive"):
    """Nothing has happened since change `number`, but I am there."""

    process: str
    number: int


class Whole(msgspec.Struct, frozen=True, tag="whole"):
    """Part `part` of `parts` of everybody who is here as of change `number`; the parts come one after the other."""

    process: str
    number: int
    part: int
    parts: int
    people: dict[str, PresenceState]


class Asked(msgspec.Struct, frozen=True, tag="asked"):
    """Somebody lacks changes of the process `of`, or of all when it is None."""

    process: str
    of: str | None = None


Word = Changed | Alive | Whole | Asked

_decoder = msgspec.json.Decoder(Word)


def read(data: bytes) -> Word:
    """Raises `msgspec.DecodeError`."""
    return _decoder.decode(data)
