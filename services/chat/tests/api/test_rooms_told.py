"""Members, lookers-in and guests: who knew a workspace's rooms and heard every event since knows them as they are."""

import json
import random

import pytest

OUTSIDE = ("last_seq", "last_msg_seq")
"""Numbers of a channel are for its people."""


class Listener:
    """What a client keeps of rooms and roles, and how events change it."""

    def __init__(self, person, role, listed, members):
        self.id = person.id
        self.channels = {item["channel"]["id"]: item["channel"] for item in listed}
        self.inside = {item["channel"]["id"] for item in listed if item["joined"]}
        self.roles = {item["user"]["id"]: item["role"] for item in members}
        self.role = role

    def hears(self, scope, target, event):
        if scope == "ch":
            return target in self.inside or self.is_me(event)
        return self.role != "guest" or event["channel_id"] is None or event["channel_id"] in self.inside

    def is_me(self, event):
        return event["type"] == "member.joined" and event["data"]["user"]["id"] == self.id

    def apply(self, event):
        data, channel_id = event["data"], event["channel_id"]
        match event["type"]:
            case "channel.created" | "channel.updated" | "channel.archived":
                self.channels[channel_id] = dict(data["channel"])
            case "member.joined":
                self.channels[channel_id] = dict(data["channel"])
                if self.is_me(event):
                    self.inside.add(channel_id)
            case "member.left" if data["user_id"] == self.id:
                self.inside.discard(channel_id)
            case "message.created" if data["message"]["system"] is None:
                self.channels[channel_id]["last_msg_seq"] = event["ch_seq"]
            case "workspace.member_updated":
                self.roles[data["user_id"]] = data["role"]
                self.role = data["role"] if data["user_id"] == self.id else self.role
        if event["ch_seq"] is not None:
            self.channels[channel_id]["last_seq"] = event["ch_seq"]
        self.forget_what_is_gone()

    def forget_what_is_gone(self):
        for channel_id, channel in list(self.channels.items()):
            if channel_id not in self.inside and (self.role == "guest" or channel["kind"] != "public"):
                del self.channels[channel_id]

    def known(self):
        return {
            channel_id: {
                key: value for key, value in channel.items() if channel_id in self.inside or key not in OUTSIDE
            }
            for channel_id, channel in self.channels.items()
        }


async def listener(person, workspace):
    path = f"/workspaces/{workspace['id']}"
    listed = (await person.get(f"{path}/channels?limit=200"))["items"]
    members = (await person.get(f"{path}/members?limit=200"))["items"]
    return Listener(person, (await person.get(f"{path}/bootstrap"))["role"], listed, members)


async def do_something(dice, people, workspace, channels):
    """By somebody, to a channel or a seat; much of it is refused."""
    actor, other = dice.sample(people, 2)
    channel = dice.choice(channels)
    path = f"/channels/{channel['id']}"
    wish = {
        "name": f"n{dice.randrange(4)}",
        "topic": f"t{dice.randrange(4)}",
        "purpose": f"p{dice.randrange(4)}",
        "posting": dice.choice(["everyone", "admins"]),
        "is_default": dice.random() < 0.5,
        "kind": "private" if dice.random() < 0.2 else "public",
    }
    match dice.randrange(9):
        case 0 | 1 | 2 | 3:
            some = dict(dice.sample(sorted(wish.items()), dice.randint(1, 3)))
            await people[0].patch(path, some, None)
        case 4:
            await people[0].post(f"{path}/{dice.choice(['archive', 'unarchive'])}", None, None)
        case 5:
            await actor.post(f"{path}/{dice.choice(['join', 'leave'])}", None, None)
        case 6:
            await people[0].patch(f"{path}/members/{other.id}", {"role": dice.choice(["owner", "member"])}, None)
        case 7:
            # A guest who becomes a member has to ask which public channels there are: no event tells them.
            role = dice.choice(["admin", "member"]) if other is people[2] else "guest"
            await people[0].patch(f"/workspaces/{workspace['id']}/members/{other.id}", {"role": role}, None)
        case 8:
            await actor.say(channel, "hello", expect=None)


@pytest.mark.parametrize("seed", range(4))
async def test_what_was_known_and_what_was_told_is_what_there_is(chat, seed):
    dice = random.Random(seed)
    ann, bob, dan, gil = people = await chat.people(4)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, dan)
    await ann.invite(workspace, gil, role="guest")
    channels = [await ann.channel(workspace, f"c{number}") for number in range(3)]
    for channel in channels:
        await bob.post(f"/channels/{channel['id']}/join")
    before = [await listener(person, workspace) for person in people]
    reached = (await chat.sql("SELECT max(id) AS id FROM event_log"))[0]["id"]
    for _ in range(40):
        await do_something(dice, people, workspace, channels)
    for row in await chat.sql("SELECT subject, body FROM event_log WHERE id > $1 ORDER BY id", reached):
        event = json.loads(row["body"])
        _, _, _, scope, target = row["subject"].split(".")
        for one in before:
            if one.hears(scope, target, event):
                one.apply(event)
    for one, person in zip(before, people, strict=True):
        fresh = await listener(person, workspace)
        assert (one.roles, one.role, one.inside) == (fresh.roles, fresh.role, fresh.inside)
        assert one.known() == fresh.known()
