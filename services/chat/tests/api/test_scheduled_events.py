"""Old state and events make the new state, for scheduled messages and reminders; no text outlives its row."""

import json
import uuid

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tertulia_chat.app import schedulers
from tertulia_shared.events import decode, decode_envelope

from .conftest import later

PLANS = ("once", "recurring", "text", "time", "pause", "resume", "drop", "send")
REMINDERS = ("remind", "snooze", "complete", "reopen", "forget")
STEPS = st.lists(
    st.tuples(st.sampled_from([*PLANS, *REMINDERS, "turn", "turn", "archive"]), st.integers(0, 2)), max_size=14
)
LOG = "SELECT id, subject, body FROM event_log WHERE channel_id = $1"
RULE = {"rrule": "FREQ=MINUTELY;COUNT=4", "timezone": "UTC"}


class World:
    """Ann, alone with her plans."""

    def __init__(self, chat, ann, channel, messages):
        self.chat, self.ann, self.channel, self.messages = chat, ann, channel, messages
        self.home = f"/workspaces/{channel['workspace_id']}"
        self.archived = False

    async def pick(self, room, which):
        items = (await self.ann.get(f"{self.home}/{room}"))["items"]
        found = [item.get("reminder", item)["id"] for item in items]
        return f"/{room}/{found[which % len(found)]}" if found else f"/{room}/{uuid.uuid4()}"

    async def take(self, number, step, which):
        """Whether it is refused depends on what there is; nothing may break."""
        if step == "turn":
            for scheduler in schedulers(self.chat.parts):
                await scheduler.turn()
            return
        method, path, body = await self.request(step, f"word {number} of ann", which)
        answer = await self.ann.ask(method, path, None, **({} if body is None else {"json": body}))
        assert answer.status_code < 500

    async def request(self, step, text, which):
        at = later(minutes=which)
        if step == "archive":
            self.archived = not self.archived
            return "POST", f"/channels/{self.channel['id']}/{'archive' if self.archived else 'unarchive'}", None
        if step == "remind":
            return "POST", f"/messages/{self.messages[which]['id']}/reminders", {"remind_at": at}
        if step in ("once", "recurring"):
            when = {"send_at": at} if step == "once" else {"recurrence": {**RULE, "starts_at": at}}
            body = {"channel_id": self.channel["id"], "text": text, "client_msg_id": str(uuid.uuid4()), **when}
            return "POST", f"{self.home}/scheduled", body
        path = await self.pick("reminders" if step in REMINDERS else "scheduled", which)
        if step == "send":
            return "POST", f"{path}/send", None
        changes = {
            "text": {"text": text},
            "time": {"send_at": at},
            "pause": {"paused": True},
            "resume": {"paused": False},
            "snooze": {"remind_at": at},
            "complete": {"completed": True},
            "reopen": {"completed": False},
        }
        return ("PATCH", path, changes[step]) if step in changes else ("DELETE", path, None)

    async def fresh(self):
        """All that there is, by id."""
        state = {}
        for room, kinds in (("scheduled", ("open", "sent")), ("reminders", ("open", "completed"))):
            for kind in kinds:
                for item in (await self.ann.get(f"{self.home}/{room}?show={kind}&limit=200"))["items"]:
                    one = item.get("reminder", item)
                    state[one["id"]] = one
        return state


def apply(state, event):
    """What a client does with an event."""
    data = event["data"]
    match event["type"]:
        case "scheduled.updated" | "reminder.updated":
            kind = event["type"].partition(".")[0]
            if data[kind] is None:
                state.pop(data[f"{kind}_id"], None)
            else:
                state[data[f"{kind}_id"]] = data[kind]
        case "reminder.due":
            state[data["reminder"]["id"]] = data["reminder"]


@given(steps=STEPS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_events_follow_every_step(chat, steps):
    ann = await chat.person()
    channel = (await ann.workspace())["general"]
    messages = [await ann.say(channel, f"number {number}") for number in range(3)]
    world, state, seen, here = World(chat, ann, channel, messages), {}, 0, uuid.UUID(channel["id"])
    for number, (step, which) in enumerate(steps):
        await world.take(number, step, which)
        for row in await chat.sql(f"{LOG} AND id > $2 ORDER BY id", here, seen):
            seen = row["id"]
            assert decode(decode_envelope(row["body"])) is not None
            apply(state, json.loads(row["body"]))
        assert state == await world.fresh()
    replayed = {}
    log = await chat.sql(f"{LOG} ORDER BY id", here)
    for row in log:
        apply(replayed, json.loads(row["body"]))
    assert replayed == state
    mine = [row["body"] for row in log if row["subject"].endswith(f".user.{ann.id}")]
    open_texts = {one["text"] for one in state.values() if "text" in one}
    for number in range(len(steps)):
        word = f"word {number} of ann"
        assert sum(word in body for body in mine) == (word in open_texts)


@pytest.fixture
def statements(chat):
    """The statements that SQLAlchemy sent."""
    sent = []
    engine = chat.parts.database._engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", lambda *more: sent.append(more[2]))
    return sent


@pytest.mark.parametrize("which", ["scheduled", "reminders"])
async def test_a_list_costs_the_same_however_long_it_is(chat, statements, which):
    ann = await chat.person()
    channel = (await ann.workspace())["general"]
    path, counts = f"/workspaces/{channel['workspace_id']}", []
    for number in range(8):
        if which == "scheduled":
            body = {"channel_id": channel["id"], "text": "later", "client_msg_id": str(uuid.uuid4())}
            await ann.post(f"{path}/scheduled", {**body, "send_at": later(days=1)}, 201)
        else:
            said = await ann.say(channel, "words")
            await ann.post(f"/messages/{said['id']}/reminders", {"remind_at": later(days=1)}, 201)
        statements.clear()
        assert len((await ann.get(f"{path}/{which}"))["items"]) == number + 1
        counts.append(len(statements))
    assert counts == [2] * 8


async def test_a_scheduler_with_nothing_to_do_asks_one_question(chat, statements):
    await chat.person()
    for scheduler in schedulers(chat.parts):
        statements.clear()
        await scheduler.turn()
        assert statements == []
