"""Streams of people who are in different channels: what each gets must be what is said in theirs, once and in order.

As in `streams` a process of its own holds thousands of them with one thread and one epoll, and a piece that many get
is taken apart once. A text tells its channel, its number there and when it was due to be sent, so that each delivery
gives its own time; the server's `ch_seq` tells what is missing, doubled or out of order, and whoever gets something
of a channel that is not theirs is counted too. Nothing stops the count: a server that loses one in a million is to be
told so, and how many.
"""

import re
import time
from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from typing import NamedTuple

from tertulia_bench.conversation import SENTENCE
from tertulia_bench.streams import Streams, pin, raise_descriptor_limit

MESSAGE = re.compile(rb'"ch_seq":(\d+),[^\n]*?"text":"(\d+) (\d+) (\d+\.\d+) ')
REMEMBERED = 256
"""Pieces whose contents are known: all that can be on their way at a time."""


class Said(NamedTuple):
    """One message as a stream tells it. `due_at` is of the sender's `time.monotonic`."""

    ch_seq: int
    channel: int
    number: int
    due_at: float


@dataclass(slots=True)
class Heard:
    """What came since the beginning of a count. `lost` are gaps in a channel's numbers, `doubled` numbers that were
    passed already, `foreign` messages of a channel that the stream's owner is not in."""

    seconds: "array[float]" = field(default_factory=lambda: array("d"))
    """From when a message was due to be sent until it was at one stream."""
    lost: int = 0
    doubled: int = 0
    foreign: int = 0
    closed: int = 0
    """Streams that ended."""
    processor_s: float = 0.0
    first_at: dict[tuple[int, int], float] = field(default_factory=dict[tuple[int, int], float])
    last_at: dict[tuple[int, int], float] = field(default_factory=dict[tuple[int, int], float])
    """`time.monotonic` at which a message (channel, number) was at its first and at its last reader."""
    texts: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    """The number of the message that came with (channel, ch_seq)."""


def text_of(channel: int, number: int, due_at: float) -> str:
    return f"{channel} {number} {due_at:.6f} {SENTENCE}"


class ChannelStreams(Streams):
    """The orders are those of `Streams`, and these; `begin`, `until_all` and `prove` have no use here."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__(pipe)
        self._seats: dict[int, dict[int, int]] = defaultdict(dict)
        """By descriptor and channel, the `ch_seq` that comes next."""
        self._known: dict[bytes, list[Said]] = {}
        self._heard = Heard()
        self._began_s = 0.0

    # -- orders ----------------------------------------------------------------------------------------------

    def seat(self, seats: Sequence[Mapping[int, int]]) -> None:
        """For each open stream, in the order of opening: the channels of its owner, and the `ch_seq` due in each."""
        for descriptor, seat in zip(self._streams, seats, strict=True):
            self._seats[descriptor] = dict(seat)

    def listen(self) -> None:
        """Count from here on."""
        self._heard = Heard()
        self._known.clear()
        self._closed = 0
        self._began_s = time.process_time()

    def until_heard(self, deliveries: int, timeout_s: float) -> Heard:
        """What came since `listen`, as soon as it is so many deliveries, or when the time is over."""
        deadline = time.monotonic() + timeout_s
        while len(self._heard.seconds) < deliveries and time.monotonic() < deadline:
            self._read(0.05)
        self._heard.closed = self._closed
        self._heard.processor_s = time.process_time() - self._began_s
        return self._heard

    def unheard(self, last_seqs: Sequence[int]) -> int:
        """How many messages streams still wait for, when each channel is that far."""
        return sum(
            max(0, last_seqs[channel] + 1 - due) for seat in self._seats.values() for channel, due in seat.items()
        )

    # -- the loop --------------------------------------------------------------------------------------------

    def _read(self, timeout_s: float) -> int:
        """One turn: everything that is readable now; how many streams that were."""
        ready = self._poll.poll(timeout_s, 4096)
        for descriptor, _ in ready:
            stream = self._streams.get(descriptor)
            if stream is None:
                continue
            data = self._receive(descriptor, stream)
            if data:
                self._hear(self._seats[descriptor], self._told(data), time.monotonic())
        return len(ready)

    def _told(self, data: bytes) -> list[Said]:
        told = self._known.get(data)
        if told is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            told = self._known[data] = [
                Said(int(seq), int(channel), int(number), float(due_at))
                for seq, channel, number, due_at in MESSAGE.findall(data)
            ]
            for said in told:
                key = (said.channel, said.number)
                self._heard.first_at.setdefault(key, time.monotonic())
                self._heard.texts[said.channel, said.ch_seq] = said.number
        return told

    def _hear(self, seat: dict[int, int], told: Sequence[Said], now: float) -> None:
        heard = self._heard
        for seq, channel, number, due_at in told:
            due = seat.get(channel)
            if due is None:
                heard.foreign += 1
                continue
            if seq < due:
                heard.doubled += 1
                continue
            heard.lost += seq - due
            seat[channel] = seq + 1
            heard.seconds.append(now - due_at)
            heard.last_at[channel, number] = now


def serve_channels(pipe: Pipe, core: int | None) -> None:
    """The process of a `LoadClient`; on any core where `core` is None."""
    if core is not None:
        pin(core)
    raise_descriptor_limit()
    ChannelStreams(pipe).serve()
