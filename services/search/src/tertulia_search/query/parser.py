"""What somebody typed, taken apart. Any text can be parsed, and nothing in it raises.

    from:ada from:me in:general before:2026-11-21 after:2026-11-01 "exact words" word begi

Operators of one kind add up (`from:ada from:bob` is either), different ones all apply. People are still typing while we
search: an operator without a value, or with a date that is none, is passed over and told as a problem; the last word
may be the beginning of one, also in a phrase whose closing quotation mark is still missing.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec

from tertulia_search.engines.port import Clause, Phrase, Word
from tertulia_search.text import stands_alone, words

MAX_CLAUSES = 32
"""Words and phrases that are looked for; more of them find nothing more."""

_PART = re.compile(
    r"""(?P<operator>from|in|before|after):(?:"(?P<quoted>[^"]*)"?|(?P<value>[^\s"]*))"""
    r"""|"(?P<phrase>[^"]*)(?P<closed>"?)"""
    r"""|(?P<chunk>[^\s"]+)""",
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class QueryProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the query that does not do what it seems to."""

    operator: str
    value: str
    detail: str


@dataclass(slots=True)
class Query:
    clauses: list[Clause] = field(default_factory=list[Clause])
    people: list[str] = field(default_factory=list[str])
    channels: list[str] = field(default_factory=list[str])
    from_ms: int | None = None
    """Inclusive."""
    until_ms: int | None = None
    """Exclusive."""
    problems: list[QueryProblem] = field(default_factory=list[QueryProblem])

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing at all."""
        return not (self.clauses or self.people or self.channels) and self.from_ms is None and self.until_ms is None


def parse(text: str) -> Query:
    query = Query()
    for part in _PART.finditer(text):
        if part["operator"] is not None:
            _take_operator(query, part["operator"].lower(), part["quoted"] or part["value"] or "")
        elif part["phrase"] is not None:
            _take_words(query, part["phrase"], quoted=bool(part["closed"]), last=part.end() == len(text))
        else:
            _take_words(query, part["chunk"], quoted=False, last=part.end() == len(text.rstrip()))
    _limit(query)
    return query


def any_words(text: str, ignored: frozenset[str]) -> list[Clause]:
    """The words of a question in plain language, without those that say nothing; of unspaced scripts, the pairs."""
    found: dict[Clause, None] = {}
    for chunk in text.split():
        alone = [word for word in words(chunk) if stands_alone(word)]
        for word in words(chunk):
            if not stands_alone(word) and word not in ignored:
                found[Word(word)] = None
        pairs = [Phrase(pair) for pair in pairwise(alone)]
        for clause in pairs or [Phrase((word,)) for word in alone]:
            found[clause] = None
    return list(found)[:MAX_CLAUSES]


def _take_words(query: Query, text: str, *, quoted: bool, last: bool) -> None:
    """A chunk that holds several words (`tea-house`, 茶会) is looked for as their sequence."""
    found = words(text)
    if not found:
        return
    prefix = last and not quoted and not stands_alone(found[-1])
    if len(found) > 1 or quoted or stands_alone(found[0]):
        query.clauses.append(Phrase(tuple(found), prefix))
    else:
        query.clauses.append(Word(found[0], prefix))


def _take_operator(query: Query, operator: str, value: str) -> None:
    value = value.strip()
    if operator in {"from", "in"}:
        value = value.removeprefix("@" if operator == "from" else "#")
    if not value:
        _tell(query, operator, value, "A value is missing.")
    elif operator == "from":
        query.people.append(value)
    elif operator == "in":
        query.channels.append(value)
    else:
        _take_date(query, operator, value)


def _take_date(query: Query, operator: str, value: str) -> None:
    try:
        if not _DATE.fullmatch(value):
            raise ValueError
        day = datetime.fromisoformat(value).replace(tzinfo=UTC)
    except ValueError:
        _tell(query, operator, value, "A date is written YYYY-MM-DD.")
        return
    start = max(0, (day - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1))
    if operator == "after":
        query.from_ms = start if query.from_ms is None else max(query.from_ms, start)
    else:
        query.until_ms = start if query.until_ms is None else min(query.until_ms, start)


def _limit(query: Query) -> None:
    if len(query.clauses) > MAX_CLAUSES:
        del query.clauses[MAX_CLAUSES:]
        _tell(query, "", "", f"Only the first {MAX_CLAUSES} words and phrases are looked for.")


def _tell(query: Query, operator: str, value: str, detail: str) -> None:
    query.problems.append(QueryProblem(operator=operator, value=value, detail=detail))
