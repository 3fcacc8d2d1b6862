"""Tokens a day: reserved before, settled after, never more than the limit."""

import asyncio
import random

import pytest

from tertulia_bot.budget import ledger
from tertulia_bot.budget.ledger import Ledger, Spent
from tertulia_bot.database import Database
from tertulia_shared.events import RunState

from .people import Problem
from .providers import Script


async def _set(person, workspace, tokens):
    return await person.bot("PUT", f"/workspaces/{workspace}/ai/settings", {"daily_token_budget": tokens})


async def test_an_ask_over_budget_is_refused_and_posts_nothing(world, scripted):
    async with world.bot(scripted.url):
        ana, ben, stranger = await world.people(3)
        workspace, general = await ana.workspace()
        await ana.invite(workspace, ben)
        path = f"/workspaces/{workspace}/ai/settings"
        assert (await ben.bot("GET", path))["daily_token_budget"] == 200_000
        with pytest.raises(Problem, match="403"):
            await _set(ben, workspace, 1)
        with pytest.raises(Problem, match="422"):
            await _set(ana, workspace, -1)
        assert await _set(ana, workspace, 500) == {"daily_token_budget": 500}
        assert (await ben.bot("GET", path))["daily_token_budget"] == 500
        with pytest.raises(Problem) as refused:
            await ben.command(general, "/ask How is it?")
        assert (refused.value.status, refused.value.code) == (429, "token_budget_exhausted")
        assert await world.sql("SELECT 1 FROM run") == []
        assert world.chat_switch.calls == []
        for method, body in (("GET", None), ("PUT", {"daily_token_budget": 1})):
            with pytest.raises(Problem, match="404"):
                await stranger.bot(method, path, body)


async def test_who_has_just_become_an_admin_governs_at_once(world, scripted):
    async with world.bot(scripted.url):
        ana, ben = await world.people(2)
        workspace, _ = await ana.workspace()
        await ana.invite(workspace, ben)
        asked = asyncio.ensure_future(_set(ben, workspace, 500))
        await asyncio.sleep(0.1)
        assert not asked.done()
        await ana.chat("PATCH", f"/workspaces/{workspace}/members/{ben.id}", {"role": "admin"})
        assert await asked == {"daily_token_budget": 500}


async def test_usage_is_what_the_provider_said(world, scripted):
    async with world.bot(scripted.url):
        ana = await world.person()
        workspace, general = await ana.workspace()
        await ana.say(general, "Something")
        for line in ("/ask One?", "/ask Two?", "/summarize"):
            await ana.ended((await ana.command(general, line)).id)
        usage = await ana.bot("GET", f"/workspaces/{workspace}/ai/usage")
        assert (usage["used"], usage["reserved"], usage["runs"], usage["limit"]) == (54, 0, 3, 200_000)
        assert usage["day"] == ledger.today().isoformat()
        assert usage["by_command"] == [
            {"command": "ask", "runs": 2, "tokens": 36},
            {"command": "summarize", "runs": 1, "tokens": 18},
        ]


async def test_a_provider_that_does_not_count_is_counted_for(world, scripted):
    scripted.default = Script(usage=False)
    async with world.bot(scripted.url):
        ana = await world.person()
        workspace, general = await ana.workspace()
        run = await ana.ended((await ana.command(general, "/ask One?")).id)
        request = scripted.requests[0]["messages"]
        assert run.prompt_tokens >= sum(len(message["content"].encode()) for message in request)
        assert 0 < run.completion_tokens <= 64
        assert (await ana.bot("GET", f"/workspaces/{workspace}/ai/usage"))["used"] > 0


