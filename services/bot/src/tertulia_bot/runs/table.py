"""The table `run`: who works on what. Budgets are changed in the same statements (see `budget.ledger`)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

import asyncpg

from tertulia_bot.budget import ledger
from tertulia_bot.database import Database
from tertulia_bot.errors import TokenBudgetExhausted, TooManyRuns
from tertulia_bot.limits import RUNS_PER_PERSON, RUNS_PER_WORKSPACE
from tertulia_shared.events import Run, RunState, to_milliseconds

_NO_MORE = (RunState.DONE, RunState.STOPPED, RunState.FAILED)
FINISHING = "finishing"

_INSERT = """
INSERT INTO run (id, workspace_id, channel_id, asker_id, thread_id, trigger_message_id, command, wish, prompt, state,
                 attempt, owner, lease_until, model, outcome, reserved, budget_day, traceparent)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::uuid, now() + $13::interval, $14, $15, $16, $17, $18
WHERE $19 OR (
    SELECT count(*) < $20 AND count(*) FILTER (WHERE asker_id = $4) < $21
    FROM run WHERE workspace_id = $2 AND state IN ('queued', 'running', 'finishing')
)
ON CONFLICT (id) DO NOTHING
RETURNING *
"""
_ONE = "SELECT * FROM run WHERE id = $1"
_ACTIVE_IN = """
SELECT * FROM run WHERE channel_id = $1 AND state IN ('queued', 'running', 'finishing') ORDER BY created_at, id
"""
_CLAIM = """
UPDATE run SET state = CASE state WHEN 'finishing' THEN state ELSE 'running' END,
    attempt = attempt + CASE state WHEN 'finishing' THEN 0 ELSE 1 END,
    owner = $1, lease_until = now() + $2::interval
