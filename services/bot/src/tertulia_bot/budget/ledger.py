"""What a workspace has left of today.

A run reserves the most that it can cost before it begins, in one statement that does nothing unless it fits; what it
really cost is settled when it ends, in the statement that ends it. A run that another process took over is charged for
the attempt that died. So `used + reserved` never exceeds the limit, however many ask at once, and a reservation never
outlives its run. A day is the UTC day on which the run began.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg

from tertulia_bot.database import Database, PoolConnection
from tertulia_bot.metrics import BUDGET_REFUSALS, TOKENS

_RESERVE = """
INSERT INTO budget_day AS b (workspace_id, day, reserved)
SELECT $1, $2, $3::bigint
WHERE $3::bigint
    <= coalesce((SELECT daily_token_budget FROM workspace_settings WHERE workspace_id = $1), $4::bigint)
ON CONFLICT (workspace_id, day) DO UPDATE SET reserved = b.reserved + excluded.reserved
WHERE b.used + b.reserved + excluded.reserved
    <= coalesce((SELECT daily_token_budget FROM workspace_settings s WHERE s.workspace_id = b.workspace_id), $4::bigint)
RETURNING 1
"""
# $1 run, $2 owner, $3 and $4 spent by the attempt before, $5 to hold from now on, $6 the limit of a workspace without
# its own, $7 added to the attempt, $8 tokens of the prompt that is about to be sent.
_HOLD = """
WITH mine AS (SELECT * FROM run WHERE id = $1 AND owner = $2 AND state = 'running' FOR UPDATE),
charged AS (
    UPDATE budget_day b
    SET reserved = b.reserved - mine.reserved + $5::bigint, used = b.used + $3::integer + $4::integer
    FROM mine
    WHERE b.workspace_id = mine.workspace_id AND b.day = mine.budget_day
      AND (mine.reserved >= $3::integer + $4::integer + $5::bigint
           OR b.used + b.reserved - mine.reserved + $3::integer + $4::integer + $5::bigint <= coalesce(
               (SELECT daily_token_budget FROM workspace_settings s WHERE s.workspace_id = mine.workspace_id),
               $6::bigint))
    RETURNING 1
),
noted AS (
    INSERT INTO usage (run_id, attempt, workspace_id, day, asker_id, command, model, prompt_tokens, completion_tokens)
    SELECT mine.id, mine.attempt + $7::integer - 1, mine.workspace_id, mine.budget_day, mine.asker_id, mine.command,
        mine.model, $3::integer, $4::integer
    FROM mine, charged WHERE $3::integer + $4::integer > 0
    ON CONFLICT (run_id, attempt) DO NOTHING
)
UPDATE run SET reserved = $5::bigint, attempt = run.attempt + $7::integer, prompt_tokens = $8,
    text = CASE WHEN $7::integer + $3::integer + $4::integer > 0 THEN '' ELSE run.text END
FROM charged WHERE run.id = $1
RETURNING run.attempt
"""
_SETTLE = """
WITH mine AS (SELECT * FROM run WHERE id = $1 AND owner = $2 AND state IN ('running', 'finishing') FOR UPDATE),
charged AS (
    UPDATE budget_day b SET reserved = b.reserved - mine.reserved, used = b.used + $6::integer + $7::integer
    FROM mine WHERE b.workspace_id = mine.workspace_id AND b.day = mine.budget_day
),
noted AS (
    INSERT INTO usage (run_id, attempt, workspace_id, day, asker_id, command, model, prompt_tokens, completion_tokens)
    SELECT mine.id, mine.attempt, mine.workspace_id, mine.budget_day, mine.asker_id, mine.command, mine.model,
        $6::integer, $7::integer
    FROM mine WHERE $6::integer + $7::integer > 0
    ON CONFLICT (run_id, attempt) DO NOTHING
)
UPDATE run SET state = $3, error = $4, message_id = $5, finished_at = now(),
    prompt_tokens = $6::integer, completion_tokens = $7::integer,
    wish = '', prompt = '', text = '', outcome = NULL, reserved = 0, owner = NULL, lease_until = NULL
