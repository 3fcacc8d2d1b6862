"""Put the demo team and its week into a running stack.

People, workspace and channels go through the public API like anybody's; messages through chat's internal import,
because they are from the past. Every step looks first whether it was done, so an interrupted run can be repeated.
"""

import ipaddress
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

import aiohttp
import msgspec

from tertulia_client import ApiError, ChannelKind, Client, Conflict
from tertulia_shared.settings import SecretKeys, decode_secret
from tertulia_shared.tokens import ServiceTokens
from tertulia_stack.home import Home, write_private
from tertulia_stack.ports import LOOPBACK, remembered
from tertulia_stack.seed.people import CHANNELS, OWNER, PASSWORD, PEOPLE, SLUG, WORKSPACE, Person, members
from tertulia_stack.seed.week import Planned, plan
from tertulia_stack.supervisor.state import StackState

BATCH = 250
NAMESPACE = uuid.UUID("6f0c9c0e-6f43-4d5e-9a8e-2f6a0a8f3c11")


class SeedRefused(RuntimeError):
    """Why there is no demo here, in words for a person."""


class Progress(msgspec.Struct):
    """What is remembered between runs. `now` is the moment that the week ends with."""

    now: datetime
    done: bool = False


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Tells how far it is: `begin` a step with how many parts, then `advance` by some."""

    begin: Callable[[str, int], None]
    advance: Callable[[int], None]


def refuse_unless_private(state: StackState) -> None:
    """The demo people's password is public, so they must not live where others can reach them."""
    try:
        private = ipaddress.ip_address(state.host).is_loopback
    except ValueError:
        private = state.host == "localhost"
    if not private:
        raise SeedRefused(
            f"The demo people have a password that everybody knows, and this stack listens on {state.host}. "
            "Start it on the loopback (the default) to try the demo."
        )


def former(home: Home) -> Progress | None:
    """What an earlier run on this data left."""
    try:
        return msgspec.json.decode(home.seed_file.read_bytes(), type=Progress)
    except (OSError, msgspec.DecodeError):
        return None


async def seed(home: Home, state: StackState, steps: Steps) -> int:
    """Do what is not done yet; how many messages are new. Raises SeedRefused."""
    refuse_unless_private(state)
    progress = former(home) or Progress(now=datetime.now().astimezone())
    _remember(home, progress)
    try:
        async with AsyncExitStack() as clients:
            steps.begin("people", len(PEOPLE))
            signed_in = {
                person.username: await _sign_in(await clients.enter_async_context(Client(state.url)), person, steps)
                for person in PEOPLE
            }
            channels = await _open_channels(signed_in, steps)
        authors = {username: client.user.id for username, client in signed_in.items()}
        imported = await _import(home, plan(progress.now), channels, authors, steps)
    except ApiError as error:
        raise SeedRefused(f"The stack did not take it: {error}") from error
    progress.done = True
    _remember(home, progress)
    return imported


def _remember(home: Home, progress: Progress) -> None:
    write_private(home.seed_file, msgspec.json.encode(progress).decode())


async def _sign_in(client: Client, person: Person, steps: Steps) -> Client:
    try:
        await client.auth.register(
            email=person.email, username=person.username, password=PASSWORD, display_name=person.name
        )
    except Conflict:
        try:
            await client.auth.login(person.username, PASSWORD)
        except ApiError as error:
            raise SeedRefused(f"Somebody else is “{person.username}” here already ({error.code}).") from error
    steps.advance(1)
    return client


async def _open_channels(people: Mapping[str, Client], steps: Steps) -> dict[str, str]:
    """The workspace with everybody in it and its channels; ids by name."""
    owner = people[OWNER.username]
    workspace_id = await _workspace(owner)
    invite = await owner.workspaces.invite(workspace_id)
    for username, client in people.items():
        if username != OWNER.username:
            await client.workspaces.accept_invite(invite.code)
    await owner.workspaces.revoke_invite(workspace_id, invite.code)
    steps.begin("channels", len(CHANNELS))
    ids = {one.channel.name: one.channel.id async for one in owner.channels.list(workspace_id) if one.channel.name}
    for channel in CHANNELS:
        if channel.name not in ids:
            kind = ChannelKind.PRIVATE if channel.private else ChannelKind.PUBLIC
            made = await owner.channels.create(workspace_id, channel.name, kind=kind, topic=channel.topic)
            ids[channel.name] = made.id
        present = {member.user.id async for member in owner.channels.members(ids[channel.name])}
        for person in members(channel.name):
            user_id = people[person.username].user.id
            if user_id not in present:
                await owner.channels.add_member(ids[channel.name], user_id)
        steps.advance(1)
    return ids


async def _workspace(owner: Client) -> str:
    for membership in await owner.workspaces.mine():
        if membership.workspace.slug == SLUG:
            return membership.workspace.id
    return (await owner.workspaces.create(WORKSPACE, slug=SLUG)).id


async def _import(
    home: Home, week: Sequence[Planned], channels: Mapping[str, str], authors: Mapping[str, str], steps: Steps
) -> int:
    tokens = ServiceTokens(SecretKeys(decode_secret(home.secret_key())))
    base = f"http://{LOOPBACK}:{remembered(home.ports_file)['chat-api']}"
    imported = 0
    steps.begin("messages", len(week))
    async with aiohttp.ClientSession(base, headers={"Authorization": f"Bearer {tokens.issue('stack')}"}) as session:
        for channel, batch in _batches(week):
            messages = [_as_import(message, number, authors) for number, message in batch]
            path = f"/internal/v1/channels/{channels[channel]}/import"
            async with session.post(path, json={"messages": messages}) as answer:
                if answer.status != 200:
                    raise SeedRefused(f"chat refused the messages of #{channel}: {await answer.text()}")
                imported += (await answer.json())["imported"]
            steps.advance(len(batch))
    return imported


def _batches(week: Sequence[Planned]) -> Iterator[tuple[str, list[tuple[int, Planned]]]]:
    for channel, messages in groupby(week, key=attrgetter("channel")):
        numbered = list(enumerate(messages))
        for start in range(0, len(numbered), BATCH):
            yield channel, numbered[start : start + BATCH]


def _as_import(message: Planned, number: int, authors: Mapping[str, str]) -> dict[str, Any]:
    return {
        "author_id": authors[message.author.username],
        "text": message.text,
        "created_at": message.at.isoformat(),
        # The same message has the same id in every run: chat then knows that it has it.
        "client_msg_id": str(uuid.uuid5(NAMESPACE, f"{message.channel}/{number}")),
    }
