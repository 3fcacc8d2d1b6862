"""`POST /api/v1/channels/{ch}/typing`: told to the channel's members while it is fresh, never stored."""

import time
from collections.abc import Callable

import msgspec

from tertulia_notify.delivery import frames
from tertulia_notify.delivery.hub import Hub
from tertulia_shared.bus import Bus, BusMessage, BusUnavailable
from tertulia_shared.events import encode
from tertulia_shared.problems import NotFound
from tertulia_shared.telemetry import logger

log = logger(__name__)

EVERY_S = 3.0
"""One notice per person and channel in this time; more are accepted and not passed on."""
EXPIRES_MS = 6_000
REMEMBERED = 20_000


class Typing(msgspec.Struct, frozen=True):
    """As it travels between the processes and to the clients."""

    workspace_id: str
    channel_id: str
    user_id: str
    type: str = "typing"
    expires_in_ms: int = EXPIRES_MS


_decoder = msgspec.json.Decoder(Typing)


class TypingNotices:
    def __init__(self, bus: Bus, hub: Hub, clock: Callable[[], float] = time.monotonic) -> None:
        self._bus = bus
        self._hub = hub
        self._clock = clock
        self._told_at: dict[tuple[str, str], float] = {}

    async def start(self) -> None:
        await self._bus.subscribe(self._bus.topology.typing_all, self.receive)

    async def announce(self, user_id: str, channel_id: str) -> None:
        """Raises NotFound for a channel that the user is not in. Without NATS the notice is lost, as it may be."""
        member = await self._hub.settling.until(lambda projection: projection.is_member(user_id, channel_id))
        workspace_id = self._hub.projection.workspace_of(channel_id)
        if workspace_id is None or not member:
            raise NotFound
        if not self._is_due((user_id, channel_id)):
            return
        notice = Typing(workspace_id, channel_id, user_id)
        try:
            self._bus.publish_nowait(self._bus.topology.typing(workspace_id, channel_id), encode(notice))
        except BusUnavailable as error:
            log.debug("typing.not_sent", error=str(error))

    def receive(self, message: BusMessage) -> None:
        """From any process of this service, this one included."""
        try:
            notice = _decoder.decode(message.data)
        except msgspec.DecodeError as error:
            log.warning("typing.malformed", error=str(error))
            return
        if not self._hub.projection.is_member(notice.user_id, notice.channel_id):
            return
        frame = frames.named("typing", notice)
        key = (notice.channel_id, notice.user_id)
        for connection in self._hub.registry.in_channel(notice.channel_id):
            if connection.user_id != notice.user_id:
                connection.push_ephemeral(key, frame)

    def _is_due(self, key: tuple[str, str]) -> bool:
        now = self._clock()
        if now - self._told_at.get(key, float("-inf")) < EVERY_S:
            return False
        if len(self._told_at) >= REMEMBERED:
            self._told_at = {known: at for known, at in self._told_at.items() if now - at < EVERY_S}
        self._told_at[key] = now
        return True
