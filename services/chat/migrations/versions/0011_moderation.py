"""Who is kept out of what or silent in it, slow channels, reports, and what people were told of such deeds.

The release before keeps running on it: the one new column of an old table has a default, and adding it rewrites
nothing. It knows neither bans nor mutes nor slow channels, so these hold from the moment its last process is gone.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# A channel or, for all of it, the workspace is the place. Who leaves and comes back finds what holds of them.
SANCTIONS = """
CREATE TABLE sanction (
    place_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('ban', 'mute')),
    user_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    until timestamptz,
    reason text NOT NULL,
    laid_by uuid NOT NULL,
    laid_at timestamptz NOT NULL,
    PRIMARY KEY (place_id, kind, user_id),
    CONSTRAINT sanction_until_check CHECK (kind = 'ban' OR until IS NOT NULL)
);
"""

# `early` is only ever about to be true: then the statement that sends too soon fails as a whole.
SLOW_MODE = """
ALTER TABLE channel ADD COLUMN slow_mode_s integer NOT NULL DEFAULT 0 CHECK (slow_mode_s BETWEEN 0 AND 21600);
CREATE TABLE slow_mode_turn (
    channel_id uuid NOT NULL,
    user_id uuid NOT NULL,
    sent_at timestamptz NOT NULL,
    interval_s integer NOT NULL,
    early boolean NOT NULL DEFAULT false,
    PRIMARY KEY (channel_id, user_id),
    CONSTRAINT slow_mode_turn_early_check CHECK (NOT early)
) WITH (fillfactor = 80);
"""

REPORTS = """
CREATE TABLE report (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    message_id uuid NOT NULL,
    author_id uuid NOT NULL,
    reporter_id uuid NOT NULL,
    category text NOT NULL,
    note text,
    text text,
    state text NOT NULL CHECK (state IN ('open', 'resolved')),
    outcome text,
    resolved_by uuid,
    resolved_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT report_resolved_check CHECK (
        (state = 'open') = (outcome IS NULL) AND (state = 'open' OR (note IS NULL AND text IS NULL))
    )
);
CREATE UNIQUE INDEX report_open_key ON report (message_id, reporter_id) WHERE state = 'open';
CREATE INDEX report_queue_idx ON report (workspace_id, state, id);
"""

NOTICES = """
CREATE TABLE notice (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    channel_id uuid,
    message_id uuid,
    kind text NOT NULL,
    reason text NOT NULL,
    until timestamptz,
    created_at timestamptz NOT NULL
);
CREATE INDEX notice_user_idx ON notice (user_id, id);
"""


def upgrade() -> None:
    for script in (SANCTIONS, SLOW_MODE, REPORTS, NOTICES):
        run(script)


def run(script: str) -> None:
    """One statement at a time: a prepared statement holds no more."""
    for statement in script.split(";\n"):
        if statement.strip():
            op.execute(statement)
