"""Waiting before the next attempt: full jitter, so that a thousand clients do not come back in the same instant."""

import random
from dataclasses import dataclass

from tertulia_client.errors import ApiError, NetworkError, RateLimited, ServerFailed, TertuliaError


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """Attempt n (from 0) waits a random time in 0 … min(cap_s, base_s · 2ⁿ) seconds."""

    base_s: float = 0.5
    cap_s: float = 30.0

    def delay_s(self, attempt: int) -> float:
        # The exponent is bounded because 2**10_000 is a number, but not a float.
        return random.uniform(0.0, min(self.cap_s, self.base_s * 2 ** min(attempt, 32)))  # noqa: S311 (no secret)


def is_temporary(error: TertuliaError) -> bool:
    """Whether the same request may succeed later: no answer, 408, 429 or 5xx."""
    match error:
        case NetworkError() | RateLimited() | ServerFailed():
            return True
        case ApiError(status=408):
            return True
        case _:
            return False


def wait_s(error: TertuliaError, backoff: Backoff, attempt: int) -> float:
    """The server's Retry-After is a minimum; jitter comes on top, since everybody was told the same second."""
    asked = error.retry_after_s if isinstance(error, ApiError) else None
    return (asked or 0.0) + backoff.delay_s(attempt if asked is None else 0)
