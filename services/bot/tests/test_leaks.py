"""The leak oracle of the bot's sources: whatever search answers, nothing of a channel that somebody in the room may not
read reaches the prompt, the citations or the counts in the steps.

Random permission graphs in the real projection; the rule is written down here a second time, from its definition.
Search is the worst there can be: it answers with messages of every channel there is.
"""

import json
import random
from dataclasses import dataclass

import pytest
from aiohttp import web

from tertulia_bot.context import citations
from tertulia_bot.context.prompt import Room, compose
from tertulia_bot.context.retrieval import Retriever
from tertulia_bot.peers import Peer
from tertulia_bot.provider.tokens import ByteCounter
from tertulia_bot.wish import Ask
from tertulia_shared.events import BOT_USER_ID, ChannelKind
from tertulia_shared.membership import Projection
from tertulia_shared.settings import SecretKeys
from tertulia_shared.tokens import ServiceTokens

from .people import eventually
from .providers import serving
from .test_prompt import opened

TOKENS = ServiceTokens(SecretKeys(b"0123456789abcdef0123456789abcdef"))
KINDS = (ChannelKind.PUBLIC, ChannelKind.PRIVATE, ChannelKind.DM, ChannelKind.GROUP_DM)


@dataclass
class Feed:
    """What the retriever asks of the feed."""

    projection: Projection


class Graph:
    """Who belongs where, in plain sets beside the projection."""

    def __init__(self, dice):
        self.projection = Projection()
        self.roles = {}
        self.kinds = {}
        self.workspace = {}
        self.members = {}
        people = [f"u{number}" for number in range(dice.randint(1, 6))] + [BOT_USER_ID]
        for workspace in ("w1", "w2"):
            for person in people:
                if dice.random() < 0.7:
                    role = dice.choice(["owner", "admin", "member", "guest"])
                    self.roles[workspace, person] = role
                    self.projection.join_workspace(workspace, person, role)
            for number in range(dice.randint(1, 6)):
                channel = f"{workspace}c{number}"
                kind = dice.choice(KINDS)
                self.kinds[channel], self.workspace[channel] = kind, workspace
                self.projection.describe_channel(channel, workspace, kind, channel)
                inside = [person for person in people if (workspace, person) in self.roles and dice.random() < 0.5]
                self.members[channel] = set(inside)
                for person in inside:
                    self.projection.join(channel, workspace, person, 1)

    def may_read(self, person, channel):
        role = self.roles.get((self.workspace[channel], person))
        public = self.kinds[channel] is ChannelKind.PUBLIC and role not in (None, "guest")
        return person in self.members[channel] or public

    def allowed(self, room):
        people = {person for _, person in self.roles} | {person for each in self.members.values() for person in each}
        audience = {person for person in people - {BOT_USER_ID} if self.may_read(person, room)}
        if not audience:
            return {room}
        return {room} | {
            channel
            for channel in self.kinds
            if self.workspace[channel] == self.workspace[room]
            and all(self.may_read(person, channel) for person in audience)
        }


class Everything:
    """A search without any restraint."""

    def __init__(self):
        self.channels = []

    async def retrieve(self, request):
        asked = await request.json()
        hits = [
            {
                "message": {
                    "message_id": f"m-{channel}",
                    "channel_id": channel,
                    "ch_seq": 1,
                    "author_id": "u0",
                    "created_at": "2026-11-01T00:00:00Z",
                    "text": f"secret-of-{channel}; {asked['query']}",
                }
            }
            for channel in self.channels
        ]
        return web.Response(text=json.dumps({"hits": hits, "searched_channels": 1}), content_type="application/json")


@pytest.fixture
async def search():
    everything = Everything()
    served = web.Application()
    served.router.add_post("/internal/v1/retrieve", everything.retrieve)
    async with serving(served) as url, Peer("search", url, TOKENS, 5) as peer:
        yield everything, peer


