"""The engine's contract: one suite for chDB and, where CLICKHOUSE_SERVER_URL is given, a server."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from uuid_utils import uuid7

from tertulia_analytics.errors import AnalyticsUnavailable
from tertulia_analytics.sink.rows import COLUMNS, NOBODY, Row
from tertulia_analytics.warehouse import engine, schema
from tertulia_analytics.warehouse.address import Address
from tertulia_analytics.warehouse.engine import Warehouse

JANUARY, FEBRUARY = 1_768_000_000_000, 1_770_500_000_000


def row(at: int = JANUARY) -> Row:
    return (
        str(uuid7()), at, at, "message.created", str(uuid7()), NOBODY, NOBODY, str(uuid7()),
        5, False, True, 0, "", "", "", 0, 0, 0,
    )  # fmt: skip


def columns(rows: list[Row]) -> list[tuple[object, ...]]:
    return list(zip(*rows, strict=True))


async def count(warehouse: Warehouse) -> int:
    ((number,),) = await warehouse.query("SELECT count() FROM event")
    return number


@pytest.fixture
async def second(address: Address) -> AsyncIterator[Warehouse]:
    """Another replica."""
    warehouse = Warehouse(address)
    yield warehouse
    await warehouse.close()


async def test_replicas_bring_it_up_together_and_again(warehouse: Warehouse, second: Warehouse, address: Address):
    identities = await asyncio.gather(warehouse.identity(), second.identity())
    assert identities[0] == identities[1]
    assert {version for (version,) in await warehouse.query(schema.APPLIED)} == {1}
    await warehouse.close()
    again = Warehouse(address)
    assert await again.identity() == identities[0]
    await again.close()


async def test_another_warehouse_has_another_identity(warehouse: Warehouse, address: Address):
    client = engine.connect(address)
    client.command(f"CREATE DATABASE {address.database}_b")
    other = Warehouse(replace(address, database=f"{address.database}_b"))
    assert await other.identity() != await warehouse.identity()
    await other.close()
    client.command(f"DROP DATABASE {address.database}_b")
    client.close()


def test_another_directory_has_another_identity(tmp_path: Path):
    """As the service opens it; each in a process of its own, because a process has one engine."""
    script = """
import sys
from tertulia_analytics.warehouse.address import parse
from tertulia_analytics.warehouse.engine import bring_up, connect
client = connect(parse(sys.argv[1]))
sys.stderr.write(bring_up(client))
client.close()
"""

    def identity(name: str) -> str:
        command = [sys.executable, "-c", script, f"chdb://{tmp_path / name}"]
        return subprocess.run(command, capture_output=True, check=True, text=True).stderr

    first, other, again = identity("first"), identity("other"), identity("first")
    assert first == again
    assert first != other


async def test_one_token_is_one_insert(warehouse: Warehouse):
    rows = [row() for _ in range(1000)]
    for _ in range(3):
        await warehouse.insert("event", COLUMNS, columns(rows), "one")
    assert await count(warehouse) == 1000
    await warehouse.insert("event", COLUMNS, columns([row()]), "two")
    assert await count(warehouse) == 1001


async def test_a_token_outlives_the_process(warehouse: Warehouse, second: Warehouse):
    rows = [row() for _ in range(10)]
    await warehouse.insert("event", COLUMNS, columns(rows), "one")
    await warehouse.close()
    await second.insert("event", COLUMNS, columns(rows), "one")
    assert await count(second) == 10


async def test_an_insert_that_was_cut_between_two_months_is_made_whole(warehouse: Warehouse):
    """Each month is a part of its own: the process may die when only one of them is there."""
    january, february = [row(JANUARY) for _ in range(5)], [row(FEBRUARY) for _ in range(5)]
    await warehouse.insert("event", COLUMNS, columns(january), "one")
    for _ in range(2):
        await warehouse.insert("event", COLUMNS, columns(january + february), "one")
        assert await count(warehouse) == 10


async def test_an_insert_of_many_months_is_one_insert(warehouse: Warehouse):
    rows = [row(JANUARY + month * 31 * 86_400_000) for month in range(150)]
    for _ in range(2):
        await warehouse.insert("event", COLUMNS, columns(rows), "one")
        assert await count(warehouse) == 150


async def test_the_event_loop_turns_while_the_engine_works(warehouse: Warehouse):
    await warehouse.identity()
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.001)

    turning = asyncio.ensure_future(turn())
    await warehouse.query("SELECT sum(sipHash64(number)) FROM numbers(30000000)")
    turning.cancel()
    assert turns > 10


async def test_the_embedded_engine_has_one_thread(warehouse: Warehouse):
    names = set()

    def note(_: object) -> None:
        names.add(threading.current_thread().name)

    await asyncio.gather(*(warehouse._call("query", note) for _ in range(20)))
    if warehouse.address.embedded:
        assert len(names) == 1
    assert all(name.startswith("warehouse") for name in names)


async def test_what_it_cannot_do_is_unavailable(warehouse: Warehouse):
    with pytest.raises(AnalyticsUnavailable) as refused:
        await warehouse.query("SELECT nonsense FROM nowhere")
    assert refused.value.status == 503
    assert refused.value.code == "analytics_unavailable"
    assert "nonsense" not in str(refused.value.detail)
    await warehouse.check()


@pytest.mark.parametrize(
    "address_of_nothing", [Address(path="/proc/nothing/here"), Address(host="127.0.0.1", port=9, password="secret")]
)
async def test_what_cannot_be_opened_is_unavailable(chdb_path, address_of_nothing: Address, capsys):
    warehouse = Warehouse(address_of_nothing)
    for _ in range(3):
        with pytest.raises(AnalyticsUnavailable):
            await warehouse.check()
    await warehouse.close()
    captured = capsys.readouterr()
    assert "secret" not in captured.out + captured.err


async def test_it_opens_itself_when_it_can_be_opened(address: Address):
    """A server's database, or a directory's, that is not there yet."""
    client = engine.connect(address)
    late = replace(address, database=f"{address.database}_late")
    warehouse = Warehouse(late)
    with pytest.raises(AnalyticsUnavailable):
        await warehouse.check()
    client.command(f"CREATE DATABASE {late.database}")
    await asyncio.sleep(engine.REOPEN_S)
    await warehouse.check()
    await warehouse.close()
    client.command(f"DROP DATABASE {late.database}")
    client.close()
