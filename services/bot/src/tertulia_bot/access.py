"""Who may ask, read and stop: answered from the membership projection. What a caller may not know is `NotFound`.

The projection follows chat by milliseconds. Whoever was let in a moment ago is waited for; chat has the last word
whenever a run begins or ends.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from tertulia_bot.errors import NotAMember
from tertulia_shared.events import BOT_USER_ID, ChannelKind, Role
from tertulia_shared.membership import MembershipFeed, Projection
from tertulia_shared.problems import Forbidden, NotFound

SETTLES_S = 1.0
_LOOK_S = 0.02
_ADMINS = {Role.OWNER, Role.ADMIN}
_MODERATORS = {*_ADMINS, Role.MODERATOR}


@dataclass(frozen=True, slots=True)
class Access:
    feed: MembershipFeed

    @property
    def _projection(self) -> Projection:
        return self.feed.projection

    def workspace(self, user_id: str, workspace_id: str) -> None:
        """Raises NotFound for strangers."""
        if not self._projection.in_workspace(workspace_id, user_id):
            raise NotFound

    def moderate(self, user_id: str, workspace_id: str) -> None:
        """Raises NotFound for strangers, Forbidden below admin."""
        self.workspace(user_id, workspace_id)
        if self._projection.role_of(workspace_id, user_id) not in _ADMINS:
            raise Forbidden("This needs the role admin.")

    def read(self, user_id: str, channel_id: str) -> str:
        """The channel's workspace. Raises NotFound."""
        projection = self._projection
        workspace_id = projection.workspace_of(channel_id)
        if workspace_id is None or not projection.may_read(user_id, channel_id):
            raise NotFound
        return workspace_id

    async def ask(self, user_id: str, channel_id: str) -> str:
        """The channel's workspace. Raises NotFound or NotAMember."""
        await settled(lambda: self._projection.is_member(user_id, channel_id))
        workspace_id = self.read(user_id, channel_id)
        if not self._projection.is_member(user_id, channel_id):
            raise NotAMember
        return workspace_id

    def stop(self, user_id: str, asker_id: str, channel_id: str) -> None:
        """Raises NotFound, or Forbidden unless it is their own run or they moderate the workspace."""
        workspace_id = self.read(user_id, channel_id)
        if user_id != asker_id and not self._moderates(user_id, workspace_id):
            raise Forbidden("Only who asked, or a moderator, may stop an answer.")

    async def talks_with_the_bot(self, channel_id: str) -> bool:
        """Whether the channel is somebody's direct conversation with the bot."""
        await settled(lambda: self._projection.workspace_of(channel_id) is not None)
        projection = self._projection
        direct = projection.kind_of(channel_id) is ChannelKind.DM
        return direct and projection.is_member(BOT_USER_ID, channel_id)

    def _moderates(self, user_id: str, workspace_id: str) -> bool:
        return self._projection.role_of(workspace_id, user_id) in _MODERATORS


async def settled(true: Callable[[], bool]) -> None:
    """Returns when it holds, at the latest after a second."""
    until = monotonic() + SETTLES_S
    while not true() and monotonic() < until:  # noqa: ASYNC110 -- the projection has no event for each question
        await asyncio.sleep(_LOOK_S)
