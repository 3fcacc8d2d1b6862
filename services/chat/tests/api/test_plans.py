"""The hot questions find what they need in an index, however many messages there are.

Each is asked over HTTP, and every statement that chat sent for it is run once more to see its plan: those of the hot
connections as they are planned there, once for all values. What counts is how many rows and pages of the tables were
looked at, not how long it took.
"""

import asyncio
import json
import uuid
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import pytest
import pytest_asyncio

from tertulia_chat import migrate
from tertulia_chat.database import SESSION
from tertulia_chat.relay.log import EventLog
from tertulia_chat.relay.progress import Page, Progress, Snapshot
from tertulia_chat.relay.relay import SESSION_OF_RELAY
from tertulia_chat.unread import CAP
from tertulia_shared.bus import Bus
from tertulia_shared.events import SHARDS

LIMIT = 100
EAGER = ("parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size", "min_parallel_index_scan_size")
"""At 0 PostgreSQL starts more processes for the smallest thing, as it would for a larger table, if it may."""
MANY = 50
SOMEONE = "40000000-0000-4000-8000-000000000000"
"""Ids of people are random here: a quarter is before this one."""
ROWS, PAGES = 25 * LIMIT, 50 * LIMIT
"""How many a question for a hundred may look at."""
UNREAD = 100
"""In each of the channels but the large one, where nothing is read."""
CHANNELS = 60
NAMED = 10_000
"""All messages that name her, and as many that name everybody: far more than are counted in the large channel."""
PEOPLE = 2_000
"""In the workspace and the large channel, muted and banned in both; as many were in it and are deactivated."""
BROWSED = 20_000
"""Channels that she is not in."""
EXTENT = {"channels": CHANNELS, "unread": UNREAD, "named": NAMED, "people": PEOPLE, "browsed": BROWSED}
FOLLOWED = 1_001
"""Threads at a million messages."""

