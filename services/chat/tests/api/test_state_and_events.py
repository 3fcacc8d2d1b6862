"""What somebody fetched, moved on by the events that reach them, is what they would fetch now.

`APPLY` says for each event type that clients get what a client does with it; a new type without an entry fails
`test_every_type_is_applied`. Unread numbers have a test of their own (`test_attention_events.py`).
"""

import json
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tertulia_chat.app import schedulers
from tertulia_chat.purge import ChannelPurge
from tertulia_shared.events import FACTS, INTERNAL_TYPES

from .conftest import later

OF_RUNS = {"run.started", "run.finished"}
"""Runs are asked of the bot's service; their answers are messages."""


class State:
    """What one person's client knows of a workspace. `cold` are the channels that they came into without asking anew:
    what was there before is not known. `closed` are those that they are banned from."""

    def __init__(self, me: str) -> None:
        self.me = me
        self.workspace: dict[str, Any] = {}
        self.people: dict[str, Any] = {}
        self.channels: dict[str, Any] = {}
        self.public: dict[str, Any] = {}
        self.wishes: dict[str, Any] = {}
        self.read: dict[str, int] = {}
        self.members: dict[str, dict[str, str]] = {}
        self.messages: dict[str, dict[str, Any]] = {}
        self.saved: dict[str, str] = {}
        self.drafts: dict[tuple[str, str | None], Any] = {}
        self.threads: dict[str, str] = {}
        self.former: dict[str, Any] = {}
        self.muted: dict[str, str | None] = {}
        self.sidebar: dict[str, Any] = {}
        self.presence: dict[str, Any] = {}
        self.scheduled: dict[str, Any] = {}
        self.reminders: dict[str, Any] = {}
        self.notifications: dict[str, Any] = {}
        self.seen: str | None = None
        self.keywords: list[str] = []
        self.notices: dict[str, Any] = {}
        self.reports: dict[str, Any] = {}
        self.cold: set[str] = set()
        self.closed: set[str] = set()

    @classmethod
    async def fetched(cls, person, workspace):
        state, home = cls(person.id), f"/workspaces/{workspace['id']}"
        start = await person.get(f"{home}/bootstrap")
        state.workspace = start["workspace"]
        state.presence, state.sidebar = start["me"]["presence"], start["sidebar"]
        state.people = {item["user"]["id"]: seat_of(item) for item in start["members"]}
        state.former = {item["user"]["id"]: (item["user"], item["deactivated_at"]) for item in start["former"]}
        for item in start["channels"]:
            place = item["channel"]["id"]
            state.channels[place], state.wishes[place] = item["channel"], item["preferences"]
            state.read[place], state.muted[place] = item["read_seq"], item["muted_until"]
            members = await person.get(f"/channels/{place}/members?limit=200")
            state.members[place] = {member["user"]["id"]: place_of(member) for member in members["items"]}
            said = await person.get(f"/channels/{place}/messages?limit=200")
            state.messages[place] = {message["id"]: message for message in said["items"]}
            pins = (await person.get(f"/channels/{place}/pins?limit=200"))["items"]
            assert {message["id"]: message for message in pins} == state.pinned(place)
            assert item["member_count"] == len(state.members[place])
        listed = (await person.get(f"{home}/channels?limit=200"))["items"]
        state.public = {
            item["channel"]["id"]: item["channel"] for item in listed if item["channel"]["kind"] == "public"
        }
        saved = (await person.get(f"{home}/saved?limit=200"))["items"]
        state.saved = {item["message"]["id"]: item["message"]["channel_id"] for item in saved}
        drafts = (await person.get(f"{home}/drafts?limit=200"))["items"]
        state.drafts = {(draft["channel_id"], draft["thread_id"]): draft for draft in drafts}
        threads = (await person.get(f"{home}/threads?limit=200"))["items"]
        state.threads = {item["root"]["id"]: item["root"]["channel_id"] for item in threads}
        await state.fetch_later(person, home)
        await state.fetch_told(person, home)
        return state

    async def fetch_later(self, person, home):
        for show in ("open", "sent"):
            items = (await person.get(f"{home}/scheduled?show={show}&limit=200"))["items"]
            self.scheduled |= {item["id"]: item for item in items}
        for show in ("open", "completed"):
            items = (await person.get(f"{home}/reminders?show={show}&limit=200"))["items"]
            self.reminders |= {item["reminder"]["id"]: item["reminder"] for item in items}

    async def fetch_told(self, person, home):
        page = await person.get(f"{home}/notifications?limit=200")
        self.notifications = {item["notification"]["id"]: item["notification"] for item in page["items"]}
        self.seen = page["read_id"]
        self.keywords = (await person.get(f"{home}/keywords"))["keywords"]
        self.notices = {item["id"]: item for item in (await person.get("/users/me/notices?limit=200"))["items"]}
        answer = await person.get(f"{home}/reports?limit=200", None)
        reports = answer.json()["items"] if answer.is_success else []  # not everybody reviews them
        self.reports = {item["report"]["id"]: item["report"] for item in reports}

    def pinned(self, place):
        return {key: message for key, message in self.messages[place].items() if message["pinned"]}

    def hears(self, subject):
        _, _, workspace, scope, target = subject.split(".")
        mine = workspace == self.workspace["id"]
        return {"ch": mine and target in self.channels, "ws": mine, "user": target == self.me}[scope]

    def joins(self, event):
        return event["type"] == "member.joined" and event["data"]["user"]["id"] == self.me

    def take(self, row):
        event = json.loads(row["body"])
        if not (self.hears(row["subject"]) or self.joins(event)) or event["type"] not in APPLY:
            return
        place = event["channel_id"]
        APPLY[event["type"]](self, event["data"], event)
        if place in self.channels and event["ch_seq"] is not None:
            self.channels[place] = {**self.channels[place], "last_seq": event["ch_seq"]}

    def shown(self):
        """What is compared: without what a cold channel lacks, and what lists leave out while it may not be read."""
        public = {place: channel for place, channel in self.public.items() if place not in self.closed}
        readable = {*self.channels, *public}
        warm = set(self.channels) - self.cold
        return {
            "workspace": self.workspace,
            "people": self.people,
            "former": self.former,
            "muted": self.muted,
            "sidebar": self.sidebar,
            "presence": self.presence,
            "scheduled": self.scheduled,
            "reminders": self.reminders,
            "seen": self.seen,
            "keywords": self.keywords,
            "notices": self.notices,
            "reports": self.reports,
            "notifications": {key: one for key, one in self.notifications.items() if one["channel_id"] in readable},
            "channels": self.channels,
            "public": {place: without_numbers(channel) for place, channel in public.items()},
            "wishes": self.wishes,
            "read": self.read,
            "members": {place: self.members[place] for place in warm},
            "messages": {place: self.messages[place] for place in warm},
            "saved": {key for key, place in self.saved.items() if place in readable},
            "drafts": {key: draft for key, draft in self.drafts.items() if key[0] in readable},
            "threads": {key for key, place in self.threads.items() if place in readable},
        }