async def test_parallel_asks_never_exceed_the_limit(world, scripted):
    async with world.bot(scripted.url):
        ana = await world.person()
        workspace, general = await ana.workspace()
        people = await world.people(12)
        await ana.invite(workspace, *people)
        cost = 1000
        limit = 5 * cost
        await _set(ana, workspace, limit)
        asked = await asyncio.gather(
            *(person.command(general, "/ask Now?") for person in people), return_exceptions=True
        )
        refused = [error for error in asked if isinstance(error, Problem)]
        assert {error.code for error in refused} == {"token_budget_exhausted"}
        assert 1 <= len(people) - len(refused) <= limit // 64
        for run in asked:
            if not isinstance(run, BaseException):
                assert (await ana.ended(run.id)).state == RunState.DONE
        usage = await ana.bot("GET", f"/workspaces/{workspace}/ai/usage")
        assert usage["reserved"] == 0
        assert usage["used"] <= limit


@pytest.fixture
async def database(bot_database):
    async with Database(bot_database, 8) as opened:
        yield opened


OWNER = "00000000-0000-4000-8000-00000000000a"
WORKSPACE = "00000000-0000-4000-8000-00000000000b"


async def _add(database, run_id, tokens, limit):
    async with database.transaction() as connection:
        if not await ledger.reserve(connection, WORKSPACE, ledger.today(), tokens, limit):
            return False
        await connection.execute(
            "INSERT INTO run (id, workspace_id, channel_id, asker_id, command, wish, prompt, state, attempt, owner,"
            " reserved, budget_day) VALUES ($1, $2, $2, $2, 'ask', '', '', 'running', 1, $3, $4, $5)",
            run_id,
            WORKSPACE,
            OWNER,
            tokens,
            ledger.today(),
        )
    return True


async def test_the_day_holds_whatever_happens_at_once(database):
    """Random runs that begin, hold less, break and begin again, and end, all at once."""
    dice = random.Random(7)
    limit = 3000
    books = Ledger(database, OWNER, limit)

    async def one(number):
        run_id = f"00000000-0000-4000-8000-{number:012d}"
        most = dice.randint(1, 900)
        if not await _add(database, run_id, most, limit):
            return 0
        total = 0
        spent = Spent(0, 0)
        for _ in range(dice.randint(0, 3)):
            spent = Spent(dice.randint(0, most // 2), dice.randint(0, most - most // 2))
            again = await books.hold(run_id, most, spent=spent, begin_again=True)
            if again is None:
                break
            total += spent.prompt + spent.completion
            assert await books.hold(run_id, most // 2, prompt_tokens=3) == again
            assert await books.hold(run_id, most // 2) == again
            most //= 2
        spent = Spent(0, dice.randint(0, most))
        assert await books.settle(run_id, "done", None, None, spent)
        assert not await books.settle(run_id, "failed", None, None, spent)
        return total + spent.completion

    async def watch(until):
        seen = 0
        while not until.is_set():
            day = await books.day(WORKSPACE, ledger.today())
            assert day["used"] + day["reserved"] <= limit
            seen += 1
        return seen

    over = asyncio.Event()
    watching = asyncio.ensure_future(watch(over))
    totals = await asyncio.gather(*(one(number) for number in range(60)))
    over.set()
    assert await watching > 1
    day = await books.day(WORKSPACE, ledger.today())
    assert (day["reserved"], day["used"]) == (0, sum(totals))
    (noted,) = await database.rows("SELECT coalesce(sum(prompt_tokens + completion_tokens), 0) AS total FROM usage")
    assert noted["total"] == day["used"]
    assert await books.hold("00000000-0000-4000-8000-000000000000", 1) is None


async def test_a_refused_run_gives_everything_back(database):
    books = Ledger(database, OWNER, 100)
    run_id = "00000000-0000-4000-8000-000000000001"
    assert await _add(database, run_id, 80, 100)
    assert not await _add(database, "00000000-0000-4000-8000-000000000002", 21, 100)
    await books.abandon(run_id)
    assert await books.day(WORKSPACE, ledger.today()) == {"reserved": 0, "used": 0}
    assert await database.row("SELECT 1 FROM run") is None


def test_the_wait_until_midnight():
    assert 0 < ledger.seconds_until_midnight() <= 86_400
