"""The leak oracle: on random worlds of people, channels and changes of membership, nobody ever finds what they may not
read, nor a number that tells of it, and nothing that they may read is missing.

What is allowed is decided by a model of its own, which shares no code with the projection. The short variant runs with
every test; the full one (`pytest -m full`) has 5,000 cases for people and 5,000 for rooms.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tertulia_search.engines.port import Document
from tertulia_search.engines.tantivy_engine import FEW, TantivyEngine
from tertulia_search.find.finder import Finder, Wish
from tertulia_shared import events
from tertulia_shared.membership import Projection
from tertulia_shared.problems import NotFound

from .engines import document, put

NOW = datetime(2026, 11, 1, tzinfo=UTC)
WORDS = ["tea", "coffee", "samovar", "biscuit", "kettle", "lemon"]
SPACES = ("W1", "W2")
PEOPLE = [f"u{number}" for number in range(8)]
CASES_A_WORLD = 50
ROLES = [events.Role.OWNER, events.Role.MEMBER, events.Role.MEMBER, events.Role.GUEST]
KINDS = list(events.ChannelKind)


@dataclass
class Model:
    """Who may read what, said as plainly as possible."""

    channels: dict[str, tuple[str, events.ChannelKind]] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    roles: dict[tuple[str, str], events.Role] = field(default_factory=dict)

    def may_read(self, user: str, channel: str) -> bool:
        space, kind = self.channels[channel]
        if user in self.members[channel]:
            return True
        role = self.roles.get((space, user))
        return kind == events.ChannelKind.PUBLIC and role is not None and role != events.Role.GUEST

    def for_person(self, space: str, user: str) -> set[str]:
        return {c for c, (where, _) in self.channels.items() if where == space and self.may_read(user, c)}

    def for_room(self, room: str) -> set[str]:
        space = self.channels[room][0]
        readers = [user for user in PEOPLE if self.may_read(user, room)]
        if not readers:
            return {room}
        return set.intersection(*(self.for_person(space, user) for user in readers)) | {room}


class World:
    """The model and the projection, changed together; the projection only by events."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.model = Model()
        self.projection = Projection()
        self.seqs: Counter[str] = Counter()
        for space in SPACES:
            for user in dice.sample(PEOPLE, dice.randint(3, len(PEOPLE))):
                self.enter(space, user)
        for number in range(12):
            channel, space = f"C{number}", dice.choice(SPACES)
            self.model.channels[channel] = (space, dice.choice(KINDS))
            self.model.members[channel] = set()
            self.apply(events.ChannelCreated(channel=self.view(channel)), channel)
            for _ in range(dice.randint(0, 4)):
                self.change_seat(channel)
        self.documents = [self.message(number) for number in range(120)]

    def message(self, number: int) -> Document:
        channel = self.dice.choice(list(self.model.channels))
        text = " ".join(self.dice.choices(WORDS, k=4))
        author = self.dice.choice(PEOPLE)
        space = self.model.channels[channel][0]
        return document(number, text, channel_id=channel, workspace_id=space, author_id=author)

    def change(self) -> None:
        what = self.dice.random()
        if what < 0.7:
            self.change_seat(self.dice.choice(list(self.model.channels)))
        elif what < 0.85:
            self.leave(self.dice.choice(SPACES), self.dice.choice(PEOPLE))
        else:
            self.enter(self.dice.choice(SPACES), self.dice.choice(PEOPLE))

    def change_seat(self, channel: str) -> None:
        space = self.model.channels[channel][0]
        here = [user for user in PEOPLE if (space, user) in self.model.roles]
        if not here:
            return
        user = self.dice.choice(here)
        if user in self.model.members[channel]:
            self.unseat(channel, user)
        else:
            self.model.members[channel].add(user)
            self.apply(
                events.MemberJoined(channel=self.view(channel), user=person(user), role=events.Role.MEMBER), channel
            )

    def unseat(self, channel: str, user: str) -> None:
        self.model.members[channel].discard(user)
        self.apply(events.MemberLeft(user_id=user, reason=events.LeaveReason.LEFT), channel)

    def enter(self, space: str, user: str) -> None:
        if (space, user) not in self.model.roles:
            role = self.dice.choice(ROLES)
            self.model.roles[space, user] = role
            self.projection.apply(events.WorkspaceMemberJoined(user=person(user), role=role), space, None, None)

    def leave(self, space: str, user: str) -> None:
        """As chat does it: a `member.left` of each channel, then the workspace."""
        if self.model.roles.pop((space, user), None) is None:
            return
        for channel, (where, _) in self.model.channels.items():
            if where == space and user in self.model.members[channel]:
                self.unseat(channel, user)
        fact = events.WorkspaceMemberLeft(user_id=user, reason=events.LeaveReason.REMOVED)
        self.projection.apply(fact, space, None, None)

    def apply(self, fact: events.Fact, channel: str) -> None:
        self.seqs[channel] += 1
        self.projection.apply(fact, self.model.channels[channel][0], channel, self.seqs[channel])

    def view(self, channel: str) -> events.Channel:
        space, kind = self.model.channels[channel]
        named = kind in (events.ChannelKind.PUBLIC, events.ChannelKind.PRIVATE)
        return events.Channel(
            id=channel,
            workspace_id=space,
            kind=kind,
            name=channel.lower() if named else None,
            topic="",
            created_by="u0",
            created_at=NOW,
        )