def seat_of(item):
    """In the workspace."""
    return item["user"], item["role"], item["muted_until"]


def place_of(item):
    """In a channel."""
    return item["role"], item["muted_until"]


def without_numbers(channel):
    """Who is not in a public channel is not told its numbers."""
    return {key: value for key, value in channel.items() if key not in ("last_seq", "last_msg_seq")}


def message_changed(state, data, event):
    place, message = event["channel_id"], data["message"]
    if event["type"] == "message.created" and message["system"] is None:
        state.channels[place] = {**state.channels[place], "last_msg_seq": event["ch_seq"]}
    known = state.messages.setdefault(place, {})
    known[message["id"]] = message
    told = data.get("thread") or event["type"] == "message.deleted"
    if told and message["thread_id"] in known:
        known[message["thread_id"]] = {**known[message["thread_id"]], "thread": data.get("thread")}


def reactions_changed(state, data, event):
    known = state.messages[event["channel_id"]]
    if data["message_id"] in known:
        known[data["message_id"]] = {**known[data["message_id"]], "reactions": data["reactions"]}


def channel_told(state, data, event):
    channel = data["channel"]
    if channel["kind"] == "public":
        state.public[channel["id"]] = channel
    else:
        state.public.pop(channel["id"], None)
    if channel["id"] in state.channels and (event["ch_seq"] is not None or event["type"] == "channel.created"):
        state.channels[channel["id"]] = channel


def member_joined(state, data, event):
    place = event["channel_id"]
    if data["user"]["id"] == state.me:
        state.wishes[place], state.read[place] = {"level": "mentions", "muted": False, "section": None}, event["ch_seq"]
        state.members[place], state.messages[place] = {}, {}
        state.muted[place] = data["muted_until"]
        if event["ch_seq"] > 1:
            state.cold.add(place)
    state.channels[place] = data["channel"]
    state.members[place][data["user"]["id"]] = place_of(data)


