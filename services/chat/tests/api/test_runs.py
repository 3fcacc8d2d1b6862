"""Runs of the bot: who may ask where, what the model reads, and the one answer."""

import asyncio
import json
import uuid

import asyncpg
import pytest
import pytest_asyncio

from tertulia_shared.events import BOT_USER_ID


async def furnish(chat):
    """Ann and Bob in `general`."""
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with, bot):
    return *await begin_with(furnish), bot


async def posted(chat):
    """All that was said, without the note that Bob joined."""
    (_, joined), *events = await recorded(chat, "message.%")
    assert joined["data"]["message"]["system"]["kind"] == "joined"
    return events


async def recorded(chat, like="%"):
    rows = await chat.sql("SELECT * FROM event_log WHERE type LIKE $1 ORDER BY id", like)
    return [(row["subject"].split(".")[3:], json.loads(row["body"])) for row in rows]


async def test_a_run_gets_the_channel_its_asker_sees(chat, room):
    ann, bob, channel, bot = room
    said = [await one.say(channel, text) for one, text in [(ann, "first"), (bob, "second"), (ann, "third")]]
    opened = await bot.open(ann, channel, context_limit=2)
    assert [(heard["id"], heard["text"]) for heard in opened["messages"]] == [(m["id"], m["text"]) for m in said[1:]]
    names = [(await person.get("/users/me"))["display_name"] for person in (bob, ann)]
    assert [heard["author"] for heard in opened["messages"]] == names
    assert opened["asker"] == names[1]
    run = opened["run"]
    assert (run["state"], run["asker_id"], run["prompt"], run["message_id"]) == ("running", ann.id, "what is it?", None)
    ((scope, event),) = await recorded(chat, "run.%")
    assert (scope, event["type"], event["ch_seq"]) == (["ch", channel["id"]], "run.started", None)
    assert (event["actor_id"], event["data"]["run"]) == (ann.id, run)


async def test_a_run_in_a_thread_gets_the_thread(room):
    ann, bob, channel, bot = room
    root = await ann.say(channel, "a question")
    await bob.say(channel, "something else")
    replies = [await bob.reply(channel, root, f"reply {number}") for number in range(3)]
    opened = await bot.open(ann, channel, thread_id=root["id"], context_limit=3)
    assert [heard["id"] for heard in opened["messages"]] == [root["id"], *(reply["id"] for reply in replies[1:])]
    finished = await bot.finish(opened["run"]["id"])
    assert finished["message"]["thread_id"] == opened["run"]["thread_id"] == root["id"]
    for nowhere in (replies[0]["id"], str(uuid.uuid4())):
        assert (await bot.open(ann, channel, 422, thread_id=nowhere))["code"] == "thread_not_found"


async def test_deleted_messages_are_not_read(room):
    ann, _, channel, bot = room
    root, gone = await ann.say(channel, "a question"), await ann.say(channel, "a secret")
    await ann.reply(channel, root, "a reply")
    for message in (root, gone):
        await ann.delete(f"/messages/{message['id']}", 200)
    texts = [message["text"] for message in (await bot.open(ann, channel))["messages"]]
    assert texts == ["a reply"]
    texts = [message["text"] for message in (await bot.open(ann, channel, thread_id=root["id"]))["messages"]]
    assert texts == ["a reply"]
    assert (await bot.open(ann, channel, context_limit=0))["messages"] == []


async def test_opening_again_answers_the_same_run_and_is_told_once(chat, room):
    ann, bob, channel, bot = room
    run_id = str(uuid.uuid4())
    answers = await asyncio.gather(*(bot.open(ann, channel, id=run_id) for _ in range(5)))
    assert len({json.dumps(answer["run"]) for answer in answers}) == 1
    assert len(await recorded(chat, "run.started")) == 1
    assert (await bot.open(bob, channel, 409, id=run_id))["code"] == "run_id_reused"
    await bot.finish(run_id)
    assert (await bot.open(ann, channel, id=run_id))["run"]["state"] == "done"


async def test_who_may_not_write_may_not_ask(chat, room):
    ann, bob, channel, bot = room
    plans = await ann.channel({"id": channel["workspace_id"]}, "plans")
    secret = await ann.channel({"id": channel["workspace_id"]}, "secret", "private")
    stranger = await chat.person()
    assert (await bot.open(bob, plans, 403))["code"] == "not_a_member"
    assert (await bot.open(bob, secret, 404))["code"] == "not_found"
    assert (await bot.open(stranger, channel, 404))["code"] == "not_found"
    assert (await bot.open(ann, {"id": str(uuid.uuid4())}, 404))["code"] == "not_found"
    await ann.post(f"/channels/{plans['id']}/archive")
    assert (await bot.open(ann, plans, 409))["code"] == "channel_archived"
    assert await recorded(chat, "run.%") == []


