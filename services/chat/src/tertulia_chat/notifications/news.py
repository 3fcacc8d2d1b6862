"""What the event stream says has happened in channels, without what was said."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from tertulia_shared.bus import Delivery, Reject
from tertulia_shared.events import MessageDeleted, MessageUpdated
from tertulia_shared.events.subjects import H_CH_SEQ

_CHANGES = frozenset({MessageUpdated.type, MessageDeleted.type})


class _Message(msgspec.Struct):
    id: UUID
    system: dict[str, object] | None = None


class _Data(msgspec.Struct):
    message: _Message


class _Change(msgspec.Struct):
    data: _Data


_changed = msgspec.json.Decoder(_Change).decode


@dataclass(slots=True)
class News:
    """Of one channel: the numbers that were seen, and which people's messages some of them edited, deleted or brought
    back."""

    seqs: set[int] = field(default_factory=set[int])
    changes: dict[int, UUID] = field(default_factory=dict[int, UUID])

    @property
    def end(self) -> int:
        return max(self.seqs)

    def tells_all_since(self, seq: int) -> bool:
        """Whether no number after this one is missing."""
        return all(number in self.seqs for number in range(seq + 1, self.end + 1))

    def changed_since(self, seq: int) -> set[UUID]:
        return {message_id for number, message_id in self.changes.items() if number > seq}


def news_in(deliveries: Iterable[Delivery]) -> dict[UUID, News]:
    """By channel. What takes no number of a channel is no news. Raises Reject for an event that cannot be read."""
    found: dict[UUID, News] = {}
    for delivery in deliveries:
        number = delivery.headers.get(H_CH_SEQ)
        scope, channel = delivery.subject.split(".")[-2:]
        if number is None or scope != "ch":
            continue
        try:
            news = found.setdefault(UUID(channel), News())
            news.seqs.add(int(number))
            if delivery.event_type in _CHANGES:
                message = _changed(delivery.data).data.message
                if message.system is None:
                    news.changes[int(number)] = message.id
        except (ValueError, msgspec.DecodeError) as error:
            raise Reject(str(error)) from error
    return {channel_id: news for channel_id, news in found.items() if news.seqs}
