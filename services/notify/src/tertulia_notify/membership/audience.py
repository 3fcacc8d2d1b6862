"""The one answer to "is this event for user U".

Live routing, replay and the long poll ask here. An event's subject names its audience: the members of a channel (`ch`),
of a workspace (`ws`), or one person (`user`). What is delivered goes by membership: a public channel's messages are not
sent to those who only may look into it.
"""

from tertulia_notify.delivery.event import Event
from tertulia_shared.membership import Projection


class Audience:
    def __init__(self, projection: Projection) -> None:
        self.projection = projection

    def may_know(self, user_id: str, event: Event) -> bool:
        """Whether a member of the workspace hears what is told to all of it: guests only of channels they are in, and
        nobody of a channel that they are banned from."""
        if event.channel_id is None:
            return True
        if self.projection.is_guest(event.target, user_id):
            return self.projection.is_member(user_id, event.channel_id)
        return not self.projection.is_banned(user_id, event.channel_id)

    def may_see_presence(self, user_id: str, person: str) -> bool:
        """Whether the user is told if the person is there: of themselves, and of whom they share a channel with."""
        if user_id == person:
            return True
        return not self.projection.channels_of(user_id).isdisjoint(self.projection.channels_of(person))

    def is_for(self, user_id: str, event: Event) -> bool:
        """Whether a replay shows `event` to the user, judged by the memberships of now.

        Nothing from before the person joined, nothing of a channel they are no longer in, except that they left.
        """
        if not event.visible:
            return False
        if event.leaver == user_id:
            return True
        if event.scope == "ch":
            joined_at = self.projection.joined_at(event.target, user_id)
            return joined_at is not None and (event.ch_seq is None or event.ch_seq >= joined_at)
        if event.scope == "ws":
            return self.projection.in_workspace(event.target, user_id) and self.may_know(user_id, event)
        return event.target == user_id
