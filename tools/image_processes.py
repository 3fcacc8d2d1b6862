"""What runs from an image, as docker-compose.yml has it, on real servers of this machine instead of its containers."""

import base64
import os
import re
import secrets
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import compose_file

from tertulia_stack.ports import LOOPBACK, free_port
from tertulia_stack.servers import NatsServer, PostgresServer
from tertulia_stack.servers.postgres import postgres_program

# Servers that no package registry has: the services' own embedded engines stand in, in the image's /data. Without its
# extra analytics starts with ClickHouse away, which it has to bear.
EMBEDDED = {"SEARCH_URL": "tantivy:///data/search", "CLICKHOUSE_URL": "chdb:////data/analytics"}


@dataclass(frozen=True)
class ImageProcess:
    """One service of the compose file. `once` ends by itself; `check` is there when the image's own does not fit."""

    name: str
    command: list[str]
    env: dict[str, str]
    once: bool
    check: list[str] | None = None


@contextmanager
def processes_of(package: str, extras: str, work: Path) -> Generator[list[ImageProcess]]:
    """The processes of this package's image, migrations first, while PostgreSQL and NATS run for them."""
    work.chmod(0o755)
    token = secrets.token_hex(8)
    postgres = PostgresServer(work / "postgres", fsync=False)
    nats = NatsServer(work / "nats", token=token)
    postgres.start()
    nats.start()
    try:
        password = secrets.token_hex(8)
        _make_databases(postgres, password)
        secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        values = dict.fromkeys(compose_file.required_variables(), password)
        values |= {"NATS_TOKEN": token, "SECRET_KEY": secret}
        engines = EMBEDDED if extras == "embedded" else {"SEARCH_URL": EMBEDDED["SEARCH_URL"]}
        addresses = {"postgres:5432": f"{LOOPBACK}:{postgres.port}", "nats:4222": f"{LOOPBACK}:{nats.port}"}
        services = compose_file.read(values)["services"]
        ours = {name: service for name, service in services.items() if _is_of(service, package)}
        found = [_process(name, service, addresses, engines) for name, service in ours.items()]
        yield sorted(found, key=lambda process: not process.once)
    finally:
        nats.stop()
        postgres.stop()


def _make_databases(postgres: PostgresServer, password: str) -> None:
    """By the very script that the PostgreSQL container runs."""
    superuser = re.fullmatch(r"postgresql://(?P<user>\w+):(?P<password>[^@]+)@.*", postgres.url())
    if superuser is None:
        raise AssertionError("no password in the server's URL")
    programs = Path(postgres_program("psql")).parent
    env = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PGHOST": LOOPBACK,
        "PGPORT": str(postgres.port),
        "PGPASSWORD": superuser["password"],
        "PGDATABASE": "postgres",
        "POSTGRES_USER": superuser["user"],
        "POSTGRES_PASSWORD": password,
    }
    subprocess.run([compose_file.ROOT / "deploy" / "compose" / "databases.sh"], env=env, check=True)


def _is_of(service: dict[str, Any], package: str) -> bool:
    return service.get("build", {}).get("args", {}).get("PACKAGE") == package


def _process(name: str, service: dict[str, Any], addresses: dict[str, str], engines: dict[str, str]) -> ImageProcess:
    env = {key: str(value) for key, value in service["environment"].items()}
    for key, value in env.items():
        for container, here in addresses.items():
            value = value.replace(container, here)
        env[key] = engines.get(key, value)
    env.pop("OTEL_EXPORTER_OTLP_ENDPOINT", None)
    env |= {"HOST": LOOPBACK, "PORT": str(free_port())}
    if "OPS_PORT" in env:
        env |= {"OPS_HOST": LOOPBACK, "OPS_PORT": str(free_port())}
    check: list[str] | None = service["healthcheck"]["test"][1:] if name == "model" else None
    return ImageProcess(name, service["command"], env, once=name.startswith("migrate-"), check=check)
