"""The composition root of the `api` process: everything is made here and handed down."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import ValidationException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp, ControllerRouterHandler

from tertulia_chat.accounts.controller import AuthController, UserController, jwks
from tertulia_chat.accounts.keys import KeyKeeper, KeyRing
from tertulia_chat.accounts.passwords import Passwords
from tertulia_chat.accounts.tokens import AccessTokens
from tertulia_chat.attention.controller import ChannelAttentionController, WorkspaceAttentionController, read_thread
from tertulia_chat.audit.controller import AuditController
from tertulia_chat.audit.denials import Denials
from tertulia_chat.bootstrap.controller import bootstrap
from tertulia_chat.bootstrap.position import StreamPosition
from tertulia_chat.caller import Authenticator
from tertulia_chat.channels.controller import ChannelController, WorkspaceChannelsController
from tertulia_chat.database import Database
from tertulia_chat.drafts.controller import DraftController, drafts
from tertulia_chat.edge import provide_caller
from tertulia_chat.idempotency import KeyRetention
from tertulia_chat.marks.controller import MessageMarksController, channel_pins, saved_messages
from tertulia_chat.messages.controller import ChannelMessagesController, MessageController, import_messages
from tertulia_chat.messages.purge import Purge
from tertulia_chat.messages.send import Sender, send_scheduled
from tertulia_chat.messages.short_way import ShortWay
from tertulia_chat.moderation.controller import (
    ChannelModerationController,
    WorkspaceModerationController,
    notices,
    report_message,
    resolve_report,
)
from tertulia_chat.notifications.consumer import consumer
from tertulia_chat.notifications.controller import NotificationController
from tertulia_chat.notifications.retention import Retention
from tertulia_chat.poke import Poke
from tertulia_chat.projections.controller import ExportController, LogController, memberships
from tertulia_chat.purge import ChannelPurge
from tertulia_chat.reminders.commands import ring_due
from tertulia_chat.reminders.controller import ReminderController, remind, reminders
from tertulia_chat.runs.controller import finish_run, open_run
from tertulia_chat.scheduled.controller import ScheduledController, WorkspaceScheduledController
from tertulia_chat.scheduled.delivery import Delivery
from tertulia_chat.scheduler import Scheduler
from tertulia_chat.settings import ApiSettings
from tertulia_chat.sidebar.controller import SidebarController
from tertulia_chat.tables import ReminderRow, ScheduledMessageRow
from tertulia_chat.threads.controller import ThreadController, threads_inbox
from tertulia_chat.workspaces.controller import WorkspaceController, accept_invite
from tertulia_shared.bus import Bus
from tertulia_shared.cursors import CursorSealer
from tertulia_shared.edge import StrictJson, handle_validation
from tertulia_shared.events import Topology
from tertulia_shared.problems import PROBLEM_HANDLERS
from tertulia_shared.runtime import Health, Process, health_routes
from tertulia_shared.settings import SecretKeys
from tertulia_shared.telemetry import TraceMiddleware
from tertulia_shared.tokens import ServiceTokens, TokenVerifier

MAX_BODY_BYTES = 256 * 1024

PUBLIC: Sequence[ControllerRouterHandler] = (
    AuthController,
    UserController,
    WorkspaceController,
    accept_invite,
    WorkspaceChannelsController,
    ChannelController,
    ChannelMessagesController,
    MessageController,
    MessageMarksController,
    channel_pins,
    saved_messages,
    DraftController,
    drafts,
    ChannelAttentionController,
    WorkspaceAttentionController,
    read_thread,
    ThreadController,
    threads_inbox,
    SidebarController,
    AuditController,
    ChannelModerationController,
    WorkspaceModerationController,
    report_message,
    resolve_report,
    notices,
    WorkspaceScheduledController,
    ScheduledController,
    remind,
    reminders,
    ReminderController,
    NotificationController,
    bootstrap,
)
INTERNAL: Sequence[ControllerRouterHandler] = (
    jwks,
    memberships,
    import_messages,
    ExportController,
    LogController,
    open_run,
    finish_run,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the handlers ask for, by the name they ask with."""

    database: Database
    passwords: Passwords
    keys: KeyRing
    tokens: AccessTokens
    token_ttl: timedelta
    authenticator: Authenticator
    services: ServiceTokens
    sender: Sender
    delivery: Delivery
    position: StreamPosition


