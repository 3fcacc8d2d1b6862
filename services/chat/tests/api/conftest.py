"""The bot, for the tests of what it asks of chat; what people were told; and what PostgreSQL was asked."""

import json
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
import sqlalchemy as sa

from tertulia_chat import database


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One event loop for all, before the mark that pytest-asyncio has set itself."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("asyncio") is not None:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


ASK = {"command": "ask", "prompt": "what is it?", "model": "small"}
USED = {"model": "small-2", "prompt_tokens": 30, "completion_tokens": 4, "duration_ms": 900, "attempt": 2}


class Bot:
    """The bot's side of chat's internal API."""

    def __init__(self, chat):
        self.chat = chat

    async def call(self, path, body, expect=200):
        headers = {"authorization": f"Bearer {self.chat.parts.services.issue('bot')}"}
        return await self.chat.ask("POST", f"/internal/v1/runs{path}", expect, json=body, headers=headers)

    async def open(self, asker, channel, expect=200, **more):
        body = {"id": str(uuid.uuid4()), "channel_id": channel["id"], "asker_id": asker.id, **ASK, **more}
        return await self.call("", body, expect)

    async def finish(self, run_id, text="Forty-two.", expect=200, **more):
        return await self.call(f"/{run_id}/finish", {"state": "done", "text": text, **USED, **more}, expect)

    def cite(self, message, n=1):
        told = {name: message[name] for name in ("channel_id", "ch_seq", "author_id", "created_at")}
        return {"n": n, "message_id": message["id"], "quote": message["text"], **told}


@pytest.fixture
def bot(chat):
    return Bot(chat)


@pytest.fixture
def told(chat):
    """What one person alone was told, in the order of the log: `await told(ann, "read.updated")`."""

    async def told(person, kind):
        rows = await chat.sql(
            "SELECT body FROM event_log WHERE type = $1 AND subject LIKE '%.user.' || $2 ORDER BY id", kind, person.id
        )
        return [json.loads(row["body"])["data"] for row in rows]

    return told


@pytest.fixture
def said_in():
    """What people said in a channel, without what it says by itself: `await said_in(ann, channel)`."""

    async def said_in(person, channel):
        items = (await person.get(f"/channels/{channel['id']}/messages"))["items"]
        return [item for item in items if item["system"] is None]

    return said_in


@pytest.fixture
def name_in(chat):
    """Lets a stored message mention people or an audience."""

    async def name_in(message, *people, audience=None):
        ids = [uuid.UUID(person.id) for person in people]
        statement = "UPDATE message SET mentions = $2, audience = $3 WHERE id = $1"
        await chat.sql(statement, uuid.UUID(message["id"]), ids, audience)

    return name_in


class House:
    """Ann owns the workspace, Mod moderates, Bob owns the public channel `plans`, Cat and the guest Gil are in it."""

    def __init__(self, chat, people, workspace, channel):
        self.chat = chat
        self.ann, self.mod, self.bob, self.cat, self.gil = people
        self.workspace, self.channel = workspace, channel
        self.there, self.here = f"/workspaces/{workspace['id']}", f"/channels/{channel['id']}"

    async def events(self):
        """All that the channel's people were told, without a gap."""
        items = (await self.bob.get(f"{self.here}/events?after=0&limit=200"))["items"]
        assert [event["ch_seq"] for event in items] == list(range(1, len(items) + 1))
        return items

    async def changed(self):
        """What was told last of who is in the channel; what it says of that by itself comes right behind."""
        *_, change, said = await self.events()
        data, by = change["data"], change["actor_id"]
        if change["type"] == "member.joined":
            about = data["user"]["id"]
            kind = "joined" if about == by else "added"
        else:
            about = data["user_id"]
            kind = data["reason"]
        system = said["data"]["message"]["system"]
        assert (system["kind"], system["user_ids"][-1], said["actor_id"]) == (kind, about, by)
        return change

    async def audit(self, *, outcome="done"):
        rows = await self.chat.sql(
            "SELECT action, actor_id::text, target_id, reason, channel_id::text, before, after FROM audit_log "
            "WHERE outcome = $1 ORDER BY id",
            outcome,
        )
        return [dict(row) for row in rows]

    async def notices(self, person):
        return (await person.get("/users/me/notices"))["items"]

    async def end(self, kind):
        """Time passes until what was laid on people is over."""
        await self.chat.sql("UPDATE sanction SET until = now() - interval '1 second' WHERE kind = $1", kind)


async def found(chat):
    people = ann, mod, bob, cat, gil = await chat.people(5)
    workspace = await ann.workspace()
    await ann.invite(workspace, mod, role="moderator")
    await ann.invite(workspace, bob, cat)
    await ann.invite(workspace, gil, role="guest")
    channel = await bob.channel(workspace)
    for person in (ann, mod, cat):
        await person.post(f"/channels/{channel['id']}/join")
    await bob.post(f"/channels/{channel['id']}/members", {"user_id": gil.id}, 201)
    return House(chat, people, workspace, channel)


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


def later(**more):
    """As the API writes it: in milliseconds, and without any where there are none. `later(hours=1)`."""
    moment = datetime.now(UTC) + timedelta(**more)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000).isoformat().replace("+00:00", "Z")


