"""A world for the tests: the real chat with its relay, the real local model, PostgreSQL and NATS, and the bot on a real
socket. Only what a real provider cannot be asked for (to hang, to break in the middle) comes from a scripted one."""

import asyncio
import functools
import os
import signal
import sys
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
import asyncpg
import msgspec
import pytest
from aiohttp import web
from argon2 import PasswordHasher

from tertulia_bot import app as bot_app
from tertulia_bot import migrate as bot_migrate
from tertulia_bot.settings import ServeSettings
from tertulia_chat import migrate as chat_migrate
from tertulia_chat.accounts.passwords import Passwords
from tertulia_chat.app import Parts as ChatParts
from tertulia_chat.app import assemble as assemble_chat
from tertulia_chat.app import serve as serve_chat
from tertulia_chat.database import Database as ChatDatabase
from tertulia_chat.poke import Poke
from tertulia_chat.relay.relay import Pace, Relay
from tertulia_shared.bus import Bus, BusMessage
from tertulia_shared.events import RunDelta, RunStep, Topology
from tertulia_shared.runtime import Health, Process, spawn
from tertulia_shared.runtime.server import HttpServer
from tertulia_shared.settings import SecretKeys, decode_secret
from tertulia_stack.ports import free_port

from .people import Person, Problem, eventually
from .providers import ModelServer, Scripted, serving, start_model

SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
PASSWORD = "correct horse battery"
# Real Argon2id with the smallest parameters.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
EAGER = Pace(poll_s=0.02, save_s=0.1, claim_s=0.2, verify_s=0.5)


# -- providers -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def real_model() -> Iterator[ModelServer]:
    server = start_model()
    deadline = time.monotonic() + 60
    while True:
        with suppress(OSError), urllib.request.urlopen(f"{server.root}/health", timeout=2) as answer:
            if answer.status == 200:
                break
        assert server.process.poll() is None, "the model ended"
        assert time.monotonic() < deadline, "the model is not ready"
        time.sleep(0.1)
    yield server
    server.process.terminate()
    server.process.communicate(timeout=20)


@pytest.fixture
async def scripted() -> AsyncIterator[Scripted]:
    provider = Scripted()
    served = web.Application()
    served.router.add_get("/v1/models", provider.models)
    served.router.add_post("/v1/chat/completions", provider.complete)
    async with serving(served) as url:
        provider.url = f"{url}/v1"
        yield provider


# -- chat ----------------------------------------------------------------------------------------------------


class Current:
    """Stands for whatever is current when one of its attributes is asked for."""

    def __init__(self) -> None:
        self.one: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.one, name)


class ChatApplication:
    """As chat's own tests have it: building it takes half a second, so the tests of a run share it."""

    def __init__(self) -> None:
        self.parts = Current()
        self.app = serve_chat(cast(ChatParts, self.parts), Health())

    def serving(self, parts: ChatParts) -> Any:
        self.parts.one = parts
        return self.app


chat_application = functools.cache(ChatApplication)


# -- the world -----------------------------------------------------------------------------------------------


@dataclass
class Heard:
    """Everything that was whispered about runs."""

    deltas: list[RunDelta] = field(default_factory=list)
    steps: list[RunStep] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def receive(self, message: BusMessage) -> None:
        if msgspec.json.decode(message.data)["type"] == "run.delta":
            self.deltas.append(msgspec.json.decode(message.data, type=RunDelta))
            self.times.append(time.monotonic())
        else:
            self.steps.append(msgspec.json.decode(message.data, type=RunStep))

    def text(self, run_id: str) -> str:
        """What a reader of all deltas has in the end: a new attempt begins again."""
        text, attempt = "", 0
        for delta in self.deltas:
            if delta.run_id != run_id or delta.attempt < attempt:
                continue
            if delta.attempt > attempt:
                text, attempt = "", delta.attempt
            assert delta.offset == len(text)
            text += delta.text
        return text


