"""Messages as they come off the wire and go onto it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

STATUS = "Status"
DESCRIPTION = "Description"

_HEADER_LINE = b"NATS/1.0"


class Outgoing(NamedTuple):
    """A message for the stream. Its header `Nats-Msg-Id` is what makes sending it twice harmless."""

    subject: str
    data: bytes
    headers: Mapping[str, str]


class StoredMessage(NamedTuple):
    """A message as the stream holds it. `time` is when the stream stored it."""

    seq: int
    subject: str
    headers: Mapping[str, str]
    data: bytes
    time: datetime


@dataclass(slots=True)
class BusMessage:
    """A received message. Headers are parsed when first asked for: many readers need only the body."""

    subject: str
    data: bytes
    reply: str
    raw_headers: bytes | None = None
    _headers: dict[str, str] | None = None

    @property
    def headers(self) -> Mapping[str, str] | None:
        if self._headers is None and self.raw_headers is not None:
            self._headers = parse_headers(self.raw_headers)
        return self._headers

    @property
    def status(self) -> str | None:
        """The inline status of a control message ("503", "100", …), None for an ordinary one."""
        raw = self.raw_headers
        if raw is None or not raw.startswith(b"NATS/1.0 "):
            return None
        return raw[9:12].decode("ascii", "replace")


def parse_headers(raw: bytes) -> dict[str, str]:
    """A header block of the NATS protocol. The status line's parts come as `Status` and `Description`."""
    lines = raw.decode("utf-8", "replace").split("\r\n")
    headers: dict[str, str] = {}
    status = lines[0][len(_HEADER_LINE) :].strip()
    if status:
        code, _, description = status.partition(" ")
        headers[STATUS] = code
        if description:
            headers[DESCRIPTION] = description
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip()] = value.strip()
    return headers


def encode_headers(headers: Mapping[str, str]) -> bytes:
    """Raises ValueError for a line break: it would let a value write protocol of its own."""
    lines = [f"{name}: {value}" for name, value in headers.items()]
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1:
        raise ValueError("a NATS header cannot contain a line break")
    return b"NATS/1.0\r\n" + text.encode() + b"\r\n\r\n"


def parse_time(text: str) -> datetime:
    """RFC 3339 with nanoseconds, as JetStream writes it; Python keeps the microseconds."""
    whole, _, rest = text.rstrip("Z").partition(".")
    micros = f"{rest:0<6}"[:6] if rest else "000000"
    return datetime.fromisoformat(f"{whole}.{micros}").replace(tzinfo=UTC)
