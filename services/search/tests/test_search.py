"""The service as people meet it: over HTTP, on the real engine."""

import asyncio
import time
from typing import Any

import pytest

from tertulia_search.find.finder import MAX_QUERY
from tertulia_shared import events


@pytest.fixture
async def team(world: Any) -> Any:
    """Ada and Bob in #general and a private #plans, Eve only in the workspace, a guest in #general."""
    world.general = world.channel("general", "public")
    world.plans = world.channel("plans")
    world.ada = world.person("ada", world.general, world.plans)
    world.bob = world.person("bob", world.general, world.plans)
    world.eve = world.person("eve")
    world.guest = world.person("gus", world.plans, role="guest")
    return world


async def test_what_is_said_can_be_found_at_once(team: Any) -> None:
    async with team.search() as search:
        started = time.monotonic()
        message = await team.post(team.general, team.ada, "The samovar is boiling", thread_id=None)
        await search.until_found(team.bob, "samovar", 1)
        assert time.monotonic() - started < 5
        found = await search.search(team.bob, "samovar")
    [hit] = found["hits"]
    assert hit == {
        "message_id": message.id,
        "channel_id": team.general,
        "ch_seq": message.ch_seq,
        "author_id": team.ada,
        "thread_id": None,
        "created_at": hit["created_at"],
        "edited_at": None,
        "fragments": [
            {"text": "The ", "hit": False},
            {"text": "samovar", "hit": True},
            {"text": " is boiling", "hit": False},
        ],
    }
    assert found["facets"] == {
        "channels": [{"id": team.general, "count": 1}],
        "people": [{"id": team.ada, "count": 1}],
    }
    assert (found["total"], found["problems"], found["next"]) == (1, [], None)
    assert found["took_ms"] > 0


async def test_edits_and_deletions_are_followed(team: Any) -> None:
    async with team.search() as search:
        message = await team.post(team.general, team.ada, "green tea")
        other = await team.post(team.general, team.ada, "white tea")
        await search.until_found(team.ada, "tea", 2)
        await team.edit(message, "black tea")
        assert await search.until_found(team.ada, "black", 1) == ["black tea"]
        assert await search.texts(team.ada, "green") == []
        await team.delete(message)
        assert await search.until_found(team.ada, "tea", 1) == ["white tea"]
        await team.delete(other)
        await search.until_found(team.ada, "tea", 0)


async def test_who_finds_what(team: Any) -> None:
    """Members read their channels, the workspace reads public ones, guests only what they are in."""
    elsewhere = team.channel("general", "public", workspace="00000000-0000-7000-8000-00000000beef")
    async with team.search() as search:
        await team.post(team.general, team.ada, "secret recipe, public")
        await team.post(team.plans, team.ada, "secret recipe, private")
        await team.post(elsewhere, team.ada, "secret recipe, elsewhere")
        await search.until_found(team.ada, "recipe", 2)
        found = {
            name: sorted(await search.texts(getattr(team, name), "recipe")) for name in ("ada", "bob", "eve", "guest")
        }
        total = (await search.search(team.eve, "recipe"))["total"]
    both = ["secret recipe, private", "secret recipe, public"]
    assert found == {"ada": both, "bob": both, "eve": both[1:], "guest": both[:1]}
    assert total == 1


async def test_who_was_let_in_a_moment_ago_is_waited_for(team: Any) -> None:
    newcomer = team.person("new", workspace="00000000-0000-7000-8000-00000000beef")
    user = events.User(id=newcomer, username="new", display_name="New", created_at=team.clock)
    async with team.search() as search:
        await team.post(team.general, team.ada, "the samovar")
        await search.until_found(team.ada, "samovar", 1)
        asked = asyncio.ensure_future(search.search(newcomer, "samovar"))
        await asyncio.sleep(0.1)
        assert not asked.done()
        joined = events.WorkspaceMemberJoined(user=user, role=events.Role.MEMBER)
        await team.publish(team.event(joined, "ws", team.workspace))
        assert (await asked)["total"] == 1


async def test_leaving_and_joining_take_effect(team: Any) -> None:
    async with team.search() as search:
        await team.post(team.plans, team.ada, "the plan")
        await search.until_found(team.bob, "plan", 1)
        await team.leave(team.plans, team.bob)
        await search.until_found(team.bob, "plan", 0, timeout=5)
        await team.join(team.plans, team.eve)
        await search.until_found(team.eve, "plan", 1, timeout=5)
        await team.join(team.plans, team.bob)
        await search.until_found(team.bob, "plan", 1, timeout=5)


async def test_operators(team: Any) -> None:
    async with team.search() as search:
        await team.post(team.general, team.ada, "tea at four")
        await team.post(team.general, team.bob, "tea at five")
        await team.post(team.plans, team.bob, "tea with plans")
        await search.until_found(team.ada, "tea", 3)

        async def found(q: str, user: str = team.ada) -> list[str]:
            return sorted(await search.texts(user, q))

        assert await found("tea from:ada") == ["tea at four"]
        assert await found("tea from:@BOB in:#general") == ["tea at five"]
        assert await found("from:me tea", team.bob) == ["tea at five", "tea with plans"]
        assert await found("from:ada from:bob tea") == ["tea at five", "tea at four", "tea with plans"]
        assert await found('"tea at" fi') == ["tea at five"]
        assert await found(f"after:{team.clock:%Y-%m-%d} before:2999-01-01") == await found("tea")
        assert await found(f"tea before:{team.clock:%Y-%m-%d}") == []
        assert await found("in:plans") == ["tea with plans"]
        assert await found("") == []


