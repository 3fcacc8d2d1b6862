"""Kicking people out of a channel, and deleting their messages, with a reason that they are told."""

import json

import pytest

from tertulia_shared.events import BOT_USER_ID


async def kick(person, house, user, expect=204, **terms):
    answer = await person.post(f"{house.here}/members/{user.id}/kick", terms, expect)
    return answer if expect == 204 else answer["code"]


async def test_a_kick_says_why_and_is_no_ban(house):
    await kick(house.mod, house, house.cat, reason="Cool down.")
    last = await house.changed()
    assert last["data"] == {"user_id": house.cat.id, "reason": "removed", "removal": "kicked"}
    (notice,) = await house.notices(house.cat)
    assert (notice["kind"], notice["reason"], notice["channel_id"]) == ("kicked", "Cool down.", house.channel["id"])
    entry = (await house.audit())[-1]
    assert (entry["action"], entry["reason"], entry["target_id"]) == (
        "channel.member_removed",
        "Cool down.",
        house.cat.id,
    )
    assert await kick(house.mod, house, house.cat, 404) == "not_found"
    await house.cat.post(f"{house.here}/join")


async def test_the_notice_comes_before_the_departure(house, chat):
    await kick(house.mod, house, house.cat)
    rows = await chat.sql("SELECT type FROM event_log ORDER BY id DESC LIMIT 3")
    assert [row["type"] for row in rows] == ["message.created", "member.left", "notice.created"]


async def test_a_removal_without_a_reason_is_a_kick(house):
    await house.mod.delete(f"{house.here}/members/{house.cat.id}")
    assert (await house.changed())["data"]["removal"] == "kicked"
    await house.gil.delete(f"{house.here}/members/{house.gil.id}")
    assert (await house.changed())["data"] == {"user_id": house.gil.id, "reason": "left", "removal": None}


@pytest.mark.parametrize("by", ["kick", "removal"])
async def test_ranks(house, chat, by):
    async def out(person, user, expect):
        if by == "kick":
            return await kick(person, house, user, expect)
        answer = await person.delete(f"{house.here}/members/{user.id}", expect)
        return answer["code"] if expect != 204 else answer

    assert await out(house.cat, house.gil, 403) == "forbidden"
    assert await out(house.bob, house.mod, 403) == "not_outranked"
    assert await out(house.mod, house.ann, 403) == "not_outranked"
    await house.bob.patch(f"{house.here}/members/{house.cat.id}", {"role": "owner"})
    assert await out(house.bob, house.cat, 403) == "not_outranked"
    assert await out(house.bob, type("Bot", (), {"id": BOT_USER_ID}), 403) == "forbidden"
    await out(house.bob, house.gil, 204)
    await out(house.mod, house.cat, 204)
    await out(house.ann, house.mod, 204)
    assert "channel.member_removed" in str(await house.audit(outcome="denied"))


async def test_nobody_kicks_themselves(house):
    assert await kick(house.mod, house, house.mod, 403) == "not_outranked"


async def test_a_message_that_a_moderator_deletes(house, told):
    said = await house.cat.say(house.channel, "you fool")
    path = f"/messages/{said['id']}"
    await house.mod.ask("DELETE", path, params={"reason": "Be kind."})
    (notice,) = await house.notices(house.cat)
    assert (notice["kind"], notice["message_id"], notice["reason"]) == ("message_deleted", said["id"], "Be kind.")
    assert await told(house.cat, "notice.created") == [{"notice": notice}]
    entry = (await house.audit())[-1]
    assert (entry["action"], entry["target_id"], entry["reason"]) == ("message.deleted", said["id"], "Be kind.")
    assert json.loads(entry["before"])["author_id"] == house.cat.id
    await house.mod.ask("DELETE", path, params={"reason": "Again."})
    assert len(await house.notices(house.cat)) == 1
    assert (await house.cat.post(f"{path}/restore", None, 403))["code"] == "forbidden"


async def test_a_message_that_its_author_deletes_gives_no_notice(house):
    said = await house.cat.say(house.channel, "oops")
    await house.cat.delete(f"/messages/{said['id']}", 200)
    assert await house.notices(house.cat) == []


async def test_who_may_not_delete_others(house):
    said = await house.cat.say(house.channel, "stays")
    for person in (house.bob, house.gil):
        await person.delete(f"/messages/{said['id']}", 403)
    await house.mod.ask("DELETE", f"/messages/{said['id']}", 422, params={"reason": "x" * 501})


async def test_notices_are_ones_own_and_come_in_pages(house):
    for number in range(5):
        said = await house.cat.say(house.channel, "word")
        await house.mod.ask("DELETE", f"/messages/{said['id']}", params={"reason": str(number)})
    seen, cursor = [], None
    while True:
        page = await house.cat.get("/users/me/notices", params={"limit": 2, **({"cursor": cursor} if cursor else {})})
        seen += [item["reason"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ["4", "3", "2", "1", "0"]
    assert await house.notices(house.bob) == []
