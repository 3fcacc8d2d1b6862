"""Whether this relay can publish, and how many shards are its own because of that.

Who cannot reach NATS says so to the other relays (through PostgreSQL, which it reaches), and leaves its shards to those
who can. While nobody can, everybody keeps what they have: handing shards around would help nobody.
"""

import asyncio
import time

import asyncpg

from tertulia_chat.relay.lease import Lease
from tertulia_chat.relay.position import appear, disappear, fair_share
from tertulia_shared.bus import Bus, BusError, JetStreamError, RequestTimeout, jetstream, stream_state
from tertulia_shared.telemetry import logger

log = logger(__name__)

REACH_S = 1.0


class Standing:
    def __init__(self, connection: asyncpg.Connection, lease: Lease, bus: Bus, *, give_up_s: float, absent_s: float):
        """Whoever could not publish for `give_up_s` is absent, for at least `absent_s` if it has no shards left."""
        self._connection = connection
        self._lease = lease
        self._bus = bus
        self._give_up_s = give_up_s
        self._absent_s = absent_s
        self._able_at = time.monotonic()
        self._absent_until = 0.0
        self.able = False
        """Others count us among those who can publish."""

    async def share(self, held: int) -> int:
        """How many shards are ours. Who holds none cannot have tried: it asks whether NATS answers."""
        if held == 0 and not self.able and time.monotonic() >= self._absent_until:
            await self._ask()
        return await fair_share(self._connection, able=self.able)

    async def succeeded(self) -> None:
        """We can publish."""
        self._able_at = time.monotonic()
        if not self.able:
            await appear(self._connection)
            self.able = True

    async def failed(self) -> bool:
        """We could not. True when we have just become absent."""
        now = time.monotonic()
        if not self.able or now - self._able_at < self._give_up_s:
            return False
        await disappear(self._connection)
        self.able = False
        self._absent_until = now + self._absent_s
        log.warning("relay cannot publish, and leaves that to others")
        return True

    async def _ask(self) -> None:
        try:
            await self._lease.hold(_reach(self._bus))
        except BusError as error:
            log.warning("relay cannot reach the stream", error=str(error))
        else:
            await self.succeeded()


async def _reach(bus: Bus) -> None:
    """Raises BusError. That there is no stream yet is an answer as well."""
    try:
        async with asyncio.timeout(REACH_S):
            await bus.wait_connected()
            await stream_state(bus)
    except TimeoutError:
        raise RequestTimeout(f"the stream did not answer within {REACH_S} s") from None
    except JetStreamError as error:
        if error.err_code != jetstream.STREAM_NOT_FOUND:
            raise
