"""What a message carries of what its text names: only what there is, and only what its author may know of."""

import uuid

import pytest_asyncio

from tertulia_shared.events import BOT_USER_ID

NIL = "00000000-0000-0000-0000-000000000000"
READ_OUT = ("mentions", "audience", "channels", "messages", "links")


async def found(chat):
    """Ann and Bob in a workspace with a public, a private channel of Ann's and `general`; Zoe is of another one."""
    ann, bob, zoe = await chat.people(3)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    elsewhere = await zoe.workspace("Elsewhere")
    plans, secret = await ann.channel(workspace, "plans"), await ann.channel(workspace, "secret", "private")
    return ann, bob, zoe, workspace, plans, secret, elsewhere


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


def carried(message):
    return tuple(message[name] for name in READ_OUT)


def path(message, workspace=None):
    return f"/w/{workspace or message['workspace_id']}/c/{message['channel_id']}/m/{message['id']}"


async def newest_event(person, channel):
    return (await person.get(f"/channels/{channel['id']}/events?limit=200"))["items"][-1]


async def test_a_message_carries_what_its_text_names(house):
    ann, bob, _, workspace, plans, secret, _ = house
    general = workspace["general"]
    other = await bob.say(general, "look")
    text = (
        f"<@{bob.id}> @{ann.user['username']} @bot @channel @here #plans <#{secret['id']}> #plans "
        f"[[{path(other)}]] https://chat.example.org{path(other, workspace['slug'])} `@code` "
        f'"mentions":["{NIL}"] "links":[] "channels":["{NIL}"] "ch_seq":-1 "workspace_id":"{NIL}"'
    )
    said = await ann.say(general, text)
    link = f"https://chat.example.org{path(other, workspace['slug'])}"
    expected = ([bob.id, ann.id, BOT_USER_ID], "channel", [plans["id"], secret["id"]], [other["id"]], [link])
    assert carried(said) == expected
    assert said["text"] == text
    assert (await bob.get(f"/messages/{said['id']}"))["message"] == said
    assert (await bob.get(f"/channels/{general['id']}/messages"))["items"][-1] == said
    event = await newest_event(bob, general)
    assert (event["data"]["message"], event["ch_seq"]) == (said, said["ch_seq"])
    assert event["workspace_id"] == workspace["id"]


async def test_what_is_not_there_is_not_carried(house):
    ann, bob, zoe, workspace, plans, _, elsewhere = house
    theirs = await zoe.say(elsewhere["general"], "hello")
    text = (
        f"<@{zoe.id}> @{zoe.user['username']} <@{uuid.uuid4()}> @nobody <#{elsewhere['general']['id']}> #nowhere "
        f"<#{uuid.uuid4()}> {path(theirs)} {path(theirs, workspace['id'])} /w/x/c/{plans['id']}/m/{uuid.uuid4()}"
    )
    assert carried(await ann.say(workspace["general"], text)) == ([], None, [], [], [])
    moved = await bob.say(workspace["general"], "hello")
    wrong = path({**moved, "channel_id": plans["id"]})
    assert carried(await ann.say(workspace["general"], wrong))[3] == []


async def test_a_private_channel_is_known_through_those_who_are_in_it_only(house):
    ann, bob, _, workspace, _, secret, _ = house
    inside = await ann.say(secret, "psst")
    text = f"#secret <#{secret['id']}> {path(inside)}"
    assert carried(await bob.say(workspace["general"], text)) == ([], None, [], [], [])
    assert carried(await ann.say(workspace["general"], text)) == ([], None, [secret["id"]], [inside["id"]], [])
    await ann.post(f"/channels/{secret['id']}/members", {"user_id": bob.id}, 201)
    assert carried(await bob.say(workspace["general"], text))[2:4] == ([secret["id"]], [inside["id"]])


async def test_a_guest_names_the_channels_that_they_are_in(chat, house):
    ann, _, _, workspace, plans, _, _ = house
    gus = await chat.person()
    await ann.invite(workspace, gus, role="guest")
    inside = await ann.say(plans, "hello")
    text = f"#plans #general {path(inside)}"
    said = await gus.say(workspace["general"], text)
    assert carried(said) == ([], None, [workspace["general"]["id"]], [], [])


async def test_an_edit_reads_the_text_again_and_a_deletion_forgets_it(house):
    ann, bob, _, workspace, _, _, _ = house
    general = workspace["general"]
    said = await ann.say(general, f"<@{bob.id}> @here https://secret.example #plans")
    edited = (await ann.patch(f"/messages/{said['id']}", {"text": f"#general <@{ann.id}> {path(said)}"}))["message"]
    assert carried(edited) == ([ann.id], None, [general["id"]], [said["id"]], [])
    assert (await newest_event(bob, general))["data"]["message"] == edited
    plain = (await ann.patch(f"/messages/{said['id']}", {"text": "never mind"}))["message"]
    assert carried(plain) == ([], None, [], [], [])
    await ann.patch(f"/messages/{said['id']}", {"text": f"@channel #plans https://secret.example {path(said)}"})
    gone = (await ann.delete(f"/messages/{said['id']}", 200))["message"]
    assert carried(gone) == ([], None, [], [], [])
    log = (await bob.get(f"/channels/{general['id']}/events?limit=200"))["items"]
    joined, *told = [event["data"]["message"] for event in log if event["type"].startswith("message.")]
    assert joined["system"]["kind"] == "joined"
    assert [carried(message) for message in told] == [([], None, [], [], [])] * 5


