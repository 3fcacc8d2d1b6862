"""The open warehouse, and the threads that talk to it.

It opens itself when it is first needed and again after a failure to open. Whatever ClickHouse refuses or cannot do is
`AnalyticsUnavailable`: the caller waits and tries again, or says 503.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tertulia_analytics import metrics
from tertulia_analytics.errors import AnalyticsUnavailable
from tertulia_analytics.warehouse import schema
from tertulia_analytics.warehouse.address import EMBEDDED_DATABASE, Address
from tertulia_shared.telemetry import logger, redact_text, span

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

log = logger(__name__)

SERVER_THREADS = 4
CONNECT_TIMEOUT_S = 3
CALL_TIMEOUT_S = 60
REOPEN_S = 0.5
"""So long a failure to open is answered from memory: many callers must not become many attempts."""
CLOSE_S = 5.0
MAX_LOGGED = 1_000
"""Characters of an error: ClickHouse likes to quote the whole statement."""

T = TypeVar("T")
Row = tuple[Any, ...]


class Column(NamedTuple):
    """`kind` is the ClickHouse type that the values are sent as; the engine turns it into the table's own."""

    name: str
    kind: str


class Warehouse:
    """`await query(…)` and `await insert(…)` from any task; `close` at the end."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._threads = ThreadPoolExecutor(1 if address.embedded else SERVER_THREADS, thread_name_prefix="warehouse")
        self._opening = threading.Lock()
        self._client: Client | None = None
        self._closed = False
        self._identity = ""
        self._refused: tuple[float, AnalyticsUnavailable] | None = None

    async def identity(self) -> str:
        """Which warehouse this is: another directory or a database made anew has another one."""
        return await self._call("open", lambda _: self._identity)

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """`{name:Type}` in the statement is bound to a parameter."""
        rows = await self._call("query", lambda client: client.query(sql, parameters=dict(parameters or {})))
        return [tuple(row) for row in rows.result_rows]

    async def insert(
        self, table: str, columns: Sequence[Column], data: Sequence[Sequence[Any]], token: str | None = None
    ) -> None:
        """One insert of whole columns. With a token it happens once, however often it is sent."""
        names = [column.name for column in columns]
        kinds = [column.kind for column in columns]
        settings: dict[str, Any] = {"max_partitions_per_insert_block": 0, "async_insert": 0}
        if token is not None:
            settings |= {"insert_deduplicate": 1, "insert_deduplication_token": token}
        await self._call(
            "insert",
            lambda client: client.insert(
                table, data, column_names=names, column_type_names=kinds, column_oriented=True, settings=settings
            ),
        )

    async def check(self) -> None:
        """For Health: raises unless the engine answers."""
        await self.query("SELECT 1")

    async def close(self) -> None:
        """Lets a call that is running finish, within limits: its outcome is recorded nowhere else. May be repeated."""
        if self._closed:
            return
        self._closed = True
        done = asyncio.get_running_loop().run_in_executor(self._threads, self._close)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await asyncio.shield(done)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _call(self, kind: str, work: Callable[["Client"], T]) -> T:
        started = time.perf_counter()
        with span(f"clickhouse {kind}"):
            try:
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._threads, self._run, work)
            finally:
                metrics.QUERY_SECONDS.labels(kind).observe(time.perf_counter() - started)

    # -- on the warehouse's threads ------------------------------------------------------------------------

    def _run(self, work: Callable[["Client"], T]) -> T:
        client = self._opened()
        from clickhouse_connect.driver.exceptions import ClickHouseError  # noqa: PLC0415

        try:
            return work(client)
        except (ClickHouseError, OSError) as error:
            log.warning("warehouse.failed", error=redact_text(str(error))[:MAX_LOGGED])
            raise AnalyticsUnavailable("ClickHouse does not answer.") from error

    def _opened(self) -> "Client":
        with self._opening:
            if self._client is None:
                if self._refused is not None and time.monotonic() - self._refused[0] < REOPEN_S:
                    raise self._refused[1]
                try:
                    self._client = self._open()
                except AnalyticsUnavailable as error:
                    self._refused = (time.monotonic(), error)
                    raise
            return self._client

    def _open(self) -> "Client":
        from clickhouse_connect.driver.exceptions import ClickHouseError  # noqa: PLC0415

        try:
            client = connect(self.address)
            try:
                self._identity = bring_up(client)
            except BaseException:
                client.close()
                raise
        except (ClickHouseError, OSError) as error:
            log.warning("warehouse.not_opened", address=str(self.address), error=redact_text(str(error))[:MAX_LOGGED])
            raise AnalyticsUnavailable("ClickHouse does not answer.") from error
        log.info("warehouse.opened", address=str(self.address), version=client.server_version)
        return client

    def _close(self) -> None:
        with self._opening:
            if self._client is not None:
                self._client.close()
                self._client = None


def connect(address: Address) -> "Client":
    """Blocks; raises ClickHouseError or OSError. Importing the client takes a second, opening chDB one or two more."""
    import clickhouse_connect  # noqa: PLC0415
    from clickhouse_connect.driver import options  # noqa: PLC0415

    # The client looks whether a column is a data frame and imports pandas to do so: 60 MB and seconds for nothing.
    options.__dict__.update(pd=None, np=None)
    if address.embedded:
        client = clickhouse_connect.get_client(interface="chdb", path=address.path)
        if address.database == EMBEDDED_DATABASE:
            client.command(f"CREATE DATABASE IF NOT EXISTS {EMBEDDED_DATABASE} ENGINE = Atomic")
        client.database = address.database
        return client
    return clickhouse_connect.get_client(
        host=address.host,
        port=address.port,
        secure=address.secure,
        username=address.user,
        password=address.password,
        database=address.database,
        connect_timeout=CONNECT_TIMEOUT_S,
        send_receive_timeout=CALL_TIMEOUT_S,
        autogenerate_session_id=False,  # a session would let only one call through at a time
        query_retries=0,
    )


def bring_up(client: "Client") -> str:
    """Apply what is missing; the identity of the warehouse."""
    client.command(schema.VERSIONS_TABLE)
    applied = {version for (version,) in client.query(schema.APPLIED).result_rows}
    for migration in schema.MIGRATIONS:
        if migration.version in applied:
            continue
        for statement in migration.statements:
            client.command(statement)
        client.command(schema.RECORD, parameters={"version": migration.version})
        log.info("warehouse.migrated", version=migration.version)
    return str(client.query(schema.IDENTITY).result_rows[0][0])
