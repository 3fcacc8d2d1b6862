"""A contiguous range of the stream as columns, formed the same way every time it is formed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from tertulia_analytics.sink import rows
from tertulia_analytics.sink.rows import EVENT_ID, PASSED_OVER, TIME, TYPE, WORKSPACE, Row, Unreadable
from tertulia_shared.bus import Bus, Deletions, StoredMessage, StreamState, read_batches
from tertulia_shared.events.subjects import H_TYPE
from tertulia_shared.telemetry.trace import recording


@dataclass(slots=True, kw_only=True)
class Batch:
    """The sequences `first` to `last`. `rows` and `seqs` go together; a copy of an event within the batch is left out.

    `missed` counts sequences that had left the stream. `traces` are what `batch_span` wants to know.
    """

    incarnation: str
    first: int
    last: int = 0
    missed: int = 0
    rows: list[Row] = field(default_factory=list[Row])
    seqs: list[int] = field(default_factory=list[int])
    channels: dict[str, Row] = field(default_factory=dict[str, Row])
    unreadable: list[tuple[StoredMessage, str]] = field(default_factory=list[tuple[StoredMessage, str]])
    skipped: list[int] = field(default_factory=list[int])
    traces: list[tuple[str, Mapping[str, str]]] = field(default_factory=list[tuple[str, Mapping[str, str]]])
    _newest: StoredMessage | None = None
    _ids: set[str] = field(default_factory=set[str])

    def take(self, message: StoredMessage) -> None:
        self.last = message.seq
        self._newest = message
        if message.headers.get(H_TYPE) in PASSED_OVER:
            return
        try:
            row, channel = rows.read(message.data)
        except Unreadable as error:
            self.unreadable.append((message, str(error)))
            return
        if row[EVENT_ID] in self._ids:
            self.skipped.append(message.seq)
            return
        if recording():
            self.traces.append((f"analytics {row[TYPE]}", message.headers))
        self._ids.add(row[EVENT_ID])
        self.rows.append(row)
        self.seqs.append(message.seq)
        if channel is not None:
            self._take_channel(channel)

    def leave_out(self, ids: Collection[str]) -> None:
        """Rows of events that are stored already."""
        self._keep([row[EVENT_ID] not in ids for row in self.rows])

    def leave_out_seqs(self, seqs: Collection[int]) -> None:
        left_out = set(seqs)
        self._keep([seq not in left_out for seq in self.seqs])

    def candidates(self, until: int) -> list[Row]:
        """Rows whose time is not later than `until`, in milliseconds."""
        return [row for row in self.rows if row[TIME] <= until]

    @property
    def stored_at(self) -> datetime | None:
        """When the stream took the newest event."""
        return None if self._newest is None else self._newest.time

    @property
    def newest(self) -> int:
        """The latest time of an event, in milliseconds."""
        return max((row[TIME] for row in self.rows), default=0)

    @property
    def workspaces(self) -> set[str]:
        return {row[WORKSPACE] for row in self.rows}

    @property
    def token(self) -> str:
        """The same for the same rows of the same range, and only for them."""
        digest = blake2b("".join([row[EVENT_ID] for row in self.rows]).encode(), digest_size=12).hexdigest()
        return f"EVT:{self.incarnation}:{self.first}-{self.last}:{digest}"

    def _keep(self, wanted: list[bool]) -> None:
        if all(wanted):
            return
        pairs = list(zip(self.rows, self.seqs, wanted, strict=True))
        self.skipped.extend(seq for _, seq, keep in pairs if not keep)
        self.rows = [row for row, _, keep in pairs if keep]
        self.seqs = [seq for _, seq, keep in pairs if keep]

    def _take_channel(self, channel: Row) -> None:
        known = self.channels.get(channel[0])
        if known is None or channel[-1] >= known[-1]:
            self.channels[channel[0]] = channel


async def form(bus: Bus, state: StreamState, after: int, last: int) -> Batch:
    """Everything in (`after`, `last`]. Raises BusError, and NotYet when the stream should hold what did not come.

    A number without a message is accepted only below the stream's first one, or when the stream itself says that this
    very number was deleted.
    """
    first = max(after + 1, state.first_seq)
    batch = Batch(incarnation=state.incarnation, first=after + 1, last=min(first - 1, last), missed=first - after - 1)
    deletions = Deletions(bus, state)
    expected = first
    async for messages in read_batches(bus, first, last):
        for message in messages:
            if message.seq != expected:
                await deletions.account_for(expected, message.seq)
                batch.missed += message.seq - expected
            batch.take(message)
            expected = message.seq + 1
    await deletions.account_for(expected, last + 1)
    return batch
