"""What runs of the bot repeat of a message: the quote beside a citation, and the question that it was.

Changing the message takes these along: out of the answers, out of the runs, and out of the events that told of the
runs. What a model wrote in words of its own stays, unless it is the answer that is deleted: then its run keeps neither
question nor sources.

The answers may stand in other channels, so they are found before anything is locked, the channels are locked together,
in the order of their ids, and then the messages. From there on nobody can quote the message (`runs.quotes` waits for
it), so what is found then is all there is; when it stands in channels that are not locked, all begins again. Most
messages nothing repeats: these pay for looking.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select, update

from tertulia_chat.access import ChannelSeat, access_message
from tertulia_chat.database import Database
from tertulia_chat.outbox import redact_runs
from tertulia_chat.tables import BotRunRow, MessageRow, now
from tertulia_shared.events import Message, Run
from tertulia_shared.problems import DependencyUnavailable

ATTEMPTS = 5

_ABOUT = sa.text("""
    SELECT id, channel_id, false AS asked FROM message
    WHERE ai IS NOT NULL AND ai -> 'citations' @> CAST(:cited AS jsonb)
    UNION ALL
    SELECT m.id, m.channel_id, true FROM bot_run r LEFT JOIN message m ON m.id = r.message_id AND m.ai IS NOT NULL
    WHERE r.trigger_message_id = :message_id
""")

_QUOTING = sa.text("""
    SELECT gone.id AS message_id, m.id, m.channel_id FROM unnest(CAST(:ids AS uuid[])) AS gone (id)
    JOIN message m ON m.ai IS NOT NULL
        AND m.ai -> 'citations' @> jsonb_build_array(jsonb_build_object('message_id', gone.id))
    WHERE m.channel_id <> :channel_id
    ORDER BY gone.id
""")


class _Elsewhere(Exception):
    """An answer appeared in a channel that is not locked."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """The answers that quote a message or were asked for by it, and the channel of each; and whether any run was."""

    answers: dict[UUID, UUID]
    asked: bool

    @property
    def nowhere(self) -> bool:
        return not self.answers and not self.asked


async def in_one_go(database: Database, change: Callable[[AsyncSession], Awaitable[Message]]) -> Message:
    """Does what uses `hold_message`, in a transaction, or another one while answers appear. Raises
    DependencyUnavailable."""
    for _ in range(ATTEMPTS):
        try:
            async with database.transaction() as session:
                return await change(session)
        except _Elsewhere:
            continue
    raise DependencyUnavailable("Answers about this message keep appearing.")


async def hold_message(
    session: AsyncSession, caller_id: UUID, message_id: UUID
) -> tuple[MessageRow, ChannelSeat, Repeated]:
    """The message and all answers about it, locked; so is the first one of its thread, whose summary a deletion
    changes. Only within `in_one_go`. Raises NotFound."""
    known = await _repeated(session, message_id)
    row, seat = await access_message(session, caller_id, message_id, lock=True, beside=known.answers.values())
    await lock_messages(session, {message_id, row.root_id or message_id, *known.answers})
    found = await _repeated(session, message_id)
    if not set(found.answers.values()) <= {row.channel_id, *known.answers.values()}:
        raise _Elsewhere
    return row, seat, found


async def quoted_elsewhere(session: AsyncSession, channel_id: UUID, ids: list[UUID]) -> dict[UUID, Repeated]:
    """Which answers in other channels quote which of these messages of a channel."""
    quoting: dict[UUID, dict[UUID, UUID]] = {}
    for row in (await session.execute(_QUOTING, {"ids": ids, "channel_id": channel_id})).all():
        quoting.setdefault(row.message_id, {})[row.id] = row.channel_id
    return {message_id: Repeated(answers, asked=False) for message_id, answers in quoting.items()}


async def silence(session: AsyncSession, message_id: UUID, repeated: Repeated) -> list[MessageRow]:
    """Takes the message's words out of the answers and of their runs; the answers that changed are to be told.

    All of it is held by `hold_message`.
    """
    asked = await _forget_prompts(session, col(BotRunRow.trigger_message_id) == message_id)
    rows = await session.scalars(
        select(MessageRow)
        .where(col(MessageRow.id).in_(list(repeated.answers)), col(MessageRow.ai).is_not(None))
        .order_by(col(MessageRow.id))
        .execution_options(populate_existing=True)
    )
    changed: list[MessageRow] = []
    for row in rows:
        silent = _silent(row.ai or {}, str(message_id), asked)
        if silent != row.ai:
            row.ai, row.edited_at = silent, now()
            changed.append(row)
    runs = asked | {str(row.ai["run_id"]) for row in changed if row.ai}
    await redact_runs(session, await _places(session, runs), lambda run: _silent_run(run, str(message_id), asked))
    return changed


async def forget_run(session: AsyncSession, run_id: str) -> None:
    """The answer of this run is deleted, so the run keeps neither what was asked nor what was quoted."""
    await _forget_prompts(session, col(BotRunRow.id) == UUID(run_id))
    places = await _places(session, [run_id])
    await redact_runs(session, places, lambda run: msgspec.structs.replace(run, prompt="", citations=[]))


async def _repeated(session: AsyncSession, message_id: UUID) -> Repeated:
    cited = msgspec.json.encode([{"message_id": str(message_id)}]).decode()
    found = (await session.execute(_ABOUT, {"cited": cited, "message_id": message_id})).all()
    answers = {row.id: row.channel_id for row in found if row.id is not None}
    return Repeated(answers, any(row.asked for row in found))


async def lock_messages(session: AsyncSession, ids: Iterable[UUID]) -> None:
    await session.execute(
        select(MessageRow.id)
        .where(col(MessageRow.id).in_(list(ids)))
        .order_by(col(MessageRow.id))
        .with_for_update(key_share=True)
    )


async def _forget_prompts(session: AsyncSession, which: sa.ColumnElement[bool]) -> set[str]:
    """Locks these runs, whatever they said: one of them may be ending."""
    runs = await session.scalars(
        update(BotRunRow)
        .where(which)
        .values(prompt="")
        .returning(col(BotRunRow.id))
        .execution_options(synchronize_session=False)
    )
    return {str(run_id) for run_id in runs}


async def _places(session: AsyncSession, runs: Iterable[str]) -> list[int]:
    """Where the log tells of these runs."""
    found = await session.execute(
        select(BotRunRow.started_log_id, BotRunRow.finished_log_id).where(
            col(BotRunRow.id).in_([UUID(run_id) for run_id in runs])
        )
    )
    return [place for pair in found for place in pair if place is not None]


def _silent(mark: dict[str, Any], message_id: str, asked: set[str]) -> dict[str, Any]:
    citations = [{**each, "quote": ""} if each["message_id"] == message_id else each for each in mark["citations"]]
    return {**mark, "citations": citations, "prompt": "" if mark["run_id"] in asked else mark["prompt"]}


def _silent_run(run: Run, message_id: str, asked: set[str]) -> Run:
    citations = [
        msgspec.structs.replace(each, quote="") if each.message_id == message_id else each for each in run.citations
    ]
    return msgspec.structs.replace(run, citations=citations, prompt="" if run.id in asked else run.prompt)
