"""Forwarding a message: a new one, by who forwards it, that tells where it comes from."""

import asyncio
import uuid

import pytest_asyncio


async def found(chat):
    """Ann and Bob in `general`; `plans` with both, `secret` with Ann alone."""
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    plans, secret = await ann.channel(workspace, "plans"), await ann.channel(workspace, "secret", "private")
    await bob.post(f"/channels/{plans['id']}/join")
    return ann, bob, workspace, plans, secret


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


def origin(message):
    told = {name: message[name] for name in ("channel_id", "ch_seq", "author_id", "created_at")}
    return {"message_id": message["id"], **told}


async def forward(person, message, channel, expect=201, key=None, **more):
    body = {"channel_id": channel["id"], "client_msg_id": key or str(uuid.uuid4()), **more}
    answer = await person.post(f"/messages/{message['id']}/forward", body, expect)
    return answer["message"] if expect in (200, 201) else answer


async def log(person, channel):
    return (await person.get(f"/channels/{channel['id']}/events?limit=200"))["items"]


async def test_a_forward_is_a_new_message_that_tells_where_it_comes_from(house, said_in):
    ann, bob, workspace, plans, _ = house
    said = await bob.say(workspace["general"], f"<@{ann.id}> @channel see #plans https://example.org")
    key = str(uuid.uuid4())
    sent = await forward(ann, said, plans, key=key)
    assert sent == {
        **said,
        "id": sent["id"],
        "channel_id": plans["id"],
        "ch_seq": sent["ch_seq"],
        "author_id": ann.id,
        "client_msg_id": key,
        "created_at": sent["created_at"],
        "mentions": [],
        "audience": None,
        "forwarded": origin(said),
    }
    assert (sent["channels"], sent["links"]) == ([plans["id"]], ["https://example.org"])
    assert await said_in(bob, plans) == [sent]
    event = (await log(bob, plans))[-1]
    assert (event["type"], event["ch_seq"], event["actor_id"]) == ("message.created", sent["ch_seq"], ann.id)
    assert event["data"]["message"] == sent
    state = (await bob.get(f"/channels/{plans['id']}"))["channel"]
    assert state["last_seq"] == state["last_msg_seq"] == sent["ch_seq"]


async def test_a_forward_of_a_forward_keeps_the_first_origin(house):
    ann, bob, workspace, plans, secret = house
    said = await bob.say(workspace["general"], "hello")
    again = await forward(ann, await forward(bob, said, plans), secret)
    assert (again["forwarded"], again["text"]) == (origin(said), "hello")
    assert (await forward(bob, said, workspace["general"]))["forwarded"] == origin(said)


