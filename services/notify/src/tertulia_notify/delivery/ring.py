"""The newest part of the stream, in memory: what a client that was away for a moment is caught up from."""

from collections.abc import Iterator

from tertulia_notify.delivery.event import Event


class Ring:
    """Holds every event of the stream in (`floor`, `head`], bounded by count and bytes; the oldest go first.

    A sequence number inside that range may be absent: the stream no longer had it, or it was not an event.
    """

    def __init__(self, floor: int, max_events: int, max_bytes: int) -> None:
        self.floor = floor
        self.head = floor
        self.bytes = 0
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._events: dict[int, Event] = {}

    def __len__(self) -> int:
        return len(self._events)

    def append(self, event: Event) -> None:
        self._events[event.seq] = event
        self.head = event.seq
        self.bytes += event.size
        while len(self._events) > self._max_events or self.bytes > self._max_bytes:
            self._drop_oldest()

    def pass_over(self, seq: int) -> None:
        """Nothing worth keeping has this number."""
        self.head = seq

    def at(self, seq: int) -> Event | None:
        return self._events.get(seq)

    def after(self, seq: int) -> Iterator[Event]:
        """Events above `seq`, in order. Raises ValueError below the floor: that would be a hole."""
        if seq < self.floor:
            raise ValueError(f"the ring begins after {self.floor}, not at {seq}")
        for number in range(seq + 1, self.head + 1):
            event = self._events.get(number)
            if event is not None:
                yield event

    def _drop_oldest(self) -> None:
        self.floor += 1
        event = self._events.pop(self.floor, None)
        if event is not None:
            self.bytes -= event.size
