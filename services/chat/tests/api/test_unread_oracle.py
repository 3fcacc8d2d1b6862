"""Two people on three devices do anything; what is unread must be what a plain model says, after every step.

The model knows nothing of cursors in databases: it keeps what was said as a list and counts, up to the thousand where
counting ends.
"""

import uuid
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ANN, BOB = 0, 1
CAP = 1000
FLOOD = """
WITH place AS (
    UPDATE channel SET last_seq = last_seq + $2, last_msg_seq = last_seq + $2 WHERE id = $1
    RETURNING last_seq - $2 AS before, workspace_id
),
root AS (
    UPDATE message SET reply_count = reply_count + $2, last_reply_seq = place.before + $2, last_reply_at = now()
    FROM place WHERE id = $4
)
INSERT INTO message (id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, created_at, thread_id,
    mentions, audience)
SELECT gen_random_uuid(), workspace_id, $1, before + n, $3, gen_random_uuid(), 'more', now(), $4, $5, $6
FROM place, generate_series(1, $2::integer) AS n
RETURNING id::text, ch_seq
"""


@dataclass
class Said:
    message: dict
    by: int
    place: int
    root: str | None
    mentions: frozenset = frozenset()
    everybody: bool = False
    deleted: bool = False


@dataclass
class Model:
    """`cursors` and `threads` hold how far each person has read each channel, and each thread that they follow."""

    directs: frozenset
    cursors: dict
    ends: dict
    said: list = field(default_factory=list)
    threads: dict = field(default_factory=dict)
    refused: set = field(default_factory=set)
    muted: set = field(default_factory=set)

    def add(self, one: Said):
        self.said.append(one)
        seq = self.ends[one.place] = one.message["ch_seq"]
        if one.root is not None:
            root = next(said for said in self.said if said.message["id"] == one.root)
            for who in {one.by, root.by} | one.mentions:
                if (who, one.root) not in self.refused:
                    self.threads.setdefault((who, one.root), seq - 1)

    def count(self, who, above, place, root=None):
        left = [
            one
            for one in self.said
            if (one.place, one.root) == (place, root)
            and one.message["ch_seq"] > above
            and one.by != who
            and not one.deleted
        ]
        named = [one for one in left if place in self.directs or who in one.mentions or one.everybody]
        return min(len(left), CAP), min(len(named), CAP)

    def channel(self, who, place):
        return self.count(who, self.cursors[who, place], place)

    def thread(self, who, root):
        place = next(one.place for one in self.said if one.message["id"] == root)
        return self.count(who, self.threads[who, root], place, root)

    def unread(self, who, ids):
        """As the API says it."""
        channels = {}
        for place, channel_id in enumerate(ids):
            unread, mentions = self.channel(who, place)
            if unread:
                muted = (who, place) in self.muted
                channels[channel_id] = (self.cursors[who, place], self.ends[place], unread, mentions, muted)
        threads = [self.thread(who, root) for person, root in self.threads if person == who]
        total = sum(item[2] for item in channels.values() if not item[4]), sum(item[3] for item in channels.values())
        return channels, tuple(map(sum, zip(*threads, strict=True))) or (0, 0), total


