"""What messages said before: kept as the workspace wants it, shown to those who may read the message."""

import asyncio
import uuid

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


async def furnish(chat):
    """Ann, who owns the workspace, and Bob in `general`."""
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with):
    return await begin_with(furnish)


async def keep(person, workspace, policy, expect=200):
    return await person.patch(f"/workspaces/{workspace['id']}", {"history_policy": policy}, expect)


async def edit(person, message, *texts):
    for text in texts:
        edited = (await person.patch(f"/messages/{message['id']}", {"text": text}))["message"]
    return edited


async def history(person, message, query=""):
    return (await person.get(f"/messages/{message['id']}/history{query}"))["items"]


async def texts(person, message):
    return [version["text"] for version in await history(person, message)]


async def stored(chat):
    return [row["text"] for row in await chat.sql("SELECT text FROM message_revision ORDER BY message_id, number")]


async def test_every_edit_keeps_the_former_text(room):
    ann, bob, _, channel = room
    said = await bob.say(channel, "one")
    assert await history(ann, said) == [{"number": 1, "text": "one", "replaced_at": None, "replaced_by": None}]
    second = await edit(bob, said, "two")
    third = await edit(bob, said, "three", "three")
    assert await history(ann, said) == [
        {"number": 1, "text": "one", "replaced_at": second["edited_at"], "replaced_by": bob.id},
        {"number": 2, "text": "two", "replaced_at": third["edited_at"], "replaced_by": bob.id},
        {"number": 3, "text": "three", "replaced_at": None, "replaced_by": None},
    ]


async def test_the_log_tells_no_former_text(chat, room):
    ann, bob, _, channel = room
    said = await bob.say(channel, "former words")
    await edit(bob, said, "later words")
    told = await ann.get(f"/channels/{channel['id']}/events?limit=200")
    assert "former words" not in str(told)
    assert "former words" not in str(await chat.sql("SELECT * FROM event_log"))
    assert await stored(chat) == ["former words"]


async def test_a_long_history_is_read_page_by_page(room):
    ann, bob, _, channel = room
    said = await bob.say(channel, "0")
    await edit(bob, said, *map(str, range(1, 6)))
    read, after = [], 0
    while after is not None:
        page = await ann.get(f"/messages/{said['id']}/history?after={after}&limit=2")
        assert 0 < len(page["items"]) <= 2
        read += page["items"]
        after = page["next"]
    assert read == await history(ann, said)
    assert [version["text"] for version in read] == list("012345")
    assert await history(ann, said, "?after=6") == []
    for query in ("?limit=0", "?limit=201", "?after=-1", "?after=x", f"?after={2**31}"):
        await ann.get(f"/messages/{said['id']}/history{query}", 422)


async def test_who_may_read_the_message_reads_its_history(chat, room):
    ann, bob, workspace, channel = room
    cat, gus, stranger = await chat.people(3)
    await ann.invite(workspace, cat)
    await ann.invite(workspace, gus, role="guest")
    secret = await ann.channel(workspace, "secret", "private")
    said, hidden = await bob.say(channel, "one"), await ann.say(secret, "psst")
    await edit(bob, said, "two")
    await edit(ann, hidden, "hush")
    await gus.post(f"/channels/{channel['id']}/leave", None, 204)
    await cat.post(f"/channels/{channel['id']}/leave", None, 204)
    assert await texts(cat, said) == ["one", "two"]
    for person, message in ((gus, said), (stranger, said), (bob, hidden), (cat, hidden)):
        assert (await person.get(f"/messages/{message['id']}/history", 404))["code"] == "not_found"
    await ann.get(f"/messages/{uuid.uuid4()}/history", 404)


async def test_only_admins_decide_and_everybody_is_told(chat, room):
    ann, bob, workspace, _ = room
    assert (await bob.get(f"/workspaces/{workspace['id']}"))["history_policy"] == "edits"
    assert (await keep(bob, workspace, "all", 403))["code"] == "forbidden"
    changed = await keep(ann, workspace, "all")
    assert changed == {**await bob.get(f"/workspaces/{workspace['id']}"), "history_policy": "all"}
    (row,) = await chat.sql(
        "SELECT body::jsonb #>> '{data,workspace}' AS told FROM event_log WHERE type LIKE 'w%updated'"
    )
    assert '"history_policy": "all"' in row["told"]
    assert (await keep(ann, workspace, "some", 422))["errors"][0]["pointer"] == "/history_policy"
    named = await ann.patch(f"/workspaces/{workspace['id']}", {"name": " New ", "history_policy": "off"})
    assert (named["name"], named["history_policy"]) == ("New", "off")


async def test_off_forgets_at_once_and_keeps_nothing(chat, room):
    ann, bob, workspace, channel = room
    said = await bob.say(channel, "one")
    other = await ann.workspace("Other")
    theirs = await ann.say(other["general"], "other one")
    await edit(ann, theirs, "other two")
    await edit(bob, said, "two")
    await keep(ann, workspace, "off")
    assert await stored(chat) == ["other one"]
    assert (await ann.get(f"/messages/{said['id']}/history", 403))["code"] == "history_off"
    await edit(bob, said, "three")
    assert await stored(chat) == ["other one"]
    await keep(ann, workspace, "edits")
    assert await texts(ann, said) == ["three"]
    await edit(bob, said, "four")
    assert await texts(ann, said) == ["three", "four"]


