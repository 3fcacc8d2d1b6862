"""Which connections an event goes to: indexes by user, channel and workspace, kept in step with the projection.

Presence looks only once in a while, so the registry notes for it who came, went or lost a place since then.
"""

import sys
from collections.abc import Collection, Iterable, Iterator

from tertulia_notify.delivery.connection import Connection
from tertulia_shared.membership import Projection

_NOBODY: frozenset[Connection] = frozenset()

Index = dict[str, set[Connection]]


class Registry:
    """A connection is first admitted (it counts, and can be ended), then goes live (it gets events)."""

    def __init__(self) -> None:
        self._admitted: Index = {}
        self._live: set[Connection] = set()
        self._by_channel: Index = {}
        self._by_workspace: Index = {}
        self._watchers: Index = {}
        self._noted: set[str] = set()
        self._bereft: set[str] = set()
        self.watches = 0

    def __len__(self) -> int:
        return sum(len(connections) for connections in self._admitted.values())

    def __iter__(self) -> Iterator[Connection]:
        for connections in list(self._admitted.values()):
            yield from list(connections)

    def admit(self, connection: Connection) -> None:
        _put(self._admitted, connection.user_id, connection)
        self.note(connection.user_id)

    def go_live(self, connection: Connection, projection: Projection) -> None:
        """From the next event on, the connection gets what is for its user."""
        self._live.add(connection)
        self._index(connection, projection)

    def remove(self, connection: Connection, projection: Projection) -> None:
        _take(self._admitted, connection.user_id, connection)
        self.note(connection.user_id)
        self.watch(connection, ())
        if connection in self._live:
            self._live.discard(connection)
            for channel_id in projection.channels_of(connection.user_id):
                _take(self._by_channel, channel_id, connection)
            for workspace_id in projection.workspaces_of(connection.user_id):
                _take(self._by_workspace, workspace_id, connection)

    def of_user(self, user_id: str) -> frozenset[Connection]:
        """All that are admitted, live or not."""
        return frozenset(self._admitted.get(user_id, _NOBODY))

    def live_of_user(self, user_id: str) -> Collection[Connection]:
        return self._admitted.get(user_id, _NOBODY) & self._live

    def in_channel(self, channel_id: str) -> Collection[Connection]:
        return self._by_channel.get(channel_id, _NOBODY)

    def in_workspace(self, workspace_id: str) -> Collection[Connection]:
        return self._by_workspace.get(workspace_id, _NOBODY)

    def joined_channel(self, user_id: str, channel_id: str) -> None:
        for connection in self.live_of_user(user_id):
            _put(self._by_channel, channel_id, connection)

    def left_channel(self, user_id: str, channel_id: str) -> None:
        self._bereft.add(user_id)
        for connection in self.live_of_user(user_id):
            _take(self._by_channel, channel_id, connection)

    def joined_workspace(self, user_id: str, workspace_id: str) -> None:
        for connection in self.live_of_user(user_id):
            _put(self._by_workspace, workspace_id, connection)

    def left_workspace(self, user_id: str, workspace_id: str) -> None:
        for connection in self.live_of_user(user_id):
            _take(self._by_workspace, workspace_id, connection)

    def watch(self, connection: Connection, people: Iterable[str]) -> None:
        """The connection's user wants to hear of the presence of these people, and of nobody else."""
        for person in connection.watched:
            _take(self._watchers, person, connection)
        before = len(connection.watched)
        # The same id in many lists is one object.
        connection.watched = frozenset(map(sys.intern, people))
        for person in connection.watched:
            _put(self._watchers, person, connection)
        self.watches += len(connection.watched) - before

    def watchers(self, user_id: str) -> Collection[Connection]:
        return self._watchers.get(user_id, _NOBODY)

    def note(self, user_id: str) -> None:
        """Something has changed with the user's connections, or with how they want to appear."""
        self._noted.add(user_id)

    def take_noted(self) -> set[str]:
        noted, self._noted = self._noted, set()
        return noted

    def take_bereft(self) -> set[str]:
        """Who may have lost a channel since the last call."""
        bereft, self._bereft = self._bereft, set()
        return bereft

    def live(self) -> list[Connection]:
        return list(self._live)

    def rebuild(self, projection: Projection) -> None:
        """The projection was replaced."""
        self._bereft.update(self._admitted)
        self._by_channel.clear()
        self._by_workspace.clear()
        for connection in self._live:
            self._index(connection, projection)

    def _index(self, connection: Connection, projection: Projection) -> None:
        for channel_id in projection.channels_of(connection.user_id):
            _put(self._by_channel, channel_id, connection)
        for workspace_id in projection.workspaces_of(connection.user_id):
            _put(self._by_workspace, workspace_id, connection)


def _put(index: Index, key: str, connection: Connection) -> None:
    index.setdefault(key, set()).add(connection)


def _take(index: Index, key: str, connection: Connection) -> None:
    connections = index.get(key)
    if connections is not None:
        connections.discard(connection)
        if not connections:
            del index[key]
