"""Token buckets per client address and per user.

A bucket holds `burst` tokens and fills at `per_second`. The answer tells where the caller stands in the three fields
of draft-ietf-httpapi-ratelimit-headers-06: `RateLimit-Limit`, `RateLimit-Remaining`, `RateLimit-Reset` (seconds until
the bucket is full again). Buckets live in this process: with several gateways each allows its own share.
"""

import ipaddress
import math
from dataclasses import dataclass
from time import monotonic

from tertulia_gateway.metrics import RATE_LIMITED
from tertulia_gateway.routes import Rate
from tertulia_shared.problems import RateLimited

MAX_BUCKETS = 200_000
"""About 30 MB. Beyond it the buckets that are full again are dropped, which changes nothing for their owners."""


@dataclass(frozen=True, slots=True)
class Budget:
    burst: int
    per_second: float


# Who types fast sends 5 messages a second for a moment; a script that imports sends 20 all day.
PER_USER: dict[Rate, Budget] = {
    Rate.OPEN: Budget(120, 20),
    Rate.CREDENTIALS: Budget(10, 0.2),
    Rate.READ: Budget(300, 50),
    Rate.WRITE: Budget(120, 20),
    Rate.SEND: Budget(120, 20),
    Rate.STREAM: Budget(30, 1),
    # One search a key, and who types fast types ten keys a second.
    Rate.SEARCH: Budget(40, 20),
    Rate.COMMAND: Budget(10, 1),
    Rate.REPORT: Budget(60, 5),
    Rate.SPANS: Budget(20, 2),
}
# An office behind one address: many people, and still no room for guessing passwords at speed.
PER_ADDRESS: dict[Rate, Budget] = {
    Rate.OPEN: Budget(600, 100),
    Rate.CREDENTIALS: Budget(30, 0.5),
    Rate.READ: Budget(3000, 500),
    Rate.WRITE: Budget(1200, 200),
    Rate.SEND: Budget(1200, 200),
    Rate.STREAM: Budget(300, 10),
    Rate.SEARCH: Budget(400, 200),
    Rate.COMMAND: Budget(100, 10),
    Rate.REPORT: Budget(600, 50),
    Rate.SPANS: Budget(200, 20),
}


class Bucket:
    __slots__ = ("budget", "filled_at", "tokens")

    def __init__(self, budget: Budget, now: float) -> None:
        self.budget = budget
        self.tokens = float(budget.burst)
        self.filled_at = now

    def take(self, now: float) -> bool:
        budget = self.budget
        tokens = min(float(budget.burst), self.tokens + (now - self.filled_at) * budget.per_second)
        self.filled_at = now
        if tokens < 1.0:
            self.tokens = tokens
            return False
        self.tokens = tokens - 1.0
        return True

    @property
    def until_next_s(self) -> float:
        return (1.0 - self.tokens) / self.budget.per_second

    @property
    def until_full_s(self) -> float:
        return (self.budget.burst - self.tokens) / self.budget.per_second

    def header_lines(self) -> bytes:
        return b"RateLimit-Limit: %d\r\nRateLimit-Remaining: %d\r\nRateLimit-Reset: %d\r\n" % (
            self.budget.burst,
            self.tokens,
            math.ceil(self.until_full_s),
        )


class Limiter:
    """One set of buckets, by owner and rate class. `per` names the kind of owner in the metrics."""

    def __init__(self, budgets: dict[Rate, Budget], per: str) -> None:
        self._budgets = budgets
        self._per = per
        self._buckets: dict[tuple[str, Rate], Bucket] = {}

    def take(self, owner: str, rate: Rate) -> Bucket:
        """The bucket after one token was taken out. Raises RateLimited, which carries the fields too."""
        now = monotonic()
        key = (owner, rate)
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= MAX_BUCKETS:
                self.sweep()
            bucket = self._buckets[key] = Bucket(self._budgets[rate], now)
        if not bucket.take(now):
            RATE_LIMITED.labels(rate, self._per).inc()
            raise RateLimited(
                "Wait a moment before you try again.",
                retry_after=math.ceil(bucket.until_next_s),
                headers={
                    "RateLimit-Limit": str(bucket.budget.burst),
                    "RateLimit-Remaining": "0",
                    "RateLimit-Reset": str(math.ceil(bucket.until_full_s)),
                },
            )
        return bucket

    def sweep(self) -> None:
        """Forget buckets that are full by now; when an attack fills the table with live ones, forget the oldest."""
        now = monotonic()
        full = [key for key, bucket in self._buckets.items() if now - bucket.filled_at > bucket.until_full_s]
        for key in full:
            del self._buckets[key]
        surplus = len(self._buckets) - MAX_BUCKETS * 9 // 10
        for key in list(self._buckets)[: max(0, surplus)]:
            del self._buckets[key]


def owner_of_address(address: str) -> str:
    """An IPv6 subscriber owns a /64, so that is what is counted."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False).network_address)
