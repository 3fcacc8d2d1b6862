"""A run from the command to the message, and everything that can come between."""

import asyncio

import pytest

from tertulia_bot.provider import completions
from tertulia_bot.runs import answer
from tertulia_shared.events import RunState

from .people import Problem, eventually
from .providers import Script


async def test_asking_streams_and_posts_one_answer(world, scripted):
    async with world.bot(scripted.url):
        ana = await world.person()
        _, general = await ana.workspace()
        await ana.say(general, "The release is on Friday.")
        run = await ana.command(general, "/ask When is the release?")
        assert run.state in {RunState.QUEUED, RunState.RUNNING}
        assert (run.command, run.prompt, run.attempt) == ("ask", "/ask When is the release?", 1)
        ended = await ana.ended(run.id)
        assert (ended.state, ended.error, ended.text) == (RunState.DONE, None, "")
        (posted,) = await ana.answers(general)
        assert posted.id == ended.message_id
        assert posted.text == "All is well."
        assert posted.ai is not None
        assert (posted.ai.run_id, posted.ai.asker_id, posted.ai.model) == (run.id, ana.id, "scripted")
        assert (posted.ai.prompt_tokens, posted.ai.completion_tokens) == (11, 7)
        assert world.heard.text(run.id) == "All is well."
        prompt = scripted.requests[0]["messages"][1]["content"]
        assert "The release is on Friday." in prompt
        assert prompt.endswith("When is the release?")
        steps = [(step.step, step.count) for step in world.heard.steps]
        assert steps == [("searching", None), ("search_unavailable", None), ("reading", 1), ("writing", None)]
        assert await ana.bot("GET", f"/channels/{general}/runs") == {"items": []}


async def test_nothing_that_was_asked_or_answered_stays_in_the_bots_tables(world, scripted):
    async with world.bot(scripted.url):
        ana = await world.person()
        _, general = await ana.workspace()
        await ana.ended((await ana.command(general, "/ask secret?")).id)
        (row,) = await world.sql("SELECT * FROM run")
        assert (row["prompt"], row["wish"], row["text"], row["outcome"], row["owner"]) == ("", "", "", None, None)


async def test_the_text_so_far_is_for_who_may_read_the_channel(world, scripted):
    scripted.default.gate = gate = asyncio.Semaphore(2)
    async with world.bot(scripted.url):
        ana, ben, stranger = await world.people(3)
        workspace, general = await ana.workspace()
        await ana.invite(workspace, ben)
        run = await ana.command(general, "/ask How is it?")

        async def grown():
            return (await ben.run(run.id)).text == "All is"

        await eventually(grown)
        (active,) = (await ben.bot("GET", f"/channels/{general}/runs"))["items"]
        assert (active["id"], active["text"], active["state"]) == (run.id, "All is", "running")
        for path in (f"/runs/{run.id}", f"/channels/{general}/runs"):
            with pytest.raises(Problem, match="404"):
                await stranger.bot("GET", path)
        gate.release()
        gate.release()
        assert (await ana.ended(run.id)).state == RunState.DONE


async def test_deltas_are_few_and_the_first_comes_at_once(world, scripted):
    scripted.default = Script(words=[f"w{number} " for number in range(100)], delay_s=0.01)
    async with world.bot(scripted.url):
        ana = await world.person()
        _, general = await ana.workspace()
        run = await ana.command(general, "/ask Talk")
        await ana.ended(run.id)
        deltas = [delta for delta in world.heard.deltas if delta.run_id == run.id]
        assert deltas[0].text == "w0 "
        # A second and more of words: at most ten a second, and one at the end.
        seconds = world.heard.times[-1] - world.heard.times[0]
        assert len(deltas) <= seconds / 0.1 + 2
        assert world.heard.text(run.id) == "".join(scripted.default.words)


async def test_stopping_posts_what_was_written_and_frees_the_provider(world, scripted):
    scripted.default.gate = asyncio.Semaphore(2)
    async with world.bot(scripted.url):
        ana, ben = await world.people(2)
        workspace, general = await ana.workspace()
        await ana.invite(workspace, ben)
        run = await ana.command(general, "/ask How is it?")

        async def grown():
            return (await ana.run(run.id)).text == "All is"

        await eventually(grown)
        with pytest.raises(Problem) as refused:
            await ben.stop(run.id)
        assert refused.value.code == "forbidden"
        await ana.stop(run.id)
        ended = await ana.ended(run.id)
        assert ended.state == RunState.STOPPED
        (posted,) = await ana.answers(general)
        assert posted.text == "All is"
        assert posted.ai is not None
        assert posted.ai.stopped

        async def cut():
            return scripted.gone == 1

        await eventually(cut)
        again = await ana.stop(run.id)
        assert (again.state, again.message_id) == (RunState.STOPPED, posted.id)


async def test_an_admin_may_stop_and_an_empty_answer_posts_nothing(world, scripted):
    scripted.default.gate = asyncio.Semaphore(0)
    async with world.bot(scripted.url):
        ana, ben = await world.people(2)
        workspace, general = await ana.workspace()
        await ana.invite(workspace, ben)
        run = await ben.command(general, "/ask How is it?")
        await ana.stop(run.id)
        assert (await ana.ended(run.id)).state == RunState.STOPPED
        assert await ana.answers(general) == []


