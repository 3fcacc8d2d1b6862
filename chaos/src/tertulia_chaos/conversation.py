"""A conversation under faults: ten people in one workspace, in `general` and in rooms of their own, and one outsider.

`checker`, `deploy` and `disk` differ only in what happens meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tertulia_chaos.arena import Arena, Line, Stopwatch, line_of
from tertulia_chaos.faults import until_ready
from tertulia_chaos.people import Postbox, Witness, founded, keep_writing, people, stored, witnessing
from tertulia_chaos.proof import prove
from tertulia_client import ChannelKind, Client

NAMES = ("Ada", "Ben", "Carl", "Dora", "Emil", "Fay", "Gus", "Hana", "Ivo", "Jule")
OUTSIDER = "Zoe"
ROOMS = 3
ARRIVAL_S = 90.0
"""So long after the last acknowledgement everything has to be there."""
SETTLE_S = 1.0
"""A second copy, or a leak, would still be on its way."""
READY_S = 180.0

Trouble = Callable[[Postbox], Awaitable[dict[str, object]]]
"""Does harm while the conversation goes on; answers what the line should tell of it."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How lively the conversation is. `pause_s` lies between two messages of one person."""

    writers: int = 10
    pause_s: float = 0.1


LIVELY = Pace()


@dataclass(frozen=True)
class Place:
    """Channels, who is in them, and which of them each person writes to."""

    members: dict[str, set[str]]
    rooms_of: dict[str, list[str]]
    proven: list[str]
    """Channels that the conversation is in; the first person is in all of them."""


async def converse(name: str, arena: Arena, trouble: Trouble, pace: Pace) -> Line:
    """Everybody writes and listens until `trouble` is over; then the proof."""
    watch = Stopwatch()
    async with people(arena.stack.url, *NAMES[: pace.writers], OUTSIDER) as everybody:
        *writers, outsider = everybody
        place = await _settle(arena, writers, outsider)
        async with witnessing(*everybody) as witnesses:
            arena.say(f"{len(writers)} people write, {len(witnesses)} listen")
            postbox, told = await _talk(arena, writers, place, trouble, pace.pause_s)
            arena.say(f"{len(postbox.acknowledged)} acknowledged; waiting until all services are ready")
            await until_ready(arena.stack, READY_S)
            truth = await stored(writers[0], place.proven)
            await _arrive(witnesses, {channel: len(said) for channel, said in truth.items()}, place)
            await asyncio.sleep(SETTLE_S)
        findings = prove(postbox.acknowledged, truth, [witness.record for witness in witnesses], place.members)
    findings.complain("posts that no retry healed", len(postbox.given_up), postbox.given_up)
    more = {**postbox.figures(), **_stream_figures(witnesses), **told}
    return line_of(name, arena, watch.s, findings, more)


async def _settle(arena: Arena, writers: list[Client], outsider: Client) -> Place:
    owner = writers[0]
    workspace, general = await founded(owner, *writers[1:])
    _, elsewhere = await founded(outsider)
    everybody = {writer.user.id for writer in writers}
    members = {general: everybody, elsewhere: {outsider.user.id}}
    rooms_of = {writer.user.id: [general] for writer in writers}
    for number in range(ROOMS):
        room = (await owner.channels.create(workspace.id, f"room-{number}", kind=ChannelKind.PRIVATE)).id
        guests = arena.chance.sample(writers[1:], len(writers) // 2)
        for guest in guests:
            await owner.channels.add_member(room, guest.user.id)
        members[room] = {owner.user.id, *(guest.user.id for guest in guests)}
        for person in members[room]:
            rooms_of[person].append(room)
    return Place(members, rooms_of, [channel for channel in members if channel != elsewhere])


async def _talk(
    arena: Arena, writers: list[Client], place: Place, trouble: Trouble, pause_s: float
) -> tuple[Postbox, dict[str, object]]:
    postbox = Postbox()
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for writer in writers:
            channels = place.rooms_of[writer.user.id]
            name = writer.user.display_name
            group.create_task(keep_writing(postbox, writer, name, channels, pause_s, over))
        try:
            told = await trouble(postbox)
        finally:
            over.set()
    return postbox, told


async def _arrive(witnesses: list[Witness], counts: dict[str, int], place: Place) -> None:
    async with asyncio.TaskGroup() as group:
        for witness in witnesses:
            mine = {channel: n for channel, n in counts.items() if witness.record.person in place.members[channel]}
            group.create_task(witness.until_heard(mine, ARRIVAL_S))


def _stream_figures(witnesses: list[Witness]) -> dict[str, object]:
    return {
        "connections": sum(witness.connections for witness in witnesses),
        "not_resumed": sum(witness.not_resumed for witness in witnesses),
        "resets": sum(witness.record.resets for witness in witnesses),
    }
