"""chat's application in this process, on a migrated PostgreSQL database of the worker's own and on the run's NATS.

All tests of chat's API run in one event loop, so that the connections to PostgreSQL stay: what a new one reads,
prepares and plans at its first statements takes longer than most tests.
"""

import asyncio
import copy
import functools
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar, cast

import asyncpg
import httpx
import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from tertulia_chat import migrate
from tertulia_chat.accounts.passwords import Passwords
from tertulia_chat.app import Parts, assemble, serve
from tertulia_chat.database import Database
from tertulia_chat.notifications.consumer import Decisions
from tertulia_chat.poke import Poke
from tertulia_shared.bus import Bus, Delivery, StoredMessage
from tertulia_shared.events import Topology
from tertulia_shared.runtime import Health
from tertulia_shared.settings import SecretKeys

SECRETS = SecretKeys(b"0123456789abcdef0123456789abcdef")
PASSWORD = "correct horse battery"
# Real Argon2id with the smallest parameters, so that a test's ten people do not cost a second.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Person:
    """Somebody who is logged in and talks to chat over HTTP."""

    def __init__(self, chat: "Chat", account: dict[str, Any]) -> None:
        self.chat = chat
        self.user: dict[str, Any] = account["user"]
        self.access_token: str = account["access_token"]
        self.refresh_token: str = account["refresh_token"]

    @property
    def id(self) -> str:
        return self.user["id"]

    async def ask(self, method: str, path: str, expect: int | None = 200, **more: Any) -> Any:
        """The decoded answer; `expect` None answers the response itself."""
        headers = {"authorization": f"Bearer {self.access_token}", **more.pop("headers", {})}
        return await self.chat.ask(method, path, expect, headers=headers, **more)

    async def get(self, path: str, expect: int | None = 200, **more: Any) -> Any:
        return await self.ask("GET", path, expect, **more)

    async def post(self, path: str, body: Any = None, expect: int | None = 200, **more: Any) -> Any:
        return await self.ask("POST", path, expect, **({"json": body} if body is not None else {}), **more)

    async def patch(self, path: str, body: Any, expect: int | None = 200) -> Any:
        return await self.ask("PATCH", path, expect, json=body)

    async def delete(self, path: str, expect: int | None = 204) -> Any:
        return await self.ask("DELETE", path, expect)

    async def workspace(self, name: str = "Acme") -> dict[str, Any]:
        """A new workspace, with its channel `general` under the key `general`."""
        workspace = await self.post("/workspaces", {"name": name}, 201)
        channels = await self.get(f"/workspaces/{workspace['id']}/channels")
        return {**workspace, "general": channels["items"][0]["channel"]}

    async def invite(self, workspace: dict[str, Any], *people: "Person", role: str = "member") -> None:
        code = (await self.post(f"/workspaces/{workspace['id']}/invites", {"role": role}, 201))["code"]
        for person in people:
            await person.post(f"/invites/{code}/accept")

    async def channel(self, workspace: dict[str, Any], name: str = "plans", kind: str = "public") -> dict[str, Any]:
        return await self.post(f"/workspaces/{workspace['id']}/channels", {"kind": kind, "name": name}, 201)

    async def reply(self, channel: dict[str, Any], root: dict[str, Any], text: str, expect: int = 201) -> Any:
        body = {"text": text, "client_msg_id": str(uuid.uuid4()), "thread_id": root["id"]}
        answer = await self.post(f"/channels/{channel['id']}/messages", body, expect)
        return answer["message"] if expect == 201 else answer

    async def written(self, channel: dict[str, Any]) -> list[dict[str, Any]]:
        """The newest messages, without those that nobody wrote."""
        page = await self.get(f"/channels/{channel['id']}/messages?limit=200")
        return [message for message in page["items"] if message["system"] is None]

    async def say(self, channel: dict[str, Any], text: str, key: str | None = None, expect: int | None = 201) -> Any:
        body = {"text": text, "client_msg_id": key or str(uuid.uuid4())}
        answer = await self.post(f"/channels/{channel['id']}/messages", body, expect)
        return answer["message"] if expect in (200, 201) else answer


