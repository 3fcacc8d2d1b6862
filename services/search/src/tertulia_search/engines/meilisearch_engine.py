"""Search by a Meilisearch server, through its official client.

Two indexes: `messages` serves, `messages_next` is filled by a rebuild and swapped with it. Settings are here and
nowhere else, and are sent at every start. Meilisearch does everything in tasks: `commit` returns when all of ours have
succeeded. The client blocks and its headers belong to one thread, so each call has a client of its own on a thread.

Versions are compared before writing, which holds for one writer at a time: one process indexes.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn, TypeVar, cast

import msgspec
import requests
from meilisearch import Client
from meilisearch.errors import MeilisearchApiError, MeilisearchError

from tertulia_search.engines.port import (
    FACET_SIZE,
    Ask,
    Change,
    ChangeRefused,
    ChannelTombstone,
    Clause,
    Document,
    EngineUnavailable,
    Found,
    Generation,
    Word,
    looked_up,
    newer_only,
    page_after,
    position_of,
)

T = TypeVar("T")

LIVE, NEXT = "messages", "messages_next"
KEY = "message_id"
TIMEOUT_S = 10
TASK_TIMEOUT_MS = 600_000
TASK_INTERVAL_MS = 20
SAME_PLACE = 8
"""See the tantivy index: so many messages may share a place without being passed over."""
MAX_WORKSPACES = 100_000

SETTINGS: Final[dict[str, Any]] = {
    "searchableAttributes": ["text"],
    "filterableAttributes": [KEY, "workspace_id", "channel_id", "author_id", "created_ms", "tie"],
    "sortableAttributes": ["created_ms", "tie"],
    # `sort` first: a search by time is in that order and no other. Without one it orders nothing.
    "rankingRules": ["sort", "words", "typo", "exactness", "proximity", "created_ms:desc"],
    "typoTolerance": {"enabled": True, "minWordSizeForTypos": {"oneTypo": 4, "twoTypos": 255}},
    "faceting": {"maxValuesPerFacet": MAX_WORKSPACES, "sortFacetValuesBy": {"*": "count"}},
    "pagination": {"maxTotalHits": 1_000_000},
}


class MeilisearchIndex:
    """A generation."""

    def __init__(self, url: str, key: str | None, uid: str) -> None:
        self._url = url
        self._key = key
        self._uid = uid
        self._tasks: list[int] = []
        self._uncommitted: dict[str, int] = {}

    async def upsert(self, changes: Sequence[Change]) -> None:
        if not changes:
            return
        stored = await self._versions(looked_up(changes))
        news = newer_only(changes, stored | self._uncommitted)
        if not news:
            return
        gone = frozenset(change.channel_id for change in news.values() if isinstance(change, ChannelTombstone))
        if gone:
            of_these = _among("channel_id", gone)
            task = await self.call(lambda client: client.index(self._uid).delete_documents(filter=of_these))
            self._tasks.append(task.task_uid)
        fields = [_fields(change) for change in news.values()]
        task = await self.call(lambda client: client.index(self._uid).add_documents(fields, KEY))
        self._tasks.append(task.task_uid)
        self._uncommitted |= {message_id: change.version for message_id, change in news.items()}

    async def commit(self) -> None:
        tasks, self._tasks = self._tasks, []
        try:
            for task in tasks:
                await self.succeed(task)
        finally:
            # What failed is sent again by whoever asked for it.
            self._uncommitted.clear()

    async def counts(self) -> dict[str, int]:
        answer = await self.query("", {"limit": 0, "facets": ["workspace_id"]})
        return dict(answer["facetDistribution"].get("workspace_id", {}))

    async def query(self, text: str, parameters: dict[str, Any]) -> dict[str, Any]:
        return await self.call(lambda client: client.index(self._uid).search(text, parameters))

    async def create(self) -> None:
        """Raises EngineUnavailable."""
        await self.succeed(
            (await self.call(lambda client: client.create_index(self._uid, {"primaryKey": KEY}))).task_uid
        )

    async def set_up(self) -> None:
        settings = await self.call(lambda client: client.index(self._uid).update_settings(SETTINGS))
        await self.succeed(settings.task_uid)

    async def exists(self) -> bool:
        try:
            await self.call(lambda client: client.get_raw_index(self._uid))
        except EngineUnavailable as error:
            if isinstance(error.__cause__, MeilisearchApiError) and error.__cause__.code == "index_not_found":
                return False
            raise
        return True

    async def delete(self) -> None:
        await self.succeed((await self.call(lambda client: client.delete_index(self._uid))).task_uid)

    async def succeed(self, task_uid: int) -> None:
        """Returns when the task has succeeded."""
        task = await self.call(lambda client: client.wait_for_task(task_uid, TASK_TIMEOUT_MS, TASK_INTERVAL_MS))
        if task.status == "succeeded":
            return
        if (task.error or {}).get("type") == "invalid_request":
            raise ChangeRefused(f"task {task_uid} failed: {task.error}")
        raise EngineUnavailable(f"task {task_uid} {task.status}: {task.error}")

    async def call(self, ask: Callable[[Client], T]) -> T:
        """Raises EngineUnavailable."""

        def blocking() -> T:
            return ask(Client(self._url, self._key, timeout=TIMEOUT_S))

        try:
            return await asyncio.to_thread(blocking)
        except (MeilisearchError, requests.RequestException) as error:
            raise EngineUnavailable(str(error)) from error

    async def _versions(self, ids: list[str]) -> dict[str, int]:
        names = ", ".join(_quoted(id_) for id_ in ids)
        parameters = {"filter": f"{KEY} IN [{names}]", "fields": [KEY, "version"], "limit": len(ids)}
        found = await self.call(lambda client: client.index(self._uid).get_documents(parameters))
        return {document.message_id: document.version for document in found.results}


class MeilisearchEngine:
    """See `port.SearchEngine`."""

    def __init__(self, url: str, key: str | None) -> None:
        self._url = url
        self._live = MeilisearchIndex(url, key, LIVE)
        self._next = MeilisearchIndex(url, key, NEXT)

    @property
    def name(self) -> str:
        return f"meilisearch:{self._url.partition('://')[2].rpartition('@')[2]}/{LIVE}"

    async def exists(self) -> bool:
        return await self._live.exists()

    async def open(self) -> None:
        if await self._next.exists():
            await self._next.delete()
        if not await self._live.exists():
            await self._live.create()
        await self._live.set_up()

    async def close(self) -> None:
        """Nothing is held between calls."""

    async def check(self) -> None:
        if not await self._live.exists():
            raise EngineUnavailable("there is no index yet")

    async def watch(self) -> NoReturn:
        """A server that breaks is its own supervisor's business."""
        while True:
            await asyncio.Event().wait()

    async def upsert(self, changes: Sequence[Change]) -> None:
        await self._live.upsert(changes)

    async def commit(self) -> None:
        await self._live.commit()

    async def counts(self) -> dict[str, int]:
        return await self._live.counts()

    async def search(self, ask: Ask) -> Found:
        if not ask.channels or ask.authors == frozenset():
            return Found([])
        answer = await self._live.query(" ".join(map(_typed, ask.clauses)), _parameters(ask))
        documents = [msgspec.convert(hit, Document) for hit in answer["hits"]]
        if ask.sort != "relevance":
            documents = page_after(ask.after, ask.sort == "newest", documents)
        found, more = documents[: ask.limit], len(documents) > ask.limit
        if not ask.facets:
            return Found(found, more)
        counts: dict[str, dict[str, int]] = answer["facetDistribution"]
        total = sum(counts.get("workspace_id", {}).values())
        return Found(found, more, total, _top(counts, "channel_id"), _top(counts, "author_id"))

    async def prepare(self) -> MeilisearchIndex:
        if await self._next.exists():
            await self._next.delete()
        await self._next.create()
        await self._next.set_up()
        return self._next

    async def swap(self, generation: Generation) -> None:
        """The generation is the one of `prepare`."""
        coming = cast("MeilisearchIndex", generation)
        task = await coming.call(lambda client: client.swap_indexes([{"indexes": [LIVE, NEXT]}]))
        await coming.succeed(task.task_uid)
        with contextlib.suppress(EngineUnavailable):
            # The swap is done; what is left over goes at the next start.
            await coming.delete()

    async def discard(self, generation: Generation) -> None:
        with contextlib.suppress(EngineUnavailable):
            await cast("MeilisearchIndex", generation).delete()