def member_left(state, data, event):
    place = event["channel_id"]
    if data["user_id"] == state.me:
        for known in (state.channels, state.wishes, state.read, state.members, state.messages, state.muted):
            del known[place]
        for section in state.sidebar["sections"]:
            section["channel_ids"] = [one for one in section["channel_ids"] if one != place]
        state.cold.discard(place)
        return
    del state.members[place][data["user_id"]]


def member_updated(state, data, event):
    place = event["channel_id"]
    state.members[place][data["user_id"]] = place_of(data)
    if data["user_id"] == state.me:
        state.muted[place] = data["muted_until"]


def workspace_updated(state, data, event):
    state.workspace = data["workspace"]


def person_came(state, data, event):
    state.people[data["user"]["id"]] = seat_of(data)
    state.former.pop(data["user"]["id"], None)


def person_left(state, data, event):
    user, *_ = state.people.pop(data["user_id"])
    if data["deactivated_at"] is not None:
        state.former[data["user_id"]] = (user, data["deactivated_at"])


def person_ranks(state, data, event):
    user, *_ = state.people[data["user_id"]]
    state.people[data["user_id"]] = seat_of({"user": user, **data})


def person_changed(state, data, event):
    if event["workspace_id"] == state.workspace["id"]:
        _, role, muted_until = state.people[data["user"]["id"]]
        state.people[data["user"]["id"]] = (data["user"], role, muted_until)


def read_updated(state, data, event):
    if data["thread_id"] is None:
        state.read[data["channel_id"]] = data["read_seq"]


def thread_followed(state, data, event):
    if data["following"]:
        state.threads[data["thread_id"]] = data["channel_id"]
    else:
        state.threads.pop(data["thread_id"], None)


def draft_updated(state, data, event):
    key = (data["channel_id"], data["thread_id"])
    if data["draft"] is None:
        state.drafts.pop(key, None)
    else:
        state.drafts[key] = data["draft"]


def saved_updated(state, data, event):
    if data["saved"]:
        state.saved[data["message_id"]] = data["channel_id"]
    else:
        state.saved.pop(data["message_id"], None)


def wishes_updated(state, data, event):
    state.wishes[data["channel_id"]] = data["preferences"]


def put_or_drop(known, key, one):
    """None: it is gone."""
    if one is None:
        known.pop(key, None)
    else:
        known[key] = one


def scheduled_updated(state, data, event):
    put_or_drop(state.scheduled, data["scheduled_id"], data["scheduled"])


def reminder_updated(state, data, event):
    put_or_drop(state.reminders, data["reminder_id"], data["reminder"])


def reminder_due(state, data, event):
    state.reminders[data["reminder"]["id"]] = data["reminder"]


def sidebar_updated(state, data, event):
    state.sidebar = data["sidebar"]


def presence_updated(state, data, event):
    state.presence = data["presence"]


def keywords_updated(state, data, event):
    state.keywords = data["keywords"]


def told_of(state, data, event):
    state.notifications[data["notification"]["id"]] = data["notification"]


def no_longer_told_of(state, data, event):
    state.notifications.pop(data["notification"]["id"], None)


def told_seen(state, data, event):
    state.seen = data["read_id"]


def noticed(state, data, event):
    state.notices[data["notice"]["id"]] = data["notice"]


def banned(state, data, event):
    if data["banned"]:
        state.closed.add(data["channel_id"])
    else:
        state.closed.discard(data["channel_id"])


def reported(state, data, event):
    report = data["report"]
    put_or_drop(state.reports, report["id"], report if report["state"] == "open" else None)


APPLY = {
    "message.created": message_changed,
    "message.updated": message_changed,
    "message.deleted": message_changed,
    "message.pinned": message_changed,
    "message.unpinned": message_changed,
    "reaction.added": reactions_changed,
    "reaction.removed": reactions_changed,
    "channel.created": channel_told,
    "channel.updated": channel_told,
    "channel.archived": channel_told,
    "member.joined": member_joined,
    "member.left": member_left,
    "member.updated": member_updated,
    "workspace.updated": workspace_updated,
    "workspace.member_joined": person_came,
    "workspace.member_left": person_left,
    "workspace.member_updated": person_ranks,
    "user.updated": person_changed,
    "read.updated": read_updated,
    "thread.followed": thread_followed,
    "draft.updated": draft_updated,
    "saved.updated": saved_updated,
    "preferences.updated": wishes_updated,
    "scheduled.updated": scheduled_updated,
    "reminder.updated": reminder_updated,
    "reminder.due": reminder_due,
    "sidebar.updated": sidebar_updated,
    "presence.updated": presence_updated,
    "keywords.updated": keywords_updated,
    "notification.created": told_of,
    "notification.withdrawn": no_longer_told_of,
    "notifications.read": told_seen,
    "notice.created": noticed,
    "ban.updated": banned,
    "report.created": reported,
    "report.updated": reported,
}


