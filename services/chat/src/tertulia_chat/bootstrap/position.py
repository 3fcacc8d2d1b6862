"""The stream's present position, sealed for one user."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from tertulia_shared.bus import Bus, BusError, stream_state
from tertulia_shared.cursors import CursorSealer, Position

MAX_WAIT_S = 0.5


class StreamPosition:
    """Where the stream ends now, as a cursor."""

    def __init__(self, bus: Bus, sealer: CursorSealer) -> None:
        self._bus = bus
        self._sealer = sealer

    async def cursor_for(self, user_id: UUID) -> str | None:
        """None when the bus does not answer within half a second, or there is no stream yet."""
        try:
            async with asyncio.timeout(MAX_WAIT_S):
                state = await stream_state(self._bus)
        except (BusError, TimeoutError):
            return None
        position = Position(epoch=state.incarnation, seq=state.last_seq)
        return self._sealer.seal_user(str(user_id), position, datetime.now(UTC))
