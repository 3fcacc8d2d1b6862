"""Sessions that ended while their access tokens still verify."""

import time
from collections.abc import Callable

KEEP_S = 24 * 3600
"""Longer than any access token lives; a snapshot says the exact time."""


class Revocations:
    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._until)

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._until

    def add(self, session_id: str, until: float | None = None) -> None:
        """Refuse the session until its last access token has expired (unix seconds)."""
        known = self._until.get(session_id, 0.0)
        self._until[session_id] = max(known, self._clock() + KEEP_S if until is None else until)

    def forget_expired(self) -> None:
        now = self._clock()
        self._until = {session: until for session, until in self._until.items() if until > now}
