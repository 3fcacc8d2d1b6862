"""Who is muted reads and has no word, by whichever way, until it is over."""

import asyncio
import uuid

import asyncpg
import pytest


async def mute(person, place, user, until, expect=200, **terms):
    answer = await person.ask("PUT", f"{place}/mutes/{user.id}", expect, json={"until": until, **terms})
    return answer if expect == 200 else answer["code"]


async def muted_in(person, place, user):
    items = (await person.get(f"{place}/members"))["items"]
    (found,) = [item["muted_until"] for item in items if item["user"]["id"] == user.id]
    return found


@pytest.fixture(params=["here", "there"])
def place(request, house):
    """In the channel, or in all of the workspace."""
    return getattr(house, request.param)


async def test_no_word_by_any_way(house, place, in_an_hour, bot):
    cat = house.cat
    own, others = await cat.say(house.channel, "mine"), await house.bob.say(house.channel, "yours")
    gone = await cat.say(house.channel, "gone")
    await cat.delete(f"/messages/{gone['id']}", 200)
    await mute(house.mod, place, cat, in_an_hour)
    sent = await cat.say(house.channel, "hello", expect=None)
    assert (sent.status_code, sent.json()["code"]) == (403, "muted")
    assert 3500 < int(sent.headers["retry-after"]) <= 3600
    assert (await cat.reply(house.channel, own, "and", 403))["code"] == "muted"
    forwarded = {"channel_id": house.channel["id"], "client_msg_id": str(uuid.uuid4())}
    for method, path, body in (
        ("PATCH", f"/messages/{own['id']}", {"text": "changed"}),
        ("POST", f"/messages/{gone['id']}/restore", None),
        ("POST", f"/messages/{own['id']}/forward", forwarded),
        ("PUT", f"/messages/{others['id']}/reactions/👍", None),
        ("DELETE", f"/messages/{others['id']}/reactions/👍", None),
        ("PUT", f"/messages/{others['id']}/pin", None),
        ("DELETE", f"/messages/{others['id']}/pin", None),
        ("PATCH", house.here, {"topic": "mine now"}),
    ):
        answer = await cat.ask(method, path, 403, json=body)
        assert answer["code"] == "muted", path
    assert (await bot.open(cat, house.channel, 403))["code"] == "muted"
    stored = await house.chat.sql(
        "SELECT text, system::jsonb ->> 'kind' AS kind FROM message WHERE deleted_at IS NULL ORDER BY ch_seq"
    )
    assert [row["text"] for row in stored if row["kind"] is None] == ["mine", "yours"]
    assert {row["kind"] for row in stored} == {None, "joined", "added"}


async def test_reading_leaving_drafting_and_erasing_stay(house, place, in_an_hour):
    own = await house.cat.say(house.channel, "mine")
    await mute(house.mod, place, house.cat, in_an_hour)
    assert (await house.cat.get(f"{house.here}/messages"))["items"]
    await house.cat.ask("PUT", f"{house.here}/draft", json={"text": "later"})
    await house.cat.ask("PUT", f"{house.here}/read", None, json={"seq": own["ch_seq"]})
    await house.cat.ask("PUT", f"/messages/{own['id']}/save", 204)
    await house.cat.delete(f"/messages/{own['id']}", 200)
    await house.cat.post(f"{house.here}/leave", None, 204)


async def test_what_was_sent_before_is_answered_again(house, place, in_an_hour):
    key = str(uuid.uuid4())
    said = await house.cat.say(house.channel, "in time", key)
    await mute(house.mod, place, house.cat, in_an_hour)
    assert await house.cat.say(house.channel, "in time", key, expect=200) == said


async def test_it_ends_by_itself_or_by_somebody(house, place, in_an_hour):
    await mute(house.mod, place, house.cat, in_an_hour)
    assert await muted_in(house.bob, place, house.cat) == in_an_hour
    await house.end("mute")
    assert await muted_in(house.bob, place, house.cat) is None
    await house.cat.say(house.channel, "back")
    await mute(house.mod, place, house.cat, in_an_hour)
    for _ in range(2):
        await house.mod.delete(f"{place}/mutes/{house.cat.id}")
    await house.cat.say(house.channel, "again")


async def test_a_channel_is_not_the_workspace(house, in_an_hour):
    await mute(house.mod, house.here, house.cat, in_an_hour)
    await house.cat.say(house.workspace["general"], "over here")
    await mute(house.mod, house.there, house.cat, in_an_hour)
    await house.cat.say(house.workspace["general"], "and here", expect=403)
    direct = await house.cat.post(f"{house.there}/dms", {"user_ids": [house.bob.id]}, 201)
    assert (await house.cat.say(direct, "and here", expect=403))["code"] == "muted"
    wish = {"kind": "public", "name": "megaphone", "topic": "hear me"}
    assert (await house.cat.post(f"{house.there}/channels", wish, 403))["code"] == "muted"


