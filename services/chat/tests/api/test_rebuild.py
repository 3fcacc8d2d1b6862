"""What is derived is made again, equal to what life made of it, while life goes on."""

import asyncio
import random
import uuid
from datetime import timedelta

import asyncpg
import pytest

from tertulia_chat.__main__ import REBUILDS
from tertulia_chat.rebuild import command, notifications, threads, unread
from tertulia_chat.rebuild import pages as rebuild_pages

MENTION = "SELECT * FROM mention ORDER BY workspace_id, user_id, message_id"
NEWEST = "SELECT id, last_msg_seq FROM channel ORDER BY id"
SUMMARY = """
SELECT id, reply_count, last_reply_seq, last_reply_at, last_repliers FROM message WHERE thread_id IS NULL ORDER BY id
"""
NOTIFICATION = """
SELECT id, user_id, workspace_id, channel_id, message_id, ch_seq, thread_id, reason, created_at,
    withdrawn_at IS NULL AS there
FROM notification ORDER BY id
"""
SEEN = "SELECT * FROM notification_cursor ORDER BY user_id, workspace_id"
DERIVED = (MENTION, NEWEST, SUMMARY, NOTIFICATION, SEEN)

# What breaks all of it, in more than one way.
DAMAGE = (
    "DELETE FROM mention WHERE ctid IN (SELECT ctid FROM mention ORDER BY message_id LIMIT 5)",
    "INSERT INTO mention SELECT workspace_id, gen_random_uuid(), message_id, channel_id, ch_seq, author_id, thread_id, "
    "in_channel FROM mention",
    "UPDATE mention SET ch_seq = ch_seq + 1 WHERE message_id = (SELECT max(message_id::text)::uuid FROM mention)",
    "UPDATE channel SET last_msg_seq = 0",
    "UPDATE message SET reply_count = 7, last_reply_seq = 1, last_repliers = '{}', last_reply_at = now() "
    "WHERE thread_id IS NULL",
    "DELETE FROM notification WHERE ch_seq % 2 = 0",
    "UPDATE notification SET reason = 'all', withdrawn_at = NULL",
    "INSERT INTO notification SELECT uuidv7(), gen_random_uuid(), workspace_id, channel_id, message_id, ch_seq, "
    "thread_id, reason, created_at FROM notification",
    "DELETE FROM notification_cursor",
)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    """So that a small and young history needs several."""
    for module in (threads, unread):
        monkeypatch.setattr(module, "AT_ONCE", 7)
    monkeypatch.setattr(notifications, "LOG_ROWS", 11)
    monkeypatch.setattr(notifications, "REPAIRS", 5)
    monkeypatch.setattr(notifications, "MARGIN", timedelta(0))


@pytest.fixture
def rebuild(chat):
    async def rebuild(*names):
        found = {}
        connection = await asyncpg.connect(chat.postgres_url)
        try:
            for name in names or REBUILDS:
                looked_at = []
                found[name] = await command.ROOMS[name].rebuild(connection, looked_at.append)
                assert sum(looked_at) == found[name].checked
        finally:
            await connection.close()
        return found

    return rebuild


async def state(chat):
    return [[tuple(row.values()) for row in await chat.sql(statement)] for statement in DERIVED]


async def damage(chat):
    for statement in DAMAGE:
        await chat.sql(statement)