class World:
    """Three people, a public channel that Bob comes and goes to, a private one, and a conversation."""

    def __init__(self, chat):
        self.chat = chat
        self.words = 0
        self.versions: dict[str, int] = {}
        self.made: dict[str, list[str]] = {"report": [], "scheduled": [], "reminder": []}

    async def build(self):
        self.ann, self.bob, self.cat = self.people = await self.chat.people(3)
        self.workspace = await self.ann.workspace()
        await self.ann.invite(self.workspace, self.bob, self.cat)
        self.plans = await self.ann.channel(self.workspace)
        await self.bob.post(f"/channels/{self.plans['id']}/join")
        self.secret = await self.ann.channel(self.workspace, "secret", "private")
        await self.ann.post(f"/channels/{self.secret['id']}/members", {"user_id": self.bob.id}, 201)
        talk = await self.ann.post(f"/workspaces/{self.workspace['id']}/dms", {"user_ids": [self.bob.id]}, 201)
        self.channels = [self.workspace["general"], self.plans, self.secret, talk]
        self.said = [(channel, await self.ann.say(channel, "first")) for channel in self.channels]

    def word(self):
        self.words += 1
        return f"word-{self.words}"

    def newest(self, kind):
        """The id of the one that was made last; of none while there is none."""
        return self.made[kind][-1] if self.made[kind] else str(uuid.uuid4())

    async def act(self, who, what, which, flag):
        """Whatever is refused tells nothing."""
        person = self.people[who]
        if what == "ring":
            await self.ring()
        elif what == "see":
            await self.see(person)
        else:
            await self.ask(person, what, which, flag)

    async def ask(self, person, what, which, flag):
        channel, message = self.said[-1] if what in ("regret", "report") else self.said[which % len(self.said)]
        method, path, body = self.request(what, person, channel, message, which, flag)
        more = {} if body is None else {"json": body}
        answer = await person.ask(method, path, None, **more)
        assert answer.status_code < 500, f"{method} {path}: {answer.text}"
        if answer.is_success and answer.content:
            self.keep(what, person, channel, answer.json())

    def keep(self, what, person, channel, answer):
        if what in ("say", "reply"):
            self.said.append((channel, answer["message"]))
        if what == "arrange":
            self.versions[person.id] = answer["version"]
        for kind in self.made.keys() & answer.keys():
            self.made[kind].append(answer[kind]["id"])

    async def ring(self):
        """An hour goes by, and the schedulers look, and what removes deleted channels."""
        for table in ("scheduled_message", "reminder"):
            await self.chat.sql(f"UPDATE {table} SET due_at = now(), wake_at = now() WHERE wake_at IS NOT NULL")
        for scheduler in schedulers(self.chat.parts):
            await scheduler.turn()
        await self.chat.sql("UPDATE deleted_channel SET deleted_at = deleted_at - interval '1 hour'")
        await ChannelPurge(self.chat.parts.database).purge()

    async def see(self, person):
        await self.chat.decide()
        told = f"/workspaces/{self.workspace['id']}/notifications"
        answer = await person.get(told, None)
        items = answer.json()["items"] if answer.is_success else []
        if items:
            await person.post(f"{told}/read", {"id": items[0]["notification"]["id"]})

    def request(self, what, person, channel, message, which, flag):
        here, it = f"/channels/{channel['id']}", f"/messages/{message['id']}"
        plans, home = f"/channels/{self.plans['id']}", f"/workspaces/{self.workspace['id']}"
        thread = message["thread_id"] or message["id"]
        new = {"text": f"{self.word()} <@{self.people[which % 3].id}>", "client_msg_id": str(uuid.uuid4())}
        role = "admin" if flag else "member"
        put_or_delete = "PUT" if flag else "DELETE"
        bob, cat = f"{self.bob.id}", f"{self.cat.id}"
        until = {"until": later(hours=1), "reason": self.word()}
        return {
            "say": ("POST", f"{here}/messages", new),
            "reply": ("POST", f"{here}/messages", {**new, "thread_id": thread, "also_in_channel": flag}),
            "forward": ("POST", f"{it}/forward", {"channel_id": self.plans["id"], "client_msg_id": str(uuid.uuid4())}),
            "edit": ("PATCH", it, {"text": self.word()}),
            "delete": ("DELETE", it, None),
            "restore": ("POST", f"{it}/restore", None),
            "react": ("PUT" if flag else "DELETE", f"{it}/reactions/👍", None),
            "pin": ("PUT" if flag else "DELETE", f"{it}/pin", None),
            "save": ("PUT" if flag else "DELETE", f"{it}/save", None),
            "follow": ("PUT" if flag else "DELETE", f"/threads/{thread}/follow", None),
            "draft": ("PUT", f"{here}/draft", {"text": self.word() if flag else ""}),
            "read": ("PUT", f"{here}/read", {"seq": which * 2, "exact": flag}),
            "wish": ("PUT", f"{here}/preferences", {"muted": flag, "section": self.word()}),
            "come or go": ("POST", f"{plans}/{'join' if flag else 'leave'}", None),
            "take in or put out": (
                ("POST", f"/channels/{self.secret['id']}/members", {"user_id": self.bob.id})
                if flag
                else ("DELETE", f"/channels/{self.secret['id']}/members/{self.bob.id}", None)
            ),
            "raze": ("DELETE", plans if flag and which == 0 else f"/channels/{self.secret['id']}", None),
            "topic": ("PATCH", plans, {"topic": self.word()}),
            "archive": ("POST", f"{plans}/{'archive' if flag else 'unarchive'}", None),
            "open": ("POST", f"{home}/channels", {"kind": "public" if flag else "private", "name": self.word()}),
            "own": ("PATCH", f"{here}/members/{self.bob.id}", {"role": "owner" if flag else "member"}),
            "rank": ("PATCH", f"{home}/members/{self.cat.id}", {"role": role}),
            "found": ("PATCH", home, {"name": self.word()}),
            "name": ("PATCH", "/users/me", {"display_name": self.word()}),
            "kick": ("POST", f"{plans}/members/{bob}/kick", {"reason": self.word()}),
            "ban": (put_or_delete, f"{plans}/bans/{bob}", {"reason": self.word()} if flag else None),
            "mute": (put_or_delete, f"{here}/mutes/{bob}", until if flag else None),
            "mute everywhere": (put_or_delete, f"{home}/mutes/{cat}", until if flag else None),
            "shut out": ("POST", f"{home}/members/{cat}/{'deactivate' if flag else 'reactivate'}", None),
            "slow": ("PATCH", plans, {"slow_mode_s": 30 if flag else 0}),
            "permit": ("PUT", f"{home}/permissions", {"permissions": {"pin_messages": role}}),
            "report": ("POST", f"{it}/report", {"category": "spam", "note": self.word()}),
            "resolve": ("POST", f"/reports/{self.newest('report')}/resolve", {"outcome": "dismissed"}),
            "schedule": ("POST", f"{home}/scheduled", {**new, "channel_id": channel["id"], "send_at": later(hours=1)}),
            "reschedule": ("PATCH", f"/scheduled/{self.newest('scheduled')}", {"text": self.word()}),
            "send or drop": (
                ("POST", f"/scheduled/{self.newest('scheduled')}/send", None)
                if flag
                else ("DELETE", f"/scheduled/{self.newest('scheduled')}", None)
            ),
            "remind": ("POST", f"{it}/reminders", {"remind_at": later(hours=1)}),
            "complete": ("PATCH", f"/reminders/{self.newest('reminder')}", {"completed": flag}),
            "forget": ("DELETE", f"/reminders/{self.newest('reminder')}", None),
            "arrange": ("PUT", f"{home}/sidebar", self.order(person, channel)),
            "watch": ("PUT", f"{home}/keywords", {"keywords": [self.word(), "word"]}),
            "status": (put_or_delete, "/users/me/status", {"text": self.word()} if flag else None),
            "appear": ("PUT", "/users/me/presence", {"state": "away" if flag else "auto"}),
            "regret": ("DELETE", it, None),
        }[what]

    def order(self, person, channel):
        sections = [{"id": kind, "kind": kind} for kind in ("starred", "channels", "direct")]
        mine = {"id": "mine", "kind": "custom", "name": self.word(), "channel_ids": [channel["id"]]}
        return {"version": self.versions.get(person.id, 0), "sections": [mine, *sections]}


