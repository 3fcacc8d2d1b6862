"""kill -9, lost leases, and processes that leave: the answer comes once, whoever writes it."""

import asyncio
import os
import signal

import pytest

from tertulia_bot.runs import worker
from tertulia_shared.events import RunState

from .people import eventually
from .providers import Script

pytestmark = pytest.mark.unwatched


async def _killed_in_the_middle(world, scripted):
    """A run whose process is dead, with `All is` written down; its person and channel."""
    scripted.scripts = [Script(hang_after=2)]
    async with world.bot_process(scripted.url) as process:
        ana = await world.person()
        workspace, general = await ana.workspace()
        run = await ana.command(general, "/ask How is it?")

        async def written_down():
            return (await world.sql("SELECT text FROM run"))[0]["text"] == "All is"

        await eventually(written_down)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    return ana, workspace, general, run


async def test_a_restarted_process_begins_the_answer_again(world, scripted):
    ana, workspace, general, run = await _killed_in_the_middle(world, scripted)
    async with world.bot(scripted.url):
        ended = await ana.ended(run.id)
        assert (ended.state, ended.attempt) == (RunState.DONE, 2)
        (posted,) = await ana.answers(general)
        assert posted.text == "All is well."
        assert {delta.attempt for delta in world.heard.deltas} == {1, 2}
        assert world.heard.text(run.id) == "All is well."
        usage = await ana.bot("GET", f"/workspaces/{workspace}/ai/usage")
        attempts = await world.sql("SELECT prompt_tokens + completion_tokens AS spent FROM usage ORDER BY attempt")
        assert len(attempts) == 2
        assert (usage["reserved"], usage["used"]) == (0, sum(row["spent"] for row in attempts))


async def test_another_process_takes_over(world, scripted):
    scripted.scripts = [Script(hang_after=2)]
    async with world.bot_process(scripted.url) as process:
        first = world.bot_url
        async with world.bot(scripted.url):
            ana = await world.person()
            _, general = await ana.workspace()
            second, world.bot_url = world.bot_url, first
            run = await ana.command(general, "/ask How is it?")
            world.bot_url = second

            async def begun():
                return any(delta.run_id == run.id for delta in world.heard.deltas)

            await eventually(begun)
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
            assert (await ana.ended(run.id)).attempt == 2
            assert [message.text for message in await ana.answers(general)] == ["All is well."]


async def test_killed_after_chat_took_the_answer_posts_nothing_twice(world, scripted):
    async with world.bot_process(scripted.url) as process:
        ana = await world.person()
        _, general = await ana.workspace()
        # Dead before chat's word arrives; chat has it all the same.
        killed = asyncio.Event()

        async def kill():
            if not killed.is_set():
                os.kill(process.pid, signal.SIGKILL)
                killed.set()

        world.chat_switch.before_finish = kill
        run = await ana.command(general, "/ask How is it?")
        await killed.wait()
        await process.wait()
    async with world.bot(scripted.url):
        assert (await ana.ended(run.id)).state == RunState.DONE
        # The outcome was kept: the model was not asked again.
        assert len(scripted.requests) == 1
        assert len(await ana.answers(general)) == 1


async def test_a_process_that_leaves_gives_its_runs_back(world, scripted, monkeypatch):
    monkeypatch.setattr(worker, "DRAIN_S", 0.1)
    scripted.scripts = [Script(hang_after=1)]
    async with world.bot(scripted.url, run_lease_s=60):
        ana = await world.person()
        _, general = await ana.workspace()
        run = await ana.command(general, "/ask How is it?")

        async def begun():
            return world.heard.deltas

        await eventually(begun)
    (row,) = await world.sql("SELECT owner, lease_until FROM run")
    assert (row["owner"], row["lease_until"]) == (None, None)
    async with world.bot(scripted.url, run_lease_s=60):
        assert (await ana.ended(run.id)).state == RunState.DONE
        assert len(await ana.answers(general)) == 1


async def test_who_lost_the_lease_leaves_the_run_alone(world, scripted):
    scripted.scripts = [Script(hang_after=1)]
    async with world.bot(scripted.url) as parts:
        ana = await world.person()
        _, general = await ana.workspace()
        run = await ana.command(general, "/ask How is it?")

        async def begun():
            return world.heard.deltas

        # The model has the script that hangs; the next one to ask is answered.
        await eventually(begun)
        await world.sql("UPDATE run SET owner = gen_random_uuid()")

        async def let_go():
            return parts.worker.live(run.id) is None

        await eventually(let_go)
        # Nobody renews the stranger's lease, so it is taken over in the end.
        assert (await ana.ended(run.id)).attempt == 2
        assert len(await ana.answers(general)) == 1


async def test_a_run_that_breaks_every_process_is_given_up(world, scripted):
    scripted.scripts = [Script(hang_after=1)]
    async with world.bot(scripted.url):
        ana = await world.person()
        _, general = await ana.workspace()
        run = await ana.command(general, "/ask How is it?")
        await world.sql("UPDATE run SET owner = gen_random_uuid(), attempt = 5")
        ended = await ana.ended(run.id)
        assert (ended.state, ended.error) == (RunState.FAILED, "interrupted")
        assert await ana.answers(general) == []


async def test_a_run_that_chat_is_slow_to_let_in_is_begun_once(world, scripted):
    """chat takes longer than the lease: nobody, not even the same process, takes the run over meanwhile."""

    async def slowly():
        await asyncio.sleep(3)

    world.chat_switch.before_open = slowly
    async with world.bot(scripted.url, run_lease_s=0.6):
        ana = await world.person()
        _, general = await ana.workspace()
        run = await ana.command(general, "/ask How is it?")
        ended = await ana.ended(run.id)
        assert (ended.state, ended.attempt) == (RunState.DONE, 1)
        assert len(scripted.requests) == 1
        assert {delta.attempt for delta in world.heard.deltas} == {1}
        assert len(await ana.answers(general)) == 1