async def test_the_bot_does_not_ask_itself(room):
    ann, _, channel, bot = room
    workspace = channel["workspace_id"]
    talk = await ann.post(f"/workspaces/{workspace}/dms", {"user_ids": [BOT_USER_ID]}, 201)
    itself = type("Itself", (), {"id": BOT_USER_ID})
    assert (await bot.open(itself, talk, 403))["code"] == "not_a_member"
    answer = await bot.finish((await bot.open(ann, talk))["run"]["id"])
    assert answer["message"]["channel_id"] == talk["id"]


async def test_a_workspace_that_the_release_before_founded_gets_the_bot(chat, room):
    ann, _, channel, bot = room
    await chat.sql("DELETE FROM workspace_member WHERE user_id = $1", uuid.UUID(BOT_USER_ID))
    await bot.open(ann, channel)
    members = (await ann.get(f"/workspaces/{channel['workspace_id']}/members"))["items"]
    assert BOT_USER_ID in [member["user"]["id"] for member in members]


async def test_the_answer_is_a_message_of_the_bot_with_its_mark(chat, room, said_in):
    ann, _, channel, bot = room
    source = await ann.say(channel, "it is 42")
    run = (await bot.open(ann, channel, trigger_message_id=source["id"]))["run"]
    citation = bot.cite(source)
    finished = await bot.finish(run["id"], "Forty-two [1].", citations=[citation])
    message = finished["message"]
    assert (message["author_id"], message["client_msg_id"], message["text"]) == (
        BOT_USER_ID,
        run["id"],
        "Forty-two [1].",
    )
    assert message["ch_seq"] == source["ch_seq"] + 1
    assert message["ai"] == {
        "run_id": run["id"],
        "asker_id": ann.id,
        "command": "ask",
        "prompt": "it is 42",
        "model": "small-2",
        "prompt_tokens": 30,
        "completion_tokens": 4,
        "duration_ms": 900,
        "citations": [citation],
        "stopped": False,
    }
    assert finished["run"] == {
        **run,
        "state": "done",
        "attempt": 2,
        "model": "small-2",
        "prompt_tokens": 30,
        "completion_tokens": 4,
        "citations": [citation],
        "message_id": message["id"],
        "finished_at": finished["run"]["finished_at"],
    }
    assert (await ann.get(f"/messages/{message['id']}"))["message"] == message
    assert await said_in(ann, channel) == [source, message]
    (_, created), (scope, ended) = (await recorded(chat))[-2:]
    assert (created["type"], created["data"]["message"], created["actor_id"]) == (
        "message.created",
        message,
        BOT_USER_ID,
    )
    assert (scope, ended["type"], ended["ch_seq"]) == (["ch", channel["id"]], "run.finished", None)
    assert ended["data"]["run"] == finished["run"]


@pytest.mark.parametrize("text", ["", " \n\t"])
@pytest.mark.parametrize("state", ["done", "stopped"])
async def test_nothing_to_say_ends_the_run_without_a_message(chat, room, state, text):
    ann, _, channel, bot = room
    run = (await bot.open(ann, channel))["run"]
    finished = await bot.finish(run["id"], text, state=state)
    assert (finished["message"], finished["run"]["state"], finished["run"]["message_id"]) == (None, state, None)
    assert await posted(chat) == []


async def test_a_stopped_answer_says_so(room):
    ann, _, channel, bot = room
    run = (await bot.open(ann, channel))["run"]
    finished = await bot.finish(run["id"], "Forty", state="stopped")
    assert (finished["run"]["state"], finished["message"]["ai"]["stopped"]) == ("stopped", True)


async def test_a_failed_run_posts_nothing_and_says_why(chat, room):
    ann, _, channel, bot = room
    run = (await bot.open(ann, channel))["run"]
    finished = await bot.finish(run["id"], "half an ans", state="failed", error="provider_unavailable")
    assert (finished["run"]["state"], finished["run"]["error"]) == ("failed", "provider_unavailable")
    assert finished["message"] is None
    assert await posted(chat) == []


