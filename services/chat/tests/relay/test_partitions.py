"""Days of the log: made ahead, dropped when over, never before they were published."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tertulia_chat.relay.partitions import DAYS_AHEAD, keep
from tertulia_chat.relay.relay import Pace

WEEK = timedelta(days=7)


@pytest.fixture
def today():
    return datetime.now(UTC).date()


async def partitions(scene) -> set[str]:
    async with scene.connection() as connection:
        rows = await connection.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'event_log'::regclass"
        )
    return {row["name"] for row in rows}


async def place(scene, row: int) -> str:
    async with scene.connection() as connection:
        return await connection.fetchval("SELECT tableoid::regclass::text FROM event_log WHERE id = $1", row)


def name(day) -> str:
    return f"event_log_{day:%Y%m%d}"


async def test_days_are_made_ahead_and_events_land_in_theirs(scene, today):
    await keep(scene.postgres_url, today, WEEK)
    wanted = {name(today + timedelta(days=offset)) for offset in range(DAYS_AHEAD + 1)}
    assert wanted <= await partitions(scene)
    async with scene.connection() as connection:
        assert await place(scene, await scene.post(connection)) == name(datetime.now(UTC).date())


async def test_keeping_twice_changes_nothing(scene, today):
    await keep(scene.postgres_url, today, WEEK)
    before = await partitions(scene)
    await keep(scene.postgres_url, today, WEEK)
    assert await partitions(scene) == before


async def test_events_that_came_before_their_partition_move_into_it(scene, today):
    async with scene.connection() as connection:
        row = await scene.post(connection)
    assert await place(scene, row) == "event_log_default"
    await keep(scene.postgres_url, today, WEEK)
    assert await place(scene, row) == name(datetime.now(UTC).date())


async def test_a_day_is_dropped_when_its_retention_is_over_and_it_was_published(scene, today, until):
    await keep(scene.postgres_url, today, WEEK)
    async with scene.connection() as connection, scene.relay():
        await scene.post(connection)
        await scene.settled()

        async def dropped() -> bool:
            await connection.execute("SELECT pg_current_xact_id()")
            await scene.post(connection)
            await keep(scene.postgres_url, today + WEEK + timedelta(days=2), WEEK)
            return name(today) not in await partitions(scene)

        # The position is saved every now and then, and the post itself may be unpublished at that moment.
        await until(dropped)


async def test_an_unpublished_day_stays_however_old_it_is(scene, today):
    await keep(scene.postgres_url, today, WEEK)
    async with scene.relay():
        await scene.fill(5)
        await scene.settled()
    async with scene.connection() as connection:
        row = await scene.post(connection)
    await keep(scene.postgres_url, today + timedelta(days=400), WEEK)
    assert await place(scene, row) == name(datetime.now(UTC).date())


async def test_without_any_position_nothing_is_dropped(scene, today):
    await keep(scene.postgres_url, today, WEEK)
    async with scene.connection() as connection:
        row = await scene.post(connection)
    await keep(scene.postgres_url, today + timedelta(days=400), WEEK)
    assert await place(scene, row) is not None


async def test_partitions_can_be_made_and_dropped_while_events_are_written_and_read(scene, today):
    async with scene.relay():
        await scene.fill(50)
        await keep(scene.postgres_url, today, WEEK)
        await scene.fill(50)
        await scene.check()


async def test_no_event_is_passed_by_while_it_moves_into_its_partition(scene, today):
    """The keeper waits for the writer, the relay's read behind the keeper: it runs right after the rows have moved."""
    async with scene.relay(Pace(poll_s=0.001)):
        for step in range(4):
            later = today + timedelta(days=100 + 20 * step)
            day = later - timedelta(days=1)  # the first one that is made: nothing lets the read pass before the move
            async with scene.connection() as connection:
                async with connection.transaction():
                    row = await scene.post(connection)
                    await connection.execute("UPDATE event_log SET created_at = $2 WHERE id = $1", row, noon(day))
                    keeping = asyncio.create_task(keep(scene.postgres_url, later, timedelta(days=3650)))
                    await asyncio.sleep(0.3)
                await keeping
            assert await place(scene, row) == name(day)
        await scene.check()


def noon(day) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
