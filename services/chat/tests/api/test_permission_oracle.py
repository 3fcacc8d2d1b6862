"""Five people do anything in a workspace with any roles and any permission table; an independent model says what each
address must answer, and after every step who knows which channels.

What is refused leaves no event. The model and its deeds are in `permission_model`.
"""

import importlib.util
import sys
import uuid
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def load_model():
    spec = importlib.util.spec_from_file_location("permission_model", Path(__file__).with_name("permission_model.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


model = load_model()

PEOPLE = 5
STEPS = 70
ROLES = ["admin", "moderator", "member", "guest", None]

# Everybody also belongs to a workspace of their own, so that nobody's sessions end; those who know each other meet in
# the first one's.
ELSEWHERE = """
WITH place AS (
    INSERT INTO workspace (id, name, slug, created_by, created_at)
    SELECT gen_random_uuid(), 'elsewhere', 'e-' || left(md5(id::text), 12), id, now() FROM user_account
    WHERE id = ANY($1) RETURNING id, created_by
)
INSERT INTO workspace_member (workspace_id, user_id, role, joined_at)
SELECT id, created_by, 'owner', now() FROM place
UNION ALL SELECT place.id, other, 'member', now() FROM place, unnest($2::uuid[]) AS other WHERE created_by = $3
"""


class Play:
    """Does each deed over HTTP and asks the model."""

    def __init__(self, people, world, log):
        self.people, self.world, self.log = people, world, log
        self.cases = 0

    async def do(self, name, who, a, b, c):
        ask = model.DEEDS[name](self.world, who, a, b, c)
        if ask is None:
            return
        self.cases += 1
        before = await self.told()
        more = {"json": ask.body} if ask.body is not None else {}
        answer = await self.people[who].ask(ask.method, ask.path, None, **more)
        told = f"{name} by {who}: {ask.method} {ask.path} {ask.body} -> {answer.status_code} {answer.text[:300]}"
        assert answer.status_code == ask.verdict, f"{told}, expected {ask.verdict}; {self.world}"
        if ask.verdict >= 400:
            assert await self.told() == before, told
        else:
            ask.then(answer.json() if answer.content else None)
        await self.check(a, b)

    async def told(self):
        return await self.log.fetchval("SELECT max(id) FROM event_log")

    async def check(self, who, number):
        """What one of them finds, and whether they read one of the channels."""
        who = self.world.whom(who)
        belongs = who in self.world.roles
        path = f"/workspaces/{self.world.workspace}/channels"
        answer = await self.people[who].get(path, 200 if belongs else 404)
        if belongs:
            found = {item["channel"]["id"]: item["joined"] for item in answer["items"]}
            rooms = [room for room in self.world.rooms if self.world.knows(who, room)]
            assert found == {room.id: who in room.members for room in rooms}
        room = self.world.room(number)
        await self.people[who].get(f"/channels/{room.id}", self.looking_at(who, room))

    def looking_at(self, who, room):
        try:
            self.world.see(who, room)
        except model.No as no:
            return no.status
        return 200


async def settle(chat, roles):
    """Person 0 founds the workspace, the others come in with their roles; one channel is public, one is private."""
    people = await chat.people(PEOPLE)
    first, *others = ids = [uuid.UUID(person.id) for person in people]
    await chat.sql(ELSEWHERE, ids, others[: model.ACQUAINTED - 1], first)
    founded = await people[0].workspace()
    general = model.Room(founded["general"]["id"], "public", "general", {0: "owner"}, default=True)
    world = model.World(founded["id"], [person.id for person in people], {0: "owner"}, [general])
    for who, role in enumerate(roles, 1):
        if role is not None:
            await people[0].invite(founded, people[who], role=role)
            world.come(who, role)
    for kind in ("public", "private"):
        channel = await people[0].channel(founded, kind, kind)
        world.rooms.append(model.Room(channel["id"], kind, kind, {0: "owner"}))
    codes = (await people[0].get(f"/workspaces/{founded['id']}/invites"))["items"]
    world.invites = [model.Invite(one["code"], one["role"], 0) for one in codes]
    return people, world


async def play(chat, roles, steps):
    """How many deeds there were: not each that is drawn can be done."""
    people, world = await settle(chat, roles)
    log = await asyncpg.connect(chat.postgres_url)
    try:
        acted = Play(people, world, log)
        for step in steps:
            await acted.do(*step)
    finally:
        await log.close()
    return acted.cases


@pytest.fixture
def counted():
    """Takes the cases of every example of a test; fails unless there were 20,000."""
    cases = []
    yield cases.append
    print(f"{sum(cases):,} cases, no difference")
    assert sum(cases) >= 20_000


NUMBER = st.integers(0, 7)
# Person 0 owns the workspace and may everything, so what others do is the more telling.
WHO = st.sampled_from([0, 1, 1, 2, 2, 3, 3, 4, 4])
STEP = st.tuples(st.sampled_from(sorted(model.DEEDS)), WHO, NUMBER, NUMBER, NUMBER)
GIVEN = st.tuples(*[st.sampled_from(ROLES)] * (PEOPLE - 1))
TOO_SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
RUN = {"deadline": None, "suppress_health_check": TOO_SLOW}


@given(roles=GIVEN, steps=st.lists(STEP, min_size=20, max_size=40))
@settings(max_examples=10, **RUN)
async def test_everybody_may_what_the_model_says(chat, roles, steps):
    await play(chat, roles, steps)


@pytest.mark.full
@pytest.mark.timeout(3600)
@given(roles=GIVEN, steps=st.lists(STEP, min_size=STEPS, max_size=STEPS))
@settings(max_examples=420, **RUN)
async def test_everybody_may_what_the_model_says_in_20_000_cases(chat, counted, roles, steps):
    counted(await play(chat, roles, steps))