# Half of the messages are in the large channel, and a tenth of these in one thread; the other half is spread evenly.
# Some name Ann, one of two hundred is saved by her, and one of a thousand begins a thread that she follows. One of
# fifty she was told of, and somebody reported it; governing left a line for each tenth.
SEED = """
CREATE TEMP TABLE place AS
    SELECT CASE n WHEN 0 THEN '{large}' ELSE gen_random_uuid() END AS id, n FROM generate_series(0, {channels}) AS n;
INSERT INTO channel (id, workspace_id, kind, name, created_by, created_at)
    SELECT id, '{workspace}', 'public', 'place-' || n, '{ann}', now() FROM place WHERE n > 0;
INSERT INTO channel_member (channel_id, user_id, workspace_id, role, joined_at, joined_seq)
    SELECT id, '{ann}', '{workspace}', 'member', now(), 0 FROM place WHERE n > 0;
INSERT INTO channel (id, workspace_id, kind, name, created_by, created_at)
    SELECT gen_random_uuid(), '{workspace}', 'public', 'room-' || n, '{ann}', now()
    FROM generate_series(1, {browsed}) AS n;
CREATE TEMP TABLE person AS SELECT gen_random_uuid() AS id, n FROM generate_series(1, 2 * {people}) AS n;
INSERT INTO user_account (id, username, email, display_name, password_hash, created_at)
    SELECT id, 'p' || n, n || '@p.example', 'Person ' || n, '!', now() FROM person;
INSERT INTO workspace_member (workspace_id, user_id, role, joined_at)
    SELECT '{workspace}', id, 'member', now() FROM person WHERE n <= {people};
INSERT INTO deactivated_member (workspace_id, user_id, role, joined_at, deactivated_at, deactivated_by)
    SELECT '{workspace}', id, 'member', now(), now(), '{ann}' FROM person WHERE n > {people};
INSERT INTO channel_member (channel_id, user_id, workspace_id, role, joined_at, joined_seq)
    SELECT '{large}', id, '{workspace}', 'member', now(), 0 FROM person WHERE n <= {people};
INSERT INTO sanction (place_id, kind, user_id, workspace_id, until, reason, laid_by, laid_at)
    SELECT place, kind, id, '{workspace}', now() + interval '1 day', 'enough', '{ann}', now()
    FROM person, (VALUES ('{large}'::uuid), ('{workspace}')) AS places (place),
        (VALUES ('ban'), ('mute')) AS kinds (kind) WHERE n <= {people};
CREATE TEMP TABLE said AS
    SELECT ('01990000-0000-7000-8000-' || lpad(to_hex(nth), 12, '0'))::uuid AS id,
        CASE WHEN nth % 2 = 0 THEN '{large}' ELSE place.id END AS channel_id, nth AS n,
        row_number() OVER (PARTITION BY CASE WHEN nth % 2 = 0 THEN '{large}' ELSE place.id END ORDER BY nth) AS ch_seq
    FROM generate_series(1, {messages}) AS nth JOIN place ON place.n = 1 + nth / 2 % {channels};
INSERT INTO message (id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, created_at, thread_id,
        mentions, audience, reply_count, last_reply_seq, last_reply_at)
    SELECT id, '{workspace}', channel_id, ch_seq, '{bob}', gen_random_uuid(), 'so it goes', now() + n * interval '1 ms',
        CASE WHEN channel_id = '{large}' AND ch_seq % 10 = 1 AND ch_seq > 10 THEN '{root}'::uuid END,
        CASE WHEN n / 2 % ({messages} / {named}) = 0 THEN ARRAY['{ann}'::uuid] ELSE '{{}}' END,
        CASE WHEN n / 2 % ({messages} / {named}) = 1 THEN 'channel' END,
        CASE WHEN n % 1000 = 0 THEN 1 ELSE 0 END, CASE WHEN n % 1000 = 0 THEN ch_seq + 1 END,
        CASE WHEN n % 1000 = 0 THEN now() + n * interval '1 ms' END
    FROM said ORDER BY n;
UPDATE message SET reply_count = {messages} / 20, last_reply_seq = {messages} / 2, last_reply_at = now()
    WHERE id = '{root}';
UPDATE message SET pinned_by = author_id, pinned_at = now(), pin_seq = ch_seq
    WHERE channel_id = '{large}' AND ch_seq BETWEEN 1000 AND 1099;
UPDATE channel SET last_seq = top, last_msg_seq = top
    FROM (SELECT channel_id, max(ch_seq) AS top FROM said GROUP BY channel_id) AS ends WHERE id = channel_id;
UPDATE channel_member m SET read_seq = greatest(c.last_seq - {unread}, 0)
    FROM channel c WHERE c.id = m.channel_id AND m.user_id = '{ann}' AND c.id <> '{large}';
UPDATE channel_member SET read_seq = 0 WHERE channel_id = '{large}';
INSERT INTO message_revision (message_id, number, workspace_id, text, replaced_at, replaced_by)
    SELECT '{root}', n, '{workspace}', 'former', now(), '{ann}' FROM person;
INSERT INTO saved_message (id, user_id, message_id, workspace_id, channel_id, saved_at)
    SELECT id, '{ann}', id, '{workspace}', channel_id, now() FROM said WHERE n % 200 = 0;
INSERT INTO thread_follow (thread_id, user_id, channel_id, workspace_id, following, read_seq)
    SELECT id, '{ann}'::uuid, channel_id, '{workspace}'::uuid, true, ch_seq FROM said WHERE n % 1000 = 0
    UNION ALL SELECT '{root}', '{ann}'::uuid, '{large}', '{workspace}'::uuid, true, 0;
INSERT INTO draft (user_id, place_id, workspace_id, channel_id, text, updated_at)
    SELECT '{ann}', id, '{workspace}', id, 'not yet', now() FROM place;
INSERT INTO notification (id, user_id, workspace_id, channel_id, message_id, ch_seq, reason, created_at)
    SELECT id, '{ann}', '{workspace}', channel_id, id, ch_seq, 'mention', now() FROM said WHERE n % 50 = 0;
INSERT INTO reminder (id, user_id, message_id, workspace_id, channel_id, state, due_at, created_at)
    SELECT id, '{ann}', id, '{workspace}', channel_id, 'due', now(), now() FROM said WHERE n % 200 = 0;
INSERT INTO scheduled_message (id, workspace_id, channel_id, author_id, client_msg_id, also_in_channel, text, state,
        due_at, created_at, updated_at)
    SELECT id, '{workspace}', channel_id, '{ann}', id, false, 'later',
        CASE WHEN n % 400 = 0 THEN 'sent' ELSE 'failed' END, now(), now(), now()
    FROM said WHERE n % 200 = 0;
INSERT INTO report (id, workspace_id, channel_id, message_id, author_id, reporter_id, category, state, created_at)
    SELECT id, '{workspace}', channel_id, id, '{bob}', '{ann}', 'spam', 'open', now() FROM said WHERE n % 50 = 0;
INSERT INTO notice (id, user_id, workspace_id, channel_id, kind, reason, created_at)
    SELECT id, '{ann}', '{workspace}', channel_id, 'kicked', 'enough', now() FROM said WHERE n % 50 = 0;
INSERT INTO audit_log (id, workspace_id, at, actor_id, action, outcome, target_type, target_id)
    SELECT id, '{workspace}', now(), CASE WHEN n % 20 = 0 THEN '{ann}'::uuid ELSE '{bob}' END, 'message.deleted',
        'done', 'message', id
    FROM said WHERE n % 10 = 0;
INSERT INTO event_log (shard, subject, type, workspace_id, channel_id, ch_seq, event_id, body)
    SELECT n % 16, 'evt.0', 'message.created', '{workspace}', channel_id, ch_seq, gen_random_uuid(), '{{"v":1}}'
    FROM said ORDER BY n;
"""


