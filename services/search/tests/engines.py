"""The engines that the contract is run on: the embedded one always, a Meilisearch server where MEILISEARCH_URL names
one (MEILISEARCH_KEY is its key). And the things that the engine tests are made of."""

import contextlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tertulia_search.engines.choose import engine_at
from tertulia_search.engines.port import Ask, Change, Document, SearchEngine, Tombstone
from tertulia_search.engines.tantivy_engine import TantivyEngine

MEILISEARCH_URL = os.environ.get("MEILISEARCH_URL", "")
ENGINES = ["tantivy", "tantivy of many hits", *(["meilisearch"] if MEILISEARCH_URL else [])]

START = datetime(2026, 11, 1, tzinfo=UTC)
ALL = frozenset({"C1", "C2", "C3"})


@contextlib.asynccontextmanager
async def opened(name: str, directory: Path) -> AsyncIterator[SearchEngine]:
    """An empty engine, and nothing of it is left afterwards."""
    if name == "tantivy":
        engine = engine_at(f"tantivy://{directory}")
    elif name == "tantivy of many hits":
        engine = TantivyEngine(directory, few=0)
    else:
        engine = engine_at(MEILISEARCH_URL.replace("http", "meilisearch", 1), os.environ.get("MEILISEARCH_KEY"))
    await engine.open()
    await engine.swap(await engine.prepare())
    try:
        yield engine
    finally:
        await engine.close()


def document(number: int, text: str = "tea", *, version: int | None = None, **more: Any) -> Document:
    """Message `number` was posted `number` seconds after START, as change `number` of its channel."""
    values: dict[str, Any] = {
        "message_id": f"m{number:05d}",
        "version": number if version is None else version,
        "workspace_id": "W1",
        "channel_id": "C1",
        "author_id": "ada",
        "ch_seq": number,
        "created_at": START + timedelta(seconds=number),
        "text": text,
    }
    return Document(**values | more)


def tombstone(number: int, version: int) -> Tombstone:
    return Tombstone(message_id=f"m{number:05d}", version=version)


async def put(engine: SearchEngine, *changes: Change) -> None:
    await engine.upsert(changes)
    await engine.commit()


async def texts(engine: SearchEngine, **ask: Any) -> list[str]:
    found = await engine.search(Ask(**{"channels": ALL, **ask}))
    return [document.text for document in found.documents]
