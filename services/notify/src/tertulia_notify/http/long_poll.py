"""`GET /api/v1/events`: the same events for networks that do not let a stream through."""

import asyncio
import contextlib
from dataclasses import dataclass

from tertulia_notify.admission import Admission
from tertulia_notify.delivery import frames
from tertulia_notify.delivery.connection import Connection
from tertulia_notify.delivery.hub import Hub
from tertulia_notify.delivery.resume import Resumer
from tertulia_shared.events import encode
from tertulia_shared.tokens import Claims


@dataclass(frozen=True, slots=True)
class Answer:
    bodies: list[bytes]
    cursor: str
    reset: str | None = None

    def render(self) -> bytes:
        """JSON, from the bytes that the stream sends too."""
        events = b",".join(self.bodies)
        return b'{"events":[%b],"cursor":%b,"reset":%b}' % (events, encode(self.cursor), encode(self.reset))


class LongPoll:
    def __init__(self, hub: Hub, admission: Admission, resumer: Resumer) -> None:
        self._hub = hub
        self._admission = admission
        self._resumer = resumer

    async def ask(self, claims: Claims, cursor: str | None, timeout_s: float, *, active: bool = True) -> Answer:
        """Without a cursor: one to start from. With one: what is new, waiting up to `timeout_s` for something."""
        self._admission.check_serving()
        self._admission.check_room(claims.user_id)
        connection = Connection(
            claims.user_id, claims.session_id, claims.expires_at, takes_ephemeral=False, active=active
        )
        self._hub.registry.admit(connection)
        try:
            beginning = await self._resumer.begin(connection, None, cursor)
            self._admission.check_still_admitted(connection)
            here = self._hub.cursor(claims.user_id)
            if beginning.reset is not None or not cursor or beginning.frames:
                return Answer([frames.body_of(frame) for frame in beginning.frames], here, beginning.reset)
            return await self._wait(connection, here, timeout_s)
        finally:
            self._hub.registry.remove(connection, self._hub.projection)

    async def _wait(self, connection: Connection, here: str, timeout_s: float) -> Answer:
        # Something may have come in the very moment in which the time ran out: what is queued decides, not the clock.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await connection.wait()
        self._admission.check_still_admitted(connection)
        if connection.ended:
            # Too much at once, or the process is stopping: nothing is lost, the same place will be asked for again.
            return Answer([], here)
        now = self._hub.cursor(connection.user_id)
        if connection.reset_reason is not None:
            return Answer([], now, connection.reset_reason)
        return Answer([frames.body_of(frame) for frame in connection.take_frames()], now)
