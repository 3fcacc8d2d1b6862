"""The demo week: a pure plan, checked for what would make it look false."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tertulia_stack.seed.people import CHANNELS, PEOPLE, members
from tertulia_stack.seed.week import MESSAGES, Planned, plan

SATURDAY_MORNING = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module", params=[SATURDAY_MORNING, MONDAY_NOON], ids=["saturday morning", "monday noon"])
def now(request: pytest.FixtureRequest) -> datetime:
    return request.param


@pytest.fixture(scope="module")
def week(now: datetime) -> list[Planned]:
    return plan(now)


def test_it_has_ten_people_six_channels_and_three_thousand_messages(week: list[Planned]) -> None:
    assert len(week) == MESSAGES
    assert {message.author.username for message in week} == {person.username for person in PEOPLE}
    assert {message.channel for message in week} == {channel.name for channel in CHANNELS}
    assert (len(PEOPLE), len(CHANNELS)) == (10, 6)


def test_it_is_the_same_every_time(now: datetime, week: list[Planned]) -> None:
    assert plan(now) == week


def test_nobody_speaks_where_they_are_not(week: list[Planned]) -> None:
    assert all(message.author in members(message.channel) for message in week)


def test_times_are_in_order_in_the_last_seven_days_and_mostly_in_working_hours(
    now: datetime, week: list[Planned]
) -> None:
    for channel in CHANNELS:
        times = [message.at for message in week if message.channel == channel.name]
        assert times == sorted(times)
    assert all(now - timedelta(days=7) <= message.at < now for message in week)
    working = [message for message in week if 7 <= message.at.hour < 19]
    assert len(working) > 0.97 * len(week)
    weekdays = Counter(message.at.weekday() for message in week)
    assert min(weekdays[day] for day in (1, 2, 3)) > 4 * max(weekdays[5], weekdays[6])


def test_nothing_of_the_workshop_shows(week: list[Planned]) -> None:
    workshop = re.compile(r"\{[a-z_]+(\.\d)?\}|<[^<>]*\|[^<>]*>|@clock|@colleague|^[a-d]: ")
    for message in week:
        assert not workshop.search(message.text), message.text
        assert message.text == message.text.strip() != ""


def test_people_talk_in_bursts_with_others_and_vary(week: list[Planned]) -> None:
    pairs = [(a, b) for a, b in pairwise(week) if a.channel == b.channel]
    quick = [pair for pair in pairs if pair[1].at - pair[0].at < timedelta(minutes=2)]
    assert len(quick) > len(pairs) / 2
    assert sum(a.author != b.author for a, b in quick) > 0.8 * len(quick)
    assert len({message.text for message in week}) > 0.6 * len(week)
    assert Counter(message.text for message in week).most_common(1)[0][1] < 30
    lengths = [len(message.text) for message in week]
    assert min(lengths) < 5
    assert max(lengths) > 150
    for sign in ("```", "https://", "**", "`", "🙂"):
        assert any(sign in message.text for message in week)
