"""What is recorded: every event decodes, and a client's state moved on by events equals a fresh one."""

import json
import uuid
from datetime import UTC, datetime

from tertulia_chat.app import schedulers
from tertulia_shared.events import FACTS, decode, decode_envelope, shard_of

ASK = {"command": "ask", "prompt": "what is it?", "model": "m"}
NUMBERED = ("message.", "reaction.", "member.", "channel.archived", "channel.updated", "channel.deleted")


async def live_a_little(chat, ann, bob, cat, workspace):
    """One of everything that changes state."""
    channel = await ann.channel(workspace, "plans")
    private = await ann.channel(workspace, "secret", "private")
    await bob.post(f"/channels/{channel['id']}/join")
    await ann.post(f"/channels/{private['id']}/members", {"user_id": bob.id}, 201)
    for person in (ann, bob):
        await person.say(channel, "hello")
        await person.say(private, "psst")
    await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id]}, 201)
    group = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id, cat.id]}, 201)
    await cat.say(group, "hi both")
    await cat.patch("/users/me", {"display_name": "Catherine"})
    await bob.patch("/users/me", {"preferences": {"theme": "dark"}})
    await bob.ask("PUT", "/users/me/status", json={"emoji": "🌴", "text": "on holiday"})
    await bob.ask("PUT", "/users/me/presence", json={"state": "offline"})
    await ann.patch(f"/workspaces/{workspace['id']}", {"name": "Renamed"})
    slip = await bob.say(channel, "a tpyo")
    await bob.patch(f"/messages/{slip['id']}", {"text": "a typo"})
    await ann.reply(channel, slip, "never mind")
    await ann.ask("PUT", f"/channels/{private['id']}/read", json={"seq": 3})
    await bob.ask("PUT", f"/channels/{private['id']}/preferences", json={"muted": True})
    for place in ("pin", "reactions/👍", "save"):
        for method in ("PUT", "DELETE"):
            await bob.ask(method, f"/messages/{slip['id']}/{place}", 204 if place == "save" else 200)
    await bob.ask("PUT", f"/channels/{private['id']}/draft", json={"text": "half a thought"})
    sections = [{"id": kind, "kind": kind} for kind in ("direct", "channels", "starred")]
    await bob.ask("PUT", f"/workspaces/{workspace['id']}/sidebar", json={"version": 0, "sections": sections})
    at = datetime.now(UTC).isoformat()
    later = {"channel_id": private["id"], "text": "later", "client_msg_id": str(uuid.uuid4()), "send_at": at}
    await bob.post(f"/workspaces/{workspace['id']}/scheduled", later, 201)
    await bob.post(f"/messages/{slip['id']}/reminders", {"remind_at": at}, 201)
    for scheduler in schedulers(chat.parts):
        await scheduler.turn()
    await bob.ask("PUT", f"/workspaces/{workspace['id']}/keywords", json={"keywords": ["tide"]})
    named = await ann.say(private, f"<@{bob.id}>")
    await chat.decide()
    (told, *_) = (await bob.get(f"/workspaces/{workspace['id']}/notifications"))["items"]
    await ann.delete(f"/messages/{named['id']}", 200)
    await chat.decide()
    await bob.post(f"/workspaces/{workspace['id']}/notifications/read", {"id": told["notification"]["id"]})
    report = (await bob.post(f"/messages/{slip['id']}/report", {"category": "spam"}, 201))["report"]
    await ann.post(f"/reports/{report['id']}/resolve", {"outcome": "message_deleted"})
    await ann.delete(f"/messages/{slip['id']}", 200)
    headers = {"authorization": f"Bearer {chat.parts.services.issue('bot')}"}
    run = {"id": str(uuid.uuid4()), "channel_id": channel["id"], "asker_id": bob.id, **ASK}
    await chat.ask("POST", "/internal/v1/runs", 200, json=run, headers=headers)
    answer = {"state": "done", "text": "Forty-two.", "model": "m"}
    await chat.ask("POST", f"/internal/v1/runs/{run['id']}/finish", 200, json=answer, headers=headers)
    await ann.patch(f"/channels/{channel['id']}", {"name": "ideas", "topic": "new ones"})
    await ann.patch(f"/channels/{private['id']}/members/{bob.id}", {"role": "owner"})
    await ann.patch(f"/workspaces/{workspace['id']}/members/{bob.id}", {"role": "admin"})
    await ann.ask("PUT", f"/channels/{channel['id']}/bans/{cat.id}", json={})
    for verb in ("archive", "unarchive", "archive"):
        await ann.post(f"/channels/{channel['id']}/{verb}")
    await ann.post(f"/channels/{channel['id']}/leave", None, 204)
    await ann.delete(f"/channels/{private['id']}/members/{bob.id}")
    await ann.delete(f"/workspaces/{workspace['id']}/members/{cat.id}")
    await ann.ask("PUT", f"/workspaces/{workspace['id']}/permissions", json={"permissions": {"pin_messages": "admin"}})
    gone = await ann.channel(workspace, "over", "private")
    await ann.ask("DELETE", f"/channels/{gone['id']}", 204)
    await cat.workspace("Elsewhere")
    await ann.invite(workspace, cat)
    for verb in ("deactivate", "reactivate", "deactivate"):
        await ann.post(f"/workspaces/{workspace['id']}/members/{cat.id}/{verb}")
    await cat.patch("/users/me", {"display_name": "Cat, who was here"})
    await cat.post("/auth/logout-all", None, 204)


async def household(chat):
    ann, bob, cat = await chat.people(3)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob, cat)
    return ann, bob, cat, workspace


