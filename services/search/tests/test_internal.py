"""What other services ask: retrieval for a room, and the tokens that it takes."""

import asyncio
import json
from typing import Any

import pytest


@pytest.fixture
async def team(world: Any) -> Any:
    world.general = world.channel("general", "public")
    world.plans = world.channel("plans")
    world.duo = world.channel(None, "dm")
    world.ada = world.person("ada", world.general, world.plans, world.duo)
    world.bob = world.person("bob", world.general, world.plans, world.duo)
    world.eve = world.person("eve", world.general)
    return world


async def retrieve(search: Any, team: Any, channel: str, query: str, **more: Any) -> dict[str, Any]:
    body = {"workspace_id": team.workspace, "channel_id": channel, "query": query, **more}
    status, text = await search.internal("/internal/v1/retrieve", body)
    assert status == 200, text
    return json.loads(text)


async def test_a_room_of_a_moment_ago_is_waited_for(team: Any) -> None:
    async with team.search() as search:
        await team.post(team.general, team.ada, "the launch is on monday")
        await search.until_found(team.ada, "launch", 1)
        room = team.channel("room", "public")
        asked = asyncio.ensure_future(retrieve(search, team, room, "When is the launch?"))
        await asyncio.sleep(0.1)
        assert not asked.done()
        await team.join(room, team.ada)
        assert len((await asked)["hits"]) == 1


async def test_only_what_everybody_in_the_room_may_read(team: Any) -> None:
    async with team.search() as search:
        for channel in (team.general, team.plans, team.duo):
            await team.post(channel, team.ada, f"the launch is on monday, says {channel}")
        await search.until_found(team.ada, "launch", 3)

        async def channels(room: str) -> set[str]:
            found = await retrieve(search, team, room, "When is the launch?")
            assert found["searched_channels"] == len(found["hits"])
            return {hit["message"]["channel_id"] for hit in found["hits"]}

        assert await channels(team.general) == {team.general}
        assert await channels(team.plans) == {team.general, team.plans, team.duo}
        await team.leave(team.duo, team.bob)
        for _ in range(100):
            if await channels(team.plans) == {team.general, team.plans}:
                break
        else:
            pytest.fail("the DM is still searched")


async def test_the_best_come_first_with_their_whole_text(team: Any) -> None:
    async with team.search() as search:
        long_text = "about the samovar: " + "x" * 1_000
        message = await team.post(team.general, team.ada, long_text)
        await team.post(team.general, team.ada, "the samovar costs twelve coins")
        await team.post(team.general, team.ada, "nothing of the kind")
        await search.until_found(team.ada, "samovar", 2)
        found = await retrieve(search, team, team.general, "What is the cost? What costs the samovar?", limit=1)
        assert [hit["message"]["text"] for hit in found["hits"]] == ["the samovar costs twelve coins"]
        found = await retrieve(search, team, team.general, "samovar")
        [whole] = [hit["message"] for hit in found["hits"] if hit["message"]["text"] == long_text]
        assert (whole["message_id"], whole["ch_seq"], whole["author_id"]) == (message.id, message.ch_seq, team.ada)
        assert (await retrieve(search, team, team.general, "..."))["hits"] == []
        assert (await retrieve(search, team, team.general, "the of"))["hits"] != []


async def test_refusals(team: Any) -> None:
    async with team.search() as search:
        body = {"workspace_id": team.workspace, "channel_id": team.general, "query": "tea"}

        async def refusal(path: str, given: Any, token: str | None = None) -> tuple[int, str]:
            status, text = await search.internal(path, given, token=token)
            return status, json.loads(text)["code"]

        for path in ("/internal/v1/retrieve", "/internal/v1/rebuild"):
            assert await refusal(path, body, team.token(team.ada)) == (401, "unauthenticated")
            assert await refusal(path, body, "") == (401, "unauthenticated")
        unknown = "00000000-0000-7000-8000-00000000beef"
        assert await refusal("/internal/v1/retrieve", body | {"channel_id": unknown}) == (404, "not_found")
        assert await refusal("/internal/v1/retrieve", body | {"workspace_id": unknown}) == (404, "not_found")
        assert await refusal("/internal/v1/retrieve", body | {"limit": 21}) == (422, "validation_failed")
        assert await refusal("/internal/v1/retrieve", body | {"surprise": 1}) == (422, "validation_failed")
