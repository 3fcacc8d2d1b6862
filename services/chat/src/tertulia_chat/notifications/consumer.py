"""The durable consumer of the event stream that has what happened decided."""

from collections.abc import Sequence

from tertulia_chat.database import Database
from tertulia_chat.notifications.decide import decide
from tertulia_chat.notifications.news import news_in
from tertulia_shared.bus import BatchConsumer, BatchOptions, Bus, DeadLetters, Delivery, Retry
from tertulia_shared.problems import DependencyUnavailable

NAME = "notifications"
RETRY_S = 1.0
GATHERING = BatchOptions(linger_s=0.15)
"""Nobody misses a sixth of a second before a bell, and deciding costs a transaction however little there is."""


class Decisions:
    """A batch is acknowledged once it is decided; what a kill takes away comes again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        """Raises Retry while the database is away or another process takes its time, Reject for what is no event."""
        news = news_in(deliveries)
        if not news:
            return
        try:
            await decide(self._database, news)
        except DependencyUnavailable as error:
            raise Retry(str(error), delay_s=RETRY_S) from error


def consumer(bus: Bus, database: Database) -> BatchConsumer:
    """The component. The replicas share what comes."""
    return BatchConsumer(bus, NAME, Decisions(database).handle, DeadLetters(database.pool), GATHERING)
