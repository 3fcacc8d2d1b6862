"""What is kept of a message in a tantivy index, and under which names.

Channels and people are filtered by 64 bits of a hash of their ids, because a set of 500 numbers costs tantivy a seventh
of what a set of 500 texts does, and because a number can be read of a hit without the rest of it. Two ids with the same
hash are not to be expected; the service checks the true channel of every hit again all the same.
"""

from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec
import tantivy

from tertulia_search.engines.port import TIE_BITS, Change, Document, Position, milliseconds, position_of
from tertulia_search.text import words

FORMAT = 2
"""Raise it when the schema or the analysis changes: an index of another format is built anew."""

RECENCY_DOUBLES_IN_MS = 730 * 86_400_000
RECENCY_FROM_MS = 1_577_836_800_000
"""2020. Only the ratio between two messages matters, and that depends on their distance alone."""


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("version", fast=True)
    builder.add_text_field("workspace", fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("channel", fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("person", fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("channel_key", indexed=True, fast=True)
    builder.add_unsigned_field("person_key", indexed=True, fast=True)
    builder.add_unsigned_field("place", indexed=True, fast=True)
    builder.add_float_field("recency", fast=True)
    builder.add_text_field("words", tokenizer_name="whitespace", index_option="position")
    builder.add_bytes_field("source", stored=True)
    return builder.build()


SCHEMA = _schema()
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Document)


def fields_of(change: Change) -> dict[str, Any]:
    if not isinstance(change, Document):
        return {"id": change.message_id, "version": change.version}
    return {
        "id": change.message_id,
        "version": change.version,
        "workspace": change.workspace_id,
        "channel": change.channel_id,
        "person": change.author_id,
        "channel_key": key_of(change.channel_id),
        "person_key": key_of(change.author_id),
        "place": place_of(position_of(change)),
        "recency": 2.0 ** ((milliseconds(change.created_at) - RECENCY_FROM_MS) / RECENCY_DOUBLES_IN_MS),
        "words": " ".join(words(change.text)),
        "source": _encoder.encode(change),
    }


def document_at(searcher: tantivy.Searcher, address: tantivy.DocAddress) -> Document:
    return _decoder.decode(bytes(searcher.doc(address).get_first("source") or b""))


@lru_cache(maxsize=50_000)
def key_of(id_: str) -> int:
    return int.from_bytes(blake2b(id_.encode(), digest_size=8).digest()) >> 1


@lru_cache(maxsize=64)
def keys_of(ids: frozenset[str]) -> dict[int, str]:
    """The ids by their keys."""
    return {key_of(id_): id_ for id_ in ids}


def place_of(position: Position) -> int:
    return position.created_ms << TIE_BITS | position.tie
