"""Random workspaces: whoever asks, the channels' report names what they may read, all of it, and nothing else."""

import random
from datetime import UTC, datetime

import pytest
from uuid_utils import uuid7

from tertulia_analytics.reports.queries import Questions
from tertulia_analytics.reports.reports import Name, Reports, Subject
from tertulia_analytics.reports.window import Bucket, Window
from tertulia_analytics.sink.rows import CHANNEL_COLUMNS, COLUMNS, NOBODY
from tertulia_shared.events import ChannelKind
from tertulia_shared.membership import Projection

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
WINDOW = Window(datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC), Bucket.DAY)
GRAPHS, PEOPLE, CHANNELS = 12, 6, 9


@pytest.mark.parametrize("seed", range(GRAPHS))
async def test_names_are_told_to_readers_only(warehouse, seed: int):
    dice = random.Random(seed)
    projection = Projection()
    workspaces = [str(uuid7()) for _ in range(2)]
    people = [str(uuid7()) for _ in range(PEOPLE)]
    roles = ["owner", "member", "guest"]
    for workspace in workspaces:
        for person in dice.sample(people, 4):
            projection.join_workspace(workspace, person, dice.choice(roles))
    messages, dimension, counts = [], [], {}
    for number in range(CHANNELS):
        channel, workspace = str(uuid7()), dice.choice(workspaces)
        kind = dice.choice(list(ChannelKind))
        projection.describe_channel(channel, workspace, kind, f"name-{number}")
        for person in dice.sample(people, dice.randrange(4)):
            if projection.in_workspace(workspace, person):
                projection.join(channel, workspace, person, 1)
        dimension.append((channel, workspace, kind.value, f"name-{number}", False, 1))
        counts[channel] = dice.randrange(4)
        messages += [message(workspace, channel, dice.choice(people)) for _ in range(counts[channel])]
    await warehouse.insert("channel", CHANNEL_COLUMNS, list(zip(*dimension, strict=True)))
    if messages:
        await warehouse.insert("event", COLUMNS, list(zip(*messages, strict=True)))
    places = {row[0]: row[1] for row in dimension}
    reports = Reports(Questions(warehouse))
    for workspace in workspaces:
        for person in people:
            readable = projection.readable(workspace, person)
            subject = Subject(workspace_id=workspace, window=WINDOW, readable=readable, now=NOON)
            table = await reports.make(Name.CHANNELS, subject)
            told = {row[0] for row in table.rows if row[0] is not None}
            here = {channel for channel, place in places.items() if place == workspace and counts[channel]}
            assert told == {channel for channel in here if projection.may_read(person, channel)}
            hidden = {row[3] for row in dimension} - {row[3] for row in dimension if row[0] in told}
            assert not hidden & {row[1] for row in table.rows}
            others = [row for row in table.rows if row[0] is None]
            assert sum(row[3] for row in others) == sum(counts[channel] for channel in here - told)
            assert len(others) == bool(here - told)
            assert table.totals["messages"] == sum(counts[channel] for channel in here)


def message(workspace: str, channel: str, person: str) -> tuple[object, ...]:
    at = round(NOON.timestamp() * 1000)
    about = (person, str(uuid7()), 5, False, False, 0, "", "", "", 0, 0, 0)
    assert person != NOBODY
    return (str(uuid7()), at, at, "message.created", workspace, channel, *about)