async def test_forwarding_again_answers_with_the_first_one(house, said_in):
    ann, bob, workspace, plans, secret = house
    said, other = await bob.say(workspace["general"], "hello"), await bob.say(workspace["general"], "hello")
    key = str(uuid.uuid4())
    answers = await asyncio.gather(
        *(
            ann.ask(
                "POST", f"/messages/{said['id']}/forward", None, json={"channel_id": plans["id"], "client_msg_id": key}
            )
            for _ in range(5)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [201]
    (sent,) = await said_in(ann, plans)
    assert all(answer.json()["message"] == sent for answer in answers)
    for message, channel in ((said, secret), (other, plans)):
        assert (await forward(ann, message, channel, 409, key))["code"] == "client_msg_id_reused"
    assert (await ann.say(plans, "hello", key, expect=409))["code"] == "client_msg_id_reused"
    typed = await ann.say(plans, "hello")
    problem = await forward(ann, said, plans, 409, typed["client_msg_id"])
    assert problem["code"] == "client_msg_id_reused"
    await bob.delete(f"/messages/{said['id']}", 200)
    assert await forward(ann, said, plans, 200, key) == sent
    gone = (await ann.delete(f"/messages/{sent['id']}", 200))["message"]
    assert await forward(ann, said, plans, 200, key) == gone


async def test_one_key_for_two_channels_at_once_makes_one_message(house):
    ann, _, workspace, plans, secret = house
    said = await ann.say(workspace["general"], "hello")
    for _ in range(5):
        key = str(uuid.uuid4())
        answers = await asyncio.gather(
            *(
                ann.ask("POST", f"/messages/{said['id']}/forward", None, json={"channel_id": to, "client_msg_id": key})
                for to in (plans["id"], secret["id"])
            )
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_into_a_thread(house):
    ann, bob, workspace, plans, _ = house
    said, root = await bob.say(workspace["general"], "hello"), await ann.say(plans, "root")
    sent = await forward(bob, said, plans, thread_id=root["id"])
    assert (await ann.get(f"/messages/{root['id']}/thread"))["items"][-1]["id"] == sent["id"]
    for nowhere in (sent["id"], said["id"], str(uuid.uuid4())):
        assert (await forward(bob, said, plans, 422, thread_id=nowhere))["code"] == "thread_not_found"


async def test_who_may_forward_what_to_where(chat, house):
    ann, bob, workspace, plans, secret = house
    cat, stranger = await chat.people(2)
    await ann.invite(workspace, cat)
    said, hidden = await bob.say(workspace["general"], "hello"), await ann.say(secret, "psst")
    assert (await forward(bob, hidden, plans, 404))["code"] == "not_found"
    assert (await forward(bob, said, secret, 404))["code"] == "not_found"
    assert (await forward(cat, said, plans, 403))["code"] == "not_a_member"
    assert (await forward(stranger, said, plans, 404))["code"] == "not_found"
    assert (await forward(ann, said, {"id": str(uuid.uuid4())}, 404))["code"] == "not_found"
    assert (await forward(ann, {"id": str(uuid.uuid4())}, plans, 404))["code"] == "not_found"
    other = await ann.workspace("Other")
    assert (await forward(ann, said, other["general"], 403))["code"] == "forbidden"
    await ann.delete(f"/channels/{plans['id']}/members/{bob.id}")
    assert (await forward(bob, said, plans, 403))["code"] == "not_a_member"
    assert (await forward(ann, hidden, workspace["general"]))["text"] == "psst"


async def test_what_is_deleted_is_not_forwarded_nor_into_an_archive(house, said_in):
    ann, bob, workspace, plans, _ = house
    said, kept = await bob.say(workspace["general"], "hello"), await bob.say(workspace["general"], "kept")
    await bob.delete(f"/messages/{said['id']}", 200)
    assert (await forward(ann, said, plans, 409))["code"] == "message_deleted"
    await ann.post(f"/channels/{plans['id']}/archive")
    assert (await forward(ann, kept, plans, 409))["code"] == "channel_archived"
    assert [event["ch_seq"] for event in await log(ann, plans)] == [1, 2, 3, 4, 5]
    assert await said_in(ann, plans) == []


async def test_a_forward_stays_when_its_original_goes_and_is_not_edited(house):
    ann, bob, workspace, plans, _ = house
    said = await bob.say(workspace["general"], "hello")
    sent = await forward(ann, said, plans)
    await bob.patch(f"/messages/{said['id']}", {"text": "bye"})
    await bob.delete(f"/messages/{said['id']}", 200)
    assert (await bob.get(f"/messages/{sent['id']}"))["message"] == sent
    assert (await ann.patch(f"/messages/{sent['id']}", {"text": "he said otherwise"}, 403))["code"] == "forbidden"
    await ann.delete(f"/messages/{sent['id']}", 200)
    assert (await ann.post(f"/messages/{sent['id']}/restore", None, 200))["message"] == sent


async def test_an_answer_of_the_bot_is_forwarded_without_its_mark(house, bot):
    ann, _, workspace, plans, _ = house
    run = (await bot.open(ann, workspace["general"]))["run"]
    answer = (await bot.finish(run["id"]))["message"]
    sent = await forward(ann, answer, plans)
    assert (sent["text"], sent["ai"], sent["author_id"]) == (answer["text"], None, ann.id)
    assert sent["forwarded"]["author_id"] == answer["author_id"]


async def test_what_a_forward_names_is_what_its_sender_may_know(chat, house):
    ann, bob, workspace, plans, secret = house
    hidden = await ann.say(secret, "psst")
    link = f"/w/{workspace['id']}/c/{secret['id']}/m/{hidden['id']}"
    said = await ann.say(workspace["general"], f"#secret #plans {link}")
    assert (said["channels"], said["messages"]) == ([secret["id"], plans["id"]], [hidden["id"]])
    sent = await forward(bob, said, plans)
    assert (sent["channels"], sent["messages"]) == ([plans["id"]], [])


async def test_forwarding_while_deleting_posts_what_was_there_or_nothing(house):
    ann, bob, workspace, plans, _ = house
    for _ in range(4):
        said = await bob.say(workspace["general"], "words")
        body = {"channel_id": plans["id"], "client_msg_id": str(uuid.uuid4())}
        forwarded, _ = await asyncio.gather(
            ann.ask("POST", f"/messages/{said['id']}/forward", None, json=body),
            bob.delete(f"/messages/{said['id']}", 200),
        )
        assert forwarded.status_code in (201, 409)
        if forwarded.status_code == 201:
            assert forwarded.json()["message"]["text"] == "words"