def assemble(
    *, database: Database, bus: Bus, secrets: SecretKeys, access_token_ttl_s: int, passwords: Passwords | None = None
) -> Parts:
    """Connects to nothing."""
    token_ttl = timedelta(seconds=access_token_ttl_s)
    keys = KeyRing(database, secrets, token_ttl=token_ttl)
    authenticator = Authenticator(TokenVerifier(keys), database)
    return Parts(
        database=database,
        passwords=passwords or Passwords(),
        keys=keys,
        tokens=AccessTokens(keys, access_token_ttl_s),
        token_ttl=token_ttl,
        authenticator=authenticator,
        sender=Sender(authenticator, database),
        delivery=Delivery(send_scheduled),
        services=ServiceTokens(secrets),
        position=StreamPosition(bus, CursorSealer(secrets)),
    )


def schedulers(parts: Parts) -> list[Scheduler]:
    """For all that waits for its time."""
    return [
        Scheduler(parts.database, ScheduledMessageRow, parts.delivery.deliver_due),
        Scheduler(parts.database, ReminderRow, ring_due),
    ]


def serve(parts: Parts, health: Health) -> ASGIApp:
    """All that an HTTP request goes through."""
    return TraceMiddleware(ShortWay(create_app(parts, health), lambda: parts.sender, MAX_BODY_BYTES))


def create_app(parts: Parts, health: Health) -> Litestar:
    """The HTTP application. Building it opens no connection."""
    dependencies = {name: Provide(_part(parts, name), sync_to_thread=False) for name in Parts.__slots__}
    return Litestar(
        route_handlers=[
            Router("/api/v1", route_handlers=PUBLIC),
            *INTERNAL,
            *health_routes(health),
        ],
        dependencies={**dependencies, "caller": Provide(provide_caller)},
        state=State({"parts": parts}, deep_copy=False),
        dto=StrictJson,
        return_dto=None,
        after_exception=[Denials(lambda: parts.database)],
        exception_handlers={**PROBLEM_HANDLERS, ValidationException: handle_validation},
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=OpenAPIConfig(
            title="Tertulia chat",
            version="1",
            path="/internal/openapi",
            render_plugins=[JsonRenderPlugin()],
            security=[{"access_token": []}],
            components=Components(
                security_schemes={"access_token": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
            ),
        ),
        logging_config=None,
    )


def _part(parts: Parts, name: str) -> Callable[[], object]:
    return lambda: getattr(parts, name)


def openapi_app() -> Litestar:
    """For the export of the contract: built without a network, serves nothing."""
    secrets = SecretKeys(bytes(32))
    bus = Bus("nats://127.0.0.1:4222", "openapi", Topology())
    database = Database("postgresql://openapi@127.0.0.1/openapi", pool_size=1, wake=Poke(bus))
    parts = assemble(database=database, bus=bus, secrets=secrets, access_token_ttl_s=900)
    return create_app(parts, Health())


@asynccontextmanager
async def api(settings: ApiSettings) -> AsyncGenerator[Process]:
    """Starts with PostgreSQL or NATS away; `/readyz` tells."""
    bus = Bus(settings.nats_url.get_secret_value(), "chat", Topology(settings.nats_prefix))
    database = Database(
        settings.postgres_url.get_secret_value(),
        pool_size=settings.postgres_pool_size,
        wake=Poke(bus),
    )
    async with bus, database:
        parts = assemble(
            database=database, bus=bus, secrets=settings.secrets, access_token_ttl_s=settings.access_token_ttl_s
        )
        health = Health()
        health.add("postgres", database.check)
        health.add("nats", bus.check, required=False)
        decisions = consumer(bus, database)
        health.tell_lag(lambda: decisions.lag_s)
        components = [KeyKeeper(parts.keys), Purge(database), ChannelPurge(database), *schedulers(parts), decisions]
        components += [Retention(database), KeyRetention(database)]
        yield Process(name="chat", app=serve(parts, health), components=components, health=health)
        parts.passwords.close()
