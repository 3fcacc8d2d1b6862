"""What we say to Meilisearch, request by request, against its documented API, and what we make of its documented
answers. The contract of engines itself runs on a real server where MEILISEARCH_URL names one."""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from aiohttp import web

from tertulia_search.engines.choose import engine_at
from tertulia_search.engines.meilisearch_engine import SETTINGS
from tertulia_search.engines.port import (
    Ask,
    ChangeRefused,
    ChannelTombstone,
    EngineUnavailable,
    Phrase,
    Position,
    SearchEngine,
    Word,
    position_of,
)

from .engines import START, document, tombstone

KEY = "a key"
DATE = "2026-11-01T00:00:00.000000Z"


@dataclass
class Server:
    """Answers as the API's documentation says, and keeps what it was asked."""

    url: str = ""
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    indexes: set[str] = field(default_factory=set)
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)
    hits: list[dict[str, Any]] = field(default_factory=list)
    facets: dict[str, dict[str, int]] = field(default_factory=dict)
    task_states: list[str] = field(default_factory=lambda: ["enqueued", "processing", "succeeded"])
    error: dict[str, Any] | None = None
    tasks: int = 0
    polled: dict[int, int] = field(default_factory=dict)

    def asked(self, method: str, path: str) -> list[Any]:
        return [body for how, where, body in self.requests if (how, where) == (method, path)]

    def routes(self) -> list[web.RouteDef]:
        routes: list[tuple[str, str, Callable[[Any, str], web.Response]]] = [
            ("POST", "/indexes", self._create),
            ("GET", "/indexes/{uid}", self._index),
            ("DELETE", "/indexes/{uid}", self._delete),
            ("PATCH", "/indexes/{uid}/settings", lambda _, uid: self._enqueued(uid, "settingsUpdate")),
            ("POST", "/indexes/{uid}/documents/fetch", self._fetch),
            ("POST", "/indexes/{uid}/documents", self._add),
            ("POST", "/indexes/{uid}/documents/delete", self._drop),
            ("POST", "/indexes/{uid}/search", self._search),
            ("POST", "/swap-indexes", lambda _, __: self._enqueued(None, "indexSwap")),
        ]
        defined = [web.route(method, path, self._checked(answer)) for method, path, answer in routes]
        return [*defined, web.get("/tasks/{uid}", self._task)]

    def _checked(self, answer: Callable[[Any, str], web.Response]) -> Callable[[web.Request], Any]:
        async def handler(request: web.Request) -> web.Response:
            assert request.headers["Authorization"] == f"Bearer {KEY}"
            body = None
            if request.method in ("POST", "PATCH"):
                assert request.headers["Content-Type"] == "application/json"
                body = await request.json()
            if request.path.endswith("/documents"):
                assert request.query["primaryKey"] == "message_id"
            self.requests.append((request.method, request.path, body))
            return answer(body, request.match_info.get("uid", ""))

        return handler

    def _create(self, body: Any, _: str) -> web.Response:
        self.indexes.add(body["uid"])
        return self._enqueued(body["uid"], "indexCreation")

    def _index(self, _: Any, uid: str) -> web.Response:
        if uid in self.indexes:
            return web.json_response({"uid": uid, "primaryKey": "message_id", "createdAt": DATE, "updatedAt": DATE})
        error = {
            "message": f"Index `{uid}` not found.",
            "code": "index_not_found",
            "type": "invalid_request",
            "link": "https://docs.meilisearch.com/errors#index_not_found",
        }
        return web.json_response(error, status=404)

    def _delete(self, _: Any, uid: str) -> web.Response:
        self.indexes.discard(uid)
        return self._enqueued(uid, "indexDeletion")

    def _fetch(self, body: Any, _: str) -> web.Response:
        wanted = re.findall(r'"([^"]*)"', body["filter"])
        found = [self.stored[id_] for id_ in wanted if id_ in self.stored]
        results = [{name: each[name] for name in body["fields"]} for each in found]
        return web.json_response({"results": results, "offset": 0, "limit": body["limit"], "total": len(results)})

    def _add(self, body: Any, uid: str) -> web.Response:
        self.stored |= {each["message_id"]: each for each in body}
        return self._enqueued(uid, "documentAdditionOrUpdate")

    def _drop(self, _: Any, uid: str) -> web.Response:
        return self._enqueued(uid, "documentDeletion")

    def _search(self, body: Any, _: str) -> web.Response:
        answer = {"hits": self.hits, "query": body["q"], "processingTimeMs": 1, "limit": body["limit"]}
        answer |= {"offset": body.get("offset", 0), "estimatedTotalHits": len(self.hits)}
        if "facets" in body:
            answer |= {"facetDistribution": self.facets, "facetStats": {}}
        return web.json_response(answer)

    def _enqueued(self, uid: str | None, kind: str) -> web.Response:
        self.tasks += 1
        task = {"taskUid": self.tasks, "indexUid": uid, "status": "enqueued", "type": kind, "enqueuedAt": DATE}
        return web.json_response(task, status=202)

    async def _task(self, request: web.Request) -> web.Response:
        uid = int(request.match_info["uid"])
        polls = self.polled[uid] = self.polled.get(uid, -1) + 1
        state = self.task_states[min(polls, len(self.task_states) - 1)]
        error = self.error if state == "failed" else None
        task = {"uid": uid, "indexUid": "messages", "status": state, "type": "documentAdditionOrUpdate"}
        task |= {"canceledBy": None, "details": {}, "error": error, "duration": None}
        task |= {"enqueuedAt": DATE, "startedAt": None, "finishedAt": None}
        return web.json_response(task)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_routes(server.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"meilisearch://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
async def engine(server: Server) -> SearchEngine:
    engine = engine_at(server.url, KEY)
    assert not await engine.exists()
    with pytest.raises(EngineUnavailable):
        await engine.check()
    await engine.open()
    return engine


async def test_opening_makes_the_index_with_our_settings(server: Server, engine: SearchEngine) -> None:
    assert server.asked("POST", "/indexes") == [{"uid": "messages", "primaryKey": "message_id"}]
    assert server.asked("PATCH", "/indexes/messages/settings") == [SETTINGS]
    assert server.polled == {1: 2, 2: 2}, "every task was awaited until it succeeded"
    await engine.check()
    server.indexes.add("messages_next")
    await engine.open()
    assert server.indexes == {"messages"}, "what an interrupted rebuild left is gone"
    assert len(server.asked("POST", "/indexes")) == 1
    assert engine.name.startswith("meilisearch:127.0.0.1:")
    await engine.close()


async def test_writing_compares_versions_and_waits_for_success(server: Server, engine: SearchEngine) -> None:
    server.stored = {"m00001": {"message_id": "m00001", "version": 5}}
    given = document(2, "green tea", thread_id="t")
    await engine.upsert([document(1, "stale", version=4), given, tombstone(3, 7)])
    await engine.upsert([document(3, "late", version=6)])
    assert server.asked("POST", "/indexes/messages/documents/fetch")[0] == {
        "filter": 'message_id IN ["m00001", "m00002", "m00003", "C1"]',
        "fields": ["message_id", "version"],
        "limit": 4,
    }
    position = position_of(given)
    [sent] = server.asked("POST", "/indexes/messages/documents")
    assert sent == [
        msgspec.to_builtins(given) | {"created_ms": position.created_ms, "tie": position.tie},
        {"message_id": "m00003", "version": 7},
    ]
    polled = dict(server.polled)
    await engine.commit()
    assert len(server.polled) == len(polled) + 1
    await engine.upsert([])
    await engine.commit()
    assert len(server.polled) == len(polled) + 1


async def test_a_deleted_channel_takes_its_messages_along(server: Server, engine: SearchEngine) -> None:
    await engine.upsert([document(1), ChannelTombstone(channel_id="C1", version=9), document(2, channel_id="C2")])
    assert server.asked("POST", "/indexes/messages/documents/delete") == [{"filter": 'channel_id IN ["C1"]'}]
    [sent] = server.asked("POST", "/indexes/messages/documents")
    assert [each["message_id"] for each in sent] == ["C1", "m00002"]
    assert sent[0] == {"message_id": "C1", "version": 9}, "nothing to be found by"
    await engine.commit()
    server.stored = {"C1": {"message_id": "C1", "version": 9}}
    await engine.upsert([document(3)])
    assert len(server.asked("POST", "/indexes/messages/documents")) == 1


async def test_a_failed_task_is_told(server: Server, engine: SearchEngine) -> None:
    server.task_states = ["failed"]
    server.error = {"message": "no space", "code": "no_space_left_on_device", "type": "system", "link": ""}
    await engine.upsert([document(1)])
    with pytest.raises(EngineUnavailable):
        await engine.commit()
    server.error = {"message": "bad", "code": "invalid_document_id", "type": "invalid_request", "link": ""}
    await engine.upsert([document(2)])
    with pytest.raises(ChangeRefused):
        await engine.commit()


ALL = ["workspace_id", "channel_id", "author_id"]


async def test_searching_by_relevance(server: Server, engine: SearchEngine) -> None:
    given = [document(1, "green tea", edited_at=START), document(2, "tea")]
    server.hits = [msgspec.to_builtins(each) for each in given]
    server.facets = {"workspace_id": {"W1": 2}, "channel_id": {"C1": 2}, "author_id": {"ada": 1, "bob": 1}}
    found = await engine.search(
        Ask(
            channels=frozenset({"C2", 'C"1'}),
            clauses=(Word("tea"), Phrase(("is", "it")), Word("gre", prefix=True)),
            authors=frozenset({"ada"}),
            from_ms=5,
            until_ms=9,
            limit=1,
            offset=3,
        )
    )
    assert server.asked("POST", "/indexes/messages/search") == [
        {
            "q": 'tea "is it" gre',
            "filter": [
                'channel_id IN ["C\\"1", "C2"]',
                'author_id IN ["ada"]',
                "created_ms >= 5",
                "created_ms < 9",
            ],
            "matchingStrategy": "all",
            "attributesToRetrieve": list(type(given[0]).__struct_fields__),
            "facets": ALL,
            "limit": 2,
            "offset": 3,
        }
    ]
    assert (found.documents, found.more, found.total) == (given[:1], True, 2)
    assert (found.channels, found.people) == ({"C1": 2}, {"ada": 1, "bob": 1})


@pytest.mark.parametrize(
    ("sort", "order", "beyond"),
    [
        ("newest", ["created_ms:desc", "tie:desc"], "(created_ms < 7 OR (created_ms = 7 AND tie <= 3))"),
        ("oldest", ["created_ms:asc", "tie:asc"], "(created_ms > 7 OR (created_ms = 7 AND tie >= 3))"),
    ],
)
async def test_searching_by_time(
    server: Server, engine: SearchEngine, sort: Any, order: list[str], beyond: str
) -> None:
    after = Position(7, 3, "m")
    found = await engine.search(
        Ask(channels=frozenset({"C1"}), sort=sort, after=after, limit=5, facets=False, any_clause=True)
    )
    [asked] = server.asked("POST", "/indexes/messages/search")
    assert asked["filter"] == ['channel_id IN ["C1"]', beyond]
    assert asked["sort"] == order
    assert (asked["limit"], asked["matchingStrategy"]) == (14, "last")
    assert "facets" not in asked
    assert (found.documents, found.more) == ([], False)


async def test_no_channel_asks_nothing(server: Server, engine: SearchEngine) -> None:
    before = len(server.requests)
    assert (await engine.search(Ask(channels=frozenset()))).documents == []
    assert (await engine.search(Ask(channels=frozenset({"C1"}), authors=frozenset()))).documents == []
    assert len(server.requests) == before


async def test_counting(server: Server, engine: SearchEngine) -> None:
    server.facets = {"workspace_id": {"W1": 3, "W2": 1}}
    assert await engine.counts() == {"W1": 3, "W2": 1}
    assert server.asked("POST", "/indexes/messages/search") == [{"q": "", "limit": 0, "facets": ["workspace_id"]}]


async def test_a_new_generation_is_swapped_in(server: Server, engine: SearchEngine) -> None:
    server.indexes.add("messages_next")
    coming = await engine.prepare()
    assert server.asked("PATCH", "/indexes/messages_next/settings") == [SETTINGS]
    await coming.upsert([document(1)])
    await coming.commit()
    assert len(server.asked("POST", "/indexes/messages_next/documents")) == 1
    await engine.swap(coming)
    assert server.asked("POST", "/swap-indexes") == [[{"indexes": ["messages", "messages_next"]}]]
    assert server.indexes == {"messages"}
    await engine.discard(await engine.prepare())
    assert server.indexes == {"messages"}


async def test_a_server_that_is_away() -> None:
    engine = engine_at("meilisearch://127.0.0.1:1", KEY)
    for asking in (engine.exists(), engine.open(), engine.counts(), engine.search(Ask(channels=frozenset({"C"})))):
        with pytest.raises(EngineUnavailable):
            await asking


@pytest.mark.parametrize(
    "url", ["tantivy://relative", "tantivy:relative", "meilisearch://", "http://127.0.0.1:7700", "", "elastic://x"]
)
def test_addresses_that_name_no_engine(url: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        engine_at(url)


def test_tls_and_a_path() -> None:
    assert engine_at("meilisearchs://search.example/base").name == "meilisearch:search.example/base/messages"


def test_a_directory_is_written_percent_encoded() -> None:
    assert engine_at("tantivy:///srv/caf%C3%A9%20index").name == "tantivy:///srv/café index"
    assert engine_at("tantivy:///srv/café index").name == "tantivy:///srv/café index"
