"""What a deletion takes from a message beside its text, and gives back when it is undone."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from tertulia_chat.messages.resolve import NOTHING_READ, ReadOut, read_out_of
from tertulia_chat.tables import MessageRow


class Taken(ReadOut, frozen=True, kw_only=True):
    """What was read out of the text, the marks that all see, and what a note said; as the row holds them.

    What an earlier release took has no marks. A pin comes back to its old place among the channel's pins, also as one
    more than a channel takes.
    """

    reactions: list[dict[str, Any]] = msgspec.field(default_factory=list[dict[str, Any]])
    pinned_by: UUID | None = None
    pinned_at: datetime | None = None
    system: dict[str, Any] | None = None

    def put_on(self, row: MessageRow) -> None:
        super().put_on(row)
        row.reactions, row.pinned_by, row.pinned_at = self.reactions, self.pinned_by, self.pinned_at
        row.system = self.system


def taken_from(row: MessageRow) -> Taken:
    """What this message carries now."""
    return Taken(
        **msgspec.structs.asdict(read_out_of(row)),
        reactions=row.reactions,
        pinned_by=row.pinned_by,
        pinned_at=row.pinned_at,
        system=row.system,
    )


def take(row: MessageRow) -> None:
    """Leaves the message without any of it."""
    NOTHING_READ.put_on(row)
    row.reactions, row.pinned_by, row.pinned_at = [], None, None
    row.silence()
