"""One tantivy index in a directory: a generation. Blocking code; `tantivy_engine` keeps it off the event loop.

A commit is one atomic replacement of tantivy's `meta.json`: after a kill the index is what the last commit made it. A
writer that failed (a full disk) is thrown away with all it had not committed, and the next upsert opens another.

Channels and people are filtered by 64 bits of a hash of their ids, because a set of 500 numbers costs tantivy a seventh
of what a set of 500 texts does. Two ids with the same hash are not to be expected; the service checks the true channel
of every hit again all the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import tantivy
from tantivy import Occur, Order, Query

from tertulia_search.engines.port import (
    FACET_SIZE,
    LAST_MS,
    TIE_BITS,
    Ask,
    Change,
    Clause,
    Document,
    EngineUnavailable,
    Position,
    Tombstone,
    Word,
    milliseconds,
    newer_only,
    page_after,
    position_of,
)
from tertulia_search.text import may_be_misspelt, words

FORMAT = 1
"""Raise it when the schema or the analysis changes: an index of another format is built anew."""
HEAP_BYTES = 48_000_000
SAME_PLACE = 8
"""So many messages may share a millisecond and the bits of `TIE_BITS` without being passed over at a page's end."""

# An exact word always counts more than a beginning, and that more than a typo; BM25 orders among the exact.
EXACT, BEGINNING, TYPO = 10.0, 6.0, 2.0
RECENCY_DOUBLES_IN_MS = 730 * 86_400_000
RECENCY_FROM_MS = 1_577_836_800_000
"""2020. Only the ratio between two messages matters, and that depends on their distance alone."""
MAX_VALUES = 60_000
"""So many channels, people or workspaces are counted exactly."""


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("version", fast=True)
    builder.add_text_field("workspace", fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("channel", fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("person", fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("channel_key", indexed=True)
    builder.add_unsigned_field("person_key", indexed=True)
    builder.add_unsigned_field("place", indexed=True, fast=True)
    builder.add_float_field("recency", fast=True)
    builder.add_text_field("words", tokenizer_name="whitespace", index_option="position")
    builder.add_bytes_field("source", stored=True)
    return builder.build()


SCHEMA = _schema()
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Document)


class TantivyIndex:
    def __init__(self, directory: Path) -> None:
        """Opens the index, or makes an empty one. Raises EngineUnavailable."""
        self.directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._index = tantivy.Index(SCHEMA, path=str(directory))
            self._index.register_tokenizer(
                "whitespace", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
            )
            self._index.config_reader("manual")
        except (OSError, ValueError) as error:
            raise EngineUnavailable(str(error)) from error
        self._writer: tantivy.IndexWriter | None = None
        self._uncommitted: dict[str, int] = {}

    @staticmethod
    def is_readable(directory: Path) -> bool:
        try:
            return tantivy.Index.exists(str(directory)) and tantivy.Index.is_compatible(str(directory))
        except (OSError, ValueError):
            return False

    def upsert(self, changes: Sequence[Change]) -> None:
        try:
            stored = self._versions([change.message_id for change in changes])
            for change in newer_only(changes, stored).values():
                self._write(change, replaces=change.message_id in stored)
        except (OSError, ValueError) as error:
            self._abandon()
            raise EngineUnavailable(str(error)) from error

    def commit(self) -> None:
        if self._writer is None:
            return
        try:
            self._writer.commit()
            self._index.reload()
        except (OSError, ValueError) as error:
            self._abandon()
            raise EngineUnavailable(str(error)) from error
        self._uncommitted.clear()

    def close(self) -> None:
        """What was not committed is gone."""
        self._abandon()

    def check(self) -> None:
        if not tantivy.Index.exists(str(self.directory)):
            raise EngineUnavailable("the index is not there any more")

    def counts(self) -> dict[str, int]:
        answer: Any = self._index.searcher().aggregate(
            Query.all_query(), {"workspaces": {"terms": {"field": "workspace", "size": MAX_VALUES}}}
        )
        return _buckets(answer, "workspaces")

    def look(self, ask: Ask) -> "Look":
        """Looks at what is committed now, whatever is committed meanwhile."""
        return Look(self._index.searcher(), ask)

    def _write(self, change: Change, replaces: bool) -> None:
        if self._writer is None:
            self._writer = self._index.writer(heap_size=HEAP_BYTES, num_threads=1)
        if replaces:
            self._writer.delete_documents_by_term("id", change.message_id)
        self._writer.add_document(tantivy.Document.from_dict(_fields(change), SCHEMA))
        self._uncommitted[change.message_id] = change.version

    def _versions(self, ids: list[str]) -> dict[str, int]:
        """The versions of those that are stored or about to be."""
        searcher = self._index.searcher()
        found = searcher.search(Query.term_set_query(SCHEMA, "id", ids), limit=max(1, len(ids)), count=False)
        addresses = [address for _, address in found.hits]
        versions = searcher.fast_field_values("version", addresses)
        stored = {
            str(searcher.doc(address).get_first("id")): int(version or 0)
            for address, version in zip(addresses, versions, strict=True)
        }
        return stored | {id_: self._uncommitted[id_] for id_ in ids if id_ in self._uncommitted}

    def _abandon(self) -> None:
        self._writer = None
        self._uncommitted.clear()


@dataclass(frozen=True, slots=True)
class Tally:
    total: int
    channels: dict[str, int]
    people: dict[str, int]


class Look:
    """One question to one state of the index. The page and the tally are two passes that may run side by side."""

    def __init__(self, searcher: tantivy.Searcher, ask: Ask) -> None:
        self._searcher = searcher
        self._ask = ask
        self._matching = _all(_filters(ask) + _text(ask))

    def page(self) -> tuple[list[Document], bool]:
        """The documents, and whether more follow. Raises EngineUnavailable."""
        try:
            return _page(self._searcher, self._matching, self._ask)
        except (OSError, ValueError) as error:
            raise EngineUnavailable(str(error)) from error

    def tally(self) -> Tally:
        """Raises EngineUnavailable."""
        terms = {"size": FACET_SIZE, "segment_size": MAX_VALUES}
        wanted = {field: {"terms": {"field": field, **terms}} for field in ("channel", "person")}
        try:
            facets: Any = self._searcher.aggregate(self._matching, wanted)
        except (OSError, ValueError) as error:
            raise EngineUnavailable(str(error)) from error
        channels = _buckets(facets, "channel")
        total = sum(channels.values()) + int(facets["channel"]["sum_other_doc_count"])
        return Tally(total, channels, _buckets(facets, "person"))


def _fields(change: Change) -> dict[str, Any]:
    if isinstance(change, Tombstone):
        return {"id": change.message_id, "version": change.version}
    return {
        "id": change.message_id,
        "version": change.version,
        "workspace": change.workspace_id,
        "channel": change.channel_id,
        "person": change.author_id,
        "channel_key": key_of(change.channel_id),
        "person_key": key_of(change.author_id),
        "place": _place(position_of(change)),
        "recency": 2.0 ** ((milliseconds(change.created_at) - RECENCY_FROM_MS) / RECENCY_DOUBLES_IN_MS),
        "words": " ".join(words(change.text)),
        "source": _encoder.encode(change),
    }


@lru_cache(maxsize=50_000)
def key_of(id_: str) -> int:
    return int.from_bytes(blake2b(id_.encode(), digest_size=8).digest()) >> 1


def _place(position: Position) -> int:
    return position.created_ms << TIE_BITS | position.tie


def _page(searcher: tantivy.Searcher, matching: Query, ask: Ask) -> tuple[list[Document], bool]:
    if ask.sort == "relevance":
        found = searcher.search(
            matching, limit=ask.limit + 1, offset=ask.offset, count=False, weight_by_field="recency"
        )
        documents = [_document(searcher, address) for _, address in found.hits]
    else:
        newest = ask.sort == "newest"
        if ask.after is not None:
            place = _place(ask.after)
            beyond = _range("place", None, place) if newest else _range("place", place, None)
            matching = _all([matching, beyond])
        found = searcher.search(
            matching,
            limit=ask.limit + 1 + SAME_PLACE,
            count=False,
            order_by_field="place",
            order=Order.Desc if newest else Order.Asc,
        )
        documents = page_after(ask.after, newest, [_document(searcher, address) for _, address in found.hits])
    return documents[: ask.limit], len(documents) > ask.limit


def _document(searcher: tantivy.Searcher, address: tantivy.DocAddress) -> Document:
    return _decoder.decode(bytes(searcher.doc(address).get_first("source") or b""))


def _filters(ask: Ask) -> list[Query]:
    """Every query passes here: the channels come first and always."""
    filters = [_in("channel_key", ask.channels)]
    if ask.authors is not None:
        filters.append(_in("person_key", ask.authors))
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


def _in(field: str, ids: Iterable[str]) -> Query:
    return Query.const_score_query(Query.term_set_query(SCHEMA, field, [key_of(id_) for id_ in ids]), 0.0)


def _range(field: str, first: int | None, last: int | None) -> Query:
    inside = Query.range_query(SCHEMA, field, tantivy.FieldType.Unsigned, first, last)
    return Query.const_score_query(inside, 0.0)


def _all(queries: list[Query]) -> Query:
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def _buckets(answer: Any, name: str) -> dict[str, int]:
    return {str(bucket["key"]): int(bucket["doc_count"]) for bucket in answer[name]["buckets"]}