ACTS = [
    *(
        "say",
        "reply",
        "forward",
        "edit",
        "delete",
        "restore",
        "react",
        "pin",
        "save",
        "follow",
        "draft",
        "read",
        "wish",
    ),
    *("come or go", "take in or put out", "topic", "archive", "open", "own", "rank", "found", "name"),
    *("kick", "ban", "mute", "mute everywhere", "shut out", "slow", "permit", "report", "resolve"),
    *("schedule", "remind", "ring", "reschedule", "send or drop", "complete", "forget"),
    *("arrange", "watch", "see", "status", "appear", "regret", "raze"),
]
STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(ACTS), st.integers(0, 12), st.booleans()), min_size=5, max_size=30
)


async def log(chat, after=0):
    return await chat.sql("SELECT id, type, subject, body FROM event_log WHERE id > $1 ORDER BY id", after)


async def hold(chat, steps):
    """Ann and Bob, who were there all the time, know afterwards what they are told when they ask."""
    world = World(chat)
    await world.build()
    await chat.decide()
    known = [(person, await State.fetched(person, world.workspace)) for person in (world.ann, world.bob)]
    end = (await log(chat))[-1]["id"]
    for step in steps:
        await world.act(*step)
    await chat.decide()
    told = await log(chat, end)
    for person, state in known:
        for row in told:
            state.take(row)
        fresh = await State.fetched(person, world.workspace)
        fresh.cold, fresh.closed = state.cold, state.closed
        mine, theirs = state.shown(), fresh.shown()
        for part, value in theirs.items():
            assert mine[part] == value, f"{part} after {[row['type'] for row in told]}"
    return {row["type"] for row in told}


