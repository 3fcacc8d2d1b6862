"""Clients, the places that they come back with, and what they read."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

from resume_model.standing import EVE, NOW
from tertulia_shared.cursors import LIFETIME, CursorSealer, Position
from tertulia_shared.settings import SecretKeys

SEALER = CursorSealer(SecretKeys(b"m" * 32))

Item = tuple[str, Any]
"""What a client reads: ("event" | "beat" | "reset", position) or ("bye", reason)."""


@dataclass(slots=True)
class Place:
    """Something that a client may come back with: an event's id, or a cursor of its own.

    `had` are the numbers of the events that it had when it was there, all after `start`; for `judged` see `Device`.
    """

    position: Position
    text: str
    kind: Literal["id", "cursor"]
    start: Position
    had: tuple[int, ...]
    judged: int


@dataclass(slots=True)
class Device:
    """What it has is of one life of the stream."""

    person: str
    session: str
    places: list[Place] = field(default_factory=list)
    start: Position | None = None
    had: list[int] = field(default_factory=list)
    judged: int = 0
    """Of the replays that it had: the furthest head whose memberships decided what was in them. A replica that is
    behind knows less of who left."""
    replica: Any = None
    visit: Any = None
    """Of the test: the connection that it has, and where."""

    def keep(self, position: Position, text: str, kind: Literal["id", "cursor"]) -> None:
        """A place to come back to."""
        assert self.start is not None
        self.places.append(Place(position, text, kind, self.start, tuple(self.had), self.judged))

    def restart(self, position: Position) -> None:
        """It knows nothing but a snapshot of then."""
        self.start, self.had, self.judged = position, [], 0


def read(frame: bytes) -> tuple[Item, str]:
    """What a frame is, and its id."""
    if frame.startswith(b"id: "):
        sealed, _, rest = frame[4:].partition(b"\n")
        text = sealed.decode()
        return ("beat" if rest == b"\n" else "event", SEALER.open(text, EVE, NOW)), text
    head, _, rest = frame.partition(b"\ndata: ")
    return (head.removeprefix(b"event: ").decode(), msgspec.json.decode(rest)), ""


def tampered(text: str) -> str:
    """Another text for certain: of a letter in the middle of base64 every bit counts."""
    middle = len(text) // 2
    return text[:middle] + ("B" if text[middle] == "A" else "A") + text[middle + 1 :]


@dataclass(slots=True)
class Asked:
    """What a client comes with. `place` is None when it asks for no replay, or for what must be refused."""

    place: Place | None
    last_event_id: str | None = None
    cursor: str | None = None
    refused: str | None = None

    @staticmethod
    def drawn(device: Device, step: int) -> "Asked":
        step, what = divmod(step, 16)
        if not device.places:
            return Asked(None)
        place = device.places[-1 - (0 if what < 6 else step % len(device.places))]
        now = datetime.now(UTC)
        match what:
            case 11:
                return Asked(None, cursor=tampered(place.text), refused="invalid")
            case 14:
                another = SEALER.seal_user(EVE, place.position, now)
                return Asked(None, last_event_id=place.text, cursor=another, refused="foreign")
            case 13:
                old = SEALER.seal_user(device.person, place.position, now - LIFETIME - timedelta(hours=1))
                return Asked(None, cursor=old, refused="expired")
            case 12:
                return Asked(None)
            case 9 | 10:
                # As an EventSource does: the address of its first connection, and where it is now.
                first = next(known.text for known in device.places if known.kind == "cursor")
                return Asked(place, last_event_id=place.text, cursor=first)
            case _ if place.kind == "id":
                return Asked(place, last_event_id=place.text)
            case _:
                return Asked(place, cursor=place.text)
