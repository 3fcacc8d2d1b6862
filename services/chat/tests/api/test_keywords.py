"""Words that people watch for: how they are found in a text, and how they are kept."""

import json

import pytest
import pytest_asyncio
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tertulia_chat.notifications.folding import fold, occurs, words


@pytest.mark.parametrize(
    ("keyword", "text", "found"),
    [
        ("tide", "High TIDE at noon", True),
        ("tide", "tidewater", False),
        ("tide", "the ebbtide", False),
        ("tide", "tide_table", False),
        ("tide", "(tide)", True),
        ("tide", "tides and a tide", True),
        ("release train", "the Release\n  Train leaves", True),
        ("release train", "release the train", False),
        ("c++", "we write C++, mostly", True),
        ("c++", "abc++", False),
        (".net", "ASP.NET", True),
        ("naïve", "so NAI\u0308VE", True),
        ("naïve", "naive", False),
        ("straße", "in der STRASSE", True),
        ("ﬁn", "FIN", True),
        ("мир", "Миру МИР!", True),
        ("мир", "мира", False),
        ("हिन्दी", "यह हिन्दी है", True),
        ("हिन", "यह हिन्दी है", False),
        ("発表", "明日発表します", True),
        ("発表会", "明日発表します", False),
        ("שלום", "שלום!", True),
        ("İstanbul", "İSTANBUL", True),
        ("👍 done", "all 👍 done", True),
    ],
)
def test_a_keyword_is_found_as_people_mean_it(keyword, text, found):
    folded = fold(text)
    assert occurs(fold(keyword), folded) is found
    if found:
        assert words(fold(keyword))[0] in words(folded)


@settings(max_examples=300, deadline=None)
@given(keyword=st.text(min_size=1, max_size=12), around=st.tuples(st.text(max_size=12), st.text(max_size=12)))
@example(keyword="0", around=("\u0301", ""))
def test_what_occurs_is_found_by_its_first_word(keyword, around):
    """The index is asked for the first word only, so a keyword must never occur where that is no word of the text."""
    folded, text = fold(keyword), fold(" ".join((around[0], keyword, around[1])))
    lead = words(folded)[:1]
    if lead and occurs(folded, text):
        assert lead[0] in words(text)


async def gather(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(gather)


async def watch(person, workspace, keywords, expect=200):
    return await person.ask("PUT", f"/workspaces/{workspace['id']}/keywords", expect, json={"keywords": keywords})


async def test_the_list_is_replaced_and_told(chat, house, told):
    ann, bob, workspace, _ = house
    path = f"/workspaces/{workspace['id']}/keywords"
    assert await bob.get(path) == {"keywords": []}
    assert await watch(bob, workspace, ["Tide", " the   boats ", "TIDE"]) == {"keywords": ["Tide", "the boats"]}
    assert await watch(bob, workspace, ["Tide", "the boats"]) == await bob.get(path)
    assert await watch(bob, workspace, []) == {"keywords": []}
    assert await told(bob, "keywords.updated") == [{"keywords": ["Tide", "the boats"]}, {"keywords": []}]
    (row, _) = await chat.sql("SELECT * FROM event_log WHERE type = 'keywords.updated' ORDER BY id")
    assert json.loads(row["body"])["workspace_id"] == workspace["id"]
    assert await ann.get(path) == {"keywords": []}


@pytest.mark.parametrize(
    ("keywords", "pointer"),
    [
        (["tide"] * 21, "/keywords"),
        (["x" * 51], "/keywords/0"),
        (["fine", ""], "/keywords/1"),
        (["fine", "  "], "/keywords/1"),
        (["?!"], "/keywords/0"),
        (["\0"], "/keywords/0"),
        ([7], "/keywords/0"),
        ("tide", "/keywords"),
    ],
)
async def test_what_is_no_keyword_is_refused(house, keywords, pointer):
    _, bob, workspace, _ = house
    refused = await watch(bob, workspace, keywords, 422)
    assert refused["errors"][0]["pointer"] == pointer


async def test_twenty_of_fifty_characters(house, told_of):
    ann, bob, workspace, channel = house
    keywords = [f"{number:02}" + "ü" * 48 for number in range(20)]
    assert (await watch(bob, workspace, keywords))["keywords"] == keywords
    await ann.say(channel, f"so {keywords[19].upper()}!")
    assert [reason for _, reason in await told_of(bob, workspace)] == ["keyword"]


async def test_a_hit_counts_for_nothing_else(house, told_of):
    ann, bob, workspace, channel = house
    await watch(bob, workspace, ["tide"])
    await watch(ann, workspace, ["tide"])
    await ann.say(channel, "tide")
    assert await told_of(bob, workspace) == [("tide", "keyword")]
    assert await told_of(ann, workspace) == []
    found = await bob.get(f"/workspaces/{workspace['id']}/unread")
    assert found["total"] == {"unread": 1, "mentions": 0}
    assert (await bob.get(f"/workspaces/{workspace['id']}/mentions"))["items"] == []


async def test_they_are_of_one_workspace_and_of_the_channels_that_one_is_in(house, told_of):
    ann, bob, workspace, channel = house
    other = await ann.workspace("Other")
    await ann.invite(other, bob)
    await watch(bob, workspace, ["tide"])
    public = await ann.channel(workspace, "open")
    for place in (other["general"], public, channel):
        await ann.say(place, "tide")
    assert await told_of(bob, other) == []
    assert len(await told_of(bob, workspace)) == 1
