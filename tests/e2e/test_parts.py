"""Search, the bot and analytics follow the conversation: found, answered, counted; nobody sees more than they may."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import pytest

from tertulia_client import (
    ApiError,
    ChannelKind,
    ChannelUpdated,
    Client,
    Conflict,
    Forbidden,
    MemberLeft,
    NotFound,
    RateLimited,
    RunDelta,
    RunFinished,
    RunStarted,
    SearchPage,
    ValidationFailed,
)
from tertulia_stack.background import BackgroundStack

from .people import founded, listening, people

SOON_S = 10.0
ANSWER_S = 120.0
"""The model gives way to everything else on the machine."""


async def eventually(holds: Callable[[], Awaitable[bool]], timeout_s: float = SOON_S) -> float:
    """Wait until it holds; how long that took, in seconds."""
    began = monotonic()
    while not await holds():
        assert monotonic() - began < timeout_s, f"did not hold within {timeout_s:g} s"
        await asyncio.sleep(0.05)
    return monotonic() - began


async def found(client: Client, workspace: str, query: str) -> list[str]:
    return [hit.text for hit in (await client.search.messages(workspace, query)).hits]


async def test_a_message_is_found_by_words_phrases_people_places_and_with_a_typo(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, general = await founded(ada, ben)
        room = (await ada.channels.create(workspace.id, "harbour")).id
        await ada.send(general, "The timetable of the northern ferry changes on Monday")
        await ben.channels.join(room)
        await ben.send(room, "Northern lights over the ferry tonight")

        await eventually(lambda: both_are_found(ada, workspace.id))

        assert len(await found(ada, workspace.id, '"northern ferry"')) == 1
        assert await found(ada, workspace.id, f"ferry from:{ben.user.username}") == [
            "Northern lights over the ferry tonight"
        ]
        assert len(await found(ada, workspace.id, "ferry in:harbour")) == 1
        assert len(await found(ada, workspace.id, "timetabel")) == 1, "one typo is forgiven"
        assert len(await found(ada, workspace.id, "northe")) == 2, "the last word is a prefix"
        assert await found(ada, workspace.id, "ferry before:2001-01-01") == []
        page = await ada.search.messages(workspace.id, "ferry")
        assert {facet.id for facet in page.facets.channels} == {general, room}
        assert {facet.id for facet in page.facets.people} == {ada.user.id, ben.user.id}
        assert any(fragment.hit and fragment.text.lower() == "ferry" for fragment in page.hits[0].fragments)


async def both_are_found(client: Client, workspace: str) -> bool:
    return len(await found(client, workspace, "ferry")) == 2


async def test_edits_deletions_and_leaving_reach_the_index(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, _ = await founded(ada, ben)
        room = (await ada.channels.create(workspace.id, "cabin", kind=ChannelKind.PRIVATE)).id
        await ada.channels.add_member(room, ben.user.id)
        message = await ada.send(room, "the anchor is rusty")
        await eventually(lambda: count_is(ben, workspace.id, "rusty", 1))

        await ada.messages.edit(message.id, "the anchor is polished")
        await eventually(lambda: count_is(ben, workspace.id, "polished", 1))
        assert await found(ben, workspace.id, "rusty") == []

        await ada.channels.remove_member(room, ben.user.id)
        await eventually(lambda: count_is(ben, workspace.id, "polished", 0))
        assert len(await found(ada, workspace.id, "polished")) == 1

        await ada.messages.delete(message.id)
        await eventually(lambda: count_is(ada, workspace.id, "polished", 0))
        assert (await ada.messages.get(message.id)).text == ""


async def test_a_deleted_channel_is_gone_from_the_stream_the_search_and_the_list(stack: BackgroundStack):
    """For who was in it, and who only could look in; and its name is free."""
    async with people(stack, "Ada", "Ben", "Eve") as (ada, ben, eve):
        workspace, _ = await founded(ada, ben, eve)
        room = (await ada.channels.create(workspace.id, "wreck")).id
        await ben.channels.join(room)
        await ada.send(room, "the wreck lies at forty fathoms")
        await eventually(lambda: count_is(eve, workspace.id, "fathoms", 1))
        with pytest.raises(Forbidden):
            await ben.channels.delete(room)
        async with listening(ada, ben, eve) as (hers, his, outside):
            await ada.channels.delete(room)
            for listener in (hers, his):
                await listener.until(lambda me: MemberLeft in {type(event.data) for event in me.events(room)})
                (own,) = [event.data for event in listener.events(room) if isinstance(event.data, MemberLeft)]
                assert own.user_id == listener.client.user.id
            await outside.until(lambda me: ChannelUpdated in {type(event.data) for event in me.events(room)})
            for client in (ada, ben, eve):
                await eventually(lambda client=client: count_is(client, workspace.id, "fathoms", 0))
                with pytest.raises(NotFound):
                    await client.channels.get(room)
            again = (await ada.channels.create(workspace.id, "wreck")).id
            await ada.send(again, "another wreck")
            await eventually(lambda: count_is(ada, workspace.id, "wreck", 1))
            assert len([event for event in his.events(room) if isinstance(event.data, MemberLeft)]) == 1


async def count_is(client: Client, workspace: str, query: str, count: int) -> bool:
    return len(await found(client, workspace, query)) == count


async def is_settled(client: Client, run_id: str) -> bool:
    return (await client.ai.run(run_id)).is_over


async def test_what_one_may_not_read_is_not_found_counted_or_hinted_at(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben", "Eve") as (ada, ben, eve):
        workspace, _ = await founded(ada, ben)
        await founded(eve)
        room = (await ada.channels.create(workspace.id, "vault", kind=ChannelKind.PRIVATE)).id
        await ada.send(room, "the combination is xyzzyplugh")
        await eventually(lambda: count_is(ada, workspace.id, "xyzzyplugh", 1))

        page = await ben.search.messages(workspace.id, "xyzzyplugh")
        assert (page.hits, page.total, page.facets.channels, page.facets.people) == ([], 0, [], [])
        hidden = await ben.search.messages(workspace.id, "combination in:vault")
        unknown = await ben.search.messages(workspace.id, "combination in:nowhere")
        assert hidden.hits == unknown.hits == []
        assert without_names(hidden) == without_names(unknown), "a hidden channel looks like one that is not there"
        with pytest.raises(NotFound):
            await eve.search.messages(workspace.id, "xyzzyplugh")


def without_names(page: SearchPage) -> list[str]:
    return [
        problem.detail.replace("vault", "?").replace("nowhere", "?") + problem.operator for problem in page.problems
    ]


async def test_a_query_of_ten_thousand_characters_is_refused_in_words(stack: BackgroundStack):
    async with people(stack, "Ada") as (ada,):
        workspace, _ = await founded(ada)
        # Longer than the gateway takes in a line, or than search takes as a query: refused either way.
        with pytest.raises(ApiError) as refused:
            await ada.search.messages(workspace.id, "ferry " * 1_700)
        assert 400 <= refused.value.status < 500
        with pytest.raises(ValidationFailed) as too_long:
            await ada.search.messages(workspace.id, "f" * 1_001)
        assert too_long.value.code == "query_too_long"
        assert [p.operator for p in (await ada.search.messages(workspace.id, "from: in: before:")).problems]


async def test_an_answer_streams_and_is_said_once(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, general = await founded(ada, ben)
        await ada.send(general, "The gangway code of the Skerry ferry is 4711.")
        await eventually(lambda: count_is(ada, workspace.id, "gangway", 1))

        async with listening(ben) as (listener,):
            run = await ada.ai.command(general, "/ask What is the gangway code?")
            assert not isinstance(run, str)
            await listener.until(lambda me: any(isinstance(e.data, RunFinished) for e in me.events(general)), ANSWER_S)

            started = [e.data.run for e in listener.events(general) if isinstance(e.data, RunStarted)]
            finished = [e.data.run for e in listener.events(general) if isinstance(e.data, RunFinished)]
            answers = [m for m in listener.messages(general) if m.ai is not None]
            deltas = [item for item in listener.items if isinstance(item, RunDelta)]
        assert [r.id for r in started] == [r.id for r in finished] == [run.id]
        assert finished[0].state == "done", finished[0].error
        (answer,) = answers
        assert answer.ai is not None
        assert answer.id == finished[0].message_id
        assert (answer.ai.run_id, answer.ai.asker_id) == (run.id, ada.user.id)
        assert answer.ai.prompt_tokens > 0
        assert answer.ai.completion_tokens > 0
        assert deltas, "the answer streamed"
        streamed = "".join(delta.text for delta in deltas if delta.attempt == 1)
        assert streamed.strip()[:40] == answer.text.strip()[:40]
        # The answer is out when chat has it; the bot writes that down behind it.
        await eventually(lambda: is_settled(ben, run.id))
        over = await ben.ai.run(run.id)
        assert (over.state, over.message_id) == ("done", answer.id)
        assert over.text == "", "the text is chat's alone now, so that deleting it deletes it"
        usage = await ada.analytics.report(workspace.id, "ai")
        assert usage.report == "ai"


async def test_an_answer_cites_what_it_rests_on(stack: BackgroundStack):
    async with people(stack, "Ada") as (ada,):
        workspace, general = await founded(ada)
        source = await ada.send(general, "The gangway code of the Skerry ferry is 4711.")
        await eventually(lambda: count_is(ada, workspace.id, "gangway", 1))
        cited: set[str] = set()
        # So small a model does not say each time what it was told, and repeats what it said before: each time it is
        # asked where nothing was said yet.
        for number in range(8):
            quiet = (await ada.channels.create(workspace.id, f"quiet-{number}")).id
            run = await ada.ai.command(quiet, "/ask What is the gangway code of the Skerry ferry?")
            assert not isinstance(run, str)
            answer = await ada.messages.get((await ada.ai.finished(run.id)).message_id or "")
            assert answer.ai is not None
            cited |= {citation.message_id for citation in answer.ai.citations}
            if source.id in cited:
                break
        assert source.id in cited


async def test_a_mention_and_a_direct_message_are_questions(stack: BackgroundStack):
    async with people(stack, "Ada") as (ada,):
        workspace, general = await founded(ada)
        bot = next(
            member.user
            for member in (await ada.workspaces.bootstrap(workspace.id)).members
            if member.user.kind == "bot"
        )
        dm = (await ada.channels.open_dm(workspace.id, [bot.id])).id
        async with listening(ada) as (listener,):
            await ada.send(general, "@bot say hello")
            await ada.send(dm, "Say hello, please")
            for channel in (general, dm):
                await listener.until(
                    lambda me, channel=channel: any(m.author_id == bot.id for m in me.messages(channel)), 90
                )


async def test_only_the_asker_hears_of_a_command_that_does_not_exist(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben", "Eve") as (ada, ben, eve):
        workspace, general = await founded(ada, ben)
        await founded(eve)
        before = (await ben.messages.page(general)).items
        with pytest.raises(ValidationFailed) as unknown:
            await ada.ai.command(general, "/aks why")
        assert unknown.value.code == "unknown_command"
        assert "/ask" in str(unknown.value)
        with pytest.raises(ValidationFailed) as missing:
            await ada.ai.command(general, "/ask")
        assert missing.value.code == "missing_argument"
        reply = await ada.ai.command(general, "/help")
        assert isinstance(reply, str)
        assert "/summarize" in reply
        assert {"ask", "summarize", "translate", "help"} <= {c.name for c in await ada.ai.commands(workspace.id)}
        with pytest.raises(NotFound):
            await eve.ai.command(general, "/ask Let me in")
        assert (await ben.messages.page(general)).items == before


async def test_a_run_is_stopped_by_its_asker_and_by_nobody_else(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        _, general = await founded(ada, ben)
        run = await ben.ai.command(general, "/ask Tell a very long story about a lighthouse keeper")
        assert not isinstance(run, str)
        async with people(stack, "Carl") as (carl,):
            with pytest.raises(NotFound):
                await carl.ai.stop(run.id)
        await ben.ai.stop(run.id)
        assert (await ben.ai.finished(run.id)).state in {"stopped", "done"}


async def test_nothing_is_posted_for_an_asker_who_was_removed_or_in_an_archived_channel(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, _ = await founded(ada, ben)
        room = (await ada.channels.create(workspace.id, "quiet", kind=ChannelKind.PRIVATE)).id
        await ada.channels.add_member(room, ben.user.id)
        run = await ben.ai.command(room, "/ask Tell a very long story about a whale")
        assert not isinstance(run, str)
        await ada.channels.remove_member(room, ben.user.id)
        over = await ada.ai.finished(run.id)
        said = [m for m in (await ada.messages.page(room)).items if m.ai is not None and m.ai.run_id == run.id]
        assert (over.state, over.error, said) == ("failed", "asker_left", [])

        run = await ada.ai.command(room, "/ask Tell a very long story about a seagull")
        assert not isinstance(run, str)
        await ada.channels.archive(room)
        over = await ada.ai.finished(run.id)
        assert (over.state, over.error) == ("failed", "channel_archived")
        with pytest.raises(Conflict):
            await ada.ai.command(room, "/ask Anybody?")


async def test_a_workspace_spends_no_more_than_its_budget(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, general = await founded(ada, ben)
        with pytest.raises(Forbidden):
            await ben.ai.set_daily_budget(workspace.id, 1)
        await ada.ai.set_daily_budget(workspace.id, 1)
        with pytest.raises(RateLimited) as over:
            await ben.ai.command(general, "/ask Is there anything left?")
        assert over.value.code == "token_budget_exhausted"


async def test_reports_count_what_happened_and_belong_to_the_members(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben", "Eve") as (ada, ben, eve):
        workspace, general = await founded(ada, ben)
        secret = (await ada.channels.create(workspace.id, "secret-plans", kind=ChannelKind.PRIVATE)).id
        for number in range(7):
            await ada.send(general, f"number {number}")
        await ben.send(general, "me too")
        await ada.send(secret, "psst")

        await eventually(lambda: messages_are(ada, workspace.id, 9), 30)

        overview = await ben.analytics.report(workspace.id, "overview")
        assert overview.totals["messages"] == 9
        assert overview.totals["active_users"] == 2
        assert len(overview.rows) >= 28, "one row a day, also of the quiet ones"
        rows = (await ben.analytics.report(workspace.id, "channels")).rows
        assert "secret-plans" not in str(rows)
        assert secret not in str(rows)
        assert "secret-plans" in str((await ada.analytics.report(workspace.id, "channels")).rows)
        csv = await ben.analytics.csv(workspace.id, "messages")
        assert csv.splitlines()[0].startswith("time,messages")
        with pytest.raises(NotFound):
            await eve.analytics.report(workspace.id, "overview")


async def messages_are(client: Client, workspace: str, count: int) -> bool:
    return (await client.analytics.report(workspace, "overview")).totals.get("messages") == count
