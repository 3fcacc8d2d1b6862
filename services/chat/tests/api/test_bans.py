"""Who is banned is out, stays out by every way in, and reads nothing any more, until it is over."""

import asyncio
import json
import uuid

import pytest

from tertulia_shared.events import BOT_USER_ID


async def ban(person, place, user, expect=200, **terms):
    answer = await person.ask("PUT", f"{place}/bans/{user.id}", expect, json=terms)
    return answer if expect == 200 else answer["code"]


async def test_a_ban_from_a_channel(house, in_an_hour):
    banned = await ban(house.mod, house.here, house.cat, until=in_an_hour, reason="Shouting.")
    assert (banned["user"]["id"], banned["reason"], banned["laid_by"]) == (house.cat.id, "Shouting.", house.mod.id)
    assert banned["until"] == in_an_hour
    last = await house.changed()
    assert (last["type"], last["actor_id"]) == ("member.left", house.mod.id)
    assert last["data"] == {"user_id": house.cat.id, "reason": "removed", "removal": "banned"}
    (notice,) = await house.notices(house.cat)
    assert (notice["kind"], notice["reason"], notice["until"]) == ("banned", "Shouting.", in_an_hour)
    assert notice["channel_id"] == house.channel["id"]
    assert house.mod.id not in str(notice)
    entry = (await house.audit())[-1]
    assert (entry["action"], entry["actor_id"], entry["reason"]) == ("channel.member_banned", house.mod.id, "Shouting.")
    assert json.loads(entry["after"])["until"] == in_an_hour.replace("Z", "+00:00")
    assert (await house.mod.get(f"{house.here}/bans"))["items"] == [banned]


async def test_no_way_into_the_channel_and_no_look_at_it(house, chat):
    said = await house.bob.say(house.channel, "before")
    await ban(house.mod, house.here, house.cat)
    secret = await house.bob.say(house.channel, "after")
    cat, here = house.cat, house.here
    for method, path, body in (
        ("POST", f"{here}/join", None),
        ("GET", here, None),
        ("GET", f"{here}/messages", None),
        ("GET", f"{here}/events?after=0", None),
        ("GET", f"{here}/members", None),
        ("GET", f"{here}/pins", None),
        ("GET", f"/messages/{secret['id']}", None),
        ("GET", f"/messages/{said['id']}/thread", None),
        ("PUT", f"/messages/{said['id']}/reactions/👍", None),
        ("PUT", f"/messages/{said['id']}/save", None),
        ("POST", f"/messages/{said['id']}/report", {"category": "spam"}),
        ("PUT", f"{here}/draft", {"text": "later"}),
        ("PUT", f"{here}/preferences", {"muted": True}),
    ):
        answer = await cat.ask(method, path, 403, json=body)
        assert answer["code"] == "banned", path
    assert (await cat.say(house.channel, "psst", expect=403))["code"] == "banned"
    assert (await cat.reply(house.channel, said, "psst", 403))["code"] == "banned"
    listed = (await cat.get(f"{house.there}/channels"))["items"]
    assert house.channel["id"] not in [item["channel"]["id"] for item in listed]
    forwarded = {"channel_id": house.channel["id"], "client_msg_id": str(uuid.uuid4())}
    own = await cat.say(house.workspace["general"], "mine")
    assert (await cat.post(f"/messages/{own['id']}/forward", forwarded, 403))["code"] == "banned"
    for person in (house.bob, house.mod):
        answer = await person.post(f"{here}/members", {"user_id": cat.id}, 409)
        assert answer["code"] == "person_banned"
    told = await chat.sql("SELECT body FROM event_log WHERE subject LIKE '%.user.' || $1 ORDER BY id", cat.id)
    assert "after" not in str(told)


async def test_the_channel_is_named_to_who_may_not_read_it_by_no_text(house):
    await ban(house.mod, house.here, house.cat)
    said = await house.cat.say(house.workspace["general"], "see #plans")
    assert said["channels"] == []
    assert (await house.bob.say(house.workspace["general"], "see #plans"))["channels"] == [house.channel["id"]]


