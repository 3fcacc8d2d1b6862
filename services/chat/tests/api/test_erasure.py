"""What the bot's runs and answers repeat of a message goes when the message is changed, whatever happens at once."""

import asyncio
import json
import uuid
from contextlib import asynccontextmanager

import asyncpg
import pytest
import pytest_asyncio

from tertulia_shared.events import decode, decode_envelope


async def furnish(chat):
    """Ann, who owns the workspace, and Bob in `general`."""
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    return ann, bob, workspace["general"]


@pytest_asyncio.fixture(loop_scope="session")
async def room(begin_with, bot):
    return *await begin_with(furnish), bot


async def everything_stored(chat):
    return "".join([str(await chat.sql(f"SELECT * FROM {table}")) for table in ("message", "event_log", "bot_run")])


async def told_of(chat, run):
    """What the log says of the run: at its beginning, at its end."""
    rows = await chat.sql("SELECT body FROM event_log WHERE type LIKE 'run.%' ORDER BY id")
    assert all(decode(decode_envelope(row["body"])) is not None for row in rows)
    runs = [json.loads(row["body"])["data"]["run"] for row in rows]
    return [one for one in runs if one["id"] == run["id"]]


async def answer_of(person, message):
    return (await person.get(f"/messages/{message['id']}"))["message"]


@asynccontextmanager
async def somebody_else(chat):
    """A transaction beside; it is committed at the end."""
    connection = await asyncpg.connect(chat.postgres_url)
    try:
        async with connection.transaction():
            yield connection
    finally:
        await connection.close()


async def change(way, person, message):
    if way == "delete":
        await person.delete(f"/messages/{message['id']}", 200)
    else:
        await person.patch(f"/messages/{message['id']}", {"text": "never mind"})


async def test_a_run_asks_what_its_message_says_now(chat, room):
    ann, _, channel, bot = room
    question = await ann.say(channel, "@bot what was my password?")
    await ann.patch(f"/messages/{question['id']}", {"text": "@bot what is the time?"})
    asked = {"prompt": question["text"], "trigger_message_id": question["id"]}
    run = (await bot.open(ann, channel, **asked))["run"]
    assert run["prompt"] == "@bot what is the time?"
    assert [one["prompt"] for one in await told_of(chat, run)] == ["@bot what is the time?"]
    await ann.patch(f"/messages/{question['id']}", {"text": "@bot what is the date?"})
    assert [one["prompt"] for one in await told_of(chat, run)] == [""]
    again = await bot.open(ann, channel, id=run["id"], **asked)
    assert again["run"]["prompt"] == "@bot what is the date?"
    finished = await bot.finish(run["id"])
    assert finished["message"]["ai"]["prompt"] == finished["run"]["prompt"] == "@bot what is the date?"
    assert "password" not in await everything_stored(chat)


async def test_a_message_that_is_gone_asks_nothing(chat, room):
    ann, bob, channel, bot = room
    workspace = {"id": channel["workspace_id"]}
    plans = await ann.channel(workspace, "plans")
    question, elsewhere = await ann.say(channel, "@bot secret?"), await ann.say(plans, "@bot here?")
    await ann.delete(f"/messages/{question['id']}", 200)
    for gone in (question["id"], elsewhere["id"], str(uuid.uuid4())):
        problem = await bot.open(ann, channel, 404, prompt="@bot secret?", trigger_message_id=gone)
        assert problem["code"] == "not_found"
    his = await bob.say(channel, "@bot mine?")
    problem = await bot.open(ann, channel, 422, trigger_message_id=his["id"])
    assert problem["errors"][0]["pointer"] == "/trigger_message_id"
    assert "secret" not in await everything_stored(chat)
    assert await chat.sql("SELECT * FROM bot_run") == []


async def test_a_question_that_is_deleted_while_its_run_is_opened(chat, room):
    ann, _, channel, bot = room
    question = await ann.say(channel, "@bot secret?")
    async with somebody_else(chat) as deletion:
        await deletion.execute(
            "UPDATE message SET text = '', deleted_at = now() WHERE id = $1", uuid.UUID(question["id"])
        )
        opening = asyncio.ensure_future(bot.open(ann, channel, 404, trigger_message_id=question["id"]))
        await chat.somebody_waits_for_a_lock()
    assert (await opening)["code"] == "not_found"


