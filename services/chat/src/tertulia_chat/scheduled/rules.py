"""Which recurrence rules there are: those of RFC 5545 that somebody means when they write to people.

Nothing recurs more often than once a minute, so there are no seconds in a rule. `BYWEEKNO`, `BYYEARDAY` and what
dateutil adds to the RFC are not kept.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, HOURLY, MINUTELY, MONTHLY, WEEKLY, YEARLY, weekday

from tertulia_chat.errors import RecurrenceInvalid
from tertulia_shared.problems import FieldError

MAX_RULE = 300
"""Characters."""

_FREQUENCIES = {
    "MINUTELY": MINUTELY,
    "HOURLY": HOURLY,
    "DAILY": DAILY,
    "WEEKLY": WEEKLY,
    "MONTHLY": MONTHLY,
    "YEARLY": YEARLY,
}
_DAYS = {name: weekday(number) for number, name in enumerate(("MO", "TU", "WE", "TH", "FR", "SA", "SU"))}
_NUMBERS = {
    "INTERVAL": range(1, 1001),
    "COUNT": range(1, 10_001),
    "BYMONTH": range(1, 13),
    "BYMONTHDAY": [*range(-31, 0), *range(1, 32)],
    "BYHOUR": range(24),
    "BYMINUTE": range(60),
    "BYSETPOS": [*range(-366, 0), *range(1, 367)],
}
_ONE = {"INTERVAL", "COUNT"}
_LONGEST = dict(zip(range(1, 13), (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), strict=True))

_is_number = re.compile(r"[+-]?[0-9]{1,5}").fullmatch
_day = re.compile(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)").fullmatch
_until = re.compile(r"([0-9]{8})(?:T([0-9]{6})(Z?))?").fullmatch


@dataclass(frozen=True, slots=True)
class Rule:
    """`parts` are for `dateutil.rrule.rrule`, all but where it begins and ends. `until` is on the wall clock."""

    text: str
    parts: dict[str, Any]
    count: int | None = None
    until: datetime | None = None


def parse(text: str, zone: ZoneInfo) -> Rule:
    """Raises RecurrenceInvalid."""
    text = text.strip().upper().removeprefix("RRULE:")
    given = _split(text)
    rule = Rule(text, {})
    for name, value in given.items():
        rule = _with(rule, name, value, zone)
    _check_together(given, rule)
    return rule


def _split(text: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        if name in given:
            raise invalid(f"{name} is there twice.")
        given[name] = value
    return given


def _with(rule: Rule, name: str, value: str, zone: ZoneInfo) -> Rule:
    if name == "UNTIL":
        return replace(rule, until=_end(value, zone))
    if name == "COUNT":
        return replace(rule, count=_numbers(name, value)[0])
    return replace(rule, parts={**rule.parts, **_part(name, value)})


def _part(name: str, value: str) -> dict[str, Any]:
    if name == "FREQ":
        if value not in _FREQUENCIES:
            raise invalid(f"FREQ is one of {', '.join(_FREQUENCIES)}.")
        return {"freq": _FREQUENCIES[value]}
    if name == "WKST":
        if value not in _DAYS:
            raise invalid("WKST is a day of the week, MO to SU.")
        return {"wkst": _DAYS[value]}
    if name == "BYDAY":
        return {"byweekday": _weekdays(value)}
    if name in _NUMBERS:
        numbers = _numbers(name, value)
        return {name.lower(): numbers[0] if name in _ONE else numbers}
    raise invalid(f"{name or 'An empty part'} is nothing that we keep.")


def _numbers(name: str, value: str) -> list[int]:
    numbers = [int(one) if _is_number(one) else None for one in value.split(",")]
    found = [number for number in numbers if number is not None and number in _NUMBERS[name]]
    if len(found) < len(numbers) or (name in _ONE and len(found) > 1):
        raise invalid(f"{name} is out of range.")
    return found


def _weekdays(value: str) -> list[weekday]:
    days: list[weekday] = []
    for one in value.split(","):
        found = _day(one)
        if found is None:
            raise invalid("BYDAY lists days as MO, 1MO or -1FR.")
        day = _DAYS[found[2]]
        days.append(day(int(found[1])) if found[1] else day)
    return days


def _end(value: str, zone: ZoneInfo) -> datetime:
    """A day ends with its last second; a time with `Z` is brought to the zone's wall clock."""
    found = _until(value)
    try:
        if found is None:
            raise ValueError(value)
        day = datetime.strptime(found[1], "%Y%m%d")  # noqa: DTZ007 on the wall clock
        if found[2] is None:
            return datetime.combine(day, time(23, 59, 59))
        end = datetime.combine(day, time(int(found[2][:2]), int(found[2][2:4]), int(found[2][4:])))
        if not found[3]:
            return end
        return end.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise invalid("UNTIL is a day or a time, as 20271231 or 20271231T170000Z.") from error


def _check_together(given: dict[str, str], rule: Rule) -> None:
    if "FREQ" not in given:
        raise invalid("There is no FREQ.")
    if rule.count is not None and rule.until is not None:
        raise invalid("COUNT or UNTIL, not both.")
    if any(day.n for day in rule.parts.get("byweekday", ())) and given["FREQ"] not in ("MONTHLY", "YEARLY"):
        raise invalid("Only MONTHLY and YEARLY have a first or last Monday.")
    if "BYSETPOS" in given and not given.keys() & {"BYDAY", "BYMONTHDAY", "BYMONTH", "BYHOUR", "BYMINUTE"}:
        raise invalid("BYSETPOS picks out of what another part lists.")
    if "BYSETPOS" in given and given["FREQ"] == "WEEKLY":
        # dateutil counts from the first day on, not from the beginning of its week.
        raise invalid("BYSETPOS is not kept for WEEKLY; BYDAY names the days.")
    months, days = rule.parts.get("bymonth", _LONGEST), rule.parts.get("bymonthday")
    if days and not any(abs(day) <= _LONGEST[month] for month in months for day in days):
        raise invalid("There is no such day.")


def invalid(detail: str) -> RecurrenceInvalid:
    return RecurrenceInvalid(errors=[FieldError(detail=detail, pointer="/recurrence/rrule")])
