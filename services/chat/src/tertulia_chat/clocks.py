"""People's clocks: time zones by their IANA names, and hours of each day by such a clock.

`is_quiet` (migration 0018) is `quiet_until` for statements; `tests/api/test_quiet_hours.py` holds them together.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from tertulia_chat.errors import TimezoneUnknown
from tertulia_shared.problems import FieldError


def checked_zone(name: str, pointer: str) -> ZoneInfo:
    """Raises TimezoneUnknown."""
    if name not in _zones():
        detail = "A name of the IANA time zone database, as Europe/Madrid."
        raise TimezoneUnknown(errors=[FieldError(detail=detail, pointer=pointer)])
    return ZoneInfo(name)


def clocks_in(names: Iterable[str], moment: datetime) -> int:
    """How many different times it is in these zones. One that is unknown here counts for nothing."""
    return len({moment.astimezone(ZoneInfo(name)).utcoffset() for name in names if name in _zones()})


def quiet_until(name: str, starts: time, ends: time, moment: datetime) -> datetime | None:
    """When the hours end that this moment is in, if it is; over midnight if `ends` comes first."""
    if name not in _zones():
        return None
    zone = ZoneInfo(name)
    local = moment.astimezone(zone)
    wall = local.time()
    overnight = ends < starts
    if not (wall >= starts or wall < ends if overnight else starts <= wall < ends):
        return None
    day = local.date() + timedelta(days=1) if overnight and wall >= starts else local.date()
    return datetime.combine(day, ends, zone).astimezone(UTC)


@cache
def _zones() -> frozenset[str]:
    """Without the names that say nothing about where one is."""
    return frozenset(available_timezones() - {"localtime", "Factory"})
