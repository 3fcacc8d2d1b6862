"""What holds when many send at the same moment."""

import asyncio
import uuid

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# Who sends (0..2), with which of their keys, which text: the same key comes with the same and with another text.
SENDS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.sampled_from("ab")), min_size=2, max_size=24)


@given(plan=SENDS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_numbers_have_no_gap_and_each_key_makes_one_message(chat, plan):
    people = await chat.people(3)
    workspace = await people[0].workspace()
    await people[0].invite(workspace, *people[1:])
    channel = workspace["general"]
    keys = {(who, key): str(uuid.uuid4()) for who, key, _ in plan}
    answers = await asyncio.gather(
        *(people[who].say(channel, text, keys[who, key], expect=None) for who, key, text in plan)
    )
    items = await people[0].written(channel)
    by_key = {(item["author_id"], item["client_msg_id"]): item for item in items}
    assert len(by_key) == len(items) == len(keys)
    before = 5  # three people join, and the channel says of two of them that they did
    assert [item["ch_seq"] for item in items] == list(range(before + 1, before + 1 + len(items)))
    created = 0
    for (who, key, text), answer in zip(plan, answers, strict=True):
        stored = by_key[people[who].id, keys[who, key]]
        if answer.status_code == 409:
            assert stored["text"] != text
        else:
            assert answer.status_code in (200, 201)
            assert answer.json()["message"] == stored
            assert stored["text"] == text
            created += answer.status_code == 201
    assert created == len(keys)
    events = (await people[0].get(f"/channels/{channel['id']}/events?limit=200"))["items"]
    assert [event["ch_seq"] for event in events] == list(range(1, before + 1 + len(items)))


async def test_nobody_speaks_after_having_left(chat):
    """The departure's number is greater than that of everything the person said, whatever happens at once."""
    ann, *others = await chat.people(4)
    workspace = await ann.workspace()
    await ann.invite(workspace, *others)
    channel = workspace["general"]

    async def talk_until_refused(person):
        while (await person.say(channel, "and another thing", expect=None)).status_code == 201:
            pass

    async def remove(person):
        await asyncio.sleep(0.05)
        await ann.delete(f"/channels/{channel['id']}/members/{person.id}")

    await asyncio.gather(*(talk_until_refused(one) for one in others), *(remove(one) for one in others))
    left = await chat.sql(
        "SELECT ch_seq, body::jsonb->'data'->>'user_id' AS who FROM event_log WHERE type = 'member.left'"
    )
    assert len(left) == 3
    for row in left:
        (last,) = await chat.sql("SELECT max(ch_seq) AS seq FROM message WHERE author_id = $1", uuid.UUID(row["who"]))
        assert (last["seq"] or 0) < row["ch_seq"]
    (count,) = await chat.sql("SELECT count(*), max(ch_seq) FROM event_log WHERE ch_seq IS NOT NULL")
    assert count["count"] == count["max"]