async def log(chat):
    return await chat.sql("SELECT * FROM event_log ORDER BY id")


async def test_every_event_decodes_and_goes_where_it_belongs(chat):
    ann, bob, cat, workspace = await household(chat)
    await live_a_little(chat, ann, bob, cat, workspace)
    types = set()
    for row in await log(chat):
        envelope = decode_envelope(row["body"])
        assert decode(envelope) is not None
        types.add(envelope.type)
        assert (envelope.id, envelope.type, envelope.ch_seq) == (str(row["event_id"]), row["type"], row["ch_seq"])
        assert envelope.workspace_id == (str(row["workspace_id"]) if row["workspace_id"] else None)
        assert envelope.channel_id == (str(row["channel_id"]) if row["channel_id"] else None)
        _, shard, _, scope, target = row["subject"].split(".")
        assert int(shard) == row["shard"] == shard_of(envelope.channel_id or target)
        assert scope in ("ch", "ws", "user")
        # Whoever is in a channel when it is deleted is told so alone, with a number of the channel.
        numbered = envelope.type.startswith(NUMBERED) and (scope == "ch" or envelope.type == "member.left")
        assert (envelope.ch_seq is not None) == numbered
    # Canaries are the relay's.
    assert types == {kind for kind, _ in FACTS} - {"canary.sent"}


async def test_events_about_what_is_not_public_stay_among_its_people(chat):
    ann, bob, cat, workspace = await household(chat)
    await live_a_little(chat, ann, bob, cat, workspace)
    public = {row["id"] for row in await chat.sql("SELECT id FROM channel WHERE kind = 'public'")}
    for row in await log(chat):
        if row["channel_id"] is not None and row["channel_id"] not in public:
            scope, target = row["subject"].split(".")[3:]
            assert (scope, target) in [("ch", str(row["channel_id"])), ("user", ann.id), ("user", bob.id)]


class Client:
    """The least a client does with events, after its bootstrap."""

    def __init__(self, me, bootstrap):
        self.me = me
        self.workspace = bootstrap["workspace"]
        self.channels = {item["channel"]["id"]: item["channel"] for item in bootstrap["channels"]}
        self.people = {item["user"]["id"]: (item["user"], item["role"]) for item in bootstrap["members"]}
        self.former = {item["user"]["id"]: (item["user"], item["deactivated_at"]) for item in bootstrap["former"]}

    def hears(self, subject):
        _, _, workspace, scope, target = subject.split(".")
        mine = workspace == self.workspace["id"]
        return {"ch": mine and target in self.channels, "ws": mine, "user": target == self.me}[scope]

    def apply(self, event):
        if event["type"].startswith(("workspace.", "user.")):
            self.apply_to_people(event["type"], event["data"], event["workspace_id"])
        else:
            self.apply_to_channel(event, event["data"], self.channels.get(event["channel_id"]))

    def apply_to_channel(self, event, data, channel):
        match event["type"]:
            case "message.created" if data["message"]["system"] is None:
                channel.update(last_seq=event["ch_seq"], last_msg_seq=event["ch_seq"])
            case "message.created":
                channel.update(last_seq=event["ch_seq"])
            case "message.updated" | "message.deleted" | "member.updated":
                channel.update(last_seq=event["ch_seq"])
            case "member.joined":
                self.channels[event["channel_id"]] = data["channel"]
            case "channel.archived" | "channel.updated" if channel is not None:
                self.channels[event["channel_id"]] = data["channel"]
            case "member.left" if data["user_id"] == self.me:
                del self.channels[event["channel_id"]]
            case "member.left":
                channel.update(last_seq=event["ch_seq"])
                if channel["member_ids"] is not None:
                    channel["member_ids"].remove(data["user_id"])
            case "channel.created" if channel is not None:
                assert channel == data["channel"]

    def apply_to_people(self, kind, data, workspace_id):
        match kind:
            case "workspace.updated":
                self.workspace = data["workspace"]
            case "workspace.member_joined":
                self.people[data["user"]["id"]] = (data["user"], data["role"])
                self.former.pop(data["user"]["id"], None)
            case "workspace.member_updated":
                self.people[data["user_id"]] = (self.people[data["user_id"]][0], data["role"])
            case "workspace.member_left":
                person = self.people.pop(data["user_id"], None) or self.former.pop(data["user_id"])
                if data["deactivated_at"] is not None:
                    self.former[data["user_id"]] = (person[0], data["deactivated_at"])
            case "user.updated" if workspace_id == self.workspace["id"]:
                known = self.people if data["user"]["id"] in self.people else self.former
                known[data["user"]["id"]] = (data["user"], known[data["user"]["id"]][1])

    def joins(self, event):
        return event["type"] == "member.joined" and event["data"]["user"]["id"] == self.me


async def test_old_state_and_events_make_new_state(chat):
    ann, bob, cat, workspace = await household(chat)
    path = f"/workspaces/{workspace['id']}/bootstrap"
    before = [(one, Client(one.id, await one.get(path))) for one in (ann, bob)]
    seen = {row["event_id"] for row in await log(chat)}
    await live_a_little(chat, ann, bob, cat, workspace)
    for row in await log(chat):
        for _, client in before:
            event = json.loads(row["body"])
            # Who joins hears of it, and of everything in the channel from then on.
            if row["event_id"] not in seen and (client.hears(row["subject"]) or client.joins(event)):
                client.apply(event)
    for one, client in before:
        fresh = Client(one.id, await one.get(path))
        assert client.workspace == fresh.workspace
        assert client.people == fresh.people
        assert client.former == fresh.former
        assert client.channels == fresh.channels
