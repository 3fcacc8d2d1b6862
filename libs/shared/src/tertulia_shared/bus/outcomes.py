"""How a handler says what becomes of its delivery. Returning means done; anything else is raised."""


class Outcome(Exception):
    """Base of the answers a handler can raise."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Retry(Outcome):
    """Not now: deliver again after `delay_s` seconds (None: the consumer's back-off)."""

    def __init__(self, reason: str = "retry asked for", delay_s: float | None = None) -> None:
        super().__init__(reason)
        self.delay_s = delay_s


class Reject(Outcome):
    """Never: keep it as a dead letter and go on."""