async def test_renaming_changes_nothing_that_was_said(house):
    ann, bob, _, workspace, _, _, _ = house
    said = await ann.say(workspace["general"], f"@{bob.user['username']} hi")
    await bob.patch("/users/me", {"display_name": "Somebody Else"})
    assert (await ann.get(f"/messages/{said['id']}"))["message"] == said
    assert said["mentions"] == [bob.id]


async def test_a_reply_carries_the_same_and_may_be_shown_in_the_channel(house):
    ann, bob, _, workspace, plans, _, _ = house
    general = workspace["general"]
    root = await ann.say(general, "question")
    for text, mentions in (("plain", []), (f"<@{bob.id}>", [bob.id])):
        for shown in (True, False):
            body = {"text": text, "client_msg_id": str(uuid.uuid4()), "thread_id": root["id"], "also_in_channel": shown}
            sent = (await bob.post(f"/channels/{general['id']}/messages", body, 201))["message"]
            assert (sent["in_channel"], sent["mentions"], sent["thread_id"]) == (shown, mentions, root["id"])
            assert (await ann.get(f"/messages/{sent['id']}"))["message"] == sent
            assert (await newest_event(ann, general))["data"]["message"] == sent
            assert (await bob.post(f"/channels/{general['id']}/messages", body, 200))["message"] == sent
            other = {**body, "also_in_channel": not shown}
            assert (await bob.post(f"/channels/{general['id']}/messages", other, 409))["code"] == "client_msg_id_reused"
    lost = {"text": f"<@{bob.id}>", "client_msg_id": str(uuid.uuid4()), "thread_id": plans["id"]}
    assert (await bob.post(f"/channels/{general['id']}/messages", lost, 422))["code"] == "thread_not_found"


async def test_only_a_reply_is_also_shown_in_the_channel(house):
    ann, _, _, workspace, _, _, _ = house
    body = {"text": "x", "client_msg_id": str(uuid.uuid4()), "also_in_channel": True}
    problem = await ann.post(f"/channels/{workspace['general']['id']}/messages", body, 422)
    assert problem["errors"][0]["pointer"] == "/also_in_channel"


async def test_sending_again_answers_with_everything(chat, house):
    ann, bob, _, workspace, _, _, _ = house
    general = workspace["general"]
    key = str(uuid.uuid4())
    said = await ann.say(general, f"<@{bob.id}> #plans https://example.org", key)
    assert await ann.say(general, said["text"], key, expect=200) == said
    marked = """
        UPDATE message SET reactions = '[{"emoji": "👍", "user_ids": []}]', pinned_by = $2::uuid, pinned_at = now(),
            reply_count = 1, last_reply_seq = 9, last_repliers = ARRAY[$2::uuid]
        WHERE id = $1
    """
    await chat.sql(marked, uuid.UUID(said["id"]), uuid.UUID(bob.id))
    now = (await bob.get(f"/messages/{said['id']}"))["message"]
    assert now["pinned"]["by"] == bob.id
    assert await ann.say(general, said["text"], key, expect=200) == now


async def test_an_imported_message_is_read_like_a_sent_one(chat, house, said_in):
    ann, bob, _, workspace, plans, secret, _ = house
    texts = ["hello", f"<@{bob.id}> @here #plans #secret https://example.org"]
    body = [
        {"author_id": one.id, "text": text, "created_at": "2026-01-01T00:00:00Z", "client_msg_id": str(uuid.uuid4())}
        for one in (ann, bob)
        for text in texts
    ]
    headers = {"authorization": f"Bearer {chat.parts.services.issue('stack')}"}
    address = f"/internal/v1/channels/{workspace['general']['id']}/import"
    await chat.ask("POST", address, 200, json={"messages": body}, headers=headers)
    items = await said_in(ann, workspace["general"])
    nothing, links = ([], None, [], [], []), ["https://example.org"]
    assert [carried(item) for item in items] == [
        nothing,
        ([bob.id], "here", [plans["id"], secret["id"]], [], links),
        nothing,
        ([bob.id], "here", [plans["id"]], [], links),
    ]
    assert (await newest_event(ann, workspace["general"]))["data"]["message"] == items[-1]


async def test_ten_thousand_at_signs_are_a_message(house):
    ann, *_, workspace, _, _, _ = house
    assert carried(await ann.say(workspace["general"], "@" * 10_000)) == ([], None, [], [], [])
    many = "@a" * 5_000 + "".join(f" @u{n} #c{n}" for n in range(500))
    assert carried(await ann.say(workspace["general"], many)) == ([], None, [], [], [])
