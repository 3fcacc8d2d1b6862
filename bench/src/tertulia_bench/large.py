"""A workspace of 500 channels and 2,000 people with a channel of a million messages, written straight into PostgreSQL.

Through the API it would take an hour. The tables, their constraints, indexes and triggers are the product's; only the
event log knows nothing of these rows, and nobody reads it here.
"""

from dataclasses import dataclass

import asyncpg

from tertulia_bench.loading import Account, Loader
from tertulia_bench.vocabulary import Vocabulary
from tertulia_stack.background import BackgroundStack
from tertulia_stack.home import Home
from tertulia_stack.ports import remembered
from tertulia_stack.servers import PostgresServer

MESSAGES, CHANNELS, PEOPLE = 1_000_000, 500, 2_000
"""In the one large channel; of the workspace and all of them the reader's; the reader and the bot among them."""

TEXTS = 2_000
OTHERS = 20
"""Messages in each of the other channels; the last five are unread."""

_PEOPLE = """
CREATE TEMP TABLE person AS SELECT gen_random_uuid() AS id, n FROM generate_series(1, $1::int) AS n
"""
_ACCOUNTS = """
INSERT INTO user_account (id, username, email, display_name, password_hash, created_at)
SELECT id, 'sailor-' || n, n || '@harbour.example', 'Sailor ' || n, '!', date_trunc('milliseconds', now()) FROM person
"""
_SEATS = """
INSERT INTO workspace_member (workspace_id, user_id, role, joined_at)
SELECT $1, id, 'member', date_trunc('milliseconds', now()) FROM person
"""
# Every tenth is a conversation of two.
_PLACES = """
CREATE TEMP TABLE place AS
SELECT gen_random_uuid() AS id, n, n % 10 = 0 AS direct FROM generate_series(1, $1::int) AS n
"""
_CHANNELS = f"""
INSERT INTO channel (
    id, workspace_id, kind, name, people_key, topic, created_by, created_at, last_seq, last_msg_seq, member_count
)
SELECT id, $1, CASE WHEN direct THEN 'dm' ELSE 'public' END, CASE WHEN NOT direct THEN 'berth-' || n END,
    CASE WHEN direct THEN id::text END, 'What happens at berth ' || n, $2, date_trunc('milliseconds', now()),
    {OTHERS}, {OTHERS}, 2
FROM place
"""
_MEMBERS = f"""
INSERT INTO channel_member (channel_id, user_id, workspace_id, role, joined_at, joined_seq, read_seq)
SELECT place.id, who.id, $1, 'member', date_trunc('milliseconds', now()), 1, {OTHERS - 5}
FROM place JOIN person ON person.n = place.n CROSS JOIN LATERAL (VALUES ($2::uuid), (person.id)) AS who (id)
"""
_WORDS = f"""
INSERT INTO message (id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, created_at, mentions)
SELECT gen_random_uuid(), $1, place.id, said.n, person.id, gen_random_uuid(),
    ($3::text[])[1 + (said.n + place.n) % {TEXTS}],
    date_trunc('milliseconds', now()), CASE WHEN said.n = {OTHERS} THEN ARRAY[$2::uuid] ELSE '{{}}' END
FROM place JOIN person ON person.n = place.n CROSS JOIN generate_series(1, {OTHERS}) AS said (n)
"""
# The id of the message with this number. Of a hundred, the first has three replies; every twentieth has a reaction and
# every fiftieth names somebody.
_ID = "('01990000-0000-7000-8000-' || lpad(to_hex({}), 12, '0'))::uuid"
_TALK = f"""
INSERT INTO message (
    id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, created_at, thread_id, mentions, reactions,
    reply_count, last_reply_seq, last_reply_at, last_repliers
)
SELECT {_ID.format("said.n")}, $1, $2, said.n, author.id, gen_random_uuid(), ($3::text[])[1 + said.n % {TEXTS}],
    date_trunc('milliseconds', now()),
    CASE WHEN said.n % 100 IN (1, 2, 3) AND said.n > 100 THEN {_ID.format("said.n - said.n % 100")} END,
    CASE WHEN said.n % 50 = 4 THEN ARRAY[other.id] ELSE '{{}}' END,
    CASE WHEN said.n % 20 = 5 THEN jsonb_build_array(jsonb_build_object('emoji', '👍', 'user_ids',
        jsonb_build_array(other.id, author.id))) ELSE '[]' END,
    CASE WHEN said.n % 100 = 0 THEN 3 ELSE 0 END, CASE WHEN said.n % 100 = 0 THEN said.n + 3 END,
    CASE WHEN said.n % 100 = 0 THEN date_trunc('milliseconds', now()) END,
    CASE WHEN said.n % 100 = 0 THEN ARRAY[other.id, author.id] ELSE '{{}}' END
FROM generate_series($4::int, $5::int) AS said (n)
JOIN person author ON author.n = 1 + said.n % 50
JOIN person other ON other.n = 60 + said.n % 7
ORDER BY said.n
"""
_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True)
class Large:
    """`channel` is the large one; `reader` is in all of them and has read it to its end."""

    workspace: str
    channel: str
    reader: Account
    postgres_url: str


async def make(stack: BackgroundStack) -> Large:
    async with Loader(stack) as loader:
        reader = await loader.register("reader")
        workspace = await loader.workspace("Harbour", reader)
        channels = await loader.call("GET", f"/workspaces/{workspace}/channels", None, reader.token)
        channel = channels["items"][0]["channel"]["id"]
    home = Home(stack.data_dir)
    url = PostgresServer(home.postgres, remembered(home.ports_file)["postgres"]).url("tertulia_chat")
    connection = await asyncpg.connect(url, timeout=10, command_timeout=300)
    try:
        await _fill(connection, workspace, channel, reader.id)
    finally:
        await connection.close()
    return Large(workspace, channel, reader, url)


async def _fill(connection: asyncpg.Connection, workspace: str, channel: str, reader: str) -> None:
    vocabulary = Vocabulary(5_000, seed=1)
    texts = [vocabulary.text() for _ in range(TEXTS)]
    await connection.execute(_PEOPLE, PEOPLE - 2)
    await connection.execute(_ACCOUNTS)
    await connection.execute(_SEATS, workspace)
    await connection.execute(_PLACES, CHANNELS - 1)
    await connection.execute(_CHANNELS, workspace, reader)
    await connection.execute(_MEMBERS, workspace, reader)
    await connection.execute(_WORDS, workspace, reader, texts)
    for first in range(1, MESSAGES + 1, _AT_ONCE):
        await connection.execute(_TALK, workspace, channel, texts, first, first + _AT_ONCE - 1)
    await connection.execute("UPDATE channel SET last_seq = $2, last_msg_seq = $2 WHERE id = $1", channel, MESSAGES)
    await connection.execute("UPDATE channel_member SET read_seq = $2 WHERE channel_id = $1", channel, MESSAGES)
    await connection.execute("VACUUM ANALYZE")
