"""The range of a report, cut into buckets of one width. All times are UTC; weeks begin on Monday."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from tertulia_analytics.errors import EmptyRange, InvalidTime, RangeTooLong, TooManyBuckets
from tertulia_shared.problems import FieldError

DEFAULT_RANGE = timedelta(days=28)
MAX_RANGE = timedelta(days=3 * 366)
MAX_BUCKETS = 5_000
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
"""Where the buckets are counted from: a Monday, midnight."""


class Bucket(StrEnum):
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"

    @property
    def width(self) -> timedelta:
        return _WIDTHS[self]

    def floor(self, time: datetime) -> datetime:
        return MONDAY + (time - MONDAY) // self.width * self.width

    def ceil(self, time: datetime) -> datetime:
        return MONDAY - (MONDAY - time) // self.width * self.width


_WIDTHS = {Bucket.HOUR: timedelta(hours=1), Bucket.DAY: timedelta(days=1), Bucket.WEEK: timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Window:
    """Whole buckets: `start` belongs to it, `end` does not."""

    start: datetime
    end: datetime
    bucket: Bucket

    @property
    def count(self) -> int:
        return (self.end - self.start) // self.bucket.width

    @property
    def before(self) -> "Window":
        """As long, and ending where this one begins."""
        return Window(self.start - (self.end - self.start), self.start, self.bucket)

    def buckets(self) -> Iterator[datetime]:
        return (self.start + number * self.bucket.width for number in range(self.count))


def window_of(start: str | None, end: str | None, bucket: Bucket, now: datetime) -> Window:
    """Widened to whole buckets. Raises a ValidationFailed with a code of its own for each mistake."""
    last = now if end is None else _time(end, "to")
    whole_end = bucket.ceil(last) if end is not None else bucket.floor(now) + bucket.width
    first = whole_end - DEFAULT_RANGE if start is None else _time(start, "from")
    if first >= last and (start is not None or end is not None):
        raise EmptyRange(errors=[FieldError("`from` must be before `to`.", parameter="from")])
    if last - first > MAX_RANGE:
        raise RangeTooLong(errors=[FieldError("At most three years.", parameter="from")])
    window = Window(bucket.floor(first), whole_end, bucket)
    if window.count > MAX_BUCKETS:
        raise TooManyBuckets(errors=[FieldError(f"At most {MAX_BUCKETS:,} buckets.", parameter="bucket")])
    return window


def _time(text: str, parameter: str) -> datetime:
    """An RFC 3339 time, or a date, which is its first moment. Without an offset it is UTC."""
    try:
        # In a URL an unescaped `+` arrives as a space.
        time = datetime.fromisoformat(text.replace(" ", "+") if text[10:11] in ("T", "t") else text)
        time = (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        detail = "A time like 2026-11-24T12:00:00Z, or a date like 2026-11-24."
        raise InvalidTime(errors=[FieldError(detail, parameter=parameter)]) from None
    if not FIRST <= time <= LAST:
        raise InvalidTime(errors=[FieldError("A time between 2000 and 2200.", parameter=parameter)])
    return time
