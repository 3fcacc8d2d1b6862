"""How far the reports are behind."""

import time
from datetime import datetime

from tertulia_analytics import metrics


class Lag:
    """`seconds` is the age of the oldest event that is not counted yet, as far as is known; 0 when there is none.

    While the stream cannot be asked it grows: what is not known to be counted is taken to be missing.
    """

    def __init__(self) -> None:
        self._since: float | None = time.time()
        self.reason = "starting"
        metrics.LAG_SECONDS.set_function(lambda: self.seconds)

    @property
    def seconds(self) -> float:
        return 0.0 if self._since is None else max(0.0, time.time() - self._since)

    def none(self) -> None:
        self._since = None
        self.reason = ""

    def since(self, oldest: datetime | None, reason: str) -> None:
        """The oldest event that is not counted; None keeps what is known."""
        if oldest is not None:
            self._since = oldest.timestamp()
        elif self._since is None:
            self._since = time.time()
        self.reason = reason
