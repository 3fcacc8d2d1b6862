"""What a client wants of presence for one of its streams, wherever that stream is.

`hello` names the stream: the process that holds it, and its number there. A request reaches any process; the one that
holds the stream does what is asked, and answers whether there was such a stream.
"""

import re

import msgspec

from tertulia_notify.delivery.connection import Connection
from tertulia_notify.delivery.hub import Hub
from tertulia_notify.presence.component import Presence
from tertulia_shared.bus import Bus, BusMessage, BusUnavailable, NoResponders, RequestTimeout
from tertulia_shared.events import encode
from tertulia_shared.problems import DependencyUnavailable, NotFound
from tertulia_shared.telemetry import logger

log = logger(__name__)

TIMEOUT_S = 2.0

# A process's id becomes part of a subject, so nothing else may pass.
_NAME = re.compile(r"([0-9a-f]{8})-([1-9][0-9]{0,15})", re.ASCII)


def name_of(process: str, number: int) -> str:
    """What `hello` calls a stream."""
    return f"{process}-{number}"


class Order(msgspec.Struct, frozen=True):
    """Of a user for their stream `number`: hear of these people, or say whether the device is in use."""

    user_id: str
    number: int
    watch: list[str] | None = None
    active: bool | None = None


_decoder = msgspec.json.Decoder(Order)


class Orders:
    def __init__(self, bus: Bus, hub: Hub, presence: Presence, process: str) -> None:
        self._bus = bus
        self._hub = hub
        self._presence = presence
        self._process = process

    async def start(self) -> None:
        await self._bus.subscribe(self._bus.topology.watch(self._process), self.receive)

    async def watch(self, user_id: str, stream: str, people: list[str]) -> None:
        """Raises NotFound when it is no open stream of the user, and DependencyUnavailable."""
        process, number = _parts(stream)
        await self._give(process, Order(user_id, number, watch=people))

    async def set_active(self, user_id: str, stream: str, *, active: bool) -> None:
        """Raises as `watch`."""
        process, number = _parts(stream)
        await self._give(process, Order(user_id, number, active=active))

    def receive(self, message: BusMessage) -> None:
        """From another process."""
        try:
            done = self._carry_out(_decoder.decode(message.data))
            self._bus.publish_nowait(message.reply, encode(done))
        except (msgspec.DecodeError, BusUnavailable, ValueError) as error:
            log.warning("presence.order_failed", error=str(error))

    async def _give(self, process: str, order: Order) -> None:
        if process == self._process:
            done = self._carry_out(order)
        else:
            done = await self._send(process, order)
        if not done:
            raise NotFound

    async def _send(self, process: str, order: Order) -> bool:
        try:
            answer = await self._bus.request(self._bus.topology.watch(process), encode(order), TIMEOUT_S)
        except NoResponders:
            # The process is gone, and the stream with it.
            return False
        except (RequestTimeout, BusUnavailable) as error:
            raise DependencyUnavailable("The stream cannot be reached right now.") from error
        return answer.data == b"true"

    def _carry_out(self, order: Order) -> bool:
        """False when the user has no such stream here."""
        connection = self._find(order.user_id, order.number)
        if connection is None:
            return False
        if order.watch is not None:
            self._presence.watch(connection, order.watch)
        if order.active is not None:
            self._presence.set_active(connection, active=order.active)
        return True

    def _find(self, user_id: str, number: int) -> Connection | None:
        for connection in self._hub.registry.of_user(user_id):
            if connection.number == number and not connection.ended:
                return connection
        return None


def _parts(stream: str) -> tuple[str, int]:
    found = _NAME.fullmatch(stream)
    if found is None:
        raise NotFound
    return found[1], int(found[2])