async def test_marks_of_before_are_not_shown(house):
    said = await house.bob.say(house.channel, f"<@{house.cat.id}> look")
    await house.cat.ask("PUT", f"/messages/{said['id']}/save", 204)
    await ban(house.mod, house.here, house.cat)
    for path in ("saved", "mentions", "threads", "drafts"):
        assert (await house.cat.get(f"{house.there}/{path}"))["items"] == [], path


async def test_a_ban_that_is_over_or_lifted(house, in_an_hour):
    await ban(house.mod, house.here, house.cat, until=in_an_hour)
    await house.end("ban")
    assert (await house.mod.get(f"{house.here}/bans"))["items"] == []
    assert await house.cat.get(house.here)
    await house.cat.post(f"{house.here}/join")
    await ban(house.mod, house.here, house.cat)
    for _ in range(2):
        await house.mod.delete(f"{house.here}/bans/{house.cat.id}")
    await house.bob.post(f"{house.here}/members", {"user_id": house.cat.id}, 201)
    actions = [entry["action"] for entry in await house.audit()]
    assert actions.count("channel.member_banned") == 2
    assert actions.count("channel.ban_lifted") == 1


async def test_the_person_is_told_of_each_ban_once(house, told, in_an_hour):
    for terms in ({"until": in_an_hour}, {"until": in_an_hour}, {}):
        await ban(house.mod, house.here, house.cat, **terms)
    await house.mod.delete(f"{house.here}/bans/{house.cat.id}")
    bans = [(fact["banned"], fact["until"]) for fact in await told(house.cat, "ban.updated")]
    assert bans == [(True, in_an_hour), (True, None), (False, None)]
    assert len(await told(house.cat, "notice.created")) == 2
    assert [event["type"] for event in await house.events()].count("member.left") == 1


async def test_a_ban_from_the_workspace(house, told):
    code = (await house.ann.post(f"{house.there}/invites", {}, 201))["code"]
    await ban(house.mod, house.there, house.cat, reason="Enough.")
    for path in (house.there, house.here, f"{house.there}/bootstrap", f"{house.here}/messages"):
        await house.cat.get(path, 404)
    await house.cat.say(house.channel, "psst", expect=404)
    assert (await house.cat.post(f"/invites/{code}/accept", None, 403))["code"] == "banned"
    await house.bob.post(f"{house.here}/members", {"user_id": house.cat.id}, 404)
    await house.bob.post(f"{house.there}/dms", {"user_ids": [house.cat.id]}, 404)
    (notice,) = await house.notices(house.cat)
    assert (notice["kind"], notice["channel_id"], notice["reason"]) == ("banned", None, "Enough.")
    left = await house.chat.sql("SELECT body FROM event_log WHERE type = 'workspace.member_left'")
    assert json.loads(left[-1]["body"])["data"]["removal"] == "banned"
    (listed,) = (await house.ann.get(f"{house.there}/bans"))["items"]
    assert listed["user"]["id"] == house.cat.id
    await house.mod.delete(f"{house.there}/bans/{house.cat.id}")
    await house.cat.post(f"/invites/{code}/accept")
    assert (await house.audit())[-1]["action"] == "member.ban_lifted"


async def test_an_invitation_of_a_banned_person_is_gone_and_theirs_is_not_used_up(house):
    await house.ann.patch(f"{house.there}/members/{house.cat.id}", {"role": "admin"})
    code = (await house.cat.post(f"{house.there}/invites", {}, 201))["code"]
    await ban(house.ann, house.there, house.cat)
    await house.gil.post(f"/invites/{code}/accept", None, 404)
    once = (await house.ann.post(f"{house.there}/invites", {"max_uses": 1}, 201))["code"]
    await house.cat.post(f"/invites/{once}/accept", None, 403)
    still = (await house.ann.get(f"{house.there}/invites"))["items"]
    assert [invite["uses"] for invite in still if invite["code"] == once] == [0]


async def test_who_comes_back_finds_the_channels_that_they_are_banned_from_closed(house):
    general = f"/channels/{house.workspace['general']['id']}"
    await ban(house.mod, general, house.cat)
    await house.cat.delete(f"{house.there}/members/{house.cat.id}")
    await house.ann.invite(house.workspace, house.cat)
    assert (await house.cat.get(general, 403))["code"] == "banned"


