"""Fixtures that every test folder shares: real servers, started once per run.

PostgreSQL and NATS come from the same code that `tertulia up` uses, on free ports, in a temporary directory. Under
pytest-xdist the controlling process starts them and tells the workers where they are; each test gets a database and a
NATS prefix of its own.
"""

import asyncio
import os
import secrets
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from hypothesis import is_hypothesis_test

from tertulia_shared.events import Topology
from tertulia_stack.servers import NatsServer, PostgresServer
from tertulia_stack.servers.postgres import SUPERUSER


class Servers:
    """The run's PostgreSQL and NATS. fsync is off: tests that need it start a server of their own."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="tertulia tests ")
        root = Path(self._directory.name)
        root.chmod(0o755)
        self.postgres = PostgresServer(root / "postgres", fsync=False)
        self.nats = NatsServer(root / "nats")

    def start(self) -> None:
        self.postgres.start()
        self._hash_the_password_once()
        self.nats.start()

    def _hash_the_password_once(self) -> None:
        """Every client would hash it 4,096 times at every connection, and a test makes several."""
        password = urlsplit(self.postgres.url()).password
        self.postgres.execute(f"SET scram_iterations = 1; ALTER ROLE {SUPERUSER} PASSWORD '{password}'")

    def stop(self) -> None:
        self.nats.stop()
        self.postgres.stop()
        self._directory.cleanup()

    @property
    def addresses(self) -> dict[str, str]:
        return {"postgres": self.postgres.url(), "nats": self.nats.url}


_SERVERS = pytest.StashKey[Servers]()


def _started(config: pytest.Config) -> Servers:
    if _SERVERS not in config.stash:
        servers = Servers()
        servers.start()
        config.stash[_SERVERS] = servers
    return config.stash[_SERVERS]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """pytest-xdist is about to start a worker."""
    node.workerinput["servers"] = _started(node.config).addresses


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A test that did not run has proved nothing: a skip fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == pytest.ExitCode.OK and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    servers = config.stash.get(_SERVERS, None)
    if servers is not None:
        servers.stop()


# -- what coverage watches -----------------------------------------------------------------------------------

_WATCHED = pytest.StashKey[bool]()
_COVERAGE_OF_CHILDREN = "COVERAGE_PROCESS_CONFIG"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Being watched makes a test take half as long again. What runs the same lines once more is not: further cases of a
    parametrised test, properties, and tests that are marked so. What `make test` reports is therefore a lower bound."""
    seen: set[str] = set()
    for item in items:
        function = item.nodeid.partition("[")[0]
        again = function in seen or item.get_closest_marker("unwatched") is not None
        item.stash[_WATCHED] = not (again or is_hypothesis_test(getattr(item, "obj", None)))
        seen.add(function)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    if item.stash[_WATCHED]:
        return (yield)
    with _unwatched():
        return (yield)


@contextmanager
def _unwatched() -> Iterator[None]:
    """Neither this process nor those that it starts are measured, whether or not they were."""
    here, new_threads = sys.gettrace(), threading.gettrace()
    children = os.environ.pop(_COVERAGE_OF_CHILDREN, None)
    sys.settrace(None)
    threading.settrace(None)  # pyright: ignore[reportArgumentType] -- typed as if it took no None
    try:
        yield
    finally:
        threading.settrace(new_threads)  # pyright: ignore[reportArgumentType]
        sys.settrace(here)
        if children is not None:
            os.environ[_COVERAGE_OF_CHILDREN] = children


# -- servers -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> dict[str, str]:
    """Addresses of the run's servers: `postgres` (maintenance database) and `nats`."""
    given = getattr(request.config, "workerinput", None)
    return given["servers"] if given else _started(request.config).addresses


@pytest.fixture(scope="session")
def nats_url(servers: dict[str, str]) -> str:
    return servers["nats"]


@pytest.fixture
def nats_prefix() -> str:
    """A prefix of this test's own, so that streams and subjects of different tests never meet."""
    return f"t{secrets.token_hex(4)}_"


@pytest.fixture
def topology(nats_prefix: str) -> Topology:
    return Topology(nats_prefix)


def _database_url(maintenance_url: str, name: str) -> str:
    return maintenance_url.rsplit("/", 1)[0] + "/" + name


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def create_database(servers: dict[str, str]) -> Callable[[str | None], str]:
    """Call with an optional template's name; answers the URL of a fresh database, which goes with the run."""
    maintenance = servers["postgres"]

    def create(template: str | None = None) -> str:
        name = f"t_{secrets.token_hex(6)}"
        # Copying files takes less than half of what writing every page into the log does.
        statement = f'CREATE DATABASE "{name}" STRATEGY file_copy' + (f' TEMPLATE "{template}"' if template else "")
        # A thread of its own: the caller may be inside a running event loop.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, _execute(maintenance, statement)).result()
        return _database_url(maintenance, name)

    return create


@pytest.fixture
def postgres_url(create_database: Callable[[str | None], str]) -> str:
    """A fresh, empty database."""
    return create_database(None)