COUNTED = 3 * CAP + 2 * UNREAD * CHANNELS
"""What is unread, what names her of it, and what names everybody: in the large channel each up to the cap, whatever is
unread there, and in the others all of it, of which a fraction names anybody."""
THREAD = 3 * CAP
SEATS = ROWS + LIMIT * CHANNELS
"""With her place among the members, which is looked for in a small table each time."""


@dataclass(frozen=True)
class Question:
    """`rows` may be looked at and `sorted` sorted by each statement that it takes. `body` makes it a PUT."""

    path: str
    rows: int = ROWS
    sorted: int = 3 * LIMIT
    body: dict | None = None


QUESTIONS = {
    "the newest": Question("/channels/{large}/messages?limit={limit}"),
    "what came before": Question("/channels/{large}/messages?before={middle}&limit={limit}"),
    "what came after": Question("/channels/{large}/messages?after={middle}&limit={limit}"),
    "jump": Question("/channels/{large}/messages?around={middle}&limit={limit}"),
    "jump to a time": Question("/channels/{large}/messages?around_time=2026-01-01T00:00:00Z&limit={limit}"),
    "the channel's events": Question("/channels/{large}/events?after={middle}&limit={limit}"),
    "one message": Question("/messages/{root}"),
    "a thread's newest": Question("/messages/{root}/thread?limit={limit}"),
    "a thread before": Question("/messages/{root}/thread?before={middle}&limit={limit}"),
    "a thread after": Question("/messages/{root}/thread?after={middle}&limit={limit}"),
    "unread": Question("/workspaces/{workspace}/unread", rows=COUNTED),
    # All who belong to it are told, and did, by their ids.
    "bootstrap": Question("/workspaces/{workspace}/bootstrap", rows=COUNTED + 6 * PEOPLE, sorted=3 * PEOPLE),
    "reading the channel": Question("/channels/{large}/read", rows=THREAD, body={"seq": 0}),
    "reading the thread": Question("/threads/{root}/read", rows=THREAD, body={"seq": 0}),
    "mentions": Question("/workspaces/{workspace}/mentions?limit={limit}"),
    "mentions before": Question("/workspaces/{workspace}/mentions?cursor={half}&limit={limit}"),
    "pins": Question("/channels/{large}/pins?limit={limit}"),
    "saved": Question("/workspaces/{workspace}/saved?limit={limit}"),
    "saved before": Question("/workspaces/{workspace}/saved?cursor={half}&limit={limit}"),
    "drafts": Question("/workspaces/{workspace}/drafts?limit={limit}"),
    # Those that somebody follows are sorted by when they were answered last, all of them.
    "threads": Question("/workspaces/{workspace}/threads?limit={limit}", rows=4 * FOLLOWED + THREAD, sorted=FOLLOWED),
    "unread threads": Question(
        "/workspaces/{workspace}/threads?filter=unread&limit={limit}", rows=4 * FOLLOWED + 2 * THREAD, sorted=FOLLOWED
    ),
    "notifications": Question("/workspaces/{workspace}/notifications?limit={limit}", rows=SEATS),
    "notifications before": Question("/workspaces/{workspace}/notifications?cursor={half}&limit={limit}", rows=SEATS),
    "reminders": Question("/workspaces/{workspace}/reminders?cursor={half}&limit={limit}"),
    "scheduled": Question("/workspaces/{workspace}/scheduled?cursor={half}&limit={limit}"),
    "sent": Question("/workspaces/{workspace}/scheduled?show=sent&cursor={half}&limit={limit}"),
    "reports": Question("/workspaces/{workspace}/reports?cursor={half}&limit={limit}"),
    "notices": Question("/users/me/notices?cursor={half}&limit={limit}"),
    "audit": Question("/workspaces/{workspace}/audit?cursor={half}&limit={limit}"),
    "audit of one": Question("/workspaces/{workspace}/audit?actor={ann}&cursor={half}&limit={limit}"),
    "audit of a deed": Question("/workspaces/{workspace}/audit?action=message.deleted&cursor={half}&limit={limit}"),
    "audit of a thing": Question("/workspaces/{workspace}/audit?target={half}&limit={limit}"),
    "people of the channel": Question("/channels/{large}/members?limit={limit}"),
    "more of them": Question("/channels/{large}/members?cursor={someone}&limit={limit}"),
    "people of the workspace": Question("/workspaces/{workspace}/members?cursor={someone}&limit={limit}"),
    "who is deactivated": Question("/workspaces/{workspace}/members?deactivated=true&cursor={someone}&limit={limit}"),
    # All who are in it are counted, by their clocks.
    "whom everybody is": Question("/channels/{large}/reach", rows=4 * PEOPLE),
    "bans of the channel": Question("/channels/{large}/bans?cursor={someone}&limit={limit}"),
    "mutes of the channel": Question("/channels/{large}/mutes?cursor={someone}&limit={limit}"),
    "bans of the workspace": Question("/workspaces/{workspace}/bans?cursor={someone}&limit={limit}"),
    "mutes of the workspace": Question("/workspaces/{workspace}/mutes?cursor={someone}&limit={limit}"),
    "channels": Question("/workspaces/{workspace}/channels?limit={limit}"),
    "more channels": Question("/workspaces/{workspace}/channels?cursor={someone}&limit={limit}"),
    "channels by name": Question("/workspaces/{workspace}/channels?q=room-1&limit={limit}"),
    "my channels": Question("/workspaces/{workspace}/channels?filter=joined&limit={limit}"),
    "former texts": Question("/messages/{root}/history?limit={limit}"),
    "later texts": Question("/messages/{root}/history?after=1000&limit={limit}"),
    "the search's export": Question("/internal/v1/messages/export?after={half}&limit={limit}"),
}