async def test_who_left_before_is_kept_from_coming_back(house):
    await house.cat.post(f"{house.here}/leave", None, 204)
    before = await house.events()
    await ban(house.mod, house.here, house.cat)
    assert await house.events() == before
    assert (await house.cat.post(f"{house.here}/join", None, 403))["code"] == "banned"


@pytest.mark.parametrize("place", ["here", "there"])
async def test_ranks(house, chat, place):
    at = getattr(house, place)
    for actor in (house.cat, house.gil):
        assert await ban(actor, at, house.gil, 403) == "forbidden"
    assert await ban(house.mod, at, house.ann, 403) == "not_outranked"
    for person in (house.ann, house.mod):
        assert await ban(person, at, person, 403) == "not_outranked"
    other = await chat.person()
    await house.ann.invite(house.workspace, other, role="moderator")
    assert await ban(house.mod, at, other, 403) == "not_outranked"
    assert await ban(house.ann, at, type("Bot", (), {"id": BOT_USER_ID}), 403) == "forbidden"
    assert await ban(house.mod, at, await chat.person(), 404) == "not_found"
    assert await ban(house.mod, at, type("Nobody", (), {"id": str(uuid.uuid4())}), 404) == "not_found"
    await house.cat.get(f"{at}/bans", 403)
    await ban(house.mod, at, house.gil)
    assert "channel.member_banned" in str(await house.audit(outcome="denied")) or place == "there"


async def test_the_owner_of_a_channel_acts_in_it_on_who_is_not_above_them(house):
    assert await ban(house.bob, house.here, house.mod, 403) == "not_outranked"
    assert await ban(house.bob, house.there, house.cat, 403) == "forbidden"
    await ban(house.bob, house.here, house.cat)
    await house.bob.patch(f"{house.here}/members/{house.ann.id}", {"role": "owner"})
    await ban(house.mod, house.here, house.bob)


async def test_the_last_owner_is_banned_by_nobody(house):
    await house.ann.patch(f"{house.there}/members/{house.cat.id}", {"role": "admin"})
    assert await ban(house.cat, house.there, house.ann, 403) == "not_outranked"


async def test_what_cannot_be(house):
    direct = await house.mod.post(f"{house.there}/dms", {"user_ids": [house.cat.id]}, 201)
    assert await ban(house.mod, f"/channels/{direct['id']}", house.cat, 409) == "direct_channel"
    assert await ban(house.mod, house.here, house.cat, 422, until="2020-01-01T00:00:00Z") == "validation_failed"
    assert await ban(house.mod, house.here, house.cat, 422, until="2099-01-01T00:00:00") == "validation_failed"
    assert await ban(house.mod, house.here, house.cat, 422, reason="x" * 501) == "validation_failed"


async def test_nobody_is_in_after_the_ban_however_they_hurry(house):
    path = f"{house.here}/bans/{house.cat.id}"
    for _ in range(4):
        await house.cat.post(f"{house.here}/join")
        await asyncio.gather(
            house.mod.ask("PUT", path, json={}),
            *(house.cat.post(f"{house.here}/join", None, None) for _ in range(3)),
            *(house.bob.post(f"{house.here}/members", {"user_id": house.cat.id}, None) for _ in range(3)),
            *(house.cat.say(house.channel, "still", expect=None) for _ in range(3)),
        )
        members = (await house.bob.get(f"{house.here}/members"))["items"]
        assert house.cat.id not in [item["user"]["id"] for item in members]
        events = await house.events()
        left = max(event["ch_seq"] for event in events if event["type"] == "member.left")
        assert all(event["ch_seq"] < left for event in events if event["actor_id"] == house.cat.id)
        await house.mod.delete(path)


async def test_pages_of_bans(house, chat):
    people = await chat.people(5)
    await house.ann.invite(house.workspace, *people)
    for person in people:
        await ban(house.mod, house.there, person)
    seen, cursor = [], None
    while True:
        page = await house.ann.get(f"{house.there}/bans", params={"limit": 2, **({"cursor": cursor} if cursor else {})})
        seen += [item["user"]["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == sorted(person.id for person in people)


@pytest.mark.parametrize("until", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize("deed", ["bans", "mutes"])
async def test_an_end_that_no_year_of_utc_holds_is_refused(house, deed, until):
    for place in (house.here, house.there):
        await house.ann.ask("PUT", f"{place}/{deed}/{house.cat.id}", 422, json={"until": until})
