"""One question to one state of a tantivy index.

The words are cheap to find and the channels are not: before tantivy can intersect anything with 500 channels it gathers
all of their messages, which takes longer than all the rest. So the words are looked for alone first; if they hit few
messages, each one's channel is looked at here, and page and numbers come of the same pass. Otherwise tantivy filters,
in two passes that may run side by side: the page, and the numbers.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import tantivy
from tantivy import Occur, Order, Query

from tertulia_search.engines.port import (
    FACET_SIZE,
    LAST_MS,
    TIE_BITS,
    Ask,
    Clause,
    Document,
    EngineUnavailable,
    Found,
    Word,
    page_after,
)
from tertulia_search.engines.tantivy_schema import SCHEMA, document_at, key_of, keys_of, place_of
from tertulia_search.text import may_be_misspelt

SAME_PLACE = 8
"""So many messages may share a millisecond and the bits of `TIE_BITS` without being passed over at a page's end."""

# An exact word always counts more than a beginning, and that more than a typo; BM25 orders among the exact.
EXACT, BEGINNING, TYPO = 10.0, 6.0, 2.0
MAX_VALUES = 60_000
"""So many channels or people are counted exactly."""

_Hit = tuple[Any, tantivy.DocAddress]
"""Its score, or its place in time; and where it is."""


@dataclass(frozen=True, slots=True)
class Tally:
    total: int
    channels: dict[str, int]
    people: dict[str, int]


class Look:
    """Each of its methods blocks, and raises EngineUnavailable."""

    def __init__(self, searcher: tantivy.Searcher, ask: Ask) -> None:
        self._searcher = searcher
        self._ask = ask
        self._channels = keys_of(ask.channels)
        self._wanted = _filters(ask) + _text(ask)

    def few(self, most: int) -> Found | None:
        """The whole answer; None when the words hit more than `most` messages of all channels."""
        if not self._ask.clauses:
            return None
        try:
            return self._few(most)
        except (OSError, ValueError) as error:
            raise EngineUnavailable(str(error)) from error

    def page(self) -> tuple[list[Document], bool]:
        """The documents, and whether more follow."""
        try:
            return self._page()
        except (OSError, ValueError) as error:
            raise EngineUnavailable(str(error)) from error

    def tally(self) -> Tally:
        terms = {"size": FACET_SIZE, "segment_size": MAX_VALUES}
        wanted = {field: {"terms": {"field": field, **terms}} for field in ("channel", "person")}
        try:
            facets: Any = self._searcher.aggregate(_all(self._permitted()), wanted)
        except (OSError, ValueError) as error:
            raise EngineUnavailable(str(error)) from error
        channels = buckets(facets, "channel")
        total = sum(channels.values()) + int(facets["channel"]["sum_other_doc_count"])
        return Tally(total, channels, buckets(facets, "person"))

    def _few(self, most: int) -> Found | None:
        everywhere = self._hits(_all(self._wanted), limit=most + 1)
        if len(everywhere) > most:
            return None
        channels = self._channels
        keys = self._searcher.fast_field_values("channel_key", [address for _, address in everywhere])
        hits = [hit for hit, key in zip(everywhere, keys, strict=True) if key in channels]
        documents, more = self._documents(self._from_page_on(hits))
        if not self._ask.facets:
            return Found(documents, more)
        counts = _most_frequent(key for key in keys if key in channels)
        by_channel = {channels[key]: count for key, count in counts}
        return Found(documents, more, len(hits), by_channel, self._people(hits))

    def _people(self, hits: Sequence[_Hit]) -> dict[str, int]:
        addresses = [address for _, address in hits]
        keys = [int(key or 0) for key in self._searcher.fast_field_values("person_key", addresses)]
        somewhere = dict(zip(keys, addresses, strict=True))
        return {document_at(self._searcher, somewhere[key]).author_id: count for key, count in _most_frequent(keys)}

    def _from_page_on(self, hits: list[_Hit]) -> list[_Hit]:
        """Without the hits of the pages before; of a sort by time, with those of the last one's place."""
        if self._ask.sort == "relevance":
            return hits[self._ask.offset :]
        if self._ask.after is None:
            return hits
        last = place_of(self._ask.after)
        newest = self._ask.sort == "newest"
        return [hit for hit in hits if (hit[0] <= last if newest else hit[0] >= last)]

    def _page(self) -> tuple[list[Document], bool]:
        ask = self._ask
        matching = self._permitted()
        if ask.after is not None:
            place = place_of(ask.after)
            matching.append(_range("place", None, place) if ask.sort == "newest" else _range("place", place, None))
        return self._documents(self._hits(_all(matching), limit=ask.limit + 1 + SAME_PLACE, offset=ask.offset))

    def _permitted(self) -> list[Query]:
        """What is wanted, in these channels alone."""
        return [_in("channel_key", self._channels), *self._wanted]

    def _hits(self, matching: Query, *, limit: int, offset: int = 0) -> list[_Hit]:
        """The first ones in the order of the sort."""
        if self._ask.sort == "relevance":
            return self._searcher.search(
                matching, limit=limit, offset=offset, count=False, weight_by_field="recency"
            ).hits
        order = Order.Desc if self._ask.sort == "newest" else Order.Asc
        return self._searcher.search(matching, limit=limit, count=False, order_by_field="place", order=order).hits

    def _documents(self, hits: Sequence[_Hit]) -> tuple[list[Document], bool]:
        """The page that begins with these hits, and whether more follow."""
        ask = self._ask
        if ask.sort == "relevance":
            return [document_at(self._searcher, address) for _, address in hits[: ask.limit]], len(hits) > ask.limit
        some = [document_at(self._searcher, address) for _, address in hits[: ask.limit + 1 + SAME_PLACE]]
        documents = page_after(ask.after, ask.sort == "newest", some)
        return documents[: ask.limit], len(documents) > ask.limit


