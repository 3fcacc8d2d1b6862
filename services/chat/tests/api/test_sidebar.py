"""The sidebar: whole documents, one version after the other, the same on all devices."""

import asyncio
import uuid

import pytest
import pytest_asyncio

BUILT_IN = ("starred", "channels", "direct")


def built_in(*, starred=(), **more):
    sections = [{"id": kind, "kind": kind, **more.get(kind, {})} for kind in BUILT_IN]
    sections[0]["channel_ids"] = [channel["id"] for channel in starred]
    return sections


def custom(name, *channels, **more):
    return {"id": name.lower(), "kind": "custom", "name": name, "channel_ids": [one["id"] for one in channels], **more}


async def found(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace, [await ann.channel(workspace, f"c{number}") for number in range(3)]


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


def path(workspace):
    return f"/workspaces/{workspace['id']}/sidebar"


async def arrange(person, workspace, version, sections, expect=200):
    return await person.ask("PUT", path(workspace), expect, json={"version": version, "sections": sections})


async def started(person, workspace):
    return (await person.get(f"/workspaces/{workspace['id']}/bootstrap"))["sidebar"]


async def test_who_arranged_nothing_has_the_built_in_sections(house):
    ann, _, workspace, _ = house
    shown = await ann.get(path(workspace))
    assert shown == await started(ann, workspace)
    assert (shown["version"], [section["kind"] for section in shown["sections"]]) == (0, list(BUILT_IN))


async def test_an_arrangement_is_kept_as_it_is_and_told_to_oneself_alone(house, told):
    ann, bob, workspace, (first, second, third) = house
    sections = [custom(" Boats ", second, collapsed=True) | {"id": "b1"}, *built_in(starred=[third, first])]
    answer = await arrange(ann, workspace, 0, sections)
    assert answer == await ann.get(path(workspace)) == await started(ann, workspace)
    boats, starred, *_ = answer["sections"]
    assert boats == {
        "id": "b1",
        "kind": "custom",
        "name": "Boats",
        "channel_ids": [second["id"]],
        "collapsed": True,
    }
    assert (answer["version"], starred["channel_ids"]) == (1, [third["id"], first["id"]])
    again = await arrange(ann, workspace, 1, sections[1:])
    assert (again["version"], len(again["sections"])) == (2, 3)
    assert [event["sidebar"] for event in await told(ann, "sidebar.updated")] == [answer, again]
    assert (await started(bob, workspace))["version"] == 0
    assert await told(bob, "sidebar.updated") == []


async def test_a_stale_version_is_refused_and_the_same_again_is_not(house, told):
    ann, _, workspace, (first, *_) = house
    one = await arrange(ann, workspace, 0, built_in(starred=[first]))
    assert await arrange(ann, workspace, 0, built_in(starred=[first])) == one
    for version in (0, 2, 7):
        assert (await arrange(ann, workspace, version, built_in(), 409))["code"] == "sidebar_stale"
    assert await ann.get(path(workspace)) == one
    assert len(await told(ann, "sidebar.updated")) == 1


async def test_who_never_arranged_anything_begins_at_nought(house):
    ann, _, workspace, _ = house
    assert (await arrange(ann, workspace, 1, built_in(), 409))["code"] == "sidebar_stale"


async def test_of_two_devices_one_is_first(house, told):
    ann, _, workspace, _ = house
    for version in range(3):
        wishes = [[custom(f"S{version}{number}"), *built_in()] for number in range(4)]
        answers = await asyncio.gather(*(arrange(ann, workspace, version, wish, None) for wish in wishes))
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert [event["sidebar"]["version"] for event in await told(ann, "sidebar.updated")] == [1, 2, 3]


async def test_a_channel_that_was_left_drops_out_and_does_not_come_back_by_itself(house):
    ann, bob, workspace, (first, second, _) = house
    for channel in (first, second):
        await bob.post(f"/channels/{channel['id']}/join")
    await arrange(bob, workspace, 0, [custom("Mine", first, second), *built_in()])

    async def mine():
        shown = await bob.get(path(workspace))
        assert shown == await started(bob, workspace)
        return shown["sections"][0]["channel_ids"]

    assert await mine() == [first["id"], second["id"]]
    await bob.post(f"/channels/{first['id']}/leave", None, 204)
    assert await mine() == [second["id"]]
    await bob.post(f"/channels/{first['id']}/join")
    assert await mine() == [second["id"]]
    await ann.delete(f"/channels/{second['id']}/members/{bob.id}")
    assert await mine() == []
    await arrange(bob, workspace, 1, [custom("Mine", second, first), *built_in()])
    assert await mine() == [first["id"]]


@pytest.mark.parametrize(
    ("sections", "pointer"),
    [
        ([*built_in()[:2], custom("A")], "/sections"),
        ([*built_in(), {"id": "direct", "kind": "direct"}], "/sections/2/id"),
        ([*built_in(), {"id": "x", "kind": "channels"}], "/sections/3/id"),
        ([*built_in(), custom("A"), custom("A")], "/sections/3/id"),
        ([*built_in(), custom("Starred")], "/sections/0/id"),
        ([*built_in(), {"id": "a", "kind": "custom"}], "/sections/3/name"),
        (built_in(starred=[], direct={"name": "Friends"}), "/sections/2/name"),
    ],
)
async def test_what_is_no_sidebar_is_refused(house, sections, pointer):
    ann, _, workspace, _ = house
    answer = await arrange(ann, workspace, 0, sections, 422)
    assert pointer in [error["pointer"] for error in answer["errors"]]


@pytest.mark.parametrize("name", ["", " ", "a\x00", "x" * 65, "a\n\x00"])
async def test_a_section_has_a_name_that_can_be_read(house, name):
    ann, _, workspace, _ = house
    await arrange(ann, workspace, 0, [*built_in(), {"id": "a", "kind": "custom", "name": name}], 422)


async def test_it_is_bounded(house):
    ann, _, workspace, (first, *_) = house
    fifty = [*built_in(), *(custom(f"S{number}") for number in range(47))]
    await arrange(ann, workspace, 0, [*fifty, custom("More")], 422)
    await arrange(ann, workspace, 0, [*built_in(), custom("A", first), custom("B", first)], 422)
    many = [{"id": str(uuid.uuid4())} for _ in range(1_000)]
    await arrange(ann, workspace, 0, [*built_in(starred=[first]), custom("A", *many)], 422)
    shown = await arrange(ann, workspace, 0, [*fifty[:-1], custom("A", *many)])
    assert (len(shown["sections"]), shown["sections"][-1]["channel_ids"]) == (50, [])


async def test_it_is_each_workspaces_own(chat, house):
    ann, bob, workspace, (first, *_) = house
    other = await ann.workspace("Other")
    await arrange(ann, other, 0, built_in(starred=[first, other["general"]]))
    shown = await ann.get(path(other))
    assert shown["sections"][0]["channel_ids"] == [other["general"]["id"]]
    assert (await ann.get(path(workspace)))["version"] == 0
    await bob.get(path(other), 404)
    await arrange(bob, other, 0, built_in(), 404)
