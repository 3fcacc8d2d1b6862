"""The bot's account: in every workspace, a person nowhere."""

import uuid

import pytest

from tertulia_shared.events import BOT_USER_ID

BOT = uuid.UUID(BOT_USER_ID)


async def test_a_new_workspace_has_the_bot_and_tells_so(chat):
    ann = await chat.person()
    workspace = await ann.workspace()
    members = (await ann.get(f"/workspaces/{workspace['id']}/members"))["items"]
    (bot,) = [member for member in members if member["user"]["kind"] == "bot"]
    assert (bot["user"]["id"], bot["user"]["username"], bot["role"]) == (BOT_USER_ID, "bot", "member")
    assert (await ann.get(f"/users/{BOT_USER_ID}")) == bot["user"]
    (event,) = await chat.sql(
        "SELECT body::jsonb->'data'->'user'->>'kind' AS kind, subject FROM event_log "
        "WHERE type = 'workspace.member_joined' AND body::jsonb->'data'->'user'->>'id' = $1",
        BOT_USER_ID,
    )
    assert (event["kind"], event["subject"].split(".")[3:]) == ("bot", ["ws", workspace["id"]])


async def test_it_sits_in_no_channel(chat):
    ann = await chat.person()
    workspace = await ann.workspace()
    assert (await ann.get(f"/channels/{workspace['general']['id']}"))["member_count"] == 1
    path = f"/channels/{workspace['general']['id']}/members"
    await ann.post(path, {"user_id": BOT_USER_ID}, 403)
    assert [item["user"]["id"] for item in (await ann.get(path))["items"]] == [ann.id]


async def test_nobody_sees_it_off(chat):
    ann = await chat.person()
    workspace = await ann.workspace()
    path = f"/workspaces/{workspace['id']}/members"
    assert (await ann.delete(f"{path}/{BOT_USER_ID}", 403))["code"] == "forbidden"
    assert BOT_USER_ID in [item["user"]["id"] for item in (await ann.get(path))["items"]]


async def test_the_last_owner_does_not_leave_the_house_to_the_bot(chat):
    ann = await chat.person()
    workspace = await ann.workspace()
    assert (await ann.delete(f"/workspaces/{workspace['id']}/members/{ann.id}", 409))["code"] == "last_owner"


@pytest.mark.parametrize("login", ["bot", "BOT", "bot@.tertulia"])
@pytest.mark.parametrize("password", ["!", "", "correct horse battery"])
async def test_nobody_logs_in_as_the_bot(chat, login, password):
    body = {"login": login, "password": password}
    assert (await chat.ask("POST", "/auth/login", 401, json=body))["code"] == "invalid_credentials"


async def test_not_even_with_a_hash_that_somebody_put_there(chat):
    ann = await chat.person()
    await chat.sql(
        "UPDATE user_account SET password_hash = (SELECT password_hash FROM user_account WHERE id = $1) WHERE id = $2",
        uuid.UUID(ann.id),
        BOT,
    )
    body = {"login": "bot", "password": "correct horse battery"}
    await chat.ask("POST", "/auth/login", 401, json=body)


async def test_its_name_is_taken_and_its_address_is_no_address(chat, make_registration):
    taken = await chat.ask("POST", "/auth/register", 409, json=make_registration("bot"))
    assert taken["code"] == "username_taken"
    refused = await chat.ask("POST", "/auth/register", 422, json=make_registration("ann", email="bot@.tertulia"))
    assert refused["errors"][0]["pointer"] == "/email"


async def test_people_talk_with_it_alone(chat):
    ann = await chat.person()
    workspace = await ann.workspace()
    path = f"/workspaces/{workspace['id']}/dms"
    talk = await ann.post(path, {"user_ids": [BOT_USER_ID]}, 201)
    assert (talk["kind"], talk["member_ids"]) == ("dm", sorted([ann.id, BOT_USER_ID]))
    assert (await ann.post(path, {"user_ids": [BOT_USER_ID]}, 200))["id"] == talk["id"]
    await ann.say(talk, "hello")
    await ann.delete(f"/channels/{talk['id']}/members/{BOT_USER_ID}", 409)
