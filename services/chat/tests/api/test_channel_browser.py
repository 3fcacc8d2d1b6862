"""Finding channels: by a part of their name, and by what they are to me."""

import pytest_asyncio

NAMES = ("alpha", "beta", "beta-2", "gamma", "delta_1", "delta.1", "ünïcode")


async def gather(chat):
    """Ann has channels of all kinds, Bob is in few of them, Gil is a guest."""
    ann, bob, gil = await chat.people(3)
    workspace = await ann.workspace()
    channels = {name: await ann.channel(workspace, name) for name in NAMES}
    channels["beta-hidden"] = await ann.channel(workspace, "beta-hidden", "private")
    channels["beta-ours"] = await ann.channel(workspace, "beta-ours", "private")
    await ann.invite(workspace, bob)
    await ann.invite(workspace, gil, role="guest")
    await ann.post(f"/channels/{channels['beta-ours']['id']}/members", {"user_id": bob.id}, 201)
    await ann.post(f"/channels/{channels['beta']['id']}/members", {"user_id": gil.id}, 201)
    await bob.post(f"/channels/{channels['gamma']['id']}/join")
    for name in ("gamma", "alpha", "beta-hidden"):
        await ann.post(f"/channels/{channels[name]['id']}/archive")
    await bob.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [ann.id]}, 201)
    return ann, bob, gil, workspace, channels


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(gather)


async def listed(person, workspace, query=""):
    page = await person.get(f"/workspaces/{workspace['id']}/channels?{query}")
    return [item["channel"]["name"] for item in page["items"]]


async def test_filters(house):
    ann, bob, gil, workspace, _ = house
    rest = ["beta", "beta-2", "delta_1", "delta.1", "ünïcode"]
    assert await listed(bob, workspace, "filter=joined") == ["general", "beta-ours", None]
    assert await listed(bob, workspace, "filter=public") == ["general", *rest]
    assert await listed(bob, workspace, "filter=archived") == ["alpha", "gamma"]
    assert await listed(ann, workspace, "filter=archived") == ["alpha", "gamma", "beta-hidden"]
    assert await listed(bob, workspace) == ["general", *NAMES, "beta-ours", None]
    assert await listed(gil, workspace, "filter=public") == ["general", "beta"]
    assert await listed(gil, workspace, "filter=archived") == []


async def test_a_part_of_the_name(house):
    _, bob, _, workspace, _ = house
    for query, found in (
        ("q=beta", ["beta", "beta-2", "beta-ours"]),
        ("q=BETA&filter=public", ["beta", "beta-2"]),
        ("q=%20eta-%20", ["beta-2", "beta-ours"]),
        ("q=Ü", ["ünïcode"]),
        ("q=U%CC%88ni%CC%88", ["ünïcode"]),
        ("q=_", ["delta_1"]),
        ("q=.", ["delta.1"]),
        ("q=%25", []),
        ("q=beta-hidden", []),
        ("q=%20", ["general", *NAMES, "beta-ours", None]),
        ("q=mma&filter=archived", ["gamma"]),
        ("q='%3B--", []),
    ):
        assert await listed(bob, workspace, query) == found, query


async def test_items_say_how_many_are_in_and_whether_i_am(house):
    _, bob, _, workspace, channels = house
    page = await bob.get(f"/workspaces/{workspace['id']}/channels?q=beta")
    assert [(item["channel"]["id"], item["member_count"], item["joined"]) for item in page["items"]] == [
        (channels["beta"]["id"], 2, False),
        (channels["beta-2"]["id"], 1, False),
        (channels["beta-ours"]["id"], 2, True),
    ]


async def test_unacceptable_questions(house):
    _, bob, _, workspace, _ = house
    for query in ("filter=mine", "q=" + "x" * 65, "q=a%00b", "limit=0", "cursor=x"):
        await bob.get(f"/workspaces/{workspace['id']}/channels?{query}", 422)


async def test_pages_go_on_within_what_was_asked_for(house):
    _, bob, _, workspace, _ = house
    path = f"/workspaces/{workspace['id']}/channels?filter=public&q=t&limit=2"
    names, cursor = [], ""
    while cursor is not None:
        page = await bob.get(path + (f"&cursor={cursor}" if cursor else ""))
        assert len(page["items"]) <= 2
        names += [item["channel"]["name"] for item in page["items"]]
        cursor = page["next"]
    assert names == ["beta", "beta-2", "delta_1", "delta.1"]
