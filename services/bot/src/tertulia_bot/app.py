"""The composition root of the `serve` process: everything is made here and handed down."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import ValidationException
from litestar.openapi import OpenAPIConfig
from litestar.types import ControllerRouterHandler
from pydantic import SecretStr

from tertulia_bot.access import Access
from tertulia_bot.budget.controller import AiController, models
from tertulia_bot.budget.ledger import Ledger
from tertulia_bot.chat import ChatRuns
from tertulia_bot.commands.controller import commands, run_command
from tertulia_bot.context.retrieval import Retriever
from tertulia_bot.database import Database
from tertulia_bot.limits import MAX_MESSAGE_AGE_S, MAX_TEXT
from tertulia_bot.mentions import CONSUMER, Mentions
from tertulia_bot.peers import Peer
from tertulia_bot.provider.completions import Provider
from tertulia_bot.provider.model import Model
from tertulia_bot.runs.answer import Answerer, Sizes
from tertulia_bot.runs.controller import active_runs, one_run, stop_run
from tertulia_bot.runs.reception import Reception
from tertulia_bot.runs.table import RunTable
from tertulia_bot.runs.worker import Worker
from tertulia_bot.settings import ServeSettings
from tertulia_shared.bus import Bus, ConsumerOptions, DeadLetters, DurableConsumer
from tertulia_shared.callers import Callers
from tertulia_shared.edge import StrictJson, handle_validation
from tertulia_shared.events import Topology
from tertulia_shared.membership import MembershipFeed
from tertulia_shared.problems import PROBLEM_HANDLERS
from tertulia_shared.runtime import Health, Process, health_routes
from tertulia_shared.telemetry import TraceMiddleware
from tertulia_shared.tokens import RemoteJwks, ServiceTokens, TokenVerifier

NAME = "bot"
MAX_BODY_BYTES = MAX_TEXT * 8
CHAT_TIMEOUT_S = 5.0
SEARCH_TIMEOUT_S = 2.0
"""An answer without sources now is better than one with sources much later."""
LANES = 4

PUBLIC: Sequence[ControllerRouterHandler] = (
    commands,
    run_command,
    active_runs,
    one_run,
    stop_run,
    AiController,
    models,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the handlers ask for, by the name they ask with; and what else `build` opens and runs."""

    callers: Callers
    access: Access
    reception: Reception
    runs: RunTable
    worker: Worker
    ledger: Ledger
    model: Model
    provider: Provider
    sizes: Sizes
    bus: Bus
    database: Database
    feed: MembershipFeed
    mentions: Mentions
    peers: tuple[Peer, ...]


def assemble(settings: ServeSettings) -> Parts:
    """Connects to nothing."""
    tokens = ServiceTokens(settings.secrets)
    owner = str(uuid4())
    bus = Bus(settings.nats_url.get_secret_value(), NAME, Topology(settings.nats_prefix))
    database = Database(settings.postgres_url.get_secret_value(), settings.postgres_pool_size)
    feed = MembershipFeed(bus, settings.chat_url, tokens, NAME)
    chat_peer = Peer("chat", settings.chat_url, tokens, CHAT_TIMEOUT_S)
    search_peer = (
        Peer("search", settings.search_service_url, tokens, SEARCH_TIMEOUT_S) if settings.search_service_url else None
    )
    provider = Provider(settings.openai_base_url, settings.openai_api_key.get_secret_value())
    model = Model(provider, settings.model, settings.model_context_tokens)
    sizes = Sizes(
        prompt=settings.max_prompt_tokens, context=settings.max_context_tokens, answer=settings.max_answer_tokens
    )
    ledger = Ledger(database, owner, settings.daily_token_budget)
    table = RunTable(database, owner, timedelta(seconds=settings.run_lease_s), settings.daily_token_budget)
    chat = ChatRuns(chat_peer)
    answerer = Answerer(
        chat=chat,
        retriever=Retriever(search_peer, feed),
        model=model,
        provider=provider,
        ledger=ledger,
        sizes=sizes,
    )
    worker = Worker(
        bus=bus,
        table=table,
        ledger=ledger,
        chat=chat,
        answerer=answerer,
        model=model,
        lease_s=settings.run_lease_s,
    )
    reception = Reception(table=table, ledger=ledger, chat=chat, answerer=answerer, model=model, worker=worker)
    access = Access(feed)
    return Parts(
        callers=Callers(TokenVerifier(RemoteJwks(settings.jwks_url)), feed.revocations),
        access=access,
        reception=reception,
        runs=table,
        worker=worker,
        ledger=ledger,
        model=model,
        provider=provider,
        sizes=sizes,
        bus=bus,
        database=database,
        feed=feed,
        mentions=Mentions(reception, access),
        peers=(chat_peer,) if search_peer is None else (chat_peer, search_peer),
    )


def create_app(parts: Parts, health: Health) -> Litestar:
    """The HTTP application. Building it opens no connection."""
    given = {name: getattr(parts, name) for name in Parts.__slots__}
    return Litestar(
        route_handlers=[Router("/api/v1", route_handlers=PUBLIC), *health_routes(health)],
        dependencies={name: Provide(_constant(value), sync_to_thread=False) for name, value in given.items()},
        dto=StrictJson,
        return_dto=None,
        exception_handlers={**PROBLEM_HANDLERS, ValidationException: handle_validation},
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=OpenAPIConfig(title="Tertulia bot", version="1", create_examples=False),
        logging_config=None,
    )


@asynccontextmanager
async def opened(parts: Parts) -> AsyncGenerator[Process]:
    """Starts with everything else away; `/readyz` tells."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.provider.close)
        for part in (parts.bus, parts.database, parts.model, *parts.peers):
            await stack.enter_async_context(part)
        await parts.model.look()
        consumer = DurableConsumer(
            parts.bus,
            CONSUMER,
            parts.mentions.handle,
            DeadLetters(parts.database.pool),
            # A database that is away is no fault of the question; `MAX_MESSAGE_AGE_S` ends it.
            ConsumerOptions(lanes=LANES, max_attempts=MAX_MESSAGE_AGE_S),
        )
        health = Health()
        health.add("postgres", parts.database.check)
        health.add("nats", parts.bus.check)
        health.add("membership", parts.feed.check)
        health.add("model", parts.model.check, required=False)
        health.tell_lag(lambda: consumer.lag_s)
        yield Process(
            name=NAME,
            app=TraceMiddleware(create_app(parts, health)),
            components=[parts.feed, parts.model, parts.provider, parts.worker, consumer],
            health=health,
        )


@asynccontextmanager
async def build(settings: ServeSettings) -> AsyncGenerator[Process]:
    async with opened(assemble(settings)) as process:
        yield process


def openapi_app() -> Litestar:
    """For the export of the contract: built without a network, serves nothing."""
    settings = ServeSettings(
        port=0,
        postgres_url=SecretStr("postgresql://openapi@127.0.0.1/openapi"),
        nats_url=SecretStr("nats://127.0.0.1:4222"),
        secret_key=SecretStr("A" * 43),
        jwks_url="http://127.0.0.1/",
        chat_url="http://127.0.0.1",
        openai_base_url="http://127.0.0.1/v1",
    )
    return create_app(assemble(settings), Health())


def _constant(value: object) -> Callable[[], object]:
    return lambda: value