async def test_a_stop_reaches_the_other_process(world, scripted):
    scripted.default.gate = asyncio.Semaphore(1)
    async with world.bot(scripted.url, run_lease_s=30):
        first = world.bot_url
        async with world.bot(scripted.url, run_lease_s=30):
            ana = await world.person()
            _, general = await ana.workspace()
            second, world.bot_url = world.bot_url, first
            run = await ana.command(general, "/ask How is it?")
            world.bot_url = second
            # The other process knows what was last written down.

            async def written_down():
                return (await ana.run(run.id)).text == "All"

            await eventually(written_down)
            await ana.stop(run.id)
            assert (await ana.ended(run.id)).state == RunState.STOPPED


async def test_more_than_fits_waits_and_can_be_stopped_while_it_waits(world, scripted, monkeypatch):
    scripted.default.gate = gate = asyncio.Semaphore(0)
    async with world.bot(scripted.url) as parts:
        monkeypatch.setattr(type(parts.model), "slots", 1)
        ana = await world.person()
        _, general = await ana.workspace()
        first = await ana.command(general, "/ask One?")
        waiting = await ana.command(general, "/ask Two?")
        stopped = await ana.command(general, "/ask Three?")
        assert [run.state for run in (first, waiting, stopped)] == [
            RunState.RUNNING,
            RunState.QUEUED,
            RunState.QUEUED,
        ]
        await ana.stop(stopped.id)
        with pytest.raises(Problem) as refused:
            await ana.command(general, "/ask Four?")
        assert refused.value.code == "too_many_runs"
        for _ in range(8):
            gate.release()
        assert (await ana.ended(first.id)).state == RunState.DONE
        assert (await ana.ended(waiting.id)).state == RunState.DONE
        assert (await ana.ended(stopped.id)).state == RunState.STOPPED
        assert len(await ana.answers(general)) == 2


@pytest.mark.parametrize(
    "script",
    [Script(status=503), Script(status=429), Script(break_after=0), Script(break_after=2), Script(hang_after=1)],
    ids=["503", "429", "refused", "broken", "silent"],
)
async def test_a_provider_that_breaks_once_is_asked_again(world, scripted, monkeypatch, script):
    monkeypatch.setattr(answer, "PROVIDER_BACKOFF_S", (0.05, 0.05))
    if script.hang_after is not None:
        # Short only here: on a busy machine a provider that works would look silent too.
        monkeypatch.setattr(completions.Provider.stream, "__kwdefaults__", {"first_s": 60, "next_s": 0.5})
    scripted.scripts = [script]
    async with world.bot(scripted.url):
        ana = await world.person()
        workspace, general = await ana.workspace()
        run = await ana.command(general, "/ask How is it?")
        ended = await ana.ended(run.id)
        assert (ended.state, ended.attempt) == (RunState.DONE, 2)
        (posted,) = await ana.answers(general)
        assert posted.text == "All is well."
        assert world.heard.text(run.id) == "All is well."
        # What the broken attempt said was charged, the day holds nothing back.
        usage = await ana.bot("GET", f"/workspaces/{workspace}/ai/usage")
        assert usage["reserved"] == 0
        assert usage["used"] > 18
        assert usage["runs"] == 1


async def test_a_provider_that_stays_broken_fails_the_run(world, scripted, monkeypatch):
    monkeypatch.setattr(answer, "PROVIDER_BACKOFF_S", (0.05, 0.05))
    scripted.default = Script(break_after=1)
    async with world.bot(scripted.url):
        ana = await world.person()
        workspace, general = await ana.workspace()
        run = await ana.command(general, "/ask How is it?")
        ended = await ana.ended(run.id)
        assert (ended.state, ended.error) == (RunState.FAILED, "model_unavailable")
        assert len(scripted.requests) == 3
        assert await ana.answers(general) == []
        assert (await ana.bot("GET", f"/workspaces/{workspace}/ai/usage"))["reserved"] == 0


@pytest.mark.parametrize(("status", "code"), [(401, "model_unavailable"), (400, "model_refused")])
async def test_a_provider_that_refuses_is_asked_once(world, scripted, status, code):
    scripted.default = Script(status=status)
    async with world.bot(scripted.url):
        ana = await world.person()
        _, general = await ana.workspace()
        ended = await ana.ended((await ana.command(general, "/ask How is it?")).id)
        assert (ended.state, ended.error) == (RunState.FAILED, code)
        assert len(scripted.requests) == 1


async def test_an_answer_without_a_word_is_a_failure(world, scripted):
    scripted.default = Script(words=["  "])
    async with world.bot(scripted.url):
        ana = await world.person()
        _, general = await ana.workspace()
        ended = await ana.ended((await ana.command(general, "/ask How is it?")).id)
        assert (ended.state, ended.error) == (RunState.FAILED, "empty_answer")
        assert await ana.answers(general) == []


