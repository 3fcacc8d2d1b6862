"""What channels and people are called, of which kind they are, and which workspace a channel is in.

What is not known yet is None: an older chat's snapshot has no names and no kinds, and a channel of unknown kind counts
as private. A later word about a person replaces an earlier one; the stream tells them in order. A word about a channel
says how far the channel was (`as_of`, its `last_seq`), and an earlier one than is known is passed over: a channel that
has become private would else be public again while the relay repeats the past.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from tertulia_shared.events import BOT_USER_ID, ChannelKind, PresenceWish

_NONE: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Channel:
    workspace_id: str
    kind: ChannelKind | None = None
    name: str | None = None
    as_of: int = 0


class Directory:
    def __init__(self) -> None:
        self._channels: dict[str, _Channel] = {}
        self._of_workspace: dict[str, set[str]] = {}
        self._public: dict[str, set[str]] = {}
        self._by_name: dict[tuple[str, str], str] = {}
        self._usernames: dict[str, str] = {}
        self._users_by_name: dict[str, str] = {}
        self.bots: set[str] = {BOT_USER_ID}
        self._wishes: dict[str, PresenceWish] = {}

    def place_channel(self, channel_id: str, workspace_id: str) -> None:
        """The channel exists there; more may be learned later. A channel never moves."""
        if channel_id not in self._channels:
            self._channels[channel_id] = _Channel(workspace_id)
            self._of_workspace.setdefault(workspace_id, set()).add(channel_id)

    def describe_channel(
        self, channel_id: str, workspace_id: str, kind: ChannelKind | None, name: str | None, as_of: int = 0
    ) -> bool:
        """Whether the kind is news, and with it who may read the channel."""
        self.place_channel(channel_id, workspace_id)
        channel = self._channels[channel_id]
        if as_of < channel.as_of:
            return False
        channel.as_of = as_of
        self._rename(channel_id, channel, name)
        if kind is None or kind is channel.kind:
            return False
        channel.kind = kind
        public = self._public.setdefault(channel.workspace_id, set())
        if kind is ChannelKind.PUBLIC:
            public.add(channel_id)
        else:
            public.discard(channel_id)
        return True

    def describe_person(self, user_id: str, username: str | None, *, bot: bool = False) -> bool:
        """Whether it is news that this is a bot, whom no room counts."""
        if username is not None:
            self._rename_person(user_id, username)
        if not bot or user_id in self.bots:
            return False
        self.bots.add(user_id)
        return True

    def wish_presence(self, user_id: str, wish: PresenceWish) -> None:
        if wish is PresenceWish.AUTO:
            self._wishes.pop(user_id, None)
        else:
            self._wishes[user_id] = wish

    def presence_wish_of(self, user_id: str) -> PresenceWish:
        return self._wishes.get(user_id, PresenceWish.AUTO)

    def workspace_of(self, channel_id: str) -> str | None:
        channel = self._channels.get(channel_id)
        return None if channel is None else channel.workspace_id

    def kind_of(self, channel_id: str) -> ChannelKind | None:
        channel = self._channels.get(channel_id)
        return None if channel is None else channel.kind

    def name_of_channel(self, channel_id: str) -> str | None:
        channel = self._channels.get(channel_id)
        return None if channel is None else channel.name

    def channels_of_workspace(self, workspace_id: str) -> AbstractSet[str]:
        return self._of_workspace.get(workspace_id, _NONE)

    def public_channels(self, workspace_id: str) -> AbstractSet[str]:
        return self._public.get(workspace_id, _NONE)

    def channel_named(self, workspace_id: str, name: str) -> str | None:
        return self._by_name.get((workspace_id, name.casefold()))

    def person_named(self, username: str) -> str | None:
        return self._users_by_name.get(username.casefold())

    def username_of(self, user_id: str) -> str | None:
        return self._usernames.get(user_id)

    def _rename(self, channel_id: str, channel: _Channel, name: str | None) -> None:
        if name == channel.name:
            return
        if channel.name is not None:
            before = (channel.workspace_id, channel.name.casefold())
            # Another channel may have taken the name already, when two swap theirs.
            if self._by_name.get(before) == channel_id:
                del self._by_name[before]
        channel.name = name
        if name is not None:
            self._by_name[(channel.workspace_id, name.casefold())] = channel_id

    def _rename_person(self, user_id: str, username: str) -> None:
        before = self._usernames.get(user_id)
        if before is not None and self._users_by_name.get(before.casefold()) == user_id:
            del self._users_by_name[before.casefold()]
        self._usernames[user_id] = username
        self._users_by_name[username.casefold()] = user_id
