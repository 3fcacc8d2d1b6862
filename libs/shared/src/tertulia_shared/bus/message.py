"""Messages as they come off the wire and go onto it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar, overload

STATUS = "Status"
DESCRIPTION = "Description"

_HEADER_LINE = b"NATS/1.0"
_PLAIN = b"NATS/1.0\r\n"
_EMPTY = b"NATS/1.0\r\n\r\n"

T = TypeVar("T")


class Outgoing(NamedTuple):
    """A message for the stream. Its header `Nats-Msg-Id` is what makes sending it twice harmless."""

    subject: str
    data: bytes
    headers: Mapping[str, str]


class Headers(Mapping[str, str]):
    """The headers of one message, read when they are asked for: most readers want two of a dozen.

    Of a name that is there twice the last one counts.
    """

    __slots__ = ("_parsed", "_raw")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._parsed: dict[str, str] | None = None

    @overload
    def get(self, key: str, /) -> str | None: ...
    @overload
    def get(self, key: str, /, default: str) -> str: ...
    @overload
    def get(self, key: str, /, default: T) -> str | T: ...
    def get(self, key: str, /, default: object = None) -> object:
        if self._parsed is not None or not self._raw.startswith(_PLAIN):
            return self._all().get(key, default)
        value = header_in(self._raw, b"\r\n%b:" % key.encode())
        return default if value is None else value

    def __getitem__(self, key: str) -> str:
        return self._all()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __bool__(self) -> bool:
        """Without reading them, so that `headers or {}` costs nothing."""
        return len(self._raw) > len(_EMPTY)

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return repr(self._all())

    def _all(self) -> dict[str, str]:
        if self._parsed is None:
            self._parsed = parse_headers(self._raw)
        return self._parsed


@dataclass(slots=True)
class StoredMessage:
    """A message as the stream holds it."""

    seq: int
    subject: str
    headers: Mapping[str, str]
    data: bytes
    stamp: datetime | str
    """When the stream stored it, perhaps still in JetStream's own writing."""

    @property
    def time(self) -> datetime:
        return parse_time(self.stamp) if isinstance(self.stamp, str) else self.stamp


@dataclass(slots=True)
class BusMessage:
    """A received message."""

    subject: str
    data: bytes
    reply: str
    raw_headers: bytes | None = None
    _headers: Mapping[str, str] | None = None

    @property
    def headers(self) -> Mapping[str, str] | None:
        if self._headers is None and self.raw_headers is not None:
            self._headers = Headers(self.raw_headers)
        return self._headers

    @property
    def status(self) -> str | None:
        """The inline status of a control message ("503", "100", …), None for an ordinary one."""
        raw = self.raw_headers
        if raw is None or not raw.startswith(b"NATS/1.0 "):
            return None
        return raw[9:12].decode("ascii", "replace")


def header_in(raw: bytes, name: bytes, start: int = 0) -> str | None:
    """The last value of one header in a block. `name` as it stands there: after a line break, with its colon."""
    at = raw.rfind(name, start)
    if at < 0:
        return None
    end = raw.find(b"\r\n", at + len(name))
    return raw[at + len(name) : end if end >= 0 else None].decode("utf-8", "replace").strip()


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
