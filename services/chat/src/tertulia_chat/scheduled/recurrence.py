"""When a recurring message is due.

A rule counts on the wall clock: dateutil expands it without a zone. Each of its times is then looked up in the author's
zone as RFC 5545 says (3.3.5, 3.3.10): one that the clocks jump over is read with the offset before the jump, so 02:30
becomes 03:30; one that comes twice is meant the first time. Two times of the wall clock that are the same moment are
one occurrence.

So the moments do not quite follow the order of the wall clock: in the night of a jump 02:30, which becomes 03:30, comes
after 03:00. All of them within `SLACK` are looked at before the next one is chosen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import HOURLY, MINUTELY, rrule

from tertulia_chat.clocks import checked_zone
from tertulia_chat.scheduled.rules import Rule, invalid, parse

SLACK = timedelta(hours=3)
"""Longer than clocks jump. (Samoa left out a whole day once; a rule of that day would have named it a day later.)"""

_STEPS = {MINUTELY: timedelta(minutes=1), HOURLY: timedelta(hours=1)}
_INSTANT = timedelta(microseconds=1)
_FAR_YEARS = 7600
"""The calendar repeats itself every 400 years. dateutil looks for the next time of a rule until the year 9999, which
takes it many seconds when there is none; begun this far ahead it gives up after at most 400 years."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a rule has come: a time of the wall clock that it names (or begins with), and how many it names from
    there on; None: without a count. A rule begun anew at one of its own times names what it would have named anyway."""

    anchor: datetime
    remaining: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Around a moment: the newest occurrence that is not after it, how many since the given time come before that one,
    and the first one after it. `place` is where to look for what comes later."""

    latest: datetime | None
    missed: int
    following: datetime | None
    place: Place


@dataclass(frozen=True, slots=True)
class Recurring:
    rule: Rule
    zone: ZoneInfo

    @classmethod
    def parse(cls, rule: str, timezone: str) -> "Recurring":
        """Raises RecurrenceInvalid, TimezoneUnknown."""
        zone = checked_zone(timezone, "/recurrence/timezone")
        return cls(parse(rule, zone), zone)

    def begin(self, starts_at: datetime) -> Times:
        """`following` is the first occurrence at or after this whole second. Raises RecurrenceInvalid."""
        place = Place(self._wall(starts_at), self.rule.count)
        try:
            return self.around(starts_at - _INSTANT, since=starts_at, place=place)
        except ValueError as error:
            raise invalid("These parts name nothing together.") from error

    def around(self, moment: datetime, *, since: datetime, place: Place) -> Times:
        """`place` is one that was answered for an earlier moment."""
        reached = self._wall(moment) - SLACK
        last: datetime | None = None
        passed: set[datetime] = set()
        following: datetime | None = None
        onwards = place = self._nearer(place, self._wall(since) - SLACK)
        for number, wall in enumerate(self._walls(place)):
            if last is not None and wall > last:
                break
            if wall <= reached:
                onwards = Place(wall, None if place.remaining is None else place.remaining - number)
            at = self._moment(wall)
            if since <= at <= moment:
                passed.add(at)
            elif at > moment:
                following = min(following or at, at)
                last = last or wall + SLACK
        return Times(
            latest=max(passed, default=None), missed=max(len(passed) - 1, 0), following=following, place=onwards
        )

    def _nearer(self, place: Place, wall: datetime) -> Place:
        """Minutes and hours go on without regard to days, so a multiple of the interval is as good a beginning: what
        rested for a year is not counted up."""
        step = _STEPS.get(self.rule.parts["freq"])
        if step is None or place.remaining is not None or wall <= place.anchor:
            return place
        step *= self.rule.parts.get("interval", 1)
        return Place(place.anchor + (wall - place.anchor) // step * step, None)

    def _walls(self, place: Place) -> Iterator[datetime]:
        """What the rule names from this place on, by the wall clock, in order."""
        until = self.rule.until
        ends = until is not None and until.year + _FAR_YEARS <= MAXYEAR
        rule = rrule(
            dtstart=_years_on(place.anchor, _FAR_YEARS),
            count=place.remaining,
            until=_years_on(until, _FAR_YEARS) if until and ends else None,
            **self.rule.parts,
        )
        return (_years_on(wall, -_FAR_YEARS) for wall in rule)

    def _wall(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone).replace(tzinfo=None)

    def _moment(self, wall: datetime) -> datetime:
        return wall.replace(tzinfo=self.zone).astimezone(UTC)


def _years_on(wall: datetime, years: int) -> datetime:
    return wall.replace(year=wall.year + years)
