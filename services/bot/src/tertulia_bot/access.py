"""Who may ask, read and stop: answered from the membership projection. What a caller may not know is `NotFound`.

The projection follows chat by milliseconds, so before anybody is refused it is given time to settle; chat has the last
word whenever a run begins or ends.
"""

from dataclasses import dataclass

from tertulia_bot.errors import NotAMember
from tertulia_shared.events import BOT_USER_ID, ChannelKind, Role
from tertulia_shared.membership import MembershipFeed, Projection
from tertulia_shared.problems import Forbidden, NotFound

_ADMINS = {Role.OWNER, Role.ADMIN}
_MODERATORS = {*_ADMINS, Role.MODERATOR}


@dataclass(frozen=True, slots=True)
class Access:
    feed: MembershipFeed

    @property
    def _projection(self) -> Projection:
        return self.feed.projection

    async def workspace(self, user_id: str, workspace_id: str) -> None:
        """Raises NotFound for strangers."""
        if not await self.feed.settling.until(lambda projection: projection.in_workspace(workspace_id, user_id)):
            raise NotFound

    async def moderate(self, user_id: str, workspace_id: str) -> None:
        """Raises NotFound for strangers, Forbidden below admin."""
        if await self.feed.settling.until(lambda projection: projection.role_of(workspace_id, user_id) in _ADMINS):
            return
        if not self._projection.in_workspace(workspace_id, user_id):
            raise NotFound
        raise Forbidden("This needs the role admin.")

    async def read(self, user_id: str, channel_id: str) -> str:
        """The channel's workspace. Raises NotFound."""
        await self.feed.settling.until(lambda projection: projection.may_read(user_id, channel_id))
        return self._read_now(user_id, channel_id)

    async def ask(self, user_id: str, channel_id: str) -> str:
        """The channel's workspace. Raises NotFound or NotAMember."""
        member = await self.feed.settling.until(lambda projection: projection.is_member(user_id, channel_id))
        workspace_id = self._read_now(user_id, channel_id)
        if not member:
            raise NotAMember
        return workspace_id

    async def stop(self, user_id: str, asker_id: str, channel_id: str) -> None:
        """Raises NotFound, or Forbidden unless it is their own run or they moderate the workspace."""
        workspace_id = await self.read(user_id, channel_id)
        if user_id == asker_id:
            return
        if not await self.feed.settling.until(
            lambda projection: projection.role_of(workspace_id, user_id) in _MODERATORS
        ):
            raise Forbidden("Only who asked, or a moderator, may stop an answer.")

    async def talks_with_the_bot(self, channel_id: str) -> bool:
        """Whether the channel is somebody's direct conversation with the bot."""
        await self.feed.settling.until(lambda projection: projection.workspace_of(channel_id) is not None)
        projection = self._projection
        direct = projection.kind_of(channel_id) is ChannelKind.DM
        return direct and projection.is_member(BOT_USER_ID, channel_id)

    def _read_now(self, user_id: str, channel_id: str) -> str:
        projection = self._projection
        workspace_id = projection.workspace_of(channel_id)
        if workspace_id is None or not projection.may_read(user_id, channel_id):
            raise NotFound
        return workspace_id