async def test_a_deletion_takes_the_history_along(chat, room):
    ann, bob, _, channel = room
    said = await bob.say(channel, "one")
    await edit(bob, said, "two")
    await bob.delete(f"/messages/{said['id']}", 200)
    assert await history(ann, said) == [{"number": 1, "text": "", "replaced_at": None, "replaced_by": None}]
    assert await stored(chat) == ["two"]  # for an undo only


async def test_with_all_the_last_text_of_a_deleted_message_stays(chat, room):
    ann, bob, workspace, channel = room
    before = await bob.say(channel, "gone before")
    await bob.delete(f"/messages/{before['id']}", 200)
    await keep(ann, workspace, "all")
    said = await bob.say(channel, "one")
    await edit(bob, said, "two")
    gone = (await ann.delete(f"/messages/{said['id']}", 200))["message"]
    versions = await history(bob, said)
    assert [version["text"] for version in versions] == ["one", "two", ""]
    assert (versions[1]["replaced_at"], versions[1]["replaced_by"]) == (gone["deleted_at"], ann.id)
    assert await texts(bob, before) == [""]
    kept = await bob.say(channel, "kept")
    await edit(bob, kept, "still kept")
    await keep(ann, workspace, "edits")
    assert await texts(bob, said) == [""]
    assert await texts(bob, kept) == ["kept", "still kept"]
    assert not {"one", "two"} & set(await stored(chat))


async def test_two_devices_edit_at_once_and_both_texts_are_in_the_history(room):
    ann, bob, _, channel = room
    said = await bob.say(channel, "0")
    await asyncio.gather(*(edit(bob, said, str(number)) for number in range(1, 7)))
    versions = await history(ann, said)
    assert [version["number"] for version in versions] == list(range(1, 8))
    assert {version["text"] for version in versions} == set("0123456")
    assert versions[-1]["text"] == (await ann.get(f"/messages/{said['id']}"))["message"]["text"]
    log = (await ann.get(f"/channels/{channel['id']}/events?after={said['ch_seq']}"))["items"]
    assert log[-1]["data"]["message"]["text"] == versions[-1]["text"]


async def test_turning_it_off_while_everybody_edits_leaves_nothing(chat, room):
    ann, bob, workspace, channel = room
    for _ in range(3):
        messages = [await bob.say(channel, "0") for _ in range(4)]
        edits = [edit(bob, message, "1", "2", "3") for message in messages]
        await asyncio.gather(*edits[:2], keep(ann, workspace, "off"), *edits[2:])
        assert await stored(chat) == []
        await keep(ann, workspace, "edits")


class Model:
    """One message and its workspace; `taken` is what a deletion took and an undo would bring back."""

    def __init__(self):
        self.text, self.former, self.taken, self.shown, self.policy = "start", [], None, False, "edits"

    def decide(self, policy):
        order = ("off", "edits", "all")
        if order.index(policy) < order.index(self.policy) and (policy == "off" or self.text is None):
            self.former, self.taken = [], None
        self.policy = policy

    def edit(self, text):
        if text != self.text:
            self.former += [] if self.policy == "off" else [self.text]
            self.text = text

    def delete(self):
        if self.text is not None:
            self.shown = self.policy == "all"
            self.former = self.former if self.shown else []
            self.taken, self.text = self.text, None

    def restore(self):
        self.text, self.taken = self.taken, None

    def history(self):
        if self.text is not None:
            return [*self.former, self.text]
        if self.policy != "all":
            return [""]
        return [*self.former, *([self.taken] if self.taken and self.shown else []), ""]


POLICIES = ("off", "edits", "all")


@given(steps=st.lists(st.sampled_from(["a", "b", "c", "delete", "restore", *POLICIES]), max_size=12))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_happens_it_is_what_a_small_model_says(room, steps):
    ann, _, workspace, channel = room
    await keep(ann, workspace, "edits")
    said, model = await ann.say(channel, "start"), Model()
    path = f"/messages/{said['id']}"
    for step in steps:
        if step in POLICIES:
            await keep(ann, workspace, step)
            model.decide(step)
        elif step == "delete":
            await ann.delete(path, 200)
            model.delete()
        elif step == "restore":
            await ann.post(f"{path}/restore", None, 409 if model.text is None and model.taken is None else 200)
            if model.taken is not None:
                model.restore()
        elif model.text is None:
            await ann.patch(path, {"text": step}, 409)
        else:
            await ann.patch(path, {"text": step})
            model.edit(step)
        assert (await ann.get(path))["message"]["text"] == (model.text or "")
        if model.policy == "off":
            await ann.get(f"{path}/history", 403)
        else:
            assert await texts(ann, said) == model.history()