def _most_frequent(keys: Iterable[int | float | bool | None]) -> list[tuple[int, int]]:
    return Counter(int(key or 0) for key in keys).most_common(FACET_SIZE)


def _filters(ask: Ask) -> list[Query]:
    """All but the channels."""
    filters: list[Query] = []
    if ask.authors is not None:
        filters.append(_in("person_key", map(key_of, ask.authors)))
    if ask.from_ms is not None or ask.until_ms is not None:
        if ask.until_ms == 0:
            return [Query.empty_query()]
        first = None if ask.from_ms is None else min(ask.from_ms, LAST_MS) << TIE_BITS
        last = None if ask.until_ms is None else (min(ask.until_ms, LAST_MS) << TIE_BITS) - 1
        filters.append(_range("place", first, last))
    return filters


def _text(ask: Ask) -> list[Query]:
    clauses = [_clause(clause) for clause in ask.clauses]
    if clauses and ask.any_clause:
        return [Query.boolean_query([(Occur.Should, clause) for clause in clauses])]
    return clauses


def _clause(clause: Clause) -> Query:
    if isinstance(clause, Word):
        return _word(clause)
    if clause.prefix:
        return _scored(Query.phrase_prefix_query(SCHEMA, "words", list(clause.words)), BEGINNING)
    if len(clause.words) == 1:
        return _exact(clause.words[0])
    return _scored(Query.phrase_query(SCHEMA, "words", list(clause.words)), EXACT)


def _word(word: Word) -> Query:
    ways = [_exact(word.text)]
    if word.prefix:
        ways.append(Query.const_score_query(_fuzzy(word.text, 0, prefix=True), BEGINNING))
    if may_be_misspelt(word.text):
        ways.append(Query.const_score_query(_fuzzy(word.text, 1, prefix=word.prefix), TYPO))
    return ways[0] if len(ways) == 1 else Query.disjunction_max_query(ways)


def _exact(word: str) -> Query:
    return _scored(Query.term_query(SCHEMA, "words", word), EXACT)


def _scored(query: Query, base: float) -> Query:
    """BM25 on top of a base."""
    return Query.boolean_query([(Occur.Must, query), (Occur.Must, Query.const_score_query(query, base))])


def _fuzzy(word: str, distance: int, *, prefix: bool) -> Query:
    return Query.fuzzy_term_query(SCHEMA, "words", word, distance, True, prefix)


def _in(field: str, keys: Iterable[int]) -> Query:
    return Query.const_score_query(Query.term_set_query(SCHEMA, field, list(keys)), 0.0)


def _range(field: str, first: int | None, last: int | None) -> Query:
    inside = Query.range_query(SCHEMA, field, tantivy.FieldType.Unsigned, first, last)
    return Query.const_score_query(inside, 0.0)


def _all(queries: list[Query]) -> Query:
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def buckets(answer: Any, name: str) -> dict[str, int]:
    return {str(bucket["key"]): int(bucket["doc_count"]) for bucket in answer[name]["buckets"]}
