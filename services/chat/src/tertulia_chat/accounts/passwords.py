"""Passwords, hashed with Argon2id away from the event loop.

A hash takes tens of milliseconds and much memory on purpose, so only a few run at once and only so many wait: beyond
that a login is refused with "try again" instead of making everybody wait.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tertulia_chat.errors import Busy

P = ParamSpec("P")
R = TypeVar("R")

THREADS = 2
MAX_WAITING = 64


class Passwords:
    def __init__(self, hasher: PasswordHasher | None = None, *, max_waiting: int = MAX_WAITING) -> None:
        # 19 MiB, two passes, one lane: the OWASP minimum for Argon2id, 15 ms a hash on the reference machine.
        self._hasher = hasher or PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._max_waiting = max_waiting
        self._waiting = 0
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """Raises Busy."""
        return await self._run(self._hasher.hash, password)

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Takes the same time when there is no such person (None). Raises Busy."""
        right = await self._run(self._verify, password_hash or self._nobody, password)
        return right and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if self._waiting >= self._max_waiting:
            raise Busy
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, lambda: work(*args, **kwargs))
        finally:
            self._waiting -= 1