WHERE id IN (
    SELECT id FROM run
    WHERE (state = 'queued' OR (state IN ('running', 'finishing') AND (lease_until IS NULL OR lease_until < now())))
      AND id <> ALL($4::uuid[])
    ORDER BY created_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
RETURNING *
"""
_KEEP = """
UPDATE run SET lease_until = now() + $2::interval
WHERE id = ANY($3::uuid[]) AND owner = $1 AND state IN ('running', 'finishing')
RETURNING id, stop_wish
"""
_CHECKPOINT = """
UPDATE run SET text = given.text, prompt_tokens = given.prompt_tokens
FROM unnest($2::uuid[], $3::integer[], $4::text[], $5::integer[]) AS given (id, attempt, text, prompt_tokens)
WHERE run.id = given.id AND run.attempt = given.attempt AND run.owner = $1 AND run.state = 'running'
"""
_RELEASE = """
UPDATE run SET owner = NULL, lease_until = NULL WHERE owner = $1 AND state IN ('running', 'finishing')
"""
_FINISHING = """
UPDATE run SET state = 'finishing', outcome = $3 WHERE id = $1 AND owner = $2 AND state = 'running' RETURNING id
"""
_WISH_TO_STOP = "UPDATE run SET stop_wish = true WHERE id = $1 AND state IN ('queued', 'running') RETURNING *"
_FORGET_ENDED = "DELETE FROM run WHERE finished_at < now() - $1::interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A row as it was read. Ids are text, as everywhere outside PostgreSQL."""

    id: str
    workspace_id: str
    channel_id: str
    asker_id: str
    thread_id: str | None
    trigger_message_id: str | None
    command: str
    wish: str
    prompt: str
    state: str
    attempt: int
    owner: str | None
    stop_wish: bool
    text: str
    model: str
    outcome: str | None
    prompt_tokens: int
    completion_tokens: int
    error: str | None
    message_id: str | None
    traceparent: str | None
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, record: asyncpg.Record) -> Self:
        return cls(**{name: _plain(record[name]) for name in cls.__slots__})

    @property
    def is_over(self) -> bool:
        return self.state in _NO_MORE

    def view(self, text: str | None = None, attempt: int | None = None) -> Run:
        """`text` and `attempt` of the process that works on it, where they are newer than the checkpoint."""
        return Run(
            id=self.id,
            workspace_id=self.workspace_id,
            channel_id=self.channel_id,
            asker_id=self.asker_id,
            command=self.command,
            prompt=self.prompt,
            state=RunState.RUNNING if self.state == FINISHING else RunState(self.state),
            created_at=to_milliseconds(self.created_at),
            thread_id=self.thread_id,
            trigger_message_id=self.trigger_message_id,
            attempt=max(1, self.attempt if attempt is None else attempt),
            text=self.text if text is None else text,
            model=self.model,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            finished_at=None if self.finished_at is None else to_milliseconds(self.finished_at),
            error=self.error,
            message_id=self.message_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What a run begins with. `outcome` given: it has failed before it began, and only its end is told."""

    id: str
    workspace_id: str
    channel_id: str
    asker_id: str
    thread_id: str | None
    trigger_message_id: str | None
    command: str
    wish: str
    prompt: str
    model: str
    most_tokens: int
    """The most that it can cost: this much is reserved."""
    traceparent: str | None = None
    outcome: str | None = None


class RunTable:
    """All that happens to rows while runs live. `owner` is this process."""

    def __init__(self, database: Database, owner: str, lease: timedelta, daily_budget: int) -> None:
        self._database = database
        self.owner = owner
        self._lease = lease
        self._daily_budget = daily_budget

    async def add(self, new: NewRun, *, at_once: bool) -> tuple[RunRow, bool]:
        """The run, and whether it is new; `at_once`: it is this process's from the start.

        Raises TokenBudgetExhausted, TooManyRuns or DependencyUnavailable; then nothing has happened.
        """
        refused = new.outcome is not None
        begun = at_once and not refused
        state = FINISHING if refused else (RunState.RUNNING if begun else RunState.QUEUED)
        day = ledger.today()
        try:
            async with self._database.transaction() as connection:
                reserved = 0 if refused else new.most_tokens
                if not await ledger.reserve(connection, new.workspace_id, day, reserved, self._daily_budget):
                    raise _NotAdded
                record = await connection.fetchrow(
                    _INSERT,
                    new.id,
                    new.workspace_id,
                    new.channel_id,
                    new.asker_id,
                    new.thread_id,
                    new.trigger_message_id,
                    new.command,
                    new.wish,
                    new.prompt,
                    state,
                    int(begun),
                    self.owner if begun else None,
                    self._lease if begun else None,
                    new.model,
                    new.outcome,
                    reserved,
                    day,
                    new.traceparent,
                    refused,
                    RUNS_PER_WORKSPACE,
                    RUNS_PER_PERSON,
                )
                if record is None:
                    raise _Full
        except _NotAdded as reason:
            known = await self.one(new.id)
            if known is not None:
                return known, False
            raise _refusal(reason) from None
        return RunRow.of(record), True

    async def one(self, run_id: str) -> RunRow | None:
        record = await self._database.row(_ONE, run_id)
        return None if record is None else RunRow.of(record)

    async def active_in(self, channel_id: str) -> list[RunRow]:
        return [RunRow.of(record) for record in await self._database.rows(_ACTIVE_IN, channel_id)]

    async def claim(self, most: int, besides: Collection[str] = ()) -> list[RunRow]:
        """Runs that nobody works on, now this process's, oldest first.

        `besides` are in this process's hands, whatever their lease says after a database that was away.
        """
        records = await self._database.rows(_CLAIM, self.owner, self._lease, most, list(besides))
        rows = [RunRow.of(record) for record in records]
        return sorted(rows, key=lambda row: (row.created_at, row.id))

    async def keep(self, run_ids: Collection[str]) -> dict[str, bool]:
        """Renews the leases: which runs are still this process's, and whether somebody wants them to stop."""
        records = await self._database.rows(_KEEP, self.owner, self._lease, list(run_ids))
        return {str(record["id"]): record["stop_wish"] for record in records}

    async def checkpoint(self, texts: list[tuple[str, int, str, int]]) -> None:
        """(run, attempt, text so far, tokens of its prompt), where they are still this process's."""
        columns = [[text[column] for text in texts] for column in range(4)]
        await self._database.rows(_CHECKPOINT, self.owner, *columns)

    async def release(self) -> None:
        """Gives back everything, for other processes to take at once."""
        await self._database.rows(_RELEASE, self.owner)

    async def finishing(self, run_id: str, outcome: str) -> bool:
        """Fixes what chat will be told. False when the run is no longer this process's."""
        return await self._database.row(_FINISHING, run_id, self.owner, outcome) is not None

    async def wish_to_stop(self, run_id: str) -> RunRow | None:
        """None when there is nothing left to stop."""
        record = await self._database.row(_WISH_TO_STOP, run_id)
        return None if record is None else RunRow.of(record)

    async def forget_ended(self, after: timedelta) -> None:
        await self._database.rows(_FORGET_ENDED, after)


class _NotAdded(Exception):
    """Rolls the transaction back."""


class _Full(_NotAdded):
    """Either too many runs are active, or this one is there already."""


def _refusal(reason: _NotAdded) -> Exception:
    if isinstance(reason, _Full):
        return TooManyRuns(f"At most {RUNS_PER_PERSON} of yours at once.", retry_after=5)
    return TokenBudgetExhausted("The budget is renewed at midnight UTC.", retry_after=ledger.seconds_until_midnight())


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
