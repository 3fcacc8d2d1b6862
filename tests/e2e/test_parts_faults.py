"""Search, bot and analytics die under the conversation: nothing is missing afterwards, and nothing is there twice."""

import asyncio
from collections import Counter

import pytest

from tertulia_client import ApiError, Client
from tertulia_stack.background import BackgroundStack

from .faults import kept_down, kill, until_ready
from .people import founded, people
from .test_parts import eventually, messages_are

PARTS = ("search", "analytics", "bot")
EACH = 200
"""Messages of a round, in which each part is killed once."""
PAUSE_S = 0.01


async def everything_found(client: Client, workspace: str, query: str) -> list[str]:
    """Every hit of a query, through all of its pages."""
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = await client.search.messages(workspace, query, sort="oldest", limit=100, cursor=cursor)
        ids += [hit.message_id for hit in page.hits]
        if page.next is None:
            return ids
        cursor = page.next


@pytest.mark.timeout(300)
@pytest.mark.parametrize("rounds", [1, pytest.param(3, marks=pytest.mark.full)])
async def test_every_message_is_found_and_counted_once_while_the_parts_are_killed(stack: BackgroundStack, rounds: int):
    async with people(stack, "Ada", "Ben") as (ada, ben):
        workspace, general = await founded(ada, ben)
        sent: list[str] = []

        async def talk(client: Client) -> None:
            for number in range(rounds * EACH // 2):
                sent.append((await client.send(general, f"buoy {number} is in sight")).id)
                await asyncio.sleep(PAUSE_S)

        async def strike() -> None:
            strikes = rounds * len(PARTS)
            for number in range(strikes):
                while len(sent) < rounds * EACH * (number + 1) // (strikes + 1):
                    await asyncio.sleep(0.02)
                await kill(stack, PARTS[number % len(PARTS)])

        await asyncio.gather(talk(ada), talk(ben), strike())
        await until_ready(stack, 120)

        await eventually(lambda: found_at_least(ada, workspace.id, len(sent)), 60)
        ids = await everything_found(ada, workspace.id, "buoy")
        assert Counter(ids) == Counter(sent)
        await eventually(lambda: messages_are(ada, workspace.id, len(sent)), 60)


async def found_at_least(client: Client, workspace: str, count: int) -> bool:
    return (await client.search.messages(workspace, "buoy")).total >= count


@pytest.mark.timeout(300)
async def test_a_run_whose_bot_is_killed_ends_in_one_answer(stack: BackgroundStack):
    async with people(stack, "Ada") as (ada,):
        _, general = await founded(ada)
        run = await ada.ai.command(general, "/ask Tell a long story about a lighthouse and the sea")
        assert not isinstance(run, str)
        await asyncio.sleep(0.5)
        await kill(stack, "bot")
        await until_ready(stack, 120)

        over = await ada.ai.finished(run.id)

        answers = [m for m in (await ada.messages.page(general)).items if m.ai is not None]
        assert over.state == "done", over.error
        assert [m.ai.run_id for m in answers if m.ai] == [run.id]
        assert answers[0].id == over.message_id


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", ["search", "analytics", "model"])
async def test_a_part_that_is_down_says_so_and_catches_up(stack: BackgroundStack, part: str):
    async with people(stack, "Ada") as (ada,):
        workspace, general = await founded(ada)
        async with kept_down(stack, part):
            message = await ada.send(general, "somebody rings the bell")
            assert (await ada.messages.get(message.id)).text, "the rest goes on"
            refusal = await refused(ada, workspace.id, general, part)
            assert refusal.code in {"dependency_unavailable", "model_unavailable"}
        await until_ready(stack, 120)
        await eventually(lambda: works_again(ada, workspace.id, general, part), 60)


async def refused(client: Client, workspace: str, channel: str, part: str) -> ApiError:
    """The 503 of a part that is down.

    Before it there may be others: a request that reaches a dying process is broken off (502), and a question that
    comes before the bot has seen its model go is taken, and fails.
    """
    async with asyncio.timeout(20):
        while True:
            try:
                await use(client, workspace, channel, part)
            except ApiError as error:
                if error.status == 503:
                    return error
            await asyncio.sleep(0.5)


async def use(client: Client, workspace: str, channel: str, part: str) -> None:
    address = client._transport.base_url  # pyright: ignore[reportPrivateUsage]
    impatient = Client(address, tokens=client.tokens, patience_s=0.0)
    async with impatient:
        match part:
            case "search":
                await impatient.search.messages(workspace, "bell")
            case "analytics":
                await impatient.analytics.report(workspace, "overview")
            case _:
                await impatient.ai.command(channel, "/ask Who rang?")


async def works_again(client: Client, workspace: str, channel: str, part: str) -> bool:
    try:
        match part:
            case "search":
                return (await client.search.messages(workspace, "bell")).total == 1
            case "analytics":
                return await messages_are(client, workspace, 1)
            case _:
                run = await client.ai.command(channel, "/ask Who rang?")
                return not isinstance(run, str) and (await client.ai.finished(run.id)).state == "done"
    except ApiError:
        return False
