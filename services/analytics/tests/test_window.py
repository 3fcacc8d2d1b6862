"""Ranges and buckets: whole, gap-free, in UTC, and refused with a code when they make no sense."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tertulia_analytics.reports.window import MAX_BUCKETS, Bucket, Window, window_of
from tertulia_shared.problems import ValidationFailed

NOW = datetime(2026, 11, 18, 12, 34, 56, tzinfo=UTC)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2190, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_the_last_28_days_with_today():
    window = window_of(None, None, Bucket.DAY, NOW)
    assert window == Window(datetime(2026, 10, 22, tzinfo=UTC), datetime(2026, 11, 19, tzinfo=UTC), Bucket.DAY)
    assert window.count == 28
    assert window.before.end == window.start
    assert window.before.count == 28


def test_weeks_begin_on_monday():
    window = window_of("2026-11-01", "2026-11-18", Bucket.WEEK, NOW)
    assert [f"{time:%a %d}" for time in window.buckets()] == ["Mon 26", "Mon 02", "Mon 09", "Mon 16"]


@pytest.mark.parametrize("given_time", ["2026-11-18T11:00:00Z", "2026-11-18T12:00:00+01:00", "2026-11-18T12:00 01:00"])
def test_times_have_an_offset_or_are_utc(given_time: str):
    window = window_of(given_time, None, Bucket.HOUR, NOW)
    assert window == Window(datetime(2026, 11, 18, 11, tzinfo=UTC), datetime(2026, 11, 18, 13, tzinfo=UTC), Bucket.HOUR)


def test_without_an_offset_it_is_utc():
    assert window_of("2026-11-18T11:00", None, Bucket.HOUR, NOW).start.hour == 11


@pytest.mark.parametrize(
    ("start", "end", "bucket", "code"),
    [
        ("yesterday", None, "day", "invalid_time"),
        (None, "2026-13-01", "day", "invalid_time"),
        ("1999-01-01", "2000-01-01", "day", "invalid_time"),
        ("0001-01-01T00:00:00+14:00", None, "day", "invalid_time"),
        ("2026-11-18", "2026-11-18", "day", "empty_range"),
        ("2026-11-19", "2026-11-18", "day", "empty_range"),
        ("2027-01-01", None, "day", "empty_range"),
        ("2020-01-01", "2026-01-01", "week", "range_too_long"),
        ("2020-01-01", None, "week", "range_too_long"),
        ("2025-11-01", "2026-11-01", "hour", "too_many_buckets"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_code(start: str | None, end: str | None, bucket: str, code: str):
    with pytest.raises(ValidationFailed) as refused:
        window_of(start, end, Bucket(bucket), NOW)
    assert refused.value.code == code
    assert refused.value.status == 422
    assert refused.value.errors[0].parameter in ("from", "to", "bucket")


@settings(deadline=None)
@given(TIMES, st.timedeltas(timedelta(seconds=1), timedelta(days=1000)), st.sampled_from(Bucket))
def test_buckets_cover_the_range_without_a_gap(start: datetime, length: timedelta, bucket: Bucket):
    try:
        window = window_of(start.isoformat(), (start + length).isoformat(), bucket, NOW)
    except ValidationFailed as refused:
        assert refused.code == "too_many_buckets"  # noqa: PT017
        return
    times = list(window.buckets())
    assert len(times) == window.count <= MAX_BUCKETS
    assert times[0] <= start < times[0] + bucket.width
    assert times[-1] < start + length <= times[-1] + bucket.width
    assert all(later - earlier == bucket.width for earlier, later in pairwise(times))
    assert all((time.minute, time.second, time.microsecond) == (0, 0, 0) for time in times)
    if bucket is not Bucket.HOUR:
        assert times[0].hour == 0
    if bucket is Bucket.WEEK:
        assert times[0].weekday() == 0