async def test_leaving_and_coming_back_does_not_end_it(house, in_an_hour):
    await mute(house.mod, house.here, house.cat, in_an_hour)
    await house.cat.post(f"{house.here}/leave", None, 204)
    await house.cat.post(f"{house.here}/join")
    assert (await house.changed())["data"]["muted_until"] == in_an_hour
    assert (await house.cat.say(house.channel, "hello", expect=403))["code"] == "muted"
    await mute(house.mod, house.there, house.cat, in_an_hour)
    await house.cat.delete(f"{house.there}/members/{house.cat.id}")
    await house.ann.invite(house.workspace, house.cat)
    assert (await house.cat.say(house.workspace["general"], "hello", expect=403))["code"] == "muted"


async def test_what_is_told(house, in_an_hour, told):
    for _ in range(2):
        await mute(house.mod, house.here, house.cat, in_an_hour, reason="Sleep on it.")
    await house.mod.delete(f"{house.here}/mutes/{house.cat.id}")
    heard = [event["data"] for event in await house.events() if event["type"] == "member.updated"]
    assert heard == [
        {"user_id": house.cat.id, "role": "member", "muted_until": in_an_hour},
        {"user_id": house.cat.id, "role": "member", "muted_until": None},
    ]
    (notice,) = await house.notices(house.cat)
    assert (notice["kind"], notice["reason"], notice["until"]) == ("muted", "Sleep on it.", in_an_hour)
    assert await told(house.cat, "notice.created") == [{"notice": notice}]
    assert [entry["action"] for entry in await house.audit()][-2:] == ["channel.member_muted", "channel.mute_lifted"]


async def test_a_role_that_changes_meanwhile_says_that_it_goes_on(house, in_an_hour):
    await mute(house.ann, house.here, house.cat, in_an_hour)
    await house.bob.patch(f"{house.here}/members/{house.cat.id}", {"role": "owner"})
    assert (await house.events())[-1]["data"] == {"user_id": house.cat.id, "role": "owner", "muted_until": in_an_hour}
    await mute(house.ann, house.there, house.cat, in_an_hour)
    changed = await house.ann.patch(f"{house.there}/members/{house.cat.id}", {"role": "moderator"})
    assert changed["muted_until"] == in_an_hour
    assert (await house.cat.say(house.channel, "hello", expect=403))["code"] == "muted"


@pytest.mark.parametrize("place_name", ["here", "there"])
async def test_ranks(house, in_an_hour, place_name):
    at = getattr(house, place_name)
    assert await mute(house.cat, at, house.gil, in_an_hour, 403) == "forbidden"
    assert await mute(house.mod, at, house.ann, in_an_hour, 403) == "not_outranked"
    await mute(house.ann, at, house.mod, in_an_hour)
    answer = await house.mod.delete(f"{at}/mutes/{house.mod.id}", 403)
    assert answer["code"] == "not_outranked"
    await house.mod.get(f"{at}/mutes")
    await house.cat.get(f"{at}/mutes", 403)
    assert await mute(house.mod, at, house.cat, "2020-01-01T00:00:00Z", 422) == "validation_failed"
    assert await mute(house.mod, at, house.cat, None, 422) == "validation_failed"


async def test_a_send_that_waits_for_the_mute_is_refused(house, chat, in_an_hour):
    """What the sending saw of the person is looked at again."""
    holder = await asyncpg.connect(chat.postgres_url)
    try:
        async with holder.transaction():
            await holder.execute("SELECT 1 FROM channel WHERE id = $1 FOR UPDATE", uuid.UUID(house.channel["id"]))
            muting = asyncio.ensure_future(mute(house.mod, house.here, house.cat, in_an_hour))
            await chat.somebody_waits_for_a_lock()
            sending = asyncio.ensure_future(house.cat.say(house.channel, "last words", expect=403))
            await asyncio.sleep(0.2)
        await muting
        assert (await sending)["code"] == "muted"
    finally:
        await holder.close()


async def test_an_answer_of_the_bot_for_somebody_who_is_muted_meanwhile(house, bot, in_an_hour):
    run = await bot.open(house.cat, house.channel)
    await mute(house.mod, house.here, house.cat, in_an_hour)
    finished = await bot.finish(run["run"]["id"])
    assert (finished["run"]["state"], finished["run"]["error"]) == ("failed", "muted")
    assert finished["message"] is None


async def test_everybodys_first_look_shows_it(house, in_an_hour):
    await mute(house.mod, house.here, house.cat, in_an_hour)
    await mute(house.mod, house.there, house.cat, in_an_hour)
    first = await house.cat.get(f"{house.there}/bootstrap")
    (mine,) = [item for item in first["channels"] if item["channel"]["id"] == house.channel["id"]]
    (me,) = [person for person in first["members"] if person["user"]["id"] == house.cat.id]
    assert (mine["muted_until"], me["muted_until"]) == (in_an_hour, in_an_hour)
