"""The permission table of a workspace: who changes it, what it decides, and that asking costs nothing."""

import itertools
import json

import asyncpg
import pytest
import pytest_asyncio
import sqlalchemy as sa

from tertulia_chat.permissions import DEFAULTS, LOWEST, ORDER, Permission, differences, has, has_in_sql, table_of
from tertulia_shared.events import Role


async def gather(chat):
    """Ann owns the workspace; Adi is an admin, Mo a moderator, Meg a member and Gus a guest, all in `general`."""
    ann, adi, mo, meg, gus = await chat.people(5)
    workspace = await ann.workspace()
    for person, role in ((adi, "admin"), (mo, "moderator"), (meg, "member"), (gus, "guest")):
        await ann.invite(workspace, person, role=role)
    return {"owner": ann, "admin": adi, "moderator": mo, "member": meg, "guest": gus}, workspace


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(gather)


async def put(person, workspace, expect=200, **permissions):
    path = f"/workspaces/{workspace['id']}/permissions"
    return await person.ask("PUT", path, expect, json={"permissions": permissions})


async def test_a_new_workspace_has_the_defaults_and_everybody_sees_them(house):
    people, workspace = house
    for role, person in people.items():
        shown = await person.get(f"/workspaces/{workspace['id']}/permissions")
        assert shown["permissions"] == shown["defaults"] == {str(one): str(least) for one, least in DEFAULTS.items()}
        assert shown["mine"] == [str(one) for one in Permission if has({}, Role(role), one)]
    assert (await people["guest"].get(f"/workspaces/{workspace['id']}"))["permissions"] == shown["defaults"]


async def test_a_change_is_told_to_the_workspace_and_the_same_table_is_not(chat, house):
    people, workspace = house
    for _ in range(2):
        changed = await put(people["admin"], workspace, pin_messages="member", archive_channels="moderator")
    assert changed["permissions"]["pin_messages"] == "member"
    rows = await chat.sql("SELECT subject, body FROM event_log WHERE type = 'workspace.updated'")
    assert [row["subject"].split(".")[3:] for row in rows] == [["ws", workspace["id"]]]
    told = json.loads(rows[0]["body"])["data"]["workspace"]
    assert told == await people["guest"].get(f"/workspaces/{workspace['id']}")
    assert told["permissions"] == changed["permissions"]
    (row,) = await chat.sql("SELECT permissions FROM workspace")
    assert json.loads(row["permissions"]) == {"pin_messages": "member", "archive_channels": "moderator"}
    await put(people["admin"], workspace)
    (row,) = await chat.sql("SELECT permissions FROM workspace")
    assert json.loads(row["permissions"]) == {}


async def test_nobody_lifts_themselves_and_nobody_disarms_an_owner(house):
    people, workspace = house
    await put(people["owner"], workspace, manage_workspace="owner", manage_permissions="moderator")
    standing = {"manage_workspace": "owner", "manage_permissions": "moderator"}
    for who in ("moderator", "admin"):
        for wish in (
            {**standing, "manage_workspace": "admin"},
            {**standing, "manage_permissions": "owner"},
            {"manage_permissions": "moderator"},
        ):
            assert (await put(people[who], workspace, 403, **wish))["code"] == "forbidden"
    for wish in ({**standing, "ban_members": "admin"}, {**standing, "view_audit": "moderator"}):
        await put(people["moderator"], workspace, 403, **wish)
        await put(people["admin"], workspace, **wish)
        await put(people["admin"], workspace, **standing)
    await put(people["moderator"], workspace, **standing, pin_messages="moderator")
    for who in ("member", "guest"):
        await put(people[who], workspace, 403)
    await put(people["owner"], workspace, **dict.fromkeys(Permission, "owner"))
    shown = await people["owner"].get(f"/workspaces/{workspace['id']}/permissions")
    assert shown["mine"] == list(Permission)
    assert (await people["admin"].get(f"/workspaces/{workspace['id']}/permissions"))["mine"] == []
    await put(people["owner"], workspace)


async def test_what_is_no_table_is_refused(house):
    people, workspace = house
    for wish in ({"fly": "member"}, {"pin_messages": "king"}):
        assert (await put(people["owner"], workspace, 422, **wish))["code"] == "validation_failed"
    refused = await put(people["owner"], workspace, 422, kick_members="guest", pin_messages="guest")
    assert [error["pointer"] for error in refused["errors"]] == ["/permissions/kick_members"]
    path = f"/workspaces/{workspace['id']}/permissions"
    await people["owner"].ask("PUT", path, 422, json={})


