"""The bot, for the tests of what it asks of chat."""

import json
import uuid

import pytest

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
def name_in(chat):
    """Lets a stored message mention people or an audience."""

    async def name_in(message, *people, audience=None):
        ids = [uuid.UUID(person.id) for person in people]
        statement = "UPDATE message SET mentions = $2, audience = $3 WHERE id = $1"
        await chat.sql(statement, uuid.UUID(message["id"]), ids, audience)

    return name_in