async def test_what_is_odd_is_told_and_never_widens(team: Any) -> None:
    async with team.search() as search:
        await team.post(team.general, team.ada, "tea")
        await team.post(team.plans, team.ada, "tea too")
        await search.until_found(team.ada, "tea", 2)

        async def odd(q: str, user: str = team.ada) -> tuple[int, list[tuple[str, str]]]:
            found = await search.search(user, q)
            assert len(found["hits"]) == found["total"]
            return found["total"], [(problem["operator"], problem["value"]) for problem in found["problems"]]

        assert await odd("tea from:nobody") == (0, [("from", "nobody")])
        assert await odd("tea in:nowhere") == (0, [("in", "nowhere")])
        assert await odd("tea in:plans", team.eve) == (0, [("in", "plans")])
        assert await odd("tea in:plans in:general", team.eve) == (1, [("in", "plans")])
        assert await odd("tea from: in: before: after:") == (
            2,
            [("from", ""), ("in", ""), ("before", ""), ("after", "")],
        )
        assert await odd("tea before:yesterday after:2026-13-01") == (
            2,
            [("before", "yesterday"), ("after", "2026-13-01")],
        )


async def test_pages_by_time_hold_while_others_write(team: Any) -> None:
    async with team.search() as search:
        for number in range(7):
            await team.post(team.general, team.ada, f"note {number}")
        await search.until_found(team.ada, "note", 7)
        for sort, expected in (("newest", [6, 5, 4, 3, 2, 1, 0]), ("oldest", [0, 1, 2, 3, 4, 5, 6])):
            seen: list[str] = []
            cursor: dict[str, Any] = {}
            while True:
                page = await search.search(team.ada, "note", sort=sort, limit=3, **cursor)
                seen += ["".join(piece["text"] for piece in hit["fragments"]) for hit in page["hits"]]
                if sort == "newest":
                    total = page["total"]
                    await team.post(team.general, team.bob, f"later note {len(seen)}")
                    await search.until_found(team.ada, "note", total + 1)
                if page["next"] is None:
                    break
                cursor = {"cursor": page["next"]}
            assert [text for text in seen if text.startswith("note")] == [f"note {number}" for number in expected]
            if sort == "newest":
                assert len(seen) == 7


async def test_pages_by_relevance(team: Any) -> None:
    async with team.search() as search:
        for number in range(5):
            await team.post(team.general, team.ada, f"note {number}")
        await search.until_found(team.ada, "note", 5)
        first = await search.search(team.ada, "note", limit=3)
        second = await search.search(team.ada, "note", limit=3, cursor=first["next"])
        assert second["next"] is None
        ids = [hit["message_id"] for hit in first["hits"] + second["hits"]]
        assert len(set(ids)) == len(ids) == 5


async def test_refusals(team: Any) -> None:
    path = f"/api/v1/workspaces/{team.workspace}/search"
    stranger = team.person("mallory", workspace="00000000-0000-7000-8000-00000000beef")
    async with team.search() as search:
        for _ in range(2):
            await team.post(team.general, team.ada, "tea")
        await search.until_found(team.ada, "tea", 2)
        cursor = (await search.search(team.ada, "tea", limit=1, sort="newest"))["next"]

        async def refusal(user: str | None, **parameters: Any) -> tuple[int, str]:
            status, body = await search.get(path, user, **parameters)
            return status, body["code"]

        assert await refusal(None, q="tea") == (401, "unauthenticated")
        assert await refusal(stranger, q="tea") == (404, "not_found")
        assert await refusal(team.ada, q="t" * (MAX_QUERY + 1)) == (422, "query_too_long")
        assert await refusal(team.ada, q="t " * 5_000) == (422, "query_too_long")
        assert await refusal(team.ada, q="tea", limit=0) == (422, "validation_failed")
        assert await refusal(team.ada, q="tea", limit=101) == (422, "validation_failed")
        assert await refusal(team.ada, q="tea", sort="best") == (422, "validation_failed")
        for bad in ("x", "äöü", "e30", "W10", cursor[:-4], "A" * 40):
            assert await refusal(team.ada, q="tea", sort="newest", cursor=bad) == (422, "cursor_invalid")
        assert await refusal(team.ada, q="other", sort="newest", cursor=cursor) == (422, "cursor_invalid")
        assert await refusal(team.ada, q="tea", sort="oldest", cursor=cursor) == (422, "cursor_invalid")
        status, _ = await search.get("/api/v1/workspaces/nonsense/search", team.ada, q="tea")
        assert status == 404
        assert (await search.search(team.ada, "t" * MAX_QUERY))["total"] == 0


async def test_an_ended_session_finds_nothing_more(team: Any) -> None:
    session = "11111111-0000-7000-8000-000000000001"
    path = f"/api/v1/workspaces/{team.workspace}/search"
    async with team.search() as search:
        headers = {"Authorization": f"Bearer {team.token(team.ada, session)}"}

        async def status() -> int:
            async with search._http.get(search.url + path, headers=headers, params={"q": "tea"}) as answer:
                return answer.status

        assert await status() == 200
        await team.end_session(session, team.ada)
        for _ in range(200):
            if await status() == 401:
                break
        else:
            pytest.fail("the session went on")