def deeds(workspace, channel, message, other):
    """What each permission lets do, for somebody who is in `general`: a request that may be repeated."""
    place, room = f"/workspaces/{workspace['id']}", f"/channels/{channel['id']}"
    return {
        "create_public_channel": ("POST", f"{place}/channels", {"kind": "public", "name": "NAME"}),
        "create_private_channel": ("POST", f"{place}/channels", {"kind": "private", "name": "NAME"}),
        "manage_channels": ("PATCH", room, {"name": "NAME"}),
        "archive_channels": ("POST", f"{room}/unarchive", None),
        "invite_members": ("POST", f"{place}/invites", {"role": "member"}),
        "invite_guests": ("POST", f"{place}/invites", {"role": "guest"}),
        "manage_roles": ("PATCH", f"{place}/members/{other.id}", {"role": "guest"}),
        "deactivate_members": ("POST", f"{place}/members/{other.id}/reactivate", None),
        "delete_messages": ("DELETE", f"/messages/{message['id']}", None),
        "pin_messages": ("PUT", f"/messages/{message['id']}/pin", None),
        "kick_members": ("DELETE", f"{room}/members/{other.id}", None),
        "view_audit": ("GET", f"{place}/audit", None),
        "manage_permissions": ("PUT", f"{place}/permissions", None),
        "manage_workspace": ("PATCH", place, {"name": "NAME"}),
        "remove_members": ("DELETE", f"{place}/members/{other.id}", None),
    }


DECIDED = sorted(deeds({"id": "w"}, {"id": "c"}, {"id": "m"}, type("Other", (), {"id": "u"})))


@pytest.mark.parametrize("permission", DECIDED)
async def test_the_table_decides(chat, house, permission):
    """Each permission is given to each role in turn: who is at least that may, who is not gets 403."""
    people, workspace = house
    other = await chat.person()
    message = await people["owner"].say(workspace["general"], "hello")
    names = itertools.count()
    for least in ORDER[ORDER.index(LOWEST[permission]) :]:
        await put(people["owner"], workspace, **{permission: least})
        for role in ORDER:
            if role in (Role.GUEST, Role.MEMBER) and permission in ("manage_roles", "deactivate_members"):
                continue  # they outrank nobody here
            if role == Role.GUEST and permission == "remove_members":
                continue
            await people["owner"].invite(workspace, other, role="guest")
            await people["owner"].post(f"/channels/{workspace['general']['id']}/members", {"user_id": other.id}, None)
            method, path, body = deeds(workspace, workspace["general"], message, other)[permission]
            if permission == "manage_permissions":
                body = {"permissions": {permission: least}}
            elif body and "NAME" in body.values():
                body = {**body, "name": f"n{next(names)}"}
            answer = await people[role].ask(method, path, None, **({"json": body} if body else {}))
            expected = ORDER.index(role) >= ORDER.index(least)
            assert (answer.status_code < 300) == expected, (role, least, answer.text)
            assert expected or answer.status_code == 403


async def test_permissions_whose_deeds_are_tried_elsewhere_are_in_the_table():
    assert set(Permission) - set(DECIDED) == {
        "mention_everyone",
        "delete_channels",
        "ban_members",
        "mute_members",
        "set_slow_mode",
        "review_reports",
    }


async def test_who_may_not_mention_everyone_is_heard_by_nobody_in_particular(chat, house):
    people, workspace = house
    general = workspace["general"]
    await put(people["owner"], workspace, mention_everyone="moderator")
    for role, audience in (("moderator", "channel"), ("member", None), ("guest", None)):
        said = await people[role].say(general, 'read this, @channel: {"audience":"channel"}')
        assert (said["audience"], said["text"]) == (audience, 'read this, @channel: {"audience":"channel"}')
        assert (await people["owner"].get(f"/messages/{said['id']}"))["message"] == said
        (row,) = await chat.sql("SELECT body FROM event_log WHERE type = 'message.created' ORDER BY id DESC LIMIT 1")
        told = json.loads(row["body"])["data"]["message"]
        assert (told["audience"], told["text"]) == (said["audience"], said["text"])
        thread = await people[role].reply(general, said, "and @here")
        assert thread["audience"] == ("here" if audience else None)
        edited = await people[role].patch(f"/messages/{said['id']}", {"text": "no, @here"})
        assert edited["message"]["audience"] == ("here" if audience else None)
    counts = [
        item["mentions"] for item in (await people["owner"].get(f"/workspaces/{workspace['id']}/unread"))["channels"]
    ]
    assert counts == [1]


