"""One tantivy index in a directory: a generation. Blocking code; `tantivy_engine` keeps it off the event loop.

A commit is one atomic replacement of tantivy's `meta.json`: after a kill the index is what the last commit made it. A
writer that failed (a full disk) is thrown away with all it had not committed, and the next upsert opens another.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Query

from tertulia_search.engines.port import Ask, Change, ChannelTombstone, EngineUnavailable, looked_up, newer_only
from tertulia_search.engines.tantivy_look import Look, buckets
from tertulia_search.engines.tantivy_schema import SCHEMA, fields_of

HEAP_BYTES = 48_000_000
MAX_WORKSPACES = 60_000
"""So many are counted exactly."""


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
            stored = self._versions(looked_up(changes))
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
            Query.all_query(), {"workspaces": {"terms": {"field": "workspace", "size": MAX_WORKSPACES}}}
        )
        return buckets(answer, "workspaces")

    def look(self, ask: Ask) -> Look:
        """Looks at what is committed now, whatever is committed meanwhile."""
        return Look(self._index.searcher(), ask)

    def _write(self, change: Change, replaces: bool) -> None:
        if self._writer is None:
            self._writer = self._index.writer(heap_size=HEAP_BYTES, num_threads=1)
        if isinstance(change, ChannelTombstone):
            self._writer.delete_documents_by_term("channel", change.channel_id)
        if replaces:
            self._writer.delete_documents_by_term("id", change.message_id)
        self._writer.add_document(tantivy.Document.from_dict(fields_of(change), SCHEMA))
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
