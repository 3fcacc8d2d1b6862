"""Facts that are one person's business."""

from uuid import UUID

from tertulia_chat.outbox import NewEvent
from tertulia_shared.events import Fact


def personal(
    fact: Fact, user_id: UUID, *, workspace_id: UUID, channel_id: UUID, actor_id: UUID | None = None
) -> NewEvent:
    """Goes to all devices of one person, in the lane of the channel that it is about: in order with its messages."""
    return NewEvent(
        fact=fact,
        workspace_id=str(workspace_id),
        scope="user",
        scope_id=str(user_id),
        channel_id=str(channel_id),
        actor_id=str(actor_id or user_id),
    )
