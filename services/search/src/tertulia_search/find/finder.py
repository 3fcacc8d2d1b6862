"""A person's search, and the bot's retrieval for a room."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tertulia_search import metrics
from tertulia_search.engines.port import Ask, EngineUnavailable, Found, SearchEngine, Sort, position_of
from tertulia_search.errors import QueryTooLong, SearchUnavailable
from tertulia_search.find import cursors
from tertulia_search.find.answers import (
    FacetCount,
    Facets,
    Retrieved,
    RetrievedHit,
    SearchResult,
    hit_of,
    message_of,
)
from tertulia_search.find.fragments import Marker
from tertulia_search.find.readable import NOTHING, Readable, search_readable
from tertulia_search.query.parser import Query, QueryProblem, any_words, parse
from tertulia_search.query.stop_words import STOP_WORDS
from tertulia_shared.membership import Projection
from tertulia_shared.problems import FieldError, NotFound

MAX_QUERY = 1_000
MAX_BY_RELEVANCE = 1_000
"""So many hits can be paged through by relevance; who wants more sorts by time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person asked for."""

    workspace_id: str
    user_id: str
    text: str
    sort: Sort
    limit: int
    cursor: str | None


class Finder:
    def __init__(
        self, engine: SearchEngine, projection: Callable[[], Projection], clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._projection = projection
        self._clock = clock

    async def search(self, wish: Wish) -> SearchResult:
        """Raises NotFound, QueryTooLong, CursorInvalid or SearchUnavailable."""
        started = time.perf_counter()
        if not self._projection().in_workspace(wish.workspace_id, wish.user_id):
            raise NotFound
        if len(wish.text) > MAX_QUERY:
            raise QueryTooLong(errors=[FieldError(detail=f"At most {MAX_QUERY:,} characters.", parameter="q")])
        mark = cursors.mark_of(wish.workspace_id, wish.text, wish.sort)
        place = None if wish.cursor is None else cursors.read(wish.cursor, mark, wish.sort)
        query = parse(wish.text)
        ask = self._ask(wish, query, place)
        found = NOTHING if query.is_empty else await self._found("search", _reads(wish), ask)
        marker = Marker(query.clauses)
        return SearchResult(
            hits=[hit_of(document, marker.fragments(document.text)) for document in found.documents],
            total=found.total,
            facets=Facets(channels=_counts(found.channels), people=_counts(found.people)),
            problems=query.problems,
            next=self._next(mark, place, ask, found),
            took_ms=round((time.perf_counter() - started) * 1000, 3),
        )

    async def retrieve(self, workspace_id: str, channel_id: str, text: str, limit: int) -> Retrieved:
        """What fits a question best, of what everybody who reads the room may read.

        Raises NotFound or SearchUnavailable.
        """

        def readable(projection: Projection) -> frozenset[str]:
            return projection.readable_by_room(channel_id)

        projection = self._projection()
        if projection.workspace_of(channel_id) != workspace_id:
            raise NotFound
        channels = readable(projection)
        clauses = any_words(text, STOP_WORDS) or any_words(text, frozenset())
        found = NOTHING
        if clauses:
            ask = Ask(channels=channels, clauses=tuple(clauses), any_clause=True, limit=limit, facets=False)
            found = await self._found("retrieve", readable, ask)
        return Retrieved(
            hits=[RetrievedHit(message=message_of(document)) for document in found.documents],
            searched_channels=len(channels),
        )

    def _ask(self, wish: Wish, query: Query, place: cursors.Place | None) -> Ask:
        projection = self._projection()
        until_ms = query.until_ms
        offset = 0
        if isinstance(place, cursors.ByRelevance):
            offset = min(place.offset, MAX_BY_RELEVANCE)
            until_ms = place.until_ms if until_ms is None else min(until_ms, place.until_ms)
        return Ask(
            channels=_channels(projection, wish, query),
            clauses=tuple(query.clauses),
            authors=_authors(projection, wish, query),
            from_ms=query.from_ms,
            until_ms=until_ms,
            sort=wish.sort,
            limit=wish.limit,
            after=place.after if isinstance(place, cursors.ByTime) else None,
            offset=offset,
        )

    def _next(self, mark: str, place: cursors.Place | None, ask: Ask, found: Found) -> str | None:
        if not found.more or not found.documents:
            return None
        if ask.sort != "relevance":
            return cursors.write(mark, cursors.ByTime(position_of(found.documents[-1])))
        offset = ask.offset + ask.limit
        if offset >= MAX_BY_RELEVANCE:
            return None
        # Later pages are pages of what was there at the first one.
        until_ms = place.until_ms if isinstance(place, cursors.ByRelevance) else int(self._clock() * 1000) + 1
        return cursors.write(mark, cursors.ByRelevance(offset, until_ms))

    async def _found(self, kind: str, readable: Readable, ask: Ask) -> Found:
        started = time.perf_counter()
        outcome = "unavailable"
        try:
            found = await search_readable(self._engine, self._projection, readable, ask)
            outcome = "ok"
        except EngineUnavailable as error:
            raise SearchUnavailable from error
        finally:
            metrics.QUERY_SECONDS.labels(kind, outcome).observe(time.perf_counter() - started)
        return found


def _reads(wish: Wish) -> Readable:
    return lambda projection: projection.readable(wish.workspace_id, wish.user_id)


def _channels(projection: Projection, wish: Wish, query: Query) -> frozenset[str]:
    """All that the person may read, or those of them that were named."""
    readable = projection.readable(wish.workspace_id, wish.user_id)
    if not query.channels:
        return readable
    named: set[str] = set()
    for name in query.channels:
        channel = projection.channel_named(wish.workspace_id, name.lower())
        if channel is None or channel not in readable:
            detail = "There is no channel of this name that you can read."
            query.problems.append(QueryProblem(operator="in", value=name, detail=detail))
        else:
            named.add(channel)
    return frozenset(named)


def _authors(projection: Projection, wish: Wish, query: Query) -> frozenset[str] | None:
    if not query.people:
        return None
    named: set[str] = set()
    for name in query.people:
        person = wish.user_id if name.lower() == "me" else projection.user_named(wish.workspace_id, name.lower())
        if person is None:
            query.problems.append(
                QueryProblem(operator="from", value=name, detail="There is nobody of this name here.")
            )
        else:
            named.add(person)
    return frozenset(named)


def _counts(counts: Mapping[str, int]) -> list[FacetCount]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [FacetCount(id=id_, count=count) for id_, count in ordered]
