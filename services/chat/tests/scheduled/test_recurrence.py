"""Which moments a rule names: against dateutil and the zone, one after the other as a scheduler goes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tertulia_chat.errors import RecurrenceInvalid, TimezoneUnknown
from tertulia_chat.scheduled.recurrence import Place, Recurring

YEARS = timedelta(days=800)
ZONES = ("UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll", "Asia/Kathmandu")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def at(text, zone="UTC"):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def moments(rule, zone, starts_at, most=150):
    """The model: all that dateutil names on the wall clock, each looked up in the zone, in the order of time; and
    whether there is more."""
    wall = starts_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    named, more = [], False
    for one in rrulestr(rule, dtstart=wall):
        if len(named) == most or one > wall + YEARS:
            more = True
            break
        named.append(one.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC))
    found = sorted({one for one in named if one >= starts_at})
    # What was left out may come before the last of these.
    return [one for one in found if not more or one < found[-1] - timedelta(hours=6)], more


def walk(rule, zone, starts_at, most):
    """As a scheduler goes: each occurrence is waited for, sent, and the next one looked for from there."""
    recurring = Recurring.parse(rule, zone)
    times, found = recurring.begin(starts_at), []
    while times.following is not None and len(found) < most:
        found.append(times.following)
        times = recurring.around(times.following, since=times.following, place=times.place)
        assert (times.latest, times.missed) == (found[-1], 0)
    return found


numbers = st.integers
lists = lambda values: st.lists(values, min_size=1, max_size=3, unique=True)  # noqa: E731


@st.composite
def rules(draw):
    """Rules of every kind that is kept; the ends come apart."""
    freq = draw(st.sampled_from(["MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = {"FREQ": freq, "INTERVAL": draw(numbers(1, 45 if freq == "MINUTELY" else 4))}
    if draw(st.booleans()):
        parts["BYHOUR"] = draw(lists(numbers(0, 4)))
    if draw(st.booleans()):
        parts["BYMINUTE"] = draw(lists(st.sampled_from([0, 15, 30, 59])))
    days = draw(st.sampled_from(["none", "weekdays", "nth", "monthdays", "picked"]))
    if days == "weekdays":
        parts["BYDAY"] = draw(lists(st.sampled_from(DAYS)))
    elif days == "nth" and freq in ("MONTHLY", "YEARLY"):
        parts["BYDAY"] = [f"{draw(st.sampled_from([1, 2, 4, -1]))}{draw(st.sampled_from(DAYS))}"]
    elif days == "monthdays":
        parts["BYMONTHDAY"] = draw(lists(st.sampled_from([1, 8, 15, 28, 29, 31, -1])))
    elif days == "picked" and freq == "MONTHLY":
        parts |= {"BYDAY": ["MO", "TU", "WE", "TH", "FR"], "BYSETPOS": [draw(st.sampled_from([1, -1]))]}
    if draw(st.booleans()) and freq == "WEEKLY":
        parts["WKST"] = draw(st.sampled_from(DAYS))
    return ";".join(
        f"{name}={','.join(map(str, value)) if isinstance(value, list) else value}" for name, value in parts.items()
    )


# Around the nights in which clocks jump, in both hemispheres.
starts = st.builds(
    lambda day, minute: day + timedelta(minutes=minute),
    st.sampled_from(
        [at(day) for day in ("2026-03-07", "2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24", "2026-10-31")]
    ),
    numbers(0, 3000),
)


@given(
    rule=rules(),
    zone=st.sampled_from(ZONES),
    starts_at=starts,
    end=st.sampled_from(["", ";COUNT=7", ";UNTIL=20261231"]),
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_a_scheduler_walks_through_what_dateutil_names(rule, zone, starts_at, end):
    until = end.replace("20261231", "20261231T235959")
    try:
        expected, more = moments(rule + until, zone, starts_at)
    except ValueError:
        assume(False)
    assume(expected)
    most = min(40, len(expected)) if more else 1000
    assert walk(rule + end, zone, starts_at, most) == expected[:most]


@given(rule=rules(), zone=st.sampled_from(ZONES), starts_at=starts, minutes=numbers(0, 8_000))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_after_a_pause_it_is_known_what_was_missed(rule, zone, starts_at, minutes):
    try:
        expected, _ = moments(rule, zone, starts_at, most=10_000)
    except ValueError:
        assume(False)
    present = starts_at + timedelta(minutes=minutes)
    passed = [one for one in expected if one <= present]
    assume(passed and expected[-1] > present)
    recurring = Recurring.parse(rule, zone)
    first = recurring.begin(starts_at)
    times = recurring.around(present, since=first.following, place=first.place)
    assert (times.latest, times.missed) == (passed[-1], len(passed) - 1)
    assert times.following == expected[len(passed)]
    rested = recurring.around(present, since=present, place=first.place)
    assert rested.following == times.following
    assert recurring.around(times.following, since=times.following, place=rested.place).latest == times.following


@pytest.mark.parametrize(
    ("night", "expected"),
    [
        ("2026-03-29", ["2026-03-29T01:30:00+00:00"]),  # 02:30 is jumped over and becomes 03:30
        ("2026-10-25", ["2026-10-25T00:30:00+00:00", "2026-10-25T02:30:00+00:00"]),  # of two 02:30 the first
    ],
)
def test_a_night_in_which_the_clocks_jump(night, expected):
    midnight = at(f"{night}T00:00:00", "Europe/Madrid")
    found = walk("FREQ=DAILY;BYHOUR=2,3;BYMINUTE=30", "Europe/Madrid", midnight, 4)
    assert [one.isoformat() for one in found if one < midnight + timedelta(hours=24)] == expected


def test_what_the_jump_brings_out_of_order_is_not_lost():
    """01:45, 02:30 which becomes 03:30, 03:15, 04:00."""
    found = walk("FREQ=MINUTELY;INTERVAL=45", "Europe/Madrid", at("2026-03-29T00:45:00"), 4)
    assert [one.isoformat()[11:16] for one in found] == ["00:45", "01:15", "01:30", "02:00"]


def test_every_minute_of_the_night_once():
    start = at("2026-03-29T00:00:00")
    found = walk("FREQ=MINUTELY", "Europe/Madrid", start, 240)
    assert found == [start + timedelta(minutes=number) for number in range(240)]


def test_a_rule_goes_on_from_any_of_its_own_times():
    """Otherwise what is due in a year would be counted up from the beginning."""
    recurring = Recurring.parse("FREQ=HOURLY;INTERVAL=5;COUNT=5000", "Europe/Madrid")
    times = recurring.begin(at("2026-01-01T07:20:00"))
    for _ in range(500):
        times = recurring.around(times.following, since=times.following, place=times.place)
    assert times.place.anchor > datetime(2026, 4, 1)  # noqa: DTZ001 on the wall clock
    assert 4490 < times.place.remaining < 4510


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "DAILY",
        "FREQ=SECONDLY",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;BYSECOND=1",
        "FREQ=DAILY;BYWEEKNO=1",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=2;UNTIL=20270101",
        "FREQ=DAILY;INTERVAL=1,2",
        "FREQ=DAILY;INTERVAL=99999",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;BYHOUR=",
        "FREQ=DAILY;BYDAY=1MO",
        "FREQ=DAILY;BYDAY=XX",
        "FREQ=DAILY;WKST=1",
        "FREQ=DAILY;UNTIL=tomorrow",
        "FREQ=DAILY;UNTIL=20271301",
        "FREQ=DAILY;UNTIL=20271201T250000Z",
        "FREQ=DAILY;UNTIL=00010101T000000Z",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYSETPOS=1",
        "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=2",
        "FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1",
        "FREQ=DAILY;;",
        "FREQ=DAILY;BYEASTER=0",
        "RDATE:20270101",
        "DTSTART:20260101T000000\nRRULE:FREQ=DAILY",
    ],
)
def test_what_is_no_rule_of_ours_is_refused(rule):
    with pytest.raises(RecurrenceInvalid):
        Recurring.parse(rule, "America/New_York").begin(at("2026-06-01T00:00:00"))


@pytest.mark.parametrize(
    "zone", ["", "Europe", "../etc/passwd", "Mars/Olympus", "europe/madrid", "+02:00", "localtime"]
)
def test_there_are_only_the_zones_there_are(zone):
    with pytest.raises(TimezoneUnknown):
        Recurring.parse("FREQ=DAILY", zone)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;UNTIL=20260531",
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=MONTHLY;INTERVAL=2;BYMONTH=7",
        "FREQ=MINUTELY;INTERVAL=1440;BYMONTH=2;BYDAY=MO;BYHOUR=1",
    ],
)
def test_a_rule_that_names_nothing_is_found_out(rule):
    """Without looking through all years until 9999. (The first of June 2026 is a Monday.)"""
    try:
        assert Recurring.parse(rule, "UTC").begin(at("2026-06-01T00:00:00")).following is None
    except RecurrenceInvalid:
        assert "MINUTELY" in rule


def test_the_end_is_meant_on_the_wall_clock():
    start = at("2026-06-01T22:30:00")  # the second of June in Madrid
    for until, days in (("20260603", 2), ("20260602T223000Z", 2), ("20260602T222959Z", 1), ("20260603T003000", 2)):
        assert len(walk(f"FREQ=DAILY;UNTIL={until}", "Europe/Madrid", start, 9)) == days
    assert len(walk("FREQ=DAILY;UNTIL=99991231", "Europe/Madrid", start, 9)) == 9


def test_the_second_of_two_equal_hours_is_not_sent_in_the_first():
    """Who begins in the second 02:30 of that night begins the day after."""
    start = at("2026-10-25T01:30:00")
    place = Place(datetime(2026, 10, 25, 2, 30), None)  # noqa: DTZ001 on the wall clock
    times = Recurring.parse("FREQ=DAILY", "Europe/Madrid").begin(start)
    assert (times.following, times.place) == (at("2026-10-26T01:30:00"), place)