class Play:
    """Does each step over HTTP and in the model. Bob has two devices; each step is done from one of the three."""

    def __init__(self, people, devices, channels, model, told):
        self.people, self.devices, self.channels, self.model, self.told = people, devices, channels, model, told

    async def post(self, device, place, root_number, named, everybody):
        who = min(device, BOB)
        roots = [one for one in self.model.said if one.place == place and one.root is None]
        root = roots[root_number % len(roots)].message if root_number is not None and roots else None
        person, channel = self.devices[device], self.channels[place]
        text = " ".join(["hi", *(f"<@{self.people[one].id}>" for one in named), *(["@channel"] if everybody else [])])
        message = await (person.reply(channel, root, text) if root else person.say(channel, text))
        self.model.add(Said(message, who, place, root["id"] if root else None, frozenset(named), everybody))

    async def flood(self, device, place, root_number, named, everybody, count):
        """The same again, so often that counting may end before it: past the API, which would take a minute. Twice."""
        if len(self.model.said) > 2 * CAP:
            return
        await self.post(device, place, root_number, named, everybody)
        one = self.model.said[-1]
        author, people = self.people[one.by], [uuid.UUID(self.people[who].id) for who in named]
        ids = [uuid.UUID(each) if each else None for each in (self.channels[place]["id"], author.id, one.root)]
        values = (ids[0], count, ids[1], ids[2], people, "channel" if everybody else None)
        for row in sorted(await author.chat.sql(FLOOD, *values), key=lambda row: row["ch_seq"]):
            self.model.add(Said(dict(row), one.by, place, one.root, one.mentions, everybody))

    async def edit(self, number):
        if mine := [one for one in self.model.said if not one.deleted]:
            one = mine[number % len(mine)]
            await self.people[one.by].patch(f"/messages/{one.message['id']}", {"text": f"edited {number}"})
            one.mentions, one.everybody = frozenset(), False
            self.model.ends[one.place] = await self.end(one.place)

    async def delete(self, number):
        if there := [one for one in self.model.said if not one.deleted]:
            one = there[number % len(there)]
            await self.people[ANN].delete(f"/messages/{one.message['id']}", 200)
            one.deleted = True
            self.model.ends[one.place] = await self.end(one.place)

    async def end(self, place):
        return (await self.people[ANN].get(f"/channels/{self.channels[place]['id']}"))["channel"]["last_seq"]

    async def read(self, device, place, back, exact):
        who, key = min(device, BOB), (min(device, BOB), place)
        wanted = max(self.model.ends[place] - back, 0)
        await self.move(device, f"/channels/{self.channels[place]['id']}/read", self.model.cursors, key, wanted, exact)
        return who

    async def read_thread(self, device, number, back, exact):
        who = min(device, BOB)
        if mine := sorted(root for person, root in self.model.threads if person == who):
            root = mine[number % len(mine)]
            place = next(one.place for one in self.model.said if one.message["id"] == root)
            wanted = max(self.model.ends[place] - back, 0)
            await self.move(device, f"/threads/{root}/read", self.model.threads, (who, root), wanted, exact)

    async def move(self, device, path, cursors, key, wanted, exact):
        who = key[0]
        before = cursors[key]
        known = len(await self.told(self.people[who], "read.updated"))
        state = await self.devices[device].ask("PUT", path, json={"seq": wanted, "exact": exact})
        cursors[key] = wanted if exact else max(before, wanted)
        expected = self.model.channel(*key) if cursors is self.model.cursors else self.model.thread(*key)
        assert (state["read_seq"], state["unread"], state["mentions"]) == (cursors[key], *expected)
        events = (await self.told(self.people[who], "read.updated"))[known:]
        assert events == ([state] if cursors[key] != before else [])

    async def follow(self, device, number, follows):
        who = min(device, BOB)
        if roots := [one for one in self.model.said if one.root is None]:
            root = roots[number % len(roots)]
            key = who, root.message["id"]
            await self.devices[device].ask("PUT" if follows else "DELETE", f"/threads/{key[1]}/follow", 204)
            if follows:
                self.model.refused.discard(key)
                self.model.threads.setdefault(key, self.model.ends[root.place])
            else:
                self.model.refused.add(key)
                self.model.threads.pop(key, None)

    async def mute(self, device, place, muted):
        path = f"/channels/{self.channels[place]['id']}/preferences"
        await self.devices[device].ask("PUT", path, json={"muted": muted})
        (self.model.muted.add if muted else self.model.muted.discard)((min(device, BOB), place))

    async def read_all(self, device):
        who = min(device, BOB)
        await self.devices[device].post(f"/workspaces/{self.channels[0]['workspace_id']}/read-all")
        for place, end in self.model.ends.items():
            if any(
                one.place == place and one.message["ch_seq"] > self.model.cursors[who, place] for one in self.model.said
            ):
                self.model.cursors[who, place] = end
        for person, root in list(self.model.threads):
            if person == who and any(
                one.root == root and not one.deleted and one.message["ch_seq"] > self.model.threads[who, root]
                for one in self.model.said
            ):
                place = next(one.place for one in self.model.said if one.message["id"] == root)
                self.model.threads[who, root] = self.model.ends[place]

    async def check(self, number):
        """What Ann sees, and Bob on one device after the other."""
        ids = [channel["id"] for channel in self.channels]
        for device in (0, 1 + number % 2):
            person = self.devices[device]
            found = await person.get(f"/workspaces/{self.channels[0]['workspace_id']}/unread")
            fields = ("read_seq", "last_seq", "unread", "mentions", "muted")
            channels = {item["channel_id"]: tuple(item[name] for name in fields) for item in found["channels"]}
            sums = [(found[name]["unread"], found[name]["mentions"]) for name in ("threads", "total")]
            assert (channels, *sums) == self.model.unread(min(device, BOB), ids)