FROM mine WHERE run.id = mine.id
RETURNING run.id
"""
_ABANDON = """
WITH gone AS (DELETE FROM run WHERE id = $1 AND state IN ('queued', 'running') AND (owner = $2 OR owner IS NULL)
    RETURNING workspace_id, budget_day, reserved)
UPDATE budget_day b SET reserved = b.reserved - gone.reserved
FROM gone WHERE b.workspace_id = gone.workspace_id AND b.day = gone.budget_day
"""
_LIMIT = (
    "SELECT coalesce((SELECT daily_token_budget FROM workspace_settings WHERE workspace_id = $1), $2::bigint) AS tokens"
)
_SET_LIMIT = """
INSERT INTO workspace_settings (workspace_id, daily_token_budget) VALUES ($1, $2)
ON CONFLICT (workspace_id) DO UPDATE SET daily_token_budget = excluded.daily_token_budget
"""
_DAY = "SELECT reserved, used FROM budget_day WHERE workspace_id = $1 AND day = $2"
_BY_COMMAND = """
SELECT command, count(DISTINCT run_id) AS runs, sum(prompt_tokens + completion_tokens)::bigint AS tokens
FROM usage WHERE workspace_id = $1 AND day = $2 GROUP BY command ORDER BY command
"""
_FORGET = "DELETE FROM usage WHERE day < $1"


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens that an attempt cost."""

    prompt: int
    completion: int


NOTHING = Spent(0, 0)


def today() -> date:
    return datetime.now(UTC).date()


def seconds_until_midnight() -> float:
    now = datetime.now(UTC)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - now).total_seconds()


async def reserve(connection: PoolConnection, workspace_id: str, day: date, tokens: int, default: int) -> bool:
    """Whether they fit; then they are held. Also locks the workspace's day until the transaction ends."""
    fits = await connection.fetchrow(_RESERVE, workspace_id, day, tokens, default) is not None
    if not fits:
        BUDGET_REFUSALS.inc()
    return fits


@dataclass(frozen=True, slots=True)
class Ledger:
    database: Database
    owner: str
    default: int

    async def hold(
        self, run_id: str, tokens: int, *, spent: Spent = NOTHING, begin_again: bool = False, prompt_tokens: int = 0
    ) -> int | None:
        """Holds so many tokens for the run instead of what it held, after charging for an attempt that broke.

        The run's attempt, one more than before with `begin_again`; None when the tokens do not fit (then nothing is
        changed) or the run is no longer this process's. Holding less than before always fits.
        """
        values = (run_id, self.owner, spent.prompt, spent.completion, tokens, self.default, int(begin_again))
        row = await self.database.row(_HOLD, *values, prompt_tokens)
        if row is not None:
            _count(spent)
        return None if row is None else row["attempt"]

    async def settle(self, run_id: str, state: str, error: str | None, message_id: str | None, spent: Spent) -> bool:
        """Ends the run. False when it is no longer this process's."""
        values = (run_id, self.owner, state, error, message_id, spent.prompt, spent.completion)
        ended = await self.database.row(_SETTLE, *values) is not None
        if ended:
            _count(spent)
        return ended

    async def abandon(self, run_id: str) -> None:
        """As if the run had never been: chat refused it."""
        await self.database.rows(_ABANDON, run_id, self.owner)

    async def limit(self, workspace_id: str) -> int:
        row = await self.database.row(_LIMIT, workspace_id, self.default)
        return self.default if row is None else row["tokens"]

    async def set_limit(self, workspace_id: str, tokens: int) -> None:
        await self.database.rows(_SET_LIMIT, workspace_id, tokens)

    async def day(self, workspace_id: str, day: date) -> Mapping[str, Any]:
        """`reserved` and `used`."""
        row = await self.database.row(_DAY, workspace_id, day)
        return {"reserved": 0, "used": 0} if row is None else dict(row)

    async def by_command(self, workspace_id: str, day: date) -> list[asyncpg.Record]:
        return await self.database.rows(_BY_COMMAND, workspace_id, day)

    async def forget_before(self, day: date) -> None:
        await self.database.rows(_FORGET, day)


def _count(spent: Spent) -> None:
    TOKENS.labels("prompt").inc(spent.prompt)
    TOKENS.labels("completion").inc(spent.completion)