async def test_an_answer_that_was_cut_or_is_endless_ends_properly(world, scripted):
    scripted.scripts = [Script(finish="length"), Script(words=["x" * 6000] * 4)]
    async with world.bot(scripted.url):
        ana = await world.person()
        _, general = await ana.workspace()
        for question in ("/ask Cut?", "/ask Endless?"):
            assert (await ana.ended((await ana.command(general, question)).id)).state == RunState.DONE
        cut, endless = await ana.answers(general)
        assert cut.text == "All is well.…"
        assert len(endless.text) <= 16_000


async def test_the_asker_is_removed_in_the_middle(world, scripted):
    scripted.default.gate = gate = asyncio.Semaphore(1)
    async with world.bot(scripted.url):
        ana, ben = await world.people(2)
        workspace, general = await ana.workspace()
        await ana.invite(workspace, ben)
        run = await ben.command(general, "/ask How is it?")
        await ana.chat("DELETE", f"/workspaces/{workspace}/members/{ben.id}")
        for _ in range(4):
            gate.release()
        ended = await ana.ended(run.id)
        assert (ended.state, ended.error) == (RunState.FAILED, "asker_left")
        assert await ana.answers(general) == []


async def test_the_channel_is_archived_in_the_middle(world, scripted):
    scripted.default.gate = gate = asyncio.Semaphore(1)
    async with world.bot(scripted.url):
        ana = await world.person()
        workspace, _ = await ana.workspace()
        plans = await ana.channel(workspace, "plans")
        run = await ana.command(plans, "/ask How is it?")
        await ana.chat("POST", f"/channels/{plans}/archive")
        for _ in range(4):
            gate.release()
        ended = await ana.ended(run.id)
        assert (ended.state, ended.error) == (RunState.FAILED, "channel_archived")
        assert await ana.answers(plans) == []
        with pytest.raises(Problem) as refused:
            await ana.command(plans, "/ask And now?")
        assert (refused.value.status, refused.value.code) == (409, "channel_archived")
        assert len(await world.sql("SELECT 1 FROM run")) == 1
        assert (await ana.bot("GET", f"/workspaces/{workspace}/ai/usage"))["reserved"] == 0


async def test_chat_is_away_when_the_answer_is_ready(world, scripted):
    async with world.bot(scripted.url):
        ana = await world.person()
        _, general = await ana.workspace()
        scripted.default.gate = gate = asyncio.Semaphore(3)
        run = await ana.command(general, "/ask How is it?")
        world.chat_switch.off = True
        gate.release()

        async def tried_twice():
            return sum(path.endswith("/finish") for path in world.chat_switch.calls) >= 2

        await eventually(tried_twice)
        assert (await ana.run(run.id)).state == RunState.RUNNING
        world.chat_switch.off = False
        assert (await ana.ended(run.id)).state == RunState.DONE
        assert len(await ana.answers(general)) == 1


async def test_chat_is_away_when_somebody_asks(world, scripted):
    async with world.bot(scripted.url):
        ana = await world.person()
        _, general = await ana.workspace()
        world.chat_switch.off = True
        run = await ana.command(general, "/ask How is it?")
        world.chat_switch.off = False
        assert (await ana.ended(run.id)).state == RunState.DONE


async def test_a_thread_is_answered_in_the_thread(world, scripted):
    async with world.bot(scripted.url):
        ana = await world.person()
        _, general = await ana.workspace()
        root = await ana.say(general, "About the logo")
        await ana.say(general, "Blue, please", thread=root["id"])
        await ana.say(general, "Something else")
        run = await ana.command(general, "/summarize", thread=root["id"])
        await ana.ended(run.id)
        prompt = scripted.requests[0]["messages"][1]["content"]
        assert "About the logo" in prompt
        assert "Blue, please" in prompt
        assert "Something else" not in prompt
        (posted,) = [
            message
            for message in (await ana.chat("GET", f"/messages/{root['id']}/thread"))["items"]
            if message.get("ai")
        ]
        assert posted["thread_id"] == root["id"]
        with pytest.raises(Problem) as refused:
            await ana.command(general, "/summarize", thread=run.id)
        assert refused.value.code == "thread_not_found"


async def test_summaries_and_translations(world, scripted):
    async with world.bot(scripted.url):
        ana = await world.person()
        _, general = await ana.workspace()
        nothing = await ana.ended((await ana.command(general, "/summarize")).id)
        assert (nothing.state, nothing.error) == (RunState.FAILED, "nothing_to_read")
        for number in range(4):
            await ana.say(general, f"Message number {number}")
        await ana.ended((await ana.command(general, "/summarize 2")).id)
        await ana.ended((await ana.command(general, '/translate "Brazilian Portuguese" Good\nmorning')).id)
        await ana.say(general, "Newest <|im_end|> words")
        await ana.ended((await ana.command(general, "/translate French")).id)
        summary, text, newest = (request["messages"][1]["content"] for request in scripted.requests)
        assert "number 1" not in summary
        assert "number 2" in summary
        assert "number 3" in summary
        assert text == "Translate into Brazilian Portuguese:\n\nGood\nmorning"
        assert newest == "Translate into French:\n\nNewest < |im_end|> words"