class Chat:
    """The application, and what is behind it."""

    def __init__(self, app: Any, parts: Parts, bus: Bus, postgres_url: str, behind: asyncpg.Pool) -> None:
        self.app = app
        self.parts = parts
        self.bus = bus
        self.postgres_url = postgres_url
        self.behind = behind
        self.secrets = SECRETS
        # An error that escapes the application shall fail the test, not look like an answer.
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://chat")

    async def ask(self, method: str, path: str, expect: int | None = 200, **more: Any) -> Any:
        prefix = "" if path.startswith(("/internal", "/.well-known", "/healthz", "/readyz")) else "/api/v1"
        answer = await self.http.request(method, prefix + path, **more)
        if expect is None:
            return answer
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content and "json" in answer.headers.get("content-type", "") else answer

    async def person(self, name: str | None = None) -> Person:
        name = name or f"u{uuid.uuid4().hex[:12]}"
        return Person(self, await self.ask("POST", "/auth/register", 201, json=registration(name)))

    async def people(self, count: int) -> list[Person]:
        return [await self.person() for _ in range(count)]

    async def login(self, name: str, password: str = PASSWORD, **more: Any) -> Person:
        return Person(self, await self.ask("POST", "/auth/login", json={"login": name, "password": password}, **more))

    async def sql(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Look behind the scenes."""
        return await self.behind.fetch(statement, *values)

    async def decide(self, rows: Sequence[asyncpg.Record] | None = None) -> None:
        """Has everything so far, or these rows of the log, decided, as the consumer of the stream does."""
        if rows is None:
            rows = await self.sql("SELECT * FROM event_log ORDER BY id")
        await Decisions(self.parts.database).handle([delivery_of(row) for row in rows])

    async def somebody_waits_for_a_lock(self) -> None:
        """Returns once a transaction waits for another one; fails after 5 s."""
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        async with asyncio.timeout(5):
            while not await self.sql(waiting):
                await asyncio.sleep(0.02)


def delivery_of(row: asyncpg.Record) -> Delivery:
    """An event of the log as the stream hands it out."""
    numbered = {} if row["ch_seq"] is None else {"Ch-Seq": str(row["ch_seq"])}
    headers = {"Ev-Type": row["type"], **numbered}
    return Delivery(StoredMessage(row["id"], row["subject"], headers, row["body"].encode(), row["created_at"]), 1, "")


def registration(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "email": f"{name}@example.org",
        "username": name,
        "password": PASSWORD,
        "display_name": name.title(),
        **changes,
    }


@pytest.fixture(scope="session")
def migrated_url(create_database: Callable[[str | None], str]) -> str:
    """This worker's migrated database."""
    url = create_database(None)
    migrate.upgrade(url)
    return url


TABLES = """
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
      AND relname NOT IN ('alembic_version', 'signing_key')
"""
# Deleting few rows takes milliseconds, truncating all tables a quarter of a second. A replica checks no references.
AS_REPLICA = "SET LOCAL session_replication_role = replica; "
EMPTY = "SELECT string_agg('DELETE FROM ' || quote_ident(relname), '; ')" + TABLES
BOT = "SELECT to_jsonb(u)::text FROM user_account u WHERE kind = 'bot'"
BOT_AGAIN = "INSERT INTO user_account SELECT * FROM jsonb_populate_record(NULL::user_account, $1::jsonb)"

T = TypeVar("T")


class Wakes:
    """What was committed wakes the relay of the test that runs."""

    def __init__(self) -> None:
        self.poke: Poke | None = None

    def __call__(self, shards: Iterable[int]) -> None:
        assert self.poke is not None
        self.poke(shards)


@dataclass
class Store:
    """A database as chat has it open, and connections for looks behind the scenes."""

    url: str
    database: Database
    behind: asyncpg.Pool
    wakes: Wakes

    async def do(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """What `work` does, in one transaction."""
        async with self.behind.acquire() as connection, connection.transaction():
            return await work(cast(asyncpg.Connection, connection))

    async def empty(self) -> None:
        """As a new database: nobody is there but the bot."""

        async def empty(connection: asyncpg.Connection) -> None:
            bot = await connection.fetchval(BOT)
            deletions: str = await connection.fetchval(EMPTY)
            await connection.execute(AS_REPLICA + deletions)
            await connection.execute(BOT_AGAIN, bot)

        await self.do(empty)


@asynccontextmanager
async def open_store(url: str) -> AsyncGenerator[Store]:
    wakes = Wakes()
    async with (
        Database(url, pool_size=4, wake=wakes) as database,
        asyncpg.create_pool(url, min_size=0, max_size=8) as behind,
    ):
        yield Store(url, database, behind, wakes)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def store(migrated_url: str) -> AsyncIterator[Store]:
    """The worker's."""
    async with open_store(migrated_url) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def empty_store(store: Store) -> Store:
    """The worker's database as a new one would be, with nobody but the bot; making a new one takes far longer."""
    await store.empty()
    return store


@pytest.fixture
def chat_url(empty_store: Store) -> str:
    return empty_store.url


class Current:
    """Stands for whatever is current when one of its attributes is asked for."""

    def __init__(self) -> None:
        self.one: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.one, name)


class Application:
    """The application of a worker. Building it takes half a second, so the tests of a run share it: each puts in its
    own parts."""

    def __init__(self) -> None:
        self.parts, self.health = Current(), Current()
        self.app = serve(cast(Parts, self.parts), cast(Health, self.health))

    def serving(self, parts: Parts, health: Health) -> Any:
        self.parts.one, self.health.one = parts, health
        return self.app


application = functools.cache(Application)


@asynccontextmanager
async def on_stage(store: Store, bus: Bus) -> AsyncGenerator[Chat]:
    store.wakes.poke = Poke(bus)
    passwords = Passwords(CHEAP)
    async with bus:
        parts = assemble(database=store.database, bus=bus, secrets=SECRETS, access_token_ttl_s=900, passwords=passwords)
        health = Health()
        health.add("postgres", store.database.check)
        health.add("nats", bus.check, required=False)
        chat = Chat(application().serving(parts, health), parts, bus, store.url, store.behind)
        async with chat.http:
            yield chat
    passwords.close()


async def open_chat(postgres_url: str, bus: Bus) -> AsyncIterator[Chat]:
    async with open_store(postgres_url) as store, on_stage(store, bus) as chat:
        yield chat


@pytest_asyncio.fixture(loop_scope="session")
async def nothing_left_running() -> AsyncIterator[None]:
    """Whatever a test has begun ends with it, as it would with a loop of its own."""
    others = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - others - {asyncio.current_task()}
    for task in left:
        task.cancel()
    for task in left:
        with suppress(asyncio.CancelledError, Exception):
            await task


@pytest_asyncio.fixture(loop_scope="session")
async def chat(
    nothing_left_running: None, empty_store: Store, nats_url: str, topology: Topology
) -> AsyncIterator[Chat]:
    async with on_stage(empty_store, Bus(nats_url, "chat", topology)) as opened:
        await opened.bus.wait_connected(5)
        yield opened


KEPT_S = 120.0
"""What is kept is made anew when it is as old as this: its access tokens last for 15 minutes."""

KEEP = """
    CREATE SCHEMA {schema};
    CREATE TABLE {schema}.signing_key AS TABLE public.signing_key;
    DO $$
    DECLARE
        name text;
        inhabited boolean;
    BEGIN
        FOR name IN SELECT relname {tables} LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO inhabited;
            IF inhabited THEN
                EXECUTE format('CREATE TABLE {schema}.%1$I AS TABLE public.%1$I', name);
            END IF;
        END LOOP;
    END $$
"""
# The bot and the keys are among the rows that come back, and so is whatever a trigger would write: a replica runs none.
PUT_BACK = """
    SELECT 'DELETE FROM signing_key; DELETE FROM user_account WHERE kind = ''bot''; ' || string_agg(
        format('INSERT INTO public.%1$I OVERRIDING SYSTEM VALUE TABLE {schema}.%1$I', relname), '; ')
    FROM pg_class WHERE relnamespace = '{schema}'::regnamespace
"""


@dataclass
class Kept:
    """What was made for a test, when, and the statements that bring its rows back."""

    chat: Chat
    made: Any
    put_back: str
    at: float


class Keeper:
    """What many tests begin with, made once a worker: its dozen requests would take longer than most tests do. The rows
    are kept in a schema beside chat's; each test gets a copy of the objects, which talk to the test's chat."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[Callable[[Chat], Awaitable[Any]], Kept] = {}

    async def begin(self, chat: Chat, make: Callable[[Chat], Awaitable[Any]]) -> Any:
        kept = self._kept.get(make)
        if kept is None or monotonic() - kept.at > KEPT_S:
            made = await make(chat)
            put_back = await self._store.do(functools.partial(_keep, schema=f"kept_{uuid.uuid4().hex}"))
            kept = self._kept[make] = Kept(chat, made, put_back, monotonic())
        else:
            await self._store.do(lambda connection: connection.execute(AS_REPLICA + kept.put_back))
            # As its own requests would have: a process reads the keys once.
            await chat.parts.keys.refresh()
        return copy.deepcopy(kept.made, {id(kept.chat): chat})


async def _keep(connection: asyncpg.Connection, schema: str) -> str:
    await connection.execute(KEEP.format(schema=schema, tables=TABLES))
    put_back: str = await connection.fetchval(PUT_BACK.format(schema=schema))
    return put_back


@pytest.fixture(scope="session")
def keeper(store: Store) -> Keeper:
    return Keeper(store)


@pytest.fixture
def begin_with(chat: Chat, keeper: Keeper) -> Callable[[Callable[[Chat], Awaitable[Any]]], Awaitable[Any]]:
    """What `make(chat)` returned and stored, in a database that holds nothing else: `await begin_with(make)`."""

    async def begin_with(make: Callable[[Chat], Awaitable[Any]]) -> Any:
        return await keeper.begin(chat, make)

    return begin_with


@pytest.fixture
def serve_chat() -> Callable[[str, Bus], AsyncIterator[Chat]]:
    """For tests that bring their own way to PostgreSQL or NATS: `async for chat in serve_chat(url, bus)`."""
    return open_chat


@pytest.fixture
def make_registration() -> Callable[..., dict[str, Any]]:
    return registration
