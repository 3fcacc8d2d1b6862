"""POST /workspaces/{ws}/members: letting somebody in who has an account, without a code."""

import asyncio
import json

import pytest
import pytest_asyncio

NEW = 201


class Town:
    """Ann owns Acme, Amy is an admin and Bob a member of it; Dan is not in it and knows Ann and Amy from Elsewhere."""

    def __init__(self, chat, people, acme, elsewhere):
        self.chat, self.acme, self.elsewhere = chat, acme, elsewhere
        self.ann, self.amy, self.bob, self.dan = people
        self.there = f"/workspaces/{acme['id']}"

    async def add(self, who, whom, expect=NEW, **more):
        return await who.post(f"{self.there}/members", {"user_id": whom.id, **more}, expect)

    async def joined(self, person):
        """The names of the channels that somebody is in, and what is not public of them."""
        page = await person.get(f"{self.there}/channels")
        return {item["channel"]["name"] for item in page["items"] if item["joined"]}

    async def told(self, kind):
        rows = await self.chat.sql("SELECT body FROM event_log WHERE type = $1 ORDER BY id", kind)
        return [json.loads(row["body"]) for row in rows]

    async def added(self):
        entries = await self.chat.sql("SELECT actor_id::text, target_id, after FROM audit_log WHERE action = $1", DEED)
        return [(entry["actor_id"], entry["target_id"], json.loads(entry["after"])) for entry in entries]


DEED = "member.added"


@pytest_asyncio.fixture(loop_scope="session")
async def town(chat):
    people = ann, amy, bob, dan = await chat.people(4)
    acme = await ann.workspace()
    await ann.invite(acme, amy, role="admin")
    await ann.invite(acme, bob)
    elsewhere = await dan.workspace("Elsewhere")
    await dan.invite(elsewhere, ann, amy)
    return Town(chat, people, acme, elsewhere)


async def test_who_is_added_comes_in_as_by_an_invitation(town):
    news = await town.ann.channel(town.acme, "news")
    await town.ann.patch(f"/channels/{news['id']}", {"is_default": True})
    await town.ann.channel(town.acme, "other")
    member = await town.add(town.amy, town.dan)
    assert (member["user"]["id"], member["role"]) == (town.dan.id, "member")
    assert await town.joined(town.dan) == {"general", "news"}
    came = (await town.told("workspace.member_joined"))[-1]
    assert (came["data"]["user"]["id"], came["data"]["role"], came["actor_id"]) == (town.dan.id, "member", town.amy.id)
    page = await town.bob.get(f"/channels/{town.acme['general']['id']}/messages")
    said = page["items"][-1]["system"]
    assert (said["kind"], said["user_ids"]) == ("added", [town.dan.id])
    assert await town.added() == [(town.amy.id, town.dan.id, {"role": "member"})]


async def test_by_username_in_any_case(town):
    body = {"username": f" {town.dan.user['username'].upper()} "}
    assert (await town.ann.post(f"{town.there}/members", body, NEW))["user"]["id"] == town.dan.id


async def test_again_changes_nothing(town):
    first = await town.add(town.ann, town.dan)
    log = await town.chat.sql("SELECT max(id) FROM event_log")
    assert await town.add(town.ann, town.dan, 200, role="admin") == first
    assert (await town.add(town.ann, town.amy, 200))["role"] == "admin"
    assert (await town.add(town.ann, town.ann, 200))["role"] == "owner"
    assert await town.chat.sql("SELECT max(id) FROM event_log") == log
    assert len(await town.added()) == 1


async def test_many_at_once_are_one_coming(town):
    answers = await asyncio.gather(*(town.add(who, town.dan, None) for who in (town.ann, town.amy) * 5))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    came = [fact for fact in await town.told("workspace.member_joined") if fact["actor_id"] != town.dan.id]
    assert [fact["data"]["user"]["id"] for fact in came].count(town.dan.id) == 1


@pytest.mark.parametrize(("role", "expect"), [("guest", 201), ("moderator", 201), ("admin", 201), ("owner", 422)])
async def test_up_to_ones_own_role_and_never_as_owner(town, role, expect):
    answer = await town.add(town.amy, town.dan, expect, role=role)
    assert expect == 422 or answer["role"] == role


async def test_the_permissions_are_those_of_inviting(town):
    await town.dan.invite(town.elsewhere, town.bob)
    await town.add(town.bob, town.dan, 403)
    await town.ann.ask("PUT", f"{town.there}/permissions", json={"permissions": {"invite_guests": "member"}})
    await town.add(town.bob, town.dan, 403)
    await town.add(town.bob, town.dan, role="guest")


async def test_guests_come_into_the_channels_that_are_named(town):
    secret = await town.ann.channel(town.acme, "secret", "private")
    await town.ann.channel(town.acme, "other")
    await town.add(town.amy, town.dan, 404, role="guest", channel_ids=[secret["id"]])
    await town.add(town.ann, town.dan, 422, channel_ids=[secret["id"]])
    await town.add(town.ann, town.dan, role="guest", channel_ids=[secret["id"]])
    assert await town.joined(town.dan) == {"secret"}


async def test_a_stranger_looks_as_nobody(town):
    """Whoever founds a workspace is its owner; that must tell them nothing of who has an account."""
    stranger = await town.chat.person()
    there = f"{town.there}/members"
    nobody = {"user_id": "01890000-0000-7000-8000-000000000000"}
    wishes = [{"user_id": stranger.id}, {"username": stranger.user["username"]}, nobody, {"username": "nobody-at-all"}]
    for wish in wishes:
        answer = await town.ann.post(there, wish, 404)
        answer.pop("request_id")
        assert answer == {
            "type": "urn:tertulia:problem:not_found",
            "title": "There is nothing here",
            "status": 404,
            "code": "not_found",
        }


async def test_nobody_is_named_by_address(town):
    address = f"{town.dan.user['username']}@example.org"
    there = f"{town.there}/members"
    await town.ann.post(there, {"email": address}, 422)
    await town.ann.post(there, {"username": address}, 404)
    await town.ann.post(there, {}, 422)
    await town.ann.post(there, {"user_id": town.dan.id, "username": town.dan.user["username"]}, 422)


async def test_who_is_banned_or_deactivated_stays_out(town):
    await town.add(town.ann, town.dan)
    await town.ann.post(f"{town.there}/members/{town.dan.id}/deactivate")
    assert (await town.add(town.amy, town.dan, 409))["code"] == "person_deactivated"
    await town.ann.post(f"{town.there}/members/{town.dan.id}/reactivate")
    await town.ann.ask("PUT", f"{town.there}/bans/{town.dan.id}", 200, json={})
    assert (await town.add(town.amy, town.dan, 409))["code"] == "person_banned"
    await town.dan.get(town.there, 404)


async def test_a_ban_from_a_channel_holds(town):
    await town.add(town.ann, town.dan)
    general = town.acme["general"]["id"]
    await town.ann.ask("PUT", f"/channels/{general}/bans/{town.dan.id}", 200, json={})
    await town.dan.delete(f"{town.there}/members/{town.dan.id}")
    await town.add(town.ann, town.dan)
    assert await town.joined(town.dan) == set()


async def test_the_bot_is_in_already(town):
    bots = await town.chat.sql("SELECT id::text, username FROM user_account WHERE kind = 'bot'")
    await town.ann.post(f"{town.there}/members", {"user_id": bots[0]["id"]}, 403)
