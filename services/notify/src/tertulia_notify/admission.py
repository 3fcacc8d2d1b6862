"""Who may open another stream: the checks that come before the first byte.

When a crowd comes at once, as after a cut, those who find no place are told to come back one after the other, as many a
second as there are places: told the same time, all of them would meet again and most be sent away again.
"""

import time
from collections.abc import Callable
from math import ceil

from tertulia_notify.delivery.connection import Connection
from tertulia_notify.delivery.hub import Hub
from tertulia_notify.limits import Limits
from tertulia_shared.callers import Callers
from tertulia_shared.problems import DependencyUnavailable, RateLimited, Unauthenticated
from tertulia_shared.tokens import Claims


class Admission:
    def __init__(
        self,
        hub: Hub,
        callers: Callers,
        serving: Callable[[], bool],
        limits: Limits,
    ) -> None:
        self._hub = hub
        self._callers = callers
        self._serving = serving
        self._per_user = limits.streams_per_user
        self._new_per_s = float(limits.new_streams_per_s)
        self._tokens = self._new_per_s
        self._refilled_at = time.monotonic()
        self._next_place_at = 0.0

    async def identify(self, authorization: str) -> Claims:
        """Who asks. Raises Unauthenticated, TokenExpired, DependencyUnavailable."""
        return await self._callers.authenticated(authorization)

    def check_still_admitted(self, connection: Connection) -> None:
        """Its session may have ended while the connection was being caught up. Raises Unauthenticated."""
        if connection.bye == "revoked":
            raise Unauthenticated("The session has ended.")

    def check_serving(self) -> None:
        """Raises DependencyUnavailable while delivery cannot be proven complete, and while the process ends."""
        if not self._serving():
            raise DependencyUnavailable("Live delivery is starting or recovering.", retry_after=2)

    def check_room(self, user_id: str) -> None:
        """Raises RateLimited or DependencyUnavailable. Counts as one more connection."""
        if len(self._hub.registry.of_user(user_id)) >= self._per_user:
            raise RateLimited(f"At most {self._per_user} streams per person.", retry_after=30)
        now = time.monotonic()
        self._tokens = min(self._new_per_s, self._tokens + (now - self._refilled_at) * self._new_per_s)
        self._refilled_at = now
        if self._tokens < 1:
            raise DependencyUnavailable("Too many clients are connecting at once.", retry_after=self._appointment(now))
        self._tokens -= 1

    def _appointment(self, now: float) -> int:
        """Whole seconds until there is a place that nobody else was told of."""
        self._next_place_at = max(self._next_place_at, now) + 1 / self._new_per_s
        return ceil(self._next_place_at - now)