@pytest_asyncio.fixture(loop_scope="session")
async def chat(create_database, serve_chat, nats_url, topology):
    """On a database of its own: emptying one with a million rows takes longer than making one."""
    url = create_database(None)
    await asyncio.to_thread(migrate.upgrade, url)
    async for chat in serve_chat(url, Bus(nats_url, "chat", topology)):
        yield chat


async def seed(chat, messages):
    """The names in the questions' paths, and who asks them."""
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    large = workspace["general"]["id"]
    names = {"large": large, "workspace": workspace["id"], "ann": ann.id, "bob": bob.id}
    # The first message of the large channel is the second of all.
    root, half = (str(uuid.UUID(f"01990000-0000-7000-8000-{number:012x}")) for number in (2, messages // 2))
    connection = await asyncpg.connect(chat.postgres_url)
    try:
        script = SEED.format(**names, root=root, messages=messages, **EXTENT)
        await connection.execute(script)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    return ann, {**names, "root": root, "half": half, "middle": messages // 4, "limit": LIMIT, "someone": SOMEONE}


async def ask(chat, ann, path, body=None):
    if body is not None:
        return await ann.ask("PUT", path, json=body)
    if path.startswith("/internal"):
        headers = {"authorization": f"Bearer {chat.parts.services.issue('search')}"}
        return await chat.ask("GET", path, headers=headers)
    return await ann.get(path)


def literal(value):
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case list() | tuple():
            return f"'{{{','.join(map(str, value))}}}'"
        case datetime():
            return f"'{value.isoformat()}'"
        case _:
            return f"'{value}'"


async def plan_of(connection, sent, mode):
    """How PostgreSQL runs a statement that was sent; nothing of it stays."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        for name, value in {"plan_cache_mode": mode, **dict.fromkeys(EAGER, 0)}.items():
            await connection.execute(f"SET LOCAL {name} = {value}")
        await connection.execute(f"PREPARE probe AS {sent.text}")
        values = f"({', '.join(map(literal, sent.values))})" if sent.values else ""
        return json.loads(
            await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE probe{values}")
        )[0]["Plan"]
    finally:
        await transaction.rollback()
        await connection.execute("DEALLOCATE ALL")


def nodes(plan):
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def looked_at(plan):
    """Rows of tables that the plan's scans had in their hands."""
    scans = [node for node in nodes(plan) if "Relation Name" in node]
    kinds = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return round(sum(node.get(kind, 0) * node["Actual Loops"] for node in scans for kind in kinds))


def walks_through(plan):
    """Whether it reads one of the tables that grow with the messages from one end to the other."""
    walked = {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"}
    return {name for name in walked if name in ("message", "mention") or name.startswith("event_log")}


def most_sorted(plan):
    """The rows that went into the largest sorting, wherever it is in the plan."""
    sorts = [node for node in nodes(plan) if "Sort" in node["Node Type"]]
    return round(max((part["Actual Rows"] for node in sorts for part in node["Plans"]), default=0))


async def too_much(chat, statements, rows, sorting, mode="auto", session=SESSION):
    """What is wrong with the plans of these statements in such a session, in words."""
    planning = {name: value for name, value in session.items() if not name.endswith("timeout")}
    connection = await asyncpg.connect(chat.postgres_url, statement_cache_size=0, server_settings=planning)
    wrong = []
    try:
        for sent in list(statements):
            if not sent.text.lstrip(" \n(").upper().startswith(("SELECT", "WITH")):
                continue
            plan = await plan_of(connection, sent, "force_generic_plan" if sent.hot else mode)
            pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            read, ordered = looked_at(plan), most_sorted(plan)
            alone = not any("Workers Planned" in node for node in nodes(plan))
            fits = read <= rows and pages <= PAGES + 2 * rows and ordered <= sorting
            if not (fits and alone) or walks_through(plan):
                wrong.append(
                    f"{read} rows, {ordered} sorted and {pages} pages for {' '.join(sent.text.split())}: {shape(plan)}"
                )
    finally:
        await connection.close()
    return wrong


def shape(plan):
    return " / ".join(
        " ".join(str(node[key]) for key in ("Node Type", "Relation Name", "Index Name") if key in node)
        for node in nodes(plan)
    )


SIZES = [
    50_000,
    pytest.param(1_000_000, marks=[pytest.mark.full, pytest.mark.timeout(1200)]),
]


@pytest.mark.parametrize("messages", SIZES)
async def test_hot_questions_look_at_few_rows_however_many_there_are(chat, statements, messages):
    ann, names = await seed(chat, messages)
    wrong = {}
    for name, question in QUESTIONS.items():
        statements.clear()
        answer = await ask(chat, ann, question.path.format_map(names), question.body)
        assert answer.get("items", True), f"{name}: nothing to show"
        if found := await too_much(chat, statements, question.rows, question.sorted):
            wrong[name] = found
    for name, progress in (await relay_positions(chat)).items():
        await ann.say({"id": names["large"]}, "one more")
        connection = await asyncpg.connect(chat.postgres_url)
        statements.clear()
        (read,) = await EventLog(connection).read({progress: list(range(SHARDS))}, LIMIT)
        await connection.close()
        assert read.rows, f"{name}: nothing to publish"
        mode = "force_generic_plan" if progress.page is None else "force_custom_plan"  # as the relay does
        if found := await too_much(chat, statements, ROWS, LIMIT, mode, SESSION_OF_RELAY):
            wrong[name] = found
    assert wrong == {}, json.dumps(wrong, indent=1)


async def relay_positions(chat):
    """Where a relay stands: at the end, and in the middle of working off everything."""
    (found,) = await chat.sql("SELECT pg_current_snapshot()::text AS snapshot, max(id) AS id FROM event_log")
    now = Snapshot.parse(found["snapshot"])
    backlog = Progress(Snapshot.below(1), Page(now, found["id"] // 2))
    return {"the relay": Progress(now), "the relay with a backlog": backlog}


async def test_deciding_about_many_messages_goes_through_them_once(chat, statements):
    """Not once for each of them, however few PostgreSQL guesses there to be: 400 at once took a quarter of a second."""
    (ann,) = await chat.people(1)
    general = (await ann.workspace())["general"]
    for number in range(MANY):
        await ann.say(general, f"number {number}")
    statements.clear()
    await chat.decide()
    (told,) = [sent for sent in statements if "INSERT INTO notification " in sent.text]
    assert len(told.values[0]) == MANY
    connection = await asyncpg.connect(chat.postgres_url, statement_cache_size=0)
    plan = await plan_of(connection, told, "force_generic_plan")
    await connection.close()
    readings = [node["Actual Loops"] for node in nodes(plan) if node.get("CTE Name") == "chosen"]
    assert max(readings) == 1