async def test_an_answer_that_is_too_long_is_cut(room):
    ann, _, channel, bot = room
    texts = []
    for length in (16_000, 16_001, 300_000):
        run = (await bot.open(ann, channel))["run"]
        texts.append((await bot.finish(run["id"], "🙂" * length))["message"]["text"])
    assert texts[0] == "🙂" * 16_000
    assert texts[1] == texts[2] == "🙂" * 15_999 + "…"


async def test_the_first_outcome_counts_also_of_two_at_once(chat, room, said_in):
    ann, bob, channel, bot = room
    run = (await bot.open(ann, channel))["run"]
    answers = await asyncio.gather(
        *(bot.finish(run["id"], text) for text in ("one", "two", "three")),
        bot.finish(run["id"], state="failed", error="provider_unavailable"),
    )
    assert all(answer == answers[0] for answer in answers)
    assert await bot.finish(run["id"], "four") == answers[0]
    assert len(await recorded(chat, "run.finished")) == 1
    assert await said_in(bob, channel) == ([answers[0]["message"]] if answers[0]["message"] else [])


async def test_an_unknown_run_cannot_be_finished(room):
    *_, bot = room
    await bot.finish(uuid.uuid4(), expect=404)


@pytest.mark.parametrize("way_out", ["channel", "workspace"])
async def test_nothing_is_posted_for_an_asker_who_left(room, said_in, way_out):
    ann, bob, channel, bot = room
    run = (await bot.open(bob, channel))["run"]
    place = channel["id"] if way_out == "channel" else channel["workspace_id"]
    await ann.delete(f"/{way_out}s/{place}/members/{bob.id}")
    finished = await bot.finish(run["id"])
    assert (finished["run"]["state"], finished["run"]["error"], finished["message"]) == ("failed", "asker_left", None)
    assert await bot.finish(run["id"]) == finished
    assert await said_in(ann, channel) == []


async def test_nothing_is_posted_into_an_archived_channel(room):
    ann, _, channel, bot = room
    run = (await bot.open(ann, channel))["run"]
    await ann.post(f"/channels/{channel['id']}/archive")
    finished = await bot.finish(run["id"])
    assert (finished["run"]["state"], finished["run"]["error"]) == ("failed", "channel_archived")
    await ann.post(f"/channels/{channel['id']}/unarchive")
    assert await bot.finish(run["id"]) == finished


async def test_an_asker_who_is_being_removed_gets_no_answer(chat, room, said_in):
    """The removal holds the seat; finishing waits for it, sees how it ended and posts nothing."""
    ann, bob, channel, bot = room
    run = (await bot.open(bob, channel))["run"]
    removal = await asyncpg.connect(chat.postgres_url)
    try:
        async with removal.transaction():
            await removal.execute("DELETE FROM workspace_member WHERE user_id = $1", uuid.UUID(bob.id))
            waiting = asyncio.ensure_future(bot.finish(run["id"]))
            await chat.somebody_waits_for_a_lock()
        assert (await waiting)["run"]["error"] == "asker_left"
    finally:
        await removal.close()
    assert await said_in(ann, channel) == []


async def test_answers_and_messages_at_once_leave_no_gap(room):
    ann, bob, channel, bot = room
    runs = [(await bot.open(one, channel))["run"]["id"] for one in (ann, bob, ann, bob)]
    await asyncio.gather(
        *(bot.finish(run) for run in runs),
        *(one.say(channel, "and I") for one in (ann, bob) * 3),
    )
    joined, *items = (await ann.get(f"/channels/{channel['id']}/messages"))["items"]
    assert (joined["ch_seq"], joined["system"]["kind"]) == (3, "joined")
    assert [item["ch_seq"] for item in items] == list(range(4, 14))


async def test_finishing_wakes_the_relay(chat, room):
    ann, _, channel, bot = room
    run = (await bot.open(ann, channel))["run"]
    woken = []
    await chat.bus.subscribe(chat.bus.topology.poke_all, lambda message: woken.append(message.subject))
    await chat.bus.flush()
    await bot.finish(run["id"])
    await asyncio.sleep(0.05)
    await chat.bus.flush()
    assert len(woken) == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [({"context_limit": 201}, "/context_limit"), ({"prompt": "x" * 16_001}, "/prompt"), ({"command": ""}, "/command")],
)
async def test_unacceptable_runs_are_refused(room, change, pointer):
    ann, _, channel, bot = room
    problem = await bot.open(ann, channel, 422, **change)
    assert problem["errors"][0]["pointer"] == pointer
