"""Runs, what they cost, what a workspace may spend, and the dead letters.

No table keeps a body longer than the run lives: `wish`, `prompt` and `text` are emptied when it ends, the answer is a
message of chat.
"""

from alembic import op

from tertulia_shared.bus import DEAD_LETTER_DDL
from tertulia_shared.migrations import statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# owner: the process that works on it, as long as lease_until has not come.
# outcome: what chat shall be told, fixed when the state becomes finishing; from then on nothing is generated again.
# reserved: what the run still holds of its workspace's budget of budget_day.
# prompt_tokens: of the attempt that runs, so that whoever takes over can charge for what the dead one spent.
RUNS = """
CREATE TABLE run (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    asker_id uuid NOT NULL,
    thread_id uuid,
    trigger_message_id uuid,
    command text NOT NULL,
    wish text NOT NULL,
    prompt text NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'running', 'finishing', 'done', 'stopped', 'failed')),
    attempt integer NOT NULL DEFAULT 0,
    owner uuid,
    lease_until timestamptz,
    stop_wish boolean NOT NULL DEFAULT false,
    text text NOT NULL DEFAULT '',
    model text NOT NULL DEFAULT '',
    outcome text,
    reserved bigint NOT NULL DEFAULT 0,
    budget_day date NOT NULL,
    prompt_tokens integer NOT NULL DEFAULT 0,
    completion_tokens integer NOT NULL DEFAULT 0,
    error text,
    message_id uuid,
    traceparent text,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE INDEX run_active_idx ON run (created_at) WHERE state IN ('queued', 'running', 'finishing');
CREATE INDEX run_active_workspace_idx ON run (workspace_id) WHERE state IN ('queued', 'running', 'finishing');
CREATE INDEX run_active_channel_idx ON run (channel_id) WHERE state IN ('queued', 'running', 'finishing');
CREATE INDEX run_finished_at_idx ON run (finished_at) WHERE finished_at IS NOT NULL;
"""
BUDGET = """
CREATE TABLE workspace_settings (
    workspace_id uuid PRIMARY KEY,
    daily_token_budget bigint NOT NULL CHECK (daily_token_budget >= 0)
);
CREATE TABLE budget_day (
    workspace_id uuid NOT NULL,
    day date NOT NULL,
    reserved bigint NOT NULL CHECK (reserved >= 0),
    used bigint NOT NULL DEFAULT 0 CHECK (used >= 0),
    PRIMARY KEY (workspace_id, day)
);
CREATE TABLE usage (
    run_id uuid NOT NULL,
    attempt integer NOT NULL,
    workspace_id uuid NOT NULL,
    day date NOT NULL,
    asker_id uuid NOT NULL,
    command text NOT NULL,
    model text NOT NULL,
    prompt_tokens integer NOT NULL,
    completion_tokens integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, attempt)
);
CREATE INDEX usage_workspace_day_idx ON usage (workspace_id, day);
"""


def upgrade() -> None:
    for script in (RUNS, BUDGET, DEAD_LETTER_DDL):
        for statement in statements(script):
            op.execute(statement)