class World:
    def __init__(self, nats_url: str, topology: Topology, chat_database: str, bot_database: str) -> None:
        self.nats_url = nats_url
        self.topology = topology
        self.chat_database = chat_database
        self.bot_database = bot_database
        self.chat_url = ""
        self.bot_url = ""
        self.heard = Heard()
        self.bus = Bus(nats_url, "test", topology)
        self.http = aiohttp.ClientSession()
        self.chat_switch = Switch()
        self._stack = AsyncExitStack()

    async def ask(
        self, method: str, url: str, token: str = "", body: Any = None, headers: dict[str, str] | None = None
    ) -> Any:
        given = {"Authorization": f"Bearer {token}", **(headers or {})}
        async with self.http.request(method, url, json=body, headers=given) as answer:
            document = await answer.json(content_type=None) if answer.content_length != 0 else None
            if answer.status >= 400:
                raise Problem(answer.status, document)
            return document

    async def person(self) -> Person:
        name = f"u{uuid.uuid4().hex[:12]}"
        body = {"email": f"{name}@example.org", "username": name, "password": PASSWORD, "display_name": name.title()}
        return Person(self, await self.ask("POST", f"{self.chat_url}/api/v1/auth/register", body=body))

    async def people(self, count: int) -> list[Person]:
        return [await self.person() for _ in range(count)]

    def environment(self, provider_url: str, **changes: Any) -> dict[str, str]:
        return {
            "PORT": "0",
            "POSTGRES_URL": self.bot_database,
            "NATS_URL": self.nats_url,
            "NATS_PREFIX": self.topology.prefix,
            "SECRET_KEY": SECRET,
            "JWKS_URL": f"{self.chat_url}/.well-known/jwks.json",
            "CHAT_URL": self.chat_url,
            "OPENAI_BASE_URL": provider_url,
            "MODEL_CONTEXT_TOKENS": "2048",
            "MAX_ANSWER_TOKENS": "64",
            "MAX_CONTEXT_TOKENS": "256",
            "RUN_LEASE_S": "1.5",
            **{key.upper(): str(value) for key, value in changes.items()},
        }

    def settings(self, provider_url: str, **changes: Any) -> ServeSettings:
        environment = self.environment(provider_url, **changes)
        return ServeSettings.model_validate({key.lower(): value for key, value in environment.items()})

    @asynccontextmanager
    async def bot(self, provider_url: str, *, model: bool = True, **changes: Any) -> AsyncIterator[bot_app.Parts]:
        """The service in this process, ready."""
        parts = bot_app.assemble(self.settings(provider_url, **changes))
        async with bot_app.opened(parts) as process, running(process) as url:
            self.bot_url = url
            await self.ready(url, model=model)
            yield parts

    @asynccontextmanager
    async def bot_process(self, provider_url: str, **changes: Any) -> AsyncIterator["asyncio.subprocess.Process"]:
        """The service as a process of its own, to be killed."""
        port = free_port()
        environment = self.environment(provider_url, port=port, **changes)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tertulia_bot", "serve", env={**os.environ, **environment}
        )
        self.bot_url = f"http://127.0.0.1:{port}"
        try:
            await self.ready(self.bot_url)
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                await asyncio.wait_for(process.wait(), 15)

    async def ready(self, url: str, *, model: bool = True) -> None:
        async def is_ready() -> bool:
            with suppress(aiohttp.ClientError):
                async with self.http.get(f"{url}/readyz") as answer:
                    states = (await answer.json())["dependencies"]
                    return answer.status == 200 and (not model or states["model"]["state"] == "up")
            return False

        await eventually(is_ready, 150)

    async def sql(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Look behind the bot's scenes."""
        connection = await asyncpg.connect(self.bot_database)
        try:
            return await connection.fetch(statement, *values)
        finally:
            await connection.close()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["World"]:
        secrets = SecretKeys(decode_secret(SECRET))
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.http.close)
            await stack.enter_async_context(self.bus)
            await self.bus.wait_connected(10)
            await self.bus.subscribe(self.topology.run_all, self.heard.receive)
            relay_bus = await stack.enter_async_context(Bus(self.nats_url, "relay", self.topology))
            chat_bus = await stack.enter_async_context(Bus(self.nats_url, "chat", self.topology))
            database = ChatDatabase(self.chat_database, pool_size=4, wake=Poke(chat_bus))
            await stack.enter_async_context(database)
            passwords = Passwords(CHEAP)
            stack.callback(passwords.close)
            parts = assemble_chat(
                database=database, bus=chat_bus, secrets=secrets, access_token_ttl_s=900, passwords=passwords
            )
            served = self.chat_switch.around(chat_application().serving(parts))
            chat = Process(name="chat", app=served, components=[Relay(self.chat_database, relay_bus, EAGER)])
            self.chat_url = await stack.enter_async_context(running(chat))
            yield self


class Switch:
    """chat's internal addresses can be switched off: they answer 503."""

    def __init__(self) -> None:
        self.off = False
        self.calls: list[str] = []
        self.before_open: Callable[[], Awaitable[None]] | None = None
        self.before_finish: Callable[[], Awaitable[None]] | None = None

    def around(self, inner: Any) -> Any:
        async def served(scope: Any, receive: Any, send: Any) -> None:
            path = scope.get("path", "")
            if not path.startswith("/internal/v1/runs"):
                await inner(scope, receive, send)
                return
            self.calls.append(path)
            if self.before_open is not None and path.endswith("/runs"):
                await self.before_open()
            if self.before_finish is not None and path.endswith("/finish"):
                await self.before_finish()
            if self.off:
                await send({"type": "http.response.start", "status": 503, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
            await inner(scope, receive, send)

        return served


@asynccontextmanager
async def running(process: Process) -> AsyncIterator[str]:
    """As `run_process` does it, without signals. Answers the address."""
    assert process.app is not None
    server = HttpServer(process.app, "127.0.0.1", 0)
    serving = spawn(server.run(), name="http")
    components = [spawn(component.run(), name=component.name) for component in process.components]
    try:
        while not server.started:
            await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{server.port}"
    finally:
        for component in process.components:
            drain = getattr(component, "drain", None)
            if drain is not None:
                await drain()
        await server.stop(serving)
        for task in components:
            task.cancel()
        await asyncio.wait(components)


@pytest.fixture(scope="session")
def templates(create_database: Callable[[str | None], str]) -> tuple[str, str]:
    """Migrated databases of chat and of the bot, to copy."""
    chat, bot = create_database(None), create_database(None)
    chat_migrate.upgrade(chat)
    bot_migrate.upgrade(bot)
    return chat.rsplit("/", 1)[1], bot.rsplit("/", 1)[1]


@pytest.fixture
def bot_database(templates: tuple[str, str], create_database: Callable[[str | None], str]) -> str:
    return create_database(templates[1])


@pytest.fixture
async def world(
    nats_url: str,
    topology: Topology,
    templates: tuple[str, str],
    create_database: Callable[[str | None], str],
    bot_database: str,
) -> AsyncIterator[World]:
    async with World(nats_url, topology, create_database(templates[0]), bot_database).open() as opened:
        yield opened
