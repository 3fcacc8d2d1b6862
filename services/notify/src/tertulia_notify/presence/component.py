"""Presence in one process: looks once a second at what has changed, and tells those who watch.

Nothing here happens for a message. What is shown of a person changes only in `look`, so that a fetch and the frames
after it agree; who may not see somebody any more is found there too, before anything is told.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

import msgspec

from tertulia_notify import metrics
from tertulia_notify.delivery.connection import Connection
from tertulia_notify.delivery.hub import Hub
from tertulia_notify.limits import Limits
from tertulia_notify.presence import words
from tertulia_notify.presence.board import Board
from tertulia_notify.presence.states import PresenceState, as_wished
from tertulia_shared.bus import Bus, BusMessage, BusUnavailable
from tertulia_shared.events import encode
from tertulia_shared.telemetry import logger

log = logger(__name__)


class Presence:
    name = "presence"

    def __init__(
        self, bus: Bus, hub: Hub, process: str, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bus = bus
        self._hub = hub
        self._process = process
        self._every_s = limits.presence_s
        self._clock = clock
        self._board = Board(
            process,
            grace_s=limits.presence_grace_s,
            beat_s=limits.presence_beat_s,
            lease_s=limits.presence_lease_s,
        )
        self._shown: dict[str, PresenceState] = {}
        """Everybody who is not offline to others."""
        self._projection = hub.projection

    async def start(self) -> None:
        await self._bus.subscribe(self._bus.topology.presence_all, self.receive)

    async def run(self) -> None:
        while True:
            self.look(self._clock())
            await asyncio.sleep(self._every_s)

    def receive(self, message: BusMessage) -> None:
        """From any process of this service, this one included."""
        try:
            self._board.hear(words.read(message.data), self._clock())
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("presence.malformed", error=str(error))

    def states(self, user_id: str, people: Iterable[str]) -> dict[str, PresenceState]:
        """Of those whom the user may see."""
        if self._hub.projection is not self._projection:
            # Not before it is known who does not want to be seen.
            self.look(self._clock())
        audience = self._hub.audience
        return {
            person: self._shown.get(person, PresenceState.OFFLINE)
            for person in people
            if audience.may_see_presence(user_id, person)
        }

    def watch(self, connection: Connection, people: Iterable[str]) -> None:
        """From now on the connection hears of these people instead of those before; first, how they are now."""
        states = self.states(connection.user_id, people)
        self._hub.registry.watch(connection, states.keys())
        connection.push_presence(states, anew=True)
        metrics.PRESENCE_TOLD.inc(len(states))

    def set_active(self, connection: Connection, *, active: bool) -> None:
        """Whether somebody is using the device."""
        connection.active = active
        self._hub.registry.note(connection.user_id)

    def look(self, now: float) -> None:
        """Let time pass up to `now`, and tell what has changed."""
        registry = self._hub.registry
        noted = registry.take_noted()
        for user_id in noted:
            self._board.place(user_id, _by_devices(registry.of_user(user_id)), now)
        for word in self._board.tick(now, deaf=not self._bus.connected):
            self._say(word)
        touched = self._board.take_touched() | noted
        if self._hub.projection is not self._projection:
            # Another snapshot: whatever was said of anybody may have changed.
            self._projection = self._hub.projection
            touched |= self._board.people()
        for user_id in registry.take_bereft():
            self._look_again(user_id)
        for user_id in touched:
            self._show(user_id)
        self._measure()

    def _show(self, user_id: str) -> None:
        state = as_wished(self._board.state_of(user_id), self._hub.projection.presence_wish_of(user_id))
        if state is self._shown.get(user_id, PresenceState.OFFLINE):
            return
        if state is PresenceState.OFFLINE:
            del self._shown[user_id]
        else:
            self._shown[user_id] = state
        watchers = self._hub.registry.watchers(user_id)
        for connection in watchers:
            connection.push_presence({user_id: state})
        metrics.PRESENCE_TOLD.inc(len(watchers))

    def _look_again(self, user_id: str) -> None:
        """At whom the user watches, and who watches the user: they may share nothing any more."""
        for connection in self._hub.registry.of_user(user_id):
            self._end_watches(connection, connection.watched)
        for connection in list(self._hub.registry.watchers(user_id)):
            self._end_watches(connection, {user_id})

    def _end_watches(self, connection: Connection, people: AbstractSet[str]) -> None:
        """Whom the connection may no longer see, it sees go offline, and hears no more of."""
        audience = self._hub.audience
        lost = {person for person in people if not audience.may_see_presence(connection.user_id, person)}
        if lost:
            self._hub.registry.watch(connection, connection.watched - lost)
            connection.push_presence(dict.fromkeys(lost, PresenceState.OFFLINE))

    def _say(self, word: words.Word) -> None:
        """Without NATS it is lost; the others see that by the next number."""
        if isinstance(word, words.Asked) and word.of is not None:
            metrics.PRESENCE_REPAIRS.inc()
        try:
            self._bus.publish_nowait(self._bus.topology.presence(self._process), encode(word))
        except BusUnavailable as error:
            log.debug("presence.not_said", error=str(error))

    def _measure(self) -> None:
        away = sum(state is PresenceState.AWAY for state in self._shown.values())
        metrics.PRESENT.labels("away").set(away)
        metrics.PRESENT.labels("online").set(len(self._shown) - away)
        metrics.PRESENCE_PROCESSES.set(self._board.peers)
        metrics.PRESENCE_WATCHES.set(self._hub.registry.watches)


def _by_devices(connections: Iterable[Connection]) -> PresenceState:
    state = PresenceState.OFFLINE
    for connection in connections:
        if connection.active:
            return PresenceState.ONLINE
        state = PresenceState.AWAY
    return state
