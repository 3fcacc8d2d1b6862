"""`dlq list | show | retry`: deliveries that were given up.

The letters of a service lie in its own database. A letter is named by its consumer and number, `search:12`; within one
service the number is enough.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime

import msgspec

from tertulia_shared.bus import Bus, DeadLetter, DeadLetters, NoResponders, RequestTimeout
from tertulia_shared.bus.redelivery import LetterWish, Result, WishAnswer, ask
from tertulia_shared.operators import connect, output
from tertulia_shared.operators.errors import NOT_DONE, Away, OperatorError, WrongWords

RETRY_TIMEOUT_S = 60.0
ERROR_CHARACTERS = 60
ALL_AT_MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """Where the commands work: the databases by service, and the bus that all share."""

    postgres_urls: dict[str, str]
    nats_url: str
    nats_prefix: str = ""


class Row(msgspec.Struct, kw_only=True):
    """A letter as `list` shows it."""

    id: str
    event_type: str
    event_id: str
    stream_seq: int
    attempts: int
    failed_at: datetime
    error: str


class Letter(Row, kw_only=True):
    """A letter as `show` has it. `body` is JSON where it is JSON, else text."""

    consumer: str
    subject: str
    headers: dict[str, str]
    first_failed_at: datetime
    trace_id: str | None
    body: msgspec.Raw | str


class Retried(msgspec.Struct, kw_only=True):
    id: str
    result: Result
    reason: str = ""


async def show_list(install: Install, consumer: str | None, limit: int, *, as_json: bool) -> int:
    """Newest first."""
    letters: list[DeadLetter] = []
    counts: dict[str, int] = {}
    async with AsyncExitStack() as stack:
        for url in install.postgres_urls.values():
            kept = DeadLetters(await stack.enter_async_context(connect.pool(url)))
            letters += await kept.list(consumer, limit=limit)
            counts |= await kept.count()
    letters.sort(key=lambda letter: letter.updated_at, reverse=True)
    rows = [_row(letter) for letter in letters[:limit]]
    total = sum(number for name, number in counts.items() if consumer in {None, name})
    if as_json:
        output.json_line({"dead_letters": rows, "total": total})
    elif not rows:
        output.line("No dead letters.")
    else:
        _show_rows(rows)
        if total > len(rows):
            output.line(f"{len(rows)} of {total}; --limit shows more.")
    return 0


def _show_rows(rows: Sequence[Row]) -> None:
    output.table(
        ("LETTER", "TYPE", "SEQ", "ATTEMPTS", "FAILED", "ERROR"),
        [
            (
                row.id,
                row.event_type,
                row.stream_seq,
                row.attempts,
                f"{output.age(row.failed_at)} ago",
                output.shortened(row.error, ERROR_CHARACTERS),
            )
            for row in rows
        ],
        right=("SEQ", "ATTEMPTS"),
    )


async def show(install: Install, name: str, *, as_json: bool) -> int:
    letter = _full((await _found(install, [name]))[0])
    if as_json:
        output.json_line(letter)
        return 0
    for field in ("id", "event_type", "event_id", "stream_seq", "subject", "attempts", "trace_id"):
        output.line(f"{field:<16}{getattr(letter, field)}")
    output.line(f"{'first failed':<16}{letter.first_failed_at:%Y-%m-%d %H:%M:%S} UTC")
    output.line(f"{'failed last':<16}{letter.failed_at:%Y-%m-%d %H:%M:%S} UTC")
    output.line(f"{'error':<16}{letter.error}")
    output.line("headers")
    for header, value in letter.headers.items():
        output.line(f"  {header:<14}{value}")
    output.line("body")
    text = letter.body if isinstance(letter.body, str) else msgspec.json.format(bytes(letter.body), indent=2).decode()
    output.line(text)
    return 0


async def retry(install: Install, names: Sequence[str], consumer: str | None, *, every: bool, as_json: bool) -> int:
    """Each is handled once more by the service whose it is, the oldest first."""
    letters = await (_everything(install, consumer) if every else _found(install, names))
    retried: list[Retried] = []
    async with connect.bus(install.nats_url, install.nats_prefix) as bus:
        for letter in sorted(letters, key=lambda letter: letter.id):
            retried.append(await _retry_one(bus, letter))
            if not as_json:
                output.line(_in_words(retried[-1]))
    if as_json:
        output.json_line({"retried": retried})
    elif every:
        done = sum(one.result is Result.DONE for one in retried)
        output.line(f"{done} of {len(retried)} handled." if retried else "No dead letters.")
    return 0 if all(one.result in {Result.DONE, Result.UNKNOWN} for one in retried) else NOT_DONE


async def _retry_one(bus: Bus, letter: DeadLetter) -> Retried:
    """Raises Away when nobody is there to handle it."""
    try:
        answer = await ask(bus, letter.consumer, LetterWish(letter.id), timeout_s=RETRY_TIMEOUT_S)
    except NoResponders as error:
        raise service_away(letter.consumer) from error
    except RequestTimeout as error:
        answer = WishAnswer(result=Result.NOT_NOW, reason=str(error))
    return Retried(id=_name(letter), result=answer.result, reason=answer.reason)


def _in_words(retried: Retried) -> str:
    match retried.result:
        case Result.DONE:
            return f"{retried.id}  handled; the letter is gone"
        case Result.UNKNOWN:
            return f"{retried.id}  gone already"
        case Result.FAILED:
            return f"{retried.id}  fails still, the letter stays: {retried.reason}"
        case _:
            return f"{retried.id}  not now, the letter is as it was: {retried.reason}"


def service_away(consumer: str) -> Away:
    return Away(
        "service_unavailable",
        f"Nobody handles what is for “{consumer}” now.",
        "Is its service running, and the name right? Nothing was changed for it.",
    )


async def _everything(install: Install, consumer: str | None) -> list[DeadLetter]:
    letters: list[DeadLetter] = []
    for url in install.postgres_urls.values():
        async with connect.pool(url) as pool:
            letters += await DeadLetters(pool).list(consumer, limit=ALL_AT_MOST)
    return letters


async def _found(install: Install, names: Sequence[str]) -> list[DeadLetter]:
    """Raises OperatorError for the first that is not there."""
    wanted = [_parsed(name, qualified=len(install.postgres_urls) > 1) for name in names]
    async with AsyncExitStack() as stack:
        kept = [
            DeadLetters(await stack.enter_async_context(connect.pool(url))) for url in install.postgres_urls.values()
        ]
        return [await _find(kept, consumer, number) for consumer, number in wanted]


async def _find(kept: Sequence[DeadLetters], consumer: str | None, number: int) -> DeadLetter:
    for letter in await asyncio.gather(*(each.find(number, consumer) for each in kept)):
        if letter is not None:
            return letter
    name = str(number) if consumer is None else f"{consumer}:{number}"
    raise OperatorError(
        "dead_letter_not_found", f"There is no dead letter {name}.", "`dlq list` shows those there are."
    )


def _parsed(name: str, *, qualified: bool) -> tuple[str | None, int]:
    consumer, _, number = name.rpartition(":")
    with suppress(ValueError):
        if consumer or not qualified:
            return consumer or None, int(number)
    raise WrongWords(
        "bad_letter_name", f"Not the name of a dead letter: {name}", "It is CONSUMER:NUMBER, e.g. search:12."
    )


def _name(letter: DeadLetter) -> str:
    return f"{letter.consumer}:{letter.id}"


def _row(letter: DeadLetter) -> Row:
    return Row(
        id=_name(letter),
        event_type=letter.event_type,
        event_id=letter.event_id,
        stream_seq=letter.stream_seq,
        attempts=letter.attempts,
        failed_at=letter.updated_at,
        error=letter.error,
    )


def _full(letter: DeadLetter) -> Letter:
    try:
        msgspec.json.decode(letter.body)
        body: msgspec.Raw | str = msgspec.Raw(letter.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = letter.body.decode("utf-8", "backslashreplace")
    return Letter(
        **msgspec.structs.asdict(_row(letter)),
        consumer=letter.consumer,
        subject=letter.subject,
        headers=letter.headers,
        first_failed_at=letter.created_at,
        trace_id=letter.trace_id,
        body=body,
    )