async def _leaks(search, dice, count):
    everything, peer = search
    shown = 0
    for _ in range(count):
        graph = Graph(dice)
        everything.channels = [*graph.kinds, "elsewhere"]
        dice.shuffle(everything.channels)
        room = dice.choice(list(graph.kinds))
        sources = await Retriever(peer, Feed(graph.projection)).sources(graph.workspace[room], room, "What is it?")
        assert sources is not None
        prompt = await compose(
            Ask(question="What?"), opened(["hi"]), None, sources, ByteCounter(), Room(prompt=4000, context=2000)
        )
        _, cited = citations.settle("secret-of [1][2][3][4][5][6]", prompt.sources)
        forbidden = graph.kinds.keys() - graph.allowed(room) | {"elsewhere"}
        shown += len(cited)
        for channel in forbidden:
            assert f"secret-of-{channel};" not in prompt.user
            assert channel not in {each.channel_id for each in cited}
            assert channel not in {each.channel_id for each in prompt.sources}
    # An oracle that never sees a source would prove nothing.
    assert shown > count / 2


async def test_no_source_of_a_channel_that_somebody_here_may_not_read(search):
    await _leaks(search, random.Random(11), 250)


@pytest.mark.full
async def test_no_source_of_a_channel_that_somebody_here_may_not_read_in_many_graphs(search):
    await _leaks(search, random.Random(12), 6000)


async def test_a_search_that_is_away_or_talks_nonsense_costs_only_the_sources(search):
    everything, peer = search
    projection = Graph(random.Random(1)).projection
    everything.channels = []
    assert await Retriever(peer, Feed(projection)).sources("w1", "w1c0", "x" * 5000) == []
    assert await Retriever(None, Feed(projection)).sources("w1", "w1c0", "x") is None

    async def nonsense(_):
        return web.Response(text='{"hits": [{"message": 3}]}')

    async def refuse(_):
        return web.json_response({"code": "no"}, status=422)

    async def broken(_):
        return web.Response(status=500)

    for handler in (nonsense, refuse, broken):
        served = web.Application()
        served.router.add_post("/internal/v1/retrieve", handler)
        async with serving(served) as url, Peer("search", url, TOKENS, 5) as other:
            assert await Retriever(other, Feed(projection)).sources("w1", "w1c0", "x") is None
    async with Peer("search", "http://127.0.0.1:9", TOKENS, 5) as nobody:
        assert await Retriever(nobody, Feed(projection)).sources("w1", "w1c0", "x") is None


async def test_a_private_message_is_a_source_only_among_those_who_may_read_it(world, scripted):
    """End to end, with the same unrestrained search: steps, prompt, deltas, citations and the message."""
    everything = Everything()
    served = web.Application()
    served.router.add_post("/internal/v1/retrieve", everything.retrieve)
    scripted.default.words = ["It", " is", " so", " [1]", " [2]", "."]
    async with (
        serving(served) as search_url,
        world.bot(scripted.url, search_service_url=search_url, max_context_tokens=1200),
    ):
        ana, ben = await world.people(2)
        workspace, general = await ana.workspace()
        await ana.invite(workspace, ben)
        private = await ana.channel(workspace, "board", "private")
        everything.channels = [private, general]

        async def known():
            return (await ben.bot("GET", f"/channels/{general}/runs"))["items"] == []

        await eventually(known)
        open_run = await ben.ended((await ben.command(general, "/ask What is it?")).id)
        closed_run = await ana.ended((await ana.command(private, "/ask What is it?")).id)
        (posted,) = await ana.answers(general)
        assert posted.ai is not None
        assert posted.text == "It is so [1]."
        assert [each.channel_id for each in posted.ai.citations] == [general]
        assert f"secret-of-{private}" not in json.dumps(scripted.requests[0])
        (inside,) = await ana.answers(private)
        assert inside.ai is not None
        assert [each.channel_id for each in inside.ai.citations] == [private, general]
        counts = {step.run_id: step.count for step in world.heard.steps if step.step == "searching" and step.count}
        assert counts == {open_run.id: 1, closed_run.id: 2}
