"""A device that was told everything knows what one that asks anew is answered."""

import asyncio
import json
import random

import pytest


class Device:
    """What somebody's client keeps of channels and threads, moved on by events as docs/subsystems/attention.md says."""

    def __init__(self, me, start, inbox):
        self.me = me
        self.channels = {
            item["channel"]["id"]: {name: item[name] for name in ("read_seq", "unread", "preferences")}
            for item in start["channels"]
        }
        self.ends = {item["channel"]["id"]: item["channel"]["last_seq"] for item in start["channels"]}
        self.threads = {item["root"]["id"]: item["unread"] for item in inbox["items"]}
        self.summaries = {item["root"]["id"]: item["root"]["thread"] for item in inbox["items"]}
        self.read = {item["root"]["id"]: item["read_seq"] for item in inbox["items"]}

    def apply(self, event):
        kind, data = event["type"], event["data"]
        match kind:
            case "message.created" | "message.deleted" if data["message"]["system"]:
                pass
            case "message.created":
                self.count(data, 1)
            case "message.deleted":
                self.count(data, -1)
            case "read.updated" if data["thread_id"]:
                self.threads[data["thread_id"]], self.read[data["thread_id"]] = data["unread"], data["read_seq"]
            case "read.updated":
                self.channels[data["channel_id"]].update(read_seq=data["read_seq"], unread=data["unread"])
            case "preferences.updated":
                self.channels[data["channel_id"]]["preferences"] = data["preferences"]
            case "thread.followed" if data["following"]:
                self.threads[data["thread_id"]], self.read[data["thread_id"]] = 0, self.ends[data["channel_id"]]
            case "thread.followed":
                del self.threads[data["thread_id"]], self.read[data["thread_id"]]
        self.ends[event["channel_id"]] = event["ch_seq"] or self.ends[event["channel_id"]]

    def count(self, data, change):
        message = data["message"]
        if root := message["thread_id"]:
            self.summaries[root] = data["thread"]
        if message["author_id"] == self.me:
            return
        if root is None and message["ch_seq"] > self.channels[message["channel_id"]]["read_seq"]:
            self.channels[message["channel_id"]]["unread"] += change
        if root in self.threads and message["ch_seq"] > self.read[root]:
            self.threads[root] += change


class Life:
    """Everything that moves these numbers, by the throw of a dice."""

    def __init__(self, seed, workspace, roots):
        self.dice = random.Random(seed)
        self.workspace, self.roots = workspace, roots

    async def live(self, person):
        acts = [self.say, self.reply, self.reply, self.take_back, self.read, self.read_thread, self.follow, self.mute]
        for _ in range(25):
            await self.dice.choice(acts)(person, *self.dice.choice(self.roots), self.dice.choice([True, False]))

    async def say(self, person, channel, *_):
        await person.say(channel, "hello")

    async def reply(self, person, channel, root, _):
        await person.reply(channel, root, "reply")

    async def take_back(self, person, channel, root, in_thread):
        said = await (person.reply(channel, root, "oh") if in_thread else person.say(channel, "oh"))
        await person.delete(f"/messages/{said['id']}", 200)

    async def read(self, person, channel, _, exact):
        seq = self.dice.randint(1, 40)
        await person.ask("PUT", f"/channels/{channel['id']}/read", json={"seq": seq, "exact": exact})

    async def read_thread(self, person, _, root, exact):
        seq = self.dice.randint(1, 40)
        await person.ask("PUT", f"/threads/{root['id']}/read", None, json={"seq": seq, "exact": exact})

    async def follow(self, person, _, root, wanted):
        await person.ask("PUT" if wanted else "DELETE", f"/threads/{root['id']}/follow", 204)

    async def mute(self, person, channel, _, muted):
        await person.ask("PUT", f"/channels/{channel['id']}/preferences", json={"muted": muted})

    async def device(self, person):
        start = await person.get(f"/workspaces/{self.workspace['id']}/bootstrap")
        return Device(person.id, start, await person.get(f"/workspaces/{self.workspace['id']}/threads"))


@pytest.mark.parametrize("seed", range(2))
async def test_old_state_and_events_make_new_state(chat, seed):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    talk = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id]}, 201)
    channels = [workspace["general"], talk]
    life = Life(
        seed, workspace, [(channel, await one.say(channel, "root")) for channel in channels for one in (ann, bob)]
    )
    devices = [(person, await life.device(person)) for person in (ann, bob)]
    (last,) = await chat.sql("SELECT max(id) AS id FROM event_log")
    await asyncio.gather(*(life.live(person) for person in (ann, bob) for _ in range(2)))
    log = await chat.sql("SELECT subject, body FROM event_log WHERE id > $1 ORDER BY id", last["id"])
    for person, old in devices:
        for row in log:
            scope, target = row["subject"].split(".")[3:]
            if scope == "ch" or target == person.id:
                old.apply(json.loads(row["body"]))
        fresh = await life.device(person)
        assert old.channels == fresh.channels
        assert (old.threads, old.read) == (fresh.threads, fresh.read)
        for root, summary in fresh.summaries.items():
            assert old.summaries.get(root) == summary
