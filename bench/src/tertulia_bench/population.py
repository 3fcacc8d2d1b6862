"""A workspace of many people who talk in small channels: who belongs where, and everybody's access token.

Accounts, seats, sessions and memberships are written straight into PostgreSQL, because thousands of logins and joinings
would take minutes. No event tells of them, so notify is made to load what is true anew.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg

from tertulia_bench.loading import Loader, until
from tertulia_chat.accounts.keys import KeyRing
from tertulia_chat.database import Database
from tertulia_shared.settings import SecretKeys, decode_secret
from tertulia_stack.background import BackgroundStack
from tertulia_stack.home import Home
from tertulia_stack.ports import remembered
from tertulia_stack.servers import PostgresServer

TOKEN_TTL = timedelta(hours=2)
RELOAD_S = 60.0

_ACCOUNTS = """
INSERT INTO user_account (id, username, email, display_name, password_hash, created_at)
SELECT uuidv7(), $1 || n, $1 || n || '@example.org', 'Sailor ' || n, '!', date_trunc('milliseconds', now())
FROM generate_series(1, $2::int) AS n
RETURNING id
"""
_SEATS = """
INSERT INTO workspace_member (workspace_id, user_id, role, joined_at)
SELECT $1, id, 'member', date_trunc('milliseconds', now()) FROM unnest($2::uuid[]) AS id
"""
_SESSIONS = """
INSERT INTO session (id, user_id, created_at, last_used_at)
SELECT uuidv7(), id, date_trunc('milliseconds', now()), date_trunc('milliseconds', now()) FROM unnest($1::uuid[]) AS id
RETURNING id::text, user_id::text
"""
_MEMBERS = """
INSERT INTO channel_member (channel_id, user_id, workspace_id, role, joined_at, joined_seq, read_seq)
SELECT c.id, x.user_id, c.workspace_id, 'member', date_trunc('milliseconds', now()), c.last_seq, c.last_seq
FROM unnest($1::uuid[], $2::uuid[]) AS x (channel_id, user_id) JOIN channel c ON c.id = x.channel_id
"""
_COUNTS = """
UPDATE channel c SET member_count = (SELECT count(*) FROM channel_member m WHERE m.channel_id = c.id)
WHERE c.id = ANY($1::uuid[])
"""
_LAST_SEQS = "SELECT id::text, last_seq FROM channel WHERE id = ANY($1::uuid[])"


@dataclass(frozen=True, slots=True)
class Person:
    """`channels` are the numbers of the channels that they are in."""

    id: str
    token: str
    channels: Sequence[int]


@dataclass(frozen=True, slots=True)
class Population:
    """`channels` are ids. Everybody is in one channel at least."""

    channels: Sequence[str]
    people: Sequence[Person]
    postgres_url: str

    def members(self, channel: int) -> list[Person]:
        return [person for person in self.people if channel in person.channels]

    @property
    def seats(self) -> int:
        return sum(len(person.channels) for person in self.people)

    async def last_seqs(self) -> list[int]:
        """How far each channel is, in their order."""
        connection = await asyncpg.connect(self.postgres_url, timeout=10)
        try:
            found = dict(await connection.fetch(_LAST_SEQS, [UUID(channel) for channel in self.channels]))
        finally:
            await connection.close()
        return [found[channel] for channel in self.channels]


def memberships(people: int, channels: int, most: int, chance: random.Random) -> list[list[int]]:
    """For each person the numbers of their channels. People are dealt out evenly first; then each channel gets
    guests of others until it has a random number of members, `most` at the most."""
    places = [[number % channels] for number in range(people)]
    least = people // channels
    for channel in range(channels):
        others = [number for number in range(people) if channel not in places[number]]
        for number in chance.sample(others, chance.randint(0, most - least)):
            places[number].append(channel)
    return places


async def settle(stack: BackgroundStack, name: str, places: Sequence[Sequence[int]]) -> Population:
    """As many people as `places` has entries, in the channels that each entry numbers. `name` is unique on the stack,
    and fit for a username."""
    home = Home(stack.data_dir)
    url = PostgresServer(home.postgres, remembered(home.ports_file)["postgres"]).url("tertulia_chat")
    async with Loader(stack) as loader:
        owner = await loader.register(f"{name}-owner")
        workspace = await loader.workspace(name, owner)
        channels = await loader.channels(workspace, owner, 1 + max(number for one in places for number in one))
    connection = await asyncpg.connect(url, timeout=10, command_timeout=60)
    try:
        sessions = await _people(connection, name, workspace, len(places))
        await _seat(connection, channels, [person for person, _ in sessions], places)
    finally:
        await connection.close()
    await _reload(stack)
    tokens = await _tokens(url, home, sessions)
    people = [
        Person(person, token, list(one)) for (person, _), token, one in zip(sessions, tokens, places, strict=True)
    ]
    return Population(channels, people, url)


async def _people(connection: asyncpg.Connection, name: str, workspace: str, count: int) -> list[tuple[str, str]]:
    """Id and session of new members of the workspace."""
    ids = [row["id"] for row in await connection.fetch(_ACCOUNTS, name, count)]
    await connection.execute(_SEATS, UUID(workspace), ids)
    return [(row["user_id"], row["id"]) for row in await connection.fetch(_SESSIONS, ids)]


async def _seat(
    connection: asyncpg.Connection, channels: Sequence[str], people: Sequence[str], places: Sequence[Sequence[int]]
) -> None:
    seats = [(channels[number], person) for person, one in zip(people, places, strict=True) for number in one]
    await connection.execute(_MEMBERS, *([UUID(one) for one in column] for column in zip(*seats, strict=True)))
    await connection.execute(_COUNTS, [UUID(channel) for channel in channels])
    await connection.execute("ANALYZE")


async def _reload(stack: BackgroundStack) -> None:
    """Returns when a new process of notify is ready. Raises TimeoutError."""
    former = await asyncio.to_thread(stack.kill, "notify")

    async def ready() -> bool:
        service = await asyncio.to_thread(stack.service, "notify")
        return service["ready"] and service["pid"] != former

    await until(ready, RELOAD_S)


async def _tokens(url: str, home: Home, sessions: Sequence[tuple[str, str]]) -> list[str]:
    """Signed as chat signs them, with its own key."""
    async with Database(url, pool_size=1, wake=lambda _: None) as database:
        keys = KeyRing(database, SecretKeys(decode_secret(home.secret_key())), token_ttl=TOKEN_TTL)
        signer = await keys.signer()
    ttl_s = round(TOKEN_TTL.total_seconds())
    return [signer.issue(person, session, ttl_s) for person, session in sessions]