@pytest.fixture
def in_an_hour():
    return later(hours=1)


@pytest.fixture
def told_of(chat):
    """What somebody was told of so far, the oldest first, as texts and reasons: `await told_of(bob, workspace)`."""

    async def told_of(person, workspace):
        await chat.decide()
        page = await person.get(f"/workspaces/{workspace['id']}/notifications?limit=200")
        return [(item["message"]["text"], item["notification"]["reason"]) for item in reversed(page["items"])]

    return told_of


@dataclass(frozen=True)
class Sent:
    """A statement as PostgreSQL got it. The hot connections plan theirs once for all values."""

    text: str
    values: tuple[Any, ...] = ()
    hot: bool = False


_OF_TRANSACTIONS = re.compile(r"\s*(;|(BEGIN|COMMIT|ROLLBACK)\b)")


@pytest.fixture
def statements(chat, monkeypatch):
    """Every statement that chat sent, without those that only begin or end transactions.

    The session's connections prepare theirs, and SQLAlchemy tells of them; all others go through asyncpg's own methods.
    A cursor is one statement, however often it is asked for more.
    """
    sent: list[Sent] = []
    asyncpg_only = ("fetch", "fetchrow", "fetchval", "execute", "cursor")

    def note(text, values, hot):
        if not _OF_TRANSACTIONS.match(text):
            sent.append(Sent(text, tuple(values or ()), hot))

    def noting(method):
        def call(connection, text, *values, **more):
            # asyncpg says of every connection that it is an instance of every class of connections.
            note(text, values, database._AsIs in type(connection).__mro__)
            return method(connection, text, *values, **more)

        return call

    def by_session(connection, cursor, text, values, context, many):
        note(text, () if many else values, False)

    for name in asyncpg_only:
        monkeypatch.setattr(asyncpg.Connection, name, noting(getattr(asyncpg.Connection, name)))
    engine = chat.parts.database._engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", by_session)
    yield sent
    sa.event.remove(engine, "before_cursor_execute", by_session)


class Furnished:
    """Four people and all that they have done, so that every address finds something to work on.

    Ann owns the workspace, `plans` and what is in it; Bob belongs to both, Cid to the workspace alone and Dan to
    nothing. `ids` are for the parameters of paths that have these names.
    """

    def __init__(self, chat: Any) -> None:
        self.chat = chat
        self.ids: dict[str, str] = {}

    async def furnish(self) -> None:
        self.ann, self.bob, self.cid, self.dan = await self.chat.people(4)
        self.workspace = await self.ann.workspace()
        await self.ann.invite(self.workspace, self.bob, self.cid)
        self.general = self.workspace["general"]
        self.plans = await self.ann.channel(self.workspace)
        await self.bob.post(f"/channels/{self.plans['id']}/join")
        self.root = await self.ann.say(self.plans, f"<@{self.bob.id}> shall we?")
        self.reply = await self.bob.reply(self.plans, self.root, "we shall")
        self.said = await self.ann.say(self.plans, "something")
        await self.bob.ask("PUT", f"/messages/{self.said['id']}/reactions/👍")
        await self.ann.ask("PUT", f"/messages/{self.said['id']}/pin")
        await self.ann.ask("PUT", f"/messages/{self.said['id']}/save", 204)
        await self.ann.ask("PUT", f"/channels/{self.plans['id']}/draft", json={"text": "not yet"})
        there, it = f"/workspaces/{self.workspace['id']}", f"/messages/{self.said['id']}"
        invite = await self.ann.post(f"{there}/invites", {}, 201)
        plan = {"text": "later", "client_msg_id": str(uuid.uuid4()), "send_at": later(hours=1)}
        scheduled = await self.ann.post(f"{there}/scheduled", {"channel_id": self.plans["id"], **plan}, 201)
        reminder = await self.ann.post(f"{it}/reminders", {"remind_at": later(hours=1)}, 201)
        report = await self.cid.post(f"/messages/{self.reply['id']}/report", {"category": "spam"}, 201)
        await self.ann.ask("PUT", f"{there}/keywords", json={"keywords": ["budget"]})
        await self.chat.decide()
        self.ids = {
            "workspace_id": self.workspace["id"],
            "channel_id": self.plans["id"],
            "message_id": self.said["id"],
            "thread_id": self.root["id"],
            "user_id": self.bob.id,
            "code": invite["code"],
            "scheduled_id": scheduled["scheduled"]["id"],
            "reminder_id": reminder["reminder"]["id"],
            "report_id": report["report"]["id"],
            "emoji": "🎉",
        }

    def headers(self, who: str | None) -> dict[str, str]:
        if who is None:
            return {}
        token = self.chat.parts.services.issue("search") if who == "a service" else getattr(self, who).access_token
        return {"authorization": f"Bearer {token}"}


async def furnish_in(chat):
    made = Furnished(chat)
    await made.furnish()
    return made


@pytest.fixture
def furnish(chat):
    """Make a furnished workspace."""

    async def furnish():
        return await furnish_in(chat)

    return furnish


@pytest_asyncio.fixture(loop_scope="session")
async def furnished(begin_with):
    return await begin_with(furnish_in)