def _fields(change: Change) -> dict[str, Any]:
    if not isinstance(change, Document):
        return {KEY: change.message_id, "version": change.version}
    position = position_of(change)
    fields: dict[str, Any] = msgspec.to_builtins(change)
    return fields | {"created_ms": position.created_ms, "tie": position.tie}


def _parameters(ask: Ask) -> dict[str, Any]:
    """Every search passes here: the channels come first and always."""
    filters = [_among("channel_id", ask.channels)]
    if ask.authors is not None:
        filters.append(_among("author_id", ask.authors))
    if ask.from_ms is not None:
        filters.append(f"created_ms >= {ask.from_ms}")
    if ask.until_ms is not None:
        filters.append(f"created_ms < {ask.until_ms}")
    parameters: dict[str, Any] = {
        "matchingStrategy": "last" if ask.any_clause else "all",
        "attributesToRetrieve": list(Document.__struct_fields__),
    }
    if ask.facets:
        parameters["facets"] = ["workspace_id", "channel_id", "author_id"]
    if ask.sort == "relevance":
        return parameters | {"filter": filters, "limit": ask.limit + 1, "offset": ask.offset}
    direction, beyond = ("desc", "<") if ask.sort == "newest" else ("asc", ">")
    if ask.after is not None:
        ms, tie, _ = ask.after
        filters.append(f"(created_ms {beyond} {ms} OR (created_ms = {ms} AND tie {beyond}= {tie}))")
    return parameters | {
        "filter": filters,
        "limit": ask.limit + 1 + SAME_PLACE,
        "sort": [f"created_ms:{direction}", f"tie:{direction}"],
    }


def _typed(clause: Clause) -> str:
    """As Meilisearch reads it. Only the very last word is a beginning there, which is what the parser says too."""
    return clause.text if isinstance(clause, Word) else f'"{" ".join(clause.words)}"'


def _among(attribute: str, ids: frozenset[str]) -> str:
    return f"{attribute} IN [{', '.join(_quoted(id_) for id_ in sorted(ids))}]"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _top(counts: dict[str, dict[str, int]], attribute: str) -> dict[str, int]:
    found = sorted(counts.get(attribute, {}).items(), key=lambda item: -item[1])
    return dict(found[:FACET_SIZE])