DEVICE, PLACE, NUMBER, FLAG = st.integers(0, 2), st.integers(0, 2), st.integers(0, 5), st.booleans()
NAMED = st.sampled_from([(), (), (ANN,), (BOB,), (ANN, BOB)])
EVERYBODY = st.sampled_from([False, False, False, True])
STEP = st.one_of(
    st.tuples(st.just("post"), DEVICE, PLACE, st.none(), NAMED, EVERYBODY),
    st.tuples(st.just("post"), DEVICE, PLACE, NUMBER, NAMED, EVERYBODY),
    st.tuples(st.just("flood"), DEVICE, PLACE, st.none() | NUMBER, NAMED, EVERYBODY, st.sampled_from([300, 1_100])),
    st.tuples(st.just("edit"), NUMBER),
    st.tuples(st.just("delete"), NUMBER),
    st.tuples(st.just("read"), DEVICE, PLACE, NUMBER, FLAG),
    st.tuples(st.just("read_thread"), DEVICE, NUMBER, NUMBER, FLAG),
    st.tuples(st.just("follow"), DEVICE, NUMBER, FLAG),
    st.tuples(st.just("mute"), DEVICE, PLACE, FLAG),
    st.tuples(st.just("read_all"), DEVICE),
)


async def play(chat, told, steps):
    """A public channel, a private one and a direct conversation."""
    people = await chat.people(2)
    workspace = await people[ANN].workspace()
    await people[ANN].invite(workspace, people[BOB])
    private = await people[ANN].channel(workspace, "secret", "private")
    await people[ANN].post(f"/channels/{private['id']}/members", {"user_id": people[BOB].id}, 201)
    direct = await people[ANN].post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [people[BOB].id]}, 201)
    devices = [*people, await chat.login(people[BOB].user["username"])]
    channels = [workspace["general"], private, direct]
    cursors, ends = {}, {}
    for who, person in enumerate(people):
        for item in (await person.get(f"/workspaces/{workspace['id']}/bootstrap"))["channels"]:
            place = [channel["id"] for channel in channels].index(item["channel"]["id"])
            cursors[who, place], ends[place] = item["read_seq"], item["channel"]["last_seq"]
    acted = Play(people, devices, channels, Model(frozenset({2}), cursors, ends), told)
    for number, (kind, *values) in enumerate(steps):
        await getattr(acted, kind)(*values)
        await acted.check(number)


RUN = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


@given(steps=st.lists(STEP, min_size=10, max_size=25))
@settings(max_examples=8, **RUN)
async def test_unread_is_what_a_plain_model_says(chat, told, steps):
    await play(chat, told, steps)


@pytest.mark.full
@given(steps=st.lists(STEP, min_size=20, max_size=80))
@settings(max_examples=60, **RUN)
async def test_unread_is_what_a_plain_model_says_for_long(chat, told, steps):
    await play(chat, told, steps)
