"""What channels are for, who writes in them, which everybody joins, and where an invited guest comes in.

The release before keeps running on it: every column has a default or may be null, and adding them rewrites nothing.
The `general` of a workspace that it founds meanwhile is no default channel until somebody says so.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CHANNEL = """
ALTER TABLE channel
    ADD COLUMN purpose text NOT NULL DEFAULT '',
    ADD COLUMN posting text NOT NULL DEFAULT 'everyone' CHECK (posting IN ('everyone', 'admins')),
    ADD COLUMN is_default boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT channel_default_check CHECK (kind = 'public' OR NOT is_default);
UPDATE channel SET is_default = true WHERE name = 'general' AND kind = 'public';
CREATE INDEX channel_default_idx ON channel (workspace_id) WHERE is_default;
"""

# Null: the invitation says nothing about channels.
INVITE = """
ALTER TABLE invite
    ADD COLUMN channel_ids uuid[],
    ADD CONSTRAINT invite_channels_check CHECK (channel_ids IS NULL OR role = 'guest');
"""


def upgrade() -> None:
    for script in (CHANNEL, INVITE):
        run(script)


def run(script: str) -> None:
    """One statement at a time: a prepared statement holds no more."""
    for statement in script.split(";\n"):
        if statement.strip():
            op.execute(statement)