@pytest.mark.parametrize("way", ["delete", "edit"])
async def test_changing_a_message_takes_its_words_out_of_answers_and_runs(chat, room, way):
    """Quotes beside citations, in other channels too, and the question that it was; in rows and in the log."""
    ann, bob, channel, bot = room
    plans = await ann.channel({"id": channel["workspace_id"]}, "plans")
    question = await bob.say(channel, "what was my password?")
    source, other = await bob.say(channel, "it is hunter2"), await ann.say(channel, "ask Bob")
    runs = [
        (await bot.open(bob, channel, trigger_message_id=question["id"]))["run"],
        (await bot.open(ann, plans, prompt="Bob's password?"))["run"],
    ]
    cited = [bot.cite(source), bot.cite(other, 2)]
    answers = [(await bot.finish(run["id"], "As Bob says [1].", citations=cited))["message"] for run in runs]
    await change(way, bob, source)
    for run, answer in zip(runs, answers, strict=True):
        now = await answer_of(ann, answer)
        assert [citation["quote"] for citation in now["ai"]["citations"]] == ["", "ask Bob"]
        assert (now["text"], now["ai"]["prompt"]) == (answer["text"], answer["ai"]["prompt"])
        (event,) = (await ann.get(f"/channels/{answer['channel_id']}/events?after={answer['ch_seq']}"))["items"][-1:]
        assert (event["type"], event["data"]["message"]) == ("message.updated", now)
        begun, ended = await told_of(chat, run)
        assert begun == run
        assert (ended["citations"], ended["prompt"]) == (now["ai"]["citations"], run["prompt"])
    assert "hunter2" not in await everything_stored(chat)
    await change(way, bob, question)
    assert "what was my password?" not in await everything_stored(chat)
    assert [(await answer_of(ann, answer))["ai"]["prompt"] for answer in answers] == ["", "Bob's password?"]
    assert [one["prompt"] for run in runs for one in await told_of(chat, run)] == ["", "", *["Bob's password?"] * 2]
    assert (await bot.finish(runs[0]["id"]))["run"]["prompt"] == ""


@pytest.mark.parametrize("way", ["delete", "edit"])
async def test_a_run_without_an_answer_loses_its_question_too(chat, room, way):
    ann, _, channel, bot = room
    question = await ann.say(channel, "@bot secret?")
    run = (await bot.open(ann, channel, trigger_message_id=question["id"]))["run"]
    await bot.finish(run["id"], state="failed", error="provider_unavailable")
    await change(way, ann, question)
    assert [one["prompt"] for one in await told_of(chat, run)] == ["", ""]
    assert "secret" not in await everything_stored(chat)


async def test_deleting_an_answer_takes_the_question_and_the_quotes_along(chat, room):
    ann, bob, channel, bot = room
    source = await bob.say(channel, "it is hunter2")
    run = (await bot.open(ann, channel, prompt="Bob's password?"))["run"]
    answer = (await bot.finish(run["id"], "As Bob says [1].", citations=[bot.cite(source)]))["message"]
    await ann.delete(f"/messages/{answer['id']}", 200)
    assert [(one["prompt"], one["citations"]) for one in await told_of(chat, run)] == [("", [])] * 2
    again = (await bot.finish(run["id"]))["run"]
    assert (again["prompt"], again["citations"], again["message_id"]) == ("", [], answer["id"])
    stored = await everything_stored(chat)
    assert "password" not in stored
    assert "As Bob says" not in stored
    assert (await answer_of(ann, source))["text"] == "it is hunter2"


async def test_words_go_even_when_the_log_no_longer_reaches_back(chat, room):
    ann, _, channel, bot = room
    question = await ann.say(channel, "@bot secret?")
    run = (await bot.open(ann, channel, trigger_message_id=question["id"]))["run"]
    answer = (await bot.finish(run["id"], citations=[bot.cite(question)]))["message"]
    await chat.sql("DELETE FROM event_log")
    await change("delete", ann, question)
    assert (await answer_of(ann, answer))["ai"]["prompt"] == ""
    assert "secret" not in await everything_stored(chat)