def person(user: str) -> events.User:
    return events.User(id=user, username=user, display_name=user, created_at=NOW)


async def judge_person(world: World, finder: Finder) -> None:
    dice = world.dice
    space, user, word = dice.choice(SPACES), dice.choice(PEOPLE), dice.choice(WORDS)
    channel, author = dice.choice(list(world.model.channels)), dice.choice(PEOPLE)
    place = dice.choice(["", f" in:{channel}", f" from:{author}", f" in:{channel} from:{author}"])
    sort = dice.choice(["relevance", "newest", "oldest"])
    wish = Wish(workspace_id=space, user_id=user, text=word + place, sort=sort, limit=100, cursor=None)
    if (space, user) not in world.model.roles:
        with pytest.raises(NotFound):
            await finder.search(wish)
        return
    allowed = world.model.for_person(space, user)
    if "in:" in place:
        named = world.view(channel).name is not None
        allowed &= {channel} if named else set()
    expected = [
        each
        for each in world.documents
        if each.channel_id in allowed
        and word in each.text.split()
        and ("from:" not in place or (each.author_id == author and (space, author) in world.model.roles))
    ]
    found = await finder.search(wish)
    assert {hit.message_id for hit in found.hits} == {each.message_id for each in expected}
    assert found.total == len(found.hits) == len(expected)
    assert {facet.id: facet.count for facet in found.facets.channels} == Counter(each.channel_id for each in expected)
    assert {facet.id: facet.count for facet in found.facets.people} == Counter(each.author_id for each in expected)


async def judge_room(world: World, finder: Finder) -> None:
    room = world.dice.choice(list(world.model.channels))
    words = world.dice.sample(WORDS, 2)
    allowed = world.model.for_room(room)
    found = await finder.retrieve(world.model.channels[room][0], room, f"where is the {words[0]} and {words[1]}?", 20)
    assert found.searched_channels == len(allowed)
    fitting = {
        each.message_id
        for each in world.documents
        if each.channel_id in allowed and not set(words).isdisjoint(each.text.split())
    }
    hits = {hit.message.message_id for hit in found.hits}
    assert hits <= fitting
    assert len(hits) == min(20, len(fitting))


async def run(cases: int, directory: Path, seed: int, of: str) -> None:
    judge = judge_person if of == "person" else judge_room
    for number in range(cases // CASES_A_WORLD):
        world = World(random.Random(seed + number))
        # Every other engine filters by itself, as it does when there are many hits.
        engine = TantivyEngine(directory / str(number), few=FEW * (number % 2))
        await engine.open()
        try:
            await put(engine, *world.documents)
            finder = Finder(engine, lambda world=world: world.projection)
            for _ in range(CASES_A_WORLD):
                world.change()
                await judge(world, finder)
        finally:
            await engine.close()


@pytest.mark.parametrize("of", ["person", "room"])
async def test_nobody_finds_what_they_may_not_read(of: str, tmp_path: Path) -> None:
    await run(300, tmp_path, 0, of)


@pytest.mark.full
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("of", ["person", "room"])
async def test_nobody_finds_what_they_may_not_read_in_5000_cases(of: str, tmp_path: Path) -> None:
    await run(5_000, tmp_path, 1_000, of)
