"""Who is told of which message and why, how far each channel is decided, and the words that people watch for.

The release before keeps running on it: it reads and writes nothing of this. Messages that it sends meanwhile are
decided when this one starts; those from before are not, and neither are edits of them.

The partial index is built over `channel_member` while its writers wait, a fraction of a second for a million seats;
at the start nobody is in it who did not ask for everything.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# No references: a decision about 10,000 people would lock as many rows of theirs. `id` follows the order of deciding.
NOTIFICATIONS = """
CREATE TABLE notification (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    message_id uuid NOT NULL,
    ch_seq bigint NOT NULL,
    thread_id uuid,
    reason text NOT NULL
        CHECK (reason IN ('mention', 'audience', 'thread_reply', 'direct', 'keyword', 'all')),
    created_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    CONSTRAINT notification_key UNIQUE (message_id, user_id)
);
CREATE INDEX notification_list_idx ON notification (user_id, workspace_id, id) WHERE withdrawn_at IS NULL;
CREATE TABLE notification_cursor (
    user_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    read_id uuid NOT NULL,
    PRIMARY KEY (user_id, workspace_id)
);
"""

# `seq`: every change of the channel up to here is decided. `since`: where deciding began; no row means 0 for both.
DECIDED = """
CREATE TABLE decided (
    channel_id uuid PRIMARY KEY,
    since bigint NOT NULL,
    seq bigint NOT NULL
) WITH (fillfactor = 80);
INSERT INTO decided (channel_id, since, seq) SELECT id, last_seq, last_seq FROM channel;
"""

# `folded` is what is looked for in a text, `lead` its first word, by which it is found.
KEYWORDS = """
CREATE TABLE keyword (
    user_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    place smallint NOT NULL,
    written text NOT NULL,
    folded text NOT NULL,
    lead text NOT NULL,
    PRIMARY KEY (user_id, workspace_id, place)
);
CREATE INDEX keyword_lead_idx ON keyword (workspace_id, lead);
"""

EVERYTHING = """
CREATE INDEX channel_member_all_idx ON channel_member (channel_id) WHERE level = 'all';
"""


def upgrade() -> None:
    for script in (NOTIFICATIONS, DECIDED, KEYWORDS, EVERYTHING):
        run(script)


def run(script: str) -> None:
    """One statement at a time: a prepared statement holds no more."""
    for statement in script.split(";\n"):
        if statement.strip():
            op.execute(statement)