async def test_what_was_changed_meanwhile_is_not_quoted(chat, room):
    """A quote stays when the message still says it, with spaces joined and cut as quotes are."""
    ann, _, channel, bot = room
    sources = [await ann.say(channel, f"it is hunter{number}") for number in range(4)]
    run = (await bot.open(ann, channel))["run"]
    citations = [bot.cite(source, n) for n, source in enumerate(sources, 1)]
    citations[2]["quote"] = "so it is hunter2 a…"
    citations.append({**citations[0], "n": 5, "message_id": "nonsense", "quote": "x" * 1_001})
    await ann.delete(f"/messages/{sources[0]['id']}", 200)
    await ann.patch(f"/messages/{sources[1]['id']}", {"text": "it is nothing"})
    await ann.patch(f"/messages/{sources[2]['id']}", {"text": "and so\nit is hunter2  again"})
    finished = await bot.finish(run["id"], "As you said [1].", citations=citations)
    quotes = [citation["quote"] for citation in finished["message"]["ai"]["citations"]]
    assert quotes == ["", "", "so it is hunter2 a…", "it is hunter3", "x" * 999 + "…"]
    stored = await everything_stored(chat)
    assert [word in stored for word in ("hunter0", "hunter1", "hunter3")] == [False, False, True]


async def test_what_is_being_deleted_is_not_quoted(chat, room):
    """The deletion is first: the answer waits for it."""
    ann, _, channel, bot = room
    plans = await ann.channel({"id": channel["workspace_id"]}, "plans")
    source = await ann.say(channel, "it is hunter2")
    run = (await bot.open(ann, plans))["run"]
    async with somebody_else(chat) as deletion:
        await deletion.execute(
            "UPDATE message SET text = '', deleted_at = now() WHERE id = $1", uuid.UUID(source["id"])
        )
        finishing = asyncio.ensure_future(bot.finish(run["id"], citations=[bot.cite(source)]))
        await chat.somebody_waits_for_a_lock()
    assert (await finishing)["message"]["ai"]["citations"][0]["quote"] == ""


@pytest.mark.parametrize("way", ["delete", "edit"])
async def test_an_answer_that_appears_in_the_middle_is_found(chat, room, way):
    """The change has looked for answers and waits for the message; meanwhile one is posted in another channel."""
    ann, _, channel, bot = room
    plans = await ann.channel({"id": channel["workspace_id"]}, "plans")
    source = await ann.say(channel, "it is hunter2")
    run = (await bot.open(ann, plans))["run"]
    async with somebody_else(chat) as reading:
        await reading.execute("SELECT id FROM message WHERE id = $1 FOR SHARE", uuid.UUID(source["id"]))
        changing = asyncio.ensure_future(change(way, ann, source))
        await chat.somebody_waits_for_a_lock()
        answer = (await bot.finish(run["id"], citations=[bot.cite(source)]))["message"]
        assert answer["ai"]["citations"][0]["quote"] == "it is hunter2"
    await changing
    assert (await answer_of(ann, answer))["ai"]["citations"][0]["quote"] == ""
    assert "hunter2" not in await everything_stored(chat)


async def test_answers_and_changes_at_once_leave_nothing(chat, room):
    ann, bob, channel, bot = room
    plans = await ann.channel({"id": channel["workspace_id"]}, "plans")
    for way in ("delete", "edit") * 3:
        sources = [await bob.say(channel, f"@bot hunter{number}") for number in range(2)]
        runs = [(await bot.open(bob, channel, trigger_message_id=source["id"]))["run"] for source in sources]
        runs += [(await bot.open(ann, plans, prompt="?"))["run"] for _ in sources]
        cited = [bot.cite(source, n) for n, source in enumerate(sources, 1)]
        await asyncio.gather(
            *(bot.finish(run["id"], citations=cited) for run in runs), *(change(way, bob, source) for source in sources)
        )
        assert "hunter" not in await everything_stored(chat)
    for place in (channel, plans):
        log = (await ann.get(f"/channels/{place['id']}/events?after=0&limit=200"))["items"]
        assert [event["ch_seq"] for event in log] == list(range(1, len(log) + 1))


@pytest.mark.parametrize(("method", "body"), [("DELETE", None), ("PATCH", {"text": "mine now"})])
async def test_who_may_not_change_a_message_waits_for_nobody(chat, room, method, body):
    """And makes nobody wait: the channel is locked by somebody else all the time."""
    ann, bob, channel, _ = room
    said = await ann.say(channel, "mine")
    stranger = await chat.person()
    async with somebody_else(chat) as busy:
        await busy.execute("SELECT id FROM channel WHERE id = $1 FOR UPDATE", uuid.UUID(channel["id"]))
        async with asyncio.timeout(4):
            more = {} if body is None else {"json": body}
            await bob.ask(method, f"/messages/{said['id']}", 403, **more)
            await stranger.ask(method, f"/messages/{said['id']}", 404, **more)
