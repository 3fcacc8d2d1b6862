"""Messages that are sent later, and reminders about messages.

Two new tables, which the release before does not know.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# `anchor` is a time of the wall clock in `timezone`. What is sent has no text here any more.
SCHEDULED = """
CREATE TABLE scheduled_message (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspace,
    channel_id uuid NOT NULL REFERENCES channel,
    author_id uuid NOT NULL REFERENCES user_account,
    client_msg_id uuid NOT NULL,
    thread_id uuid REFERENCES message,
    also_in_channel boolean NOT NULL,
    text text NOT NULL,
    state text NOT NULL CHECK (state IN ('scheduled', 'paused', 'failed', 'sent')),
    due_at timestamptz NOT NULL,
    wake_at timestamptz,
    rrule text,
    timezone text,
    starts_at timestamptz,
    anchor timestamp,
    remaining integer,
    error text,
    last_due_at timestamptz,
    last_sent_at timestamptz,
    last_message_id uuid,
    last_missed integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    log_id bigint,
    CONSTRAINT scheduled_message_key UNIQUE (author_id, client_msg_id),
    CONSTRAINT scheduled_message_wakes CHECK ((state = 'scheduled') = (wake_at IS NOT NULL)),
    CONSTRAINT scheduled_message_recurs CHECK (num_nulls(rrule, timezone, starts_at, anchor) IN (0, 4))
);
CREATE INDEX scheduled_message_wake_idx ON scheduled_message (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX scheduled_message_open_idx ON scheduled_message (author_id, workspace_id, id) WHERE state <> 'sent';
CREATE INDEX scheduled_message_sent_idx ON scheduled_message (author_id, workspace_id, id) WHERE state = 'sent';
"""

REMINDERS = """
CREATE TABLE reminder (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES user_account,
    message_id uuid NOT NULL REFERENCES message,
    workspace_id uuid NOT NULL REFERENCES workspace,
    channel_id uuid NOT NULL REFERENCES channel,
    state text NOT NULL CHECK (state IN ('pending', 'due', 'completed')),
    due_at timestamptz NOT NULL,
    wake_at timestamptz,
    created_at timestamptz NOT NULL,
    completed_at timestamptz,
    CONSTRAINT reminder_key UNIQUE (user_id, message_id),
    CONSTRAINT reminder_wakes CHECK ((state = 'pending') = (wake_at IS NOT NULL))
);
CREATE INDEX reminder_wake_idx ON reminder (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX reminder_open_idx ON reminder (user_id, workspace_id, id) WHERE state <> 'completed';
CREATE INDEX reminder_completed_idx ON reminder (user_id, workspace_id, id) WHERE state = 'completed';
"""


def upgrade() -> None:
    for script in (SCHEDULED, REMINDERS):
        for statement in statements(script):
            op.execute(statement)


def statements(script: str) -> list[str]:
    """One statement at a time: a prepared statement holds no more."""
    return [part for part in script.split(";\n") if part.strip()]