@given(steps=STEPS)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_state_and_events_are_what_is_fetched(chat, steps):
    await hold(chat, steps)


@pytest.mark.full
@pytest.mark.timeout(1800)
@given(steps=STEPS)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_state_and_events_are_what_is_fetched_at_length(chat, steps):
    await hold(chat, steps)


async def test_a_thread_whose_only_reply_is_deleted_is_none_any_more(chat):
    await hold(chat, [(0, "say", 0, True), (1, "reply", 4, False), (1, "regret", 0, True)])


async def test_every_act_once(chat):
    """Each of them by Ann, who may do all of it, there and back again; so that no type goes without a proof."""
    steps = [(0, act, 1, flag) for flag in (True, False, True) for act in ACTS if act not in ("come or go", "archive")]
    steps += [(0, "ban", 0, False), (1, "come or go", 0, True), (1, "come or go", 0, False), (1, "come or go", 0, True)]
    steps += [
        (1, "say", 0, True),
        (0, "see", 0, True),
        (1, "say", 0, True),
        (0, "see", 0, True),
        (1, "regret", 0, True),
    ]
    steps += [(1, "say", 0, True), (0, "report", 0, True), (0, "resolve", 0, True)]
    steps += [(1, "say", 0, True), (1, "schedule", 0, True), (1, "remind", 0, True), (0, "ring", 0, True)]
    told = await hold(chat, [*steps, (0, "archive", 0, True), (0, "delete", 1, True)])
    assert told >= set(APPLY)


async def test_a_deleted_channel_is_gone_for_who_is_in_it_and_who_is_not(chat):
    """Bob was there for one and never came back to the other."""
    acts = ("save", "follow", "draft", "read", "wish", "arrange", "schedule", "remind")
    marks = [(1, act, which, True) for which in (1, 2) for act in acts]
    steps = [(0, "say", 1, True), (0, "pin", 1, True), *marks, (0, "see", 0, True), (1, "come or go", 0, False)]
    await hold(chat, [*steps, (0, "raze", 0, True), (0, "raze", 0, False)])
    await hold(chat, [*steps, (0, "raze", 0, True), (0, "raze", 0, False), (0, "ring", 0, True)])


async def test_who_comes_and_goes_is_told(chat):
    world = World(chat)
    await world.build()
    state = await State.fetched(world.ann, world.workspace)
    end = (await log(chat))[-1]["id"]
    dan = await chat.person()
    await world.ann.invite(world.workspace, dan)
    await world.ann.delete(f"/workspaces/{world.workspace['id']}/members/{world.cat.id}")
    for row in await log(chat, end):
        state.take(row)
    assert state.shown() == (await State.fetched(world.ann, world.workspace)).shown()


def test_every_type_is_applied():
    assert set(APPLY) == {kind for kind, _ in FACTS} - INTERNAL_TYPES - OF_RUNS