class Life:
    """Everything that moves what is derived, by the throw of a dice."""

    def __init__(self, chat, seed, people, workspace, channels):
        self.chat, self.dice, self.people = chat, random.Random(seed), people
        self.workspace, self.channels, self.said = workspace, channels, []

    async def live(self, steps):
        for _ in range(steps):
            await self.dice.choice([self.say, self.say, self.reply, self.change, self.wish, self.see, self.decide])(
                self.dice.choice(self.people), self.dice.choice(self.channels)
            )
        await self.chat.decide()

    def text(self):
        named = " ".join(f"<@{person.id}>" for person in self.people if self.dice.random() < 0.4)
        return f"hello {named} {self.dice.choice(['', '@channel', 'tide'])}"

    async def say(self, person, channel):
        self.said.append((person, channel, await person.say(channel, self.text())))

    async def reply(self, person, _):
        roots = [(channel, root) for _, channel, root in self.said if root["thread_id"] is None]
        if roots:
            channel, root = self.dice.choice(roots)
            self.said.append((person, channel, await person.reply(channel, root, self.text())))

    async def change(self, *_):
        if self.said:
            author, _, message = self.dice.choice(self.said)
            match self.dice.choice(["edit", "delete", "restore"]):
                case "edit":
                    await author.ask("PATCH", f"/messages/{message['id']}", None, json={"text": self.text()})
                case "delete":
                    await author.delete(f"/messages/{message['id']}", 200)
                case "restore":
                    await author.post(f"/messages/{message['id']}/restore", None, None)

    async def wish(self, person, channel):
        wishes = {"level": self.dice.choice(["all", "mentions", "none"]), "muted": self.dice.random() < 0.3}
        await person.ask("PUT", f"/channels/{channel['id']}/preferences", json=wishes)

    async def see(self, person, channel):
        home = f"/workspaces/{self.workspace['id']}/notifications"
        items = (await person.get(home))["items"]
        if items:
            await person.post(f"{home}/read", {"id": self.dice.choice(items)["notification"]["id"]})
        await person.ask("PUT", f"/channels/{channel['id']}/read", json={"seq": self.dice.randint(0, 30)})

    async def decide(self, *_):
        await self.chat.decide()


async def begin(chat, seed):
    people = await chat.people(3)
    ann = people[0]
    workspace = await ann.workspace()
    await ann.invite(workspace, *people[1:])
    talk = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [people[1].id, people[2].id]}, 201)
    await people[1].ask("PUT", f"/workspaces/{workspace['id']}/keywords", json={"keywords": ["tide"]})
    return Life(chat, seed, people, workspace, [workspace["general"], talk])


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_has_happened_it_equals_what_life_made(chat, rebuild, seed):
    life = await begin(chat, seed)
    await life.live(60)
    lived = await state(chat)
    assert all(lived)
    assert {name: counts.repaired for name, counts in (await rebuild()).items()} == dict.fromkeys(REBUILDS, 0)
    assert await state(chat) == lived
    await damage(chat)
    assert all(counts.repaired for counts in (await rebuild()).values())
    assert await state(chat) == lived


@pytest.mark.parametrize("seed", range(2))
async def test_it_is_so_too_while_everything_is_written_to(chat, rebuild, seed):
    life = await begin(chat, seed)
    await life.live(40)
    await damage(chat)
    writing = asyncio.gather(*(Life(chat, n, life.people, life.workspace, life.channels).live(25) for n in range(3)))
    while not writing.done():
        await rebuild()
        await asyncio.sleep(0)
    await writing
    await rebuild()
    at_last = await state(chat)
    assert {name: counts.repaired for name, counts in (await rebuild()).items()} == dict.fromkeys(REBUILDS, 0)
    for statement in ("DELETE FROM mention", "UPDATE message SET reply_count = 0", "DELETE FROM notification"):
        await chat.sql(statement)
    await rebuild()
    assert await state(chat) == at_last


async def test_what_is_older_than_the_log_stays(chat, rebuild):
    life = await begin(chat, 0)
    await life.live(30)
    old = uuid.UUID(int=1_600_000_000_000 << 80)
    await chat.sql(
        "INSERT INTO notification SELECT $1, user_id, workspace_id, channel_id, $1, 1, NULL, 'mention', now() "
        "FROM notification LIMIT 1",
        old,
    )
    await rebuild("notifications")
    assert len(await chat.sql("SELECT FROM notification WHERE id = $1", old)) == 1


async def test_with_an_empty_log_nothing_is_touched(chat, rebuild):
    life = await begin(chat, 1)
    await life.live(30)
    lived = await state(chat)
    await chat.sql("DELETE FROM event_log")
    assert (await rebuild("notifications"))["notifications"] == rebuild_pages.Counts(0, 0)
    assert await state(chat) == lived


async def test_the_command_says_what_it_did(chat, capsys):
    life = await begin(chat, 2)
    await life.live(20)
    await damage(chat)
    for name in REBUILDS:
        assert await asyncio.to_thread(command.main, name, chat.postgres_url) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == list(REBUILDS)
    assert all("repaired" in line for line in lines)
    assert await asyncio.to_thread(command.main, "unread", "postgresql://nobody@127.0.0.1:1/none") == 1
    assert "was not rebuilt" in capsys.readouterr().err
