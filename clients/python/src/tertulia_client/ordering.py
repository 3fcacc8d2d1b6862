"""Each channel's events once and in order, whatever the network does. No I/O: the caller feeds and fetches.

`ch_seq` counts every event of a channel without a gap, so a channel's position is one number:

- at or below the position: a duplicate, dropped;
- the next one: delivered;
- beyond it: a hole. The event waits, and the channel appears in `gaps()` until `fill()` or `give_up()` closes it.

Waiting events are bounded; what does not fit is only remembered as "there is more up to here" and fetched.
Events without `ch_seq` (about a workspace or a person) carry absolute values and are told apart by their id.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tertulia_client.events import Event, EventsPage, MemberJoined, MemberLeft, Reset

MAX_WAITING = 1_000
"""Events held per channel while a hole is being filled."""

REMEMBERED_IDS = 10_000
"""Ids of events without `ch_seq` that are kept to recognise a second copy."""

Delivery = Event | Reset


@dataclass(slots=True)
class _Channel:
    position: int
    target: int = 0
    """The highest `ch_seq` known to exist."""
    left: bool = False
    waiting: dict[int, Event] = field(default_factory=dict[int, Event])


class Ordering:
    """The order of one stream. `positions` says where each channel stands at the start, `me` is the user's id."""

    def __init__(self, positions: Mapping[str, int] | None = None, me: str | None = None) -> None:
        self.me = me
        self._channels = {channel: _Channel(position) for channel, position in (positions or {}).items()}
        self._ids: OrderedDict[str, None] = OrderedDict()

    @property
    def positions(self) -> dict[str, int]:
        return {id_: channel.position for id_, channel in self._channels.items()}

    def gaps(self) -> dict[str, int]:
        """Channel id → position after which events are missing."""
        return {id_: channel.position for id_, channel in self._channels.items() if channel.target > channel.position}

    def accept(self, event: Event) -> list[Delivery]:
        """Take an event off the wire; answers what the caller may now see."""
        if event.channel_id is None or event.ch_seq is None:
            return [event] if self._is_new(event.id) else []
        channel = self._channels.get(event.channel_id)
        if channel is None:
            return self._first_of(event.channel_id, event.ch_seq, event)
        self._offer(channel, event.ch_seq, event)
        return list(self._drain(channel))

    def expect(self, positions: Mapping[str, int]) -> None:
        """A bootstrap says how far each of my channels goes; those behind become gaps, new ones start there."""
        for id_, last_seq in positions.items():
            channel = self._channels.get(id_)
            if channel is None:
                self._channels[id_] = _Channel(last_seq)
            elif channel.left:
                # Joined again while nobody looked: what lies between was never ours to see.
                self._channels[id_] = _Channel(max(last_seq, channel.position))
            else:
                channel.target = max(channel.target, last_seq)

    def fill(self, channel_id: str, page: EventsPage) -> list[Delivery]:
        """Take a fetched page of what follows the channel's position."""
        channel = self._channels[channel_id]
        seen: list[Delivery] = []
        for event in page.items:
            if event.ch_seq is not None:
                self._offer(channel, event.ch_seq, event)
                seen.extend(self._drain(channel))
        return seen

    def give_up(self, channel_id: str, reason: str) -> list[Delivery]:
        """The hole cannot be filled: say so, and go on behind it."""
        channel = self._channels[channel_id]
        channel.position = min(channel.waiting, default=channel.target + 1) - 1
        lost = Reset(channel_id=channel_id, reason=reason, up_to=channel.position)
        return [lost, *self._drain(channel)]

    def _first_of(self, channel_id: str, seq: int, event: Event) -> list[Delivery]:
        self._channels[channel_id] = channel = _Channel(seq - 1)
        self._offer(channel, seq, event)
        seen: list[Delivery] = list(self._drain(channel))
        if self._is_my_joining(event):
            return seen
        return [Reset(channel_id=channel_id, reason="joined_unseen", up_to=seq - 1), *seen]

    def _offer(self, channel: _Channel, seq: int, event: Event) -> None:
        if seq <= channel.position:
            return
        if channel.left and self._is_my_joining(event):
            channel.position = seq - 1
        channel.target = max(channel.target, seq)
        if seq == channel.position + 1 or len(channel.waiting) < MAX_WAITING:
            channel.waiting[seq] = event

    def _drain(self, channel: _Channel) -> Iterable[Event]:
        while (event := channel.waiting.pop(channel.position + 1, None)) is not None:
            channel.position += 1
            self._note_membership(channel, event)
            yield event

    def _note_membership(self, channel: _Channel, event: Event) -> None:
        match event.data:
            case MemberLeft(user_id=user) if user == self.me:
                channel.left = True
            case MemberJoined() if self._is_my_joining(event):
                channel.left = False
            case _:
                pass

    def _is_my_joining(self, event: Event) -> bool:
        return isinstance(event.data, MemberJoined) and event.data.user.id == self.me

    def _is_new(self, event_id: str) -> bool:
        if event_id in self._ids:
            return False
        self._ids[event_id] = None
        if len(self._ids) > REMEMBERED_IDS:
            self._ids.popitem(last=False)
        return True
