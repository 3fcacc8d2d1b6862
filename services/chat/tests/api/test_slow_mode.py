"""Between two messages of one person in a slow channel pass at least so many seconds, wherever they are sent."""

import asyncio
import uuid

import pytest_asyncio


@pytest_asyncio.fixture(loop_scope="session")
async def slow(house):
    await house.mod.patch(house.here, {"slow_mode_s": 60})
    return house


async def wait_over(house, person):
    """A minute passes for this person."""
    await house.chat.sql(
        "UPDATE slow_mode_turn SET sent_at = sent_at - interval '61 seconds' WHERE user_id = $1", uuid.UUID(person.id)
    )


async def test_the_next_message_has_to_wait(slow):
    first = await slow.cat.say(slow.channel, "one")
    too_soon = await slow.cat.say(slow.channel, "two", expect=None)
    assert (too_soon.status_code, too_soon.json()["code"]) == (429, "slow_mode")
    assert 55 <= int(too_soon.headers["retry-after"]) <= 60
    assert (await slow.cat.reply(slow.channel, first, "two", 429))["code"] == "slow_mode"
    forwarded = {"channel_id": slow.channel["id"], "client_msg_id": str(uuid.uuid4())}
    answer = await slow.cat.post(f"/messages/{first['id']}/forward", forwarded, 429)
    assert answer["code"] == "slow_mode"
    await slow.gil.say(slow.channel, "mine is another turn")
    await slow.cat.say(slow.workspace["general"], "so is another place")
    await slow.cat.patch(f"/messages/{first['id']}", {"text": "edited"})
    await wait_over(slow, slow.cat)
    await slow.cat.reply(slow.channel, first, "two")
    assert [event["type"] for event in await slow.events()][-4:] == [
        "message.created",
        "message.created",
        "message.updated",
        "message.created",
    ]


async def test_a_forwarded_message_and_an_asked_one_take_the_turn(slow, bot):
    said = await slow.cat.say(slow.workspace["general"], "mine")
    forwarded = {"channel_id": slow.channel["id"], "client_msg_id": str(uuid.uuid4())}
    for expect in (201, 200):
        await slow.cat.post(f"/messages/{said['id']}/forward", forwarded, expect)
    await slow.cat.say(slow.channel, "two", expect=429)
    assert (await bot.open(slow.cat, slow.channel, 429))["code"] == "slow_mode"
    run = await bot.open(slow.gil, slow.channel)
    await bot.open(slow.gil, slow.channel, id=run["run"]["id"])
    await slow.gil.say(slow.channel, "two", expect=429)
    await bot.finish(run["run"]["id"])


async def test_a_question_that_is_a_message_takes_one_turn(slow, bot):
    question = await slow.cat.say(slow.channel, "@bot why?")
    await bot.open(slow.cat, slow.channel, trigger_message_id=question["id"])


async def test_what_was_sent_is_answered_again(slow):
    key = str(uuid.uuid4())
    said = await slow.cat.say(slow.channel, "one", key)
    assert await slow.cat.say(slow.channel, "one", key, expect=200) == said


async def test_who_sets_it_is_exempt(slow):
    for person in (slow.mod, slow.ann, slow.bob):
        for _ in range(3):
            await person.say(slow.channel, "quick")
    assert await slow.chat.sql("SELECT 1 FROM slow_mode_turn") == []


async def test_who_sets_it_and_how(slow, told):
    for person in (slow.cat, slow.gil):
        await person.patch(slow.here, {"slow_mode_s": 0}, 403)
    for wrong in (-1, 21_601, 1.5, None):
        await slow.mod.patch(slow.here, {"slow_mode_s": wrong}, 422)
    await slow.mod.patch(slow.here, {"slow_mode_s": 5, "name": "mine"}, 403)
    assert (await slow.bob.patch(slow.here, {"slow_mode_s": 21_600}))["channel"]["slow_mode_s"] == 21_600
    assert (await slow.cat.get(slow.here))["channel"]["slow_mode_s"] == 21_600
    direct = await slow.mod.post(f"{slow.there}/dms", {"user_ids": [slow.cat.id]}, 201)
    await slow.mod.patch(f"/channels/{direct['id']}", {"slow_mode_s": 5}, 409)
    heard = [event["data"]["channel"]["slow_mode_s"] for event in await slow.events() if "channel" in event["data"]]
    assert heard[-2:] == [60, 21_600]
    entry = (await slow.audit())[-1]
    assert (entry["action"], "21600" in entry["after"]) == ("channel.updated", True)


async def test_the_channel_is_as_slow_as_it_is_now(slow):
    await slow.cat.say(slow.channel, "one")
    await slow.mod.patch(slow.here, {"slow_mode_s": 0})
    await slow.cat.say(slow.channel, "two")
    await slow.mod.patch(slow.here, {"slow_mode_s": 3600})
    await wait_over(slow, slow.cat)
    await slow.cat.say(slow.channel, "three", expect=429)


async def test_of_many_at_once_one_is_sent(slow, bot):
    """Whichever way they go, and however many devices."""
    root = await slow.bob.say(slow.channel, "root")
    here = await slow.cat.say(slow.workspace["general"], "original")
    for _ in range(5):
        forwarded = {"channel_id": slow.channel["id"], "client_msg_id": str(uuid.uuid4())}
        body = {"text": "reply", "client_msg_id": str(uuid.uuid4()), "thread_id": root["id"]}
        answers = await asyncio.gather(
            *(slow.cat.say(slow.channel, "quick", expect=None) for _ in range(6)),
            slow.cat.post(f"{slow.here}/messages", body, None),
            slow.cat.post(f"/messages/{here['id']}/forward", forwarded, None),
        )
        codes = sorted(answer.status_code for answer in answers)
        assert codes == [201] + [429] * 7
        assert {answer.json()["code"] for answer in answers if answer.status_code == 429} == {"slow_mode"}
        await wait_over(slow, slow.cat)
    events = await slow.events()
    mine = [event for event in events if event["type"] == "message.created" and event["actor_id"] == slow.cat.id]
    assert len(mine) == 5


async def test_a_refused_message_takes_no_turn(slow):
    await slow.cat.reply(slow.channel, {"id": str(uuid.uuid4())}, "nowhere", 422)
    await slow.cat.say(slow.channel, "one")


async def test_leaving_and_coming_back_does_not_help(slow):
    await slow.cat.say(slow.channel, "one")
    await slow.cat.post(f"{slow.here}/leave", None, 204)
    await slow.cat.post(f"{slow.here}/join")
    await slow.cat.say(slow.channel, "two", expect=429)
