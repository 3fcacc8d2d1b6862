"""The choke point: everything that is found passes here, for a person or for a room.

The engine is asked only about channels that may be read. Memberships can change while it searches, so the question is
asked again when the answer to "what may be read" is another one afterwards; and whatever the engine answered, each hit
and each number by channel is checked against the projection of this very moment before it goes out.
"""

from collections.abc import Callable
from dataclasses import replace

from tertulia_search import metrics
from tertulia_search.engines.port import Ask, Found, SearchEngine
from tertulia_shared.membership import Projection

TRIES = 3
NOTHING = Found([])

Readable = Callable[[Projection], frozenset[str]]


async def search_readable(
    engine: SearchEngine, projection: Callable[[], Projection], readable: Readable, ask: Ask
) -> Found:
    """What `ask` finds in those of its channels that are readable. Raises EngineUnavailable."""
    found = NOTHING
    for _ in range(TRIES):
        allowed = readable(projection())
        found = await engine.search(replace(ask, channels=ask.channels & allowed))
        if readable(projection()) == allowed:
            break
    return _checked(found, readable(projection()) & ask.channels)


def _checked(found: Found, allowed: frozenset[str]) -> Found:
    documents = [document for document in found.documents if document.channel_id in allowed]
    if len(documents) == len(found.documents) and allowed.issuperset(found.channels):
        return found
    # Totals of what must not be known go too, as far as they can be told apart.
    metrics.REFUSED_HITS.inc(len(found.documents) - len(documents))
    channels = {channel: count for channel, count in found.channels.items() if channel in allowed}
    return Found(documents, found.more, sum(channels.values()), channels, {})
