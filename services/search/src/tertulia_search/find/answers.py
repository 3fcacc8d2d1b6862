"""What a search answers, as the API shows it."""

from datetime import datetime

import msgspec

from tertulia_search.engines.port import Document
from tertulia_search.find.fragments import Fragment
from tertulia_search.query.parser import QueryProblem


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    message_id: str
    channel_id: str
    ch_seq: int
    author_id: str
    thread_id: str | None
    created_at: datetime
    edited_at: datetime | None
    fragments: list[Fragment]


class FacetCount(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    count: int


class Facets(msgspec.Struct, frozen=True, kw_only=True):
    """How the hits spread, the most frequent first (at most 20 each)."""

    channels: list[FacetCount]
    people: list[FacetCount]


class SearchResult(msgspec.Struct, frozen=True, kw_only=True):
    hits: list[SearchHit]
    total: int
    facets: Facets
    problems: list[QueryProblem]
    next: str | None
    took_ms: float


class FoundMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message for a service that reads it, with its whole text."""

    message_id: str
    channel_id: str
    ch_seq: int
    author_id: str
    thread_id: str | None
    created_at: datetime
    edited_at: datetime | None
    text: str


class RetrievedHit(msgspec.Struct, frozen=True, kw_only=True):
    message: FoundMessage


class Retrieved(msgspec.Struct, frozen=True, kw_only=True):
    hits: list[RetrievedHit]
    searched_channels: int


def hit_of(document: Document, shown: list[Fragment]) -> SearchHit:
    return SearchHit(
        message_id=document.message_id,
        channel_id=document.channel_id,
        ch_seq=document.ch_seq,
        author_id=document.author_id,
        thread_id=document.thread_id,
        created_at=document.created_at,
        edited_at=document.edited_at,
        fragments=shown,
    )


def message_of(document: Document) -> FoundMessage:
    return FoundMessage(
        message_id=document.message_id,
        channel_id=document.channel_id,
        ch_seq=document.ch_seq,
        author_id=document.author_id,
        thread_id=document.thread_id,
        created_at=document.created_at,
        edited_at=document.edited_at,
        text=document.text,
    )