async def test_an_owner_of_a_channel_governs_it_whatever_their_role(house):
    people, workspace = house
    everything = dict.fromkeys(("manage_channels", "archive_channels", "pin_messages", "kick_members"), "owner")
    channel = await people["member"].channel(workspace, "mine")
    await put(people["owner"], workspace, **everything)
    await people["moderator"].post(f"/channels/{channel['id']}/join")
    await people["member"].patch(f"/channels/{channel['id']}", {"name": "still-mine", "posting": "admins"})
    await people["moderator"].say(channel, "may I?", expect=403)
    said = await people["member"].say(channel, "I may")
    await people["member"].ask("PUT", f"/messages/{said['id']}/pin")
    await people["moderator"].ask("PUT", f"/messages/{said['id']}/pin", 403)
    await people["member"].post(f"/channels/{channel['id']}/members", {"user_id": people["guest"].id}, 201)
    await people["member"].delete(f"/channels/{channel['id']}/members/{people['guest'].id}")
    await people["member"].delete(f"/channels/{channel['id']}/members/{people['moderator'].id}", 403)
    await people["member"].post(f"/channels/{channel['id']}/archive")
    await people["admin"].post(f"/channels/{channel['id']}/unarchive", None, 403)


async def test_a_permission_opens_nothing_that_is_not_known(house):
    people, workspace = house
    secret = await people["member"].channel(workspace, "secret", "private")
    said = await people["member"].say(secret, "psst")
    for role in ("admin", "owner"):
        await people[role].patch(f"/channels/{secret['id']}", {"name": "found"}, 404)
        await people[role].delete(f"/messages/{said['id']}", 404)


async def test_announcements_are_for_who_manages_channels(house):
    people, workspace = house
    general = workspace["general"]
    await people["owner"].patch(f"/channels/{general['id']}", {"posting": "admins"})
    for least in ("member", "admin", "moderator"):
        await put(people["owner"], workspace, manage_channels=least)
        for role in ("guest", "member", "moderator", "admin"):
            expected = ORDER.index(Role(role)) >= ORDER.index(Role(least))
            await people[role].say(general, "hear", expect=201 if expected else 403)


async def test_invitations_go_with_the_right_to_make_them(house):
    people, workspace = house
    path = f"/workspaces/{workspace['id']}/invites"
    await put(people["owner"], workspace, invite_members="moderator", invite_guests="member")
    for person, role in (("moderator", "moderator"), ("moderator", "guest"), ("member", "guest")):
        await people[person].post(path, {"role": role}, 201)
    await people["moderator"].post(path, {"role": "admin"}, 403)
    await people["member"].post(path, {"role": "member"}, 403)
    mine = {one["role"] for one in (await people["member"].get(path))["items"]}
    assert mine == {"guest"}
    codes = (await people["owner"].get(path))["items"]
    by_moderator = next(one["code"] for one in codes if one["role"] == "moderator")
    await people["member"].delete(f"{path}/{by_moderator}", 404)
    await put(people["owner"], workspace, invite_members="admin", invite_guests="moderator")
    left = {(one["created_by"], one["role"]) for one in (await people["owner"].get(path))["items"]}
    assert (people["moderator"].id, "guest") in left
    assert not left & {(people["moderator"].id, "moderator"), (people["member"].id, "guest")}


async def test_python_and_sql_say_the_same(chat):
    """What the sending statement embeds, for every role and every stored table of one permission."""
    connection = await asyncpg.connect(chat.postgres_url)
    statement = has_in_sql(Permission.MENTION_EVERYONE, stored="$1::jsonb", role="$2::text")
    try:
        for role, least in itertools.product(ORDER, (None, *ORDER)):
            stored = {} if least is None else {"mention_everyone": str(least)}
            found = await connection.fetchval(f"SELECT {statement}", json.dumps(stored), str(role))
            assert found == has(stored, role, Permission.MENTION_EVERYONE), (role, least)
    finally:
        await connection.close()


def test_only_differences_are_stored():
    assert differences(DEFAULTS) == {}
    table = {**DEFAULTS, Permission.PIN_MESSAGES: Role.ADMIN}
    assert differences(table) == {"pin_messages": "admin"}
    assert table_of(differences(table)) == table
    assert all(ORDER.index(LOWEST[one]) <= ORDER.index(least) for one, least in DEFAULTS.items())


async def test_asking_for_a_permission_costs_no_statement(chat, house):
    """As many as before there were permissions. Sending (`test_outages`) and bare rows (`test_budgets`) pass beside the
    count."""
    people, workspace = house
    general = workspace["general"]
    said = await people["owner"].say(general, "hello")
    sent = []
    engine = chat.parts.database._engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", lambda *more: sent.append(more[2]))
    costs = []
    for method, path, body in (
        ("GET", f"/workspaces/{workspace['id']}/permissions", None),
        ("GET", f"/workspaces/{workspace['id']}/bootstrap", None),
        ("GET", f"/channels/{general['id']}", None),
        ("PATCH", f"/channels/{general['id']}", {"topic": "new"}),
        ("PUT", f"/messages/{said['id']}/pin", None),
        ("DELETE", f"/messages/{said['id']}", None),
        ("GET", f"/workspaces/{workspace['id']}/audit", None),
    ):
        sent.clear()
        await people["owner"].ask(method, path, 200, **({"json": body} if body else {}))
        costs.append(len(sent))
    assert costs == [1, 4, 1, 7, 9, 15, 2]
