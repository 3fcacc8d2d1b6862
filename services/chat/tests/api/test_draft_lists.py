"""Whose drafts are shown when: only where the person may read, the newest first."""

from datetime import UTC, datetime, timedelta

import pytest_asyncio


async def furnish(chat):
    """Ann, who owns the workspace, and Bob in `general`."""
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


async def write(person, channel, text, expect=200, **more):
    return await person.ask("PUT", f"/channels/{channel['id']}/draft", expect, json={"text": text, **more})


async def drafts(person, channel, query=""):
    return await person.get(f"/workspaces/{channel['workspace_id']}/drafts{query}")


async def texts(person, channel):
    return [item["text"] for item in (await drafts(person, channel))["items"]]


async def test_a_draft_outlives_leaving_and_is_shown_again_to_who_may_read(room):
    ann, bob, channel = room
    secret = await ann.channel({"id": channel["workspace_id"]}, "secret", "private")
    members = f"/channels/{secret['id']}/members"
    path = f"/channels/{secret['id']}/draft"
    await ann.post(members, {"user_id": bob.id}, 201)
    kept = (await write(bob, secret, "between us"))["draft"]
    await write(bob, channel, "hello")
    await bob.post(f"/channels/{secret['id']}/leave", None, 204)
    assert await texts(bob, channel) == ["hello"]
    await bob.get(path, 404)
    await write(bob, secret, "overwritten", 404)
    await bob.delete(path, 404)
    await ann.post(members, {"user_id": bob.id}, 201)
    assert (await bob.get(path))["draft"] == kept
    assert await texts(bob, channel) == ["hello", "between us"]
    await ann.delete(f"/workspaces/{channel['workspace_id']}/members/{bob.id}")
    await bob.get(f"/workspaces/{channel['workspace_id']}/drafts", 404)


async def test_who_reads_without_being_in_it_may_have_a_draft(chat, room):
    ann, bob, channel = room
    gus = await chat.person()
    await ann.invite({"id": channel["workspace_id"]}, gus, role="guest")
    plans = await ann.channel({"id": channel["workspace_id"]}, "plans")
    await write(bob, plans, "shall I join?")
    await write(gus, plans, "what is this?", 404)
    await ann.post(f"/channels/{plans['id']}/archive")
    await write(bob, plans, "too late?")
    assert await texts(bob, channel) == ["too late?"]


async def test_the_newest_comes_first(room):
    ann, bob, channel = room
    roots = [await ann.say(channel, f"root {number}") for number in range(5)]
    now = datetime.now(UTC)
    for number in (2, 0, 4, 1, 3):
        # Two were written in the same millisecond.
        written = (now - timedelta(seconds=number // 2)).isoformat()
        await write(bob, channel, f"draft {number}", thread_id=roots[number]["id"], updated_at=written)
    whole = await drafts(bob, channel)
    times = [item["updated_at"] for item in whole["items"]]
    assert len(set(times)) == 3
    assert times == sorted(times, reverse=True)
    for limit in (1, 2, 3, 4):
        page = await drafts(bob, channel, f"?limit={limit}")
        found = page["items"]
        while page["next"]:
            page = await drafts(bob, channel, f"?limit={limit}&cursor={page['next']}")
            found += page["items"]
        assert found == whole["items"]
    beyond = f"?cursor={'9' * 14}.{'f' * 32}"
    assert (await drafts(bob, channel, beyond))["items"] == whole["items"]
    for wrong in ("limit=0", "limit=201", "cursor=x", f"cursor={'9' * 15}.{'f' * 32}", f"cursor=1.{'f' * 32}%0A"):
        await bob.get(f"/workspaces/{channel['workspace_id']}/drafts?{wrong}", 422)


async def test_each_workspace_has_its_own_drafts(room):
    ann, _, channel = room
    other = await ann.workspace("Other")
    await write(ann, channel, "here")
    await write(ann, other["general"], "there")
    assert await texts(ann, channel) == ["here"]
    assert await texts(ann, other["general"]) == ["there"]
