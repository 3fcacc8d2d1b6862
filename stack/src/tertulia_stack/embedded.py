"""The real stack as data: which processes, in which order, with which environment."""

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tertulia_stack.home import Home
from tertulia_stack.ports import LOOPBACK
from tertulia_stack.servers import NatsServer, PostgresServer
from tertulia_stack.servers.process import ServerProcess
from tertulia_stack.supervisor.spec import ServiceSpec

CHAT_DATABASE = "tertulia_chat"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a person can choose."""

    host: str
    port: int
    web_dir: Path | None

    @property
    def url(self) -> str:
        """Where the front door is; a browser on this machine can open it whatever the host listens on."""
        host = LOOPBACK if self.host in {"0.0.0.0", "::"} else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def stack_specs(home: Home, options: Options, ports: Mapping[str, int]) -> list[ServiceSpec]:
    """PostgreSQL, NATS, the migrations and every service."""
    postgres = PostgresServer(home.postgres, ports["postgres"])
    nats = NatsServer(home.nats, ports["nats"])
    service = _ServiceMaker(home.secret_key(), {**ports, "gateway": options.port})

    chat_url = service.url("chat-api")
    database = {"POSTGRES_URL": postgres.url(CHAT_DATABASE)}
    bus = {"NATS_URL": nats.url}
    chat = {"CHAT_URL": chat_url, "JWKS_URL": f"{chat_url}/.well-known/jwks.json"}
    front = {"HOST": options.host, "NOTIFY_URL": service.url("notify"), "OPS_PORT": str(ports["gateway-ops"])}
    if options.web_dir is not None:
        front["WEB_DIR"] = str(options.web_dir)
    return [
        server_spec("postgres", postgres, signal.SIGINT),
        server_spec("nats", nats, signal.SIGTERM),
        ServiceSpec(
            name="migrate",
            command=[sys.executable, "-m", "tertulia_chat", "migrate"],
            # Settings want a port although a task serves nothing.
            env=service.common | database | {"PORT": "0"},
            depends_on=["postgres"],
            prepare=lambda: postgres.ensure_database(CHAT_DATABASE),
            once=True,
        ),
        service.spec("chat-api", ["tertulia_chat", "api"], database | bus, ["migrate", "nats"]),
        service.spec("chat-relay", ["tertulia_chat", "relay"], database | bus, ["migrate", "nats"]),
        # These two wait for chat by themselves, as they do when it restarts; so their start can overlap with its.
        service.spec("notify", ["tertulia_notify"], bus | chat, ["nats"]),
        service.spec("gateway", ["tertulia_gateway"], chat | front, ["nats"]),
    ]


class _ServiceMaker:
    """Turns a module into a service with the environment that all share."""

    def __init__(self, secret_key: str, ports: Mapping[str, int]) -> None:
        self.common = {"HOST": LOOPBACK, "SECRET_KEY": secret_key, "LOG_FORMAT": "json"}
        self._ports = ports

    def url(self, name: str) -> str:
        return f"http://{LOOPBACK}:{self._ports[name]}"

    def spec(self, name: str, module: Sequence[str], env: Mapping[str, str], after: Sequence[str]) -> ServiceSpec:
        port = self._ports[name]
        return ServiceSpec(
            name=name,
            command=[sys.executable, "-m", *module],
            env={**self.common, "PORT": str(port), **env},
            port=port,
            ready_url=f"{self.url(name)}/readyz",
            depends_on=after,
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
