"""Channels that were deleted and still have something to remove, and finding what refers to a message that goes.

The release before keeps running on it. To it a deleted channel is a private one that nobody is in, so it needs to know
nothing of this table. Who saves a message, sets a reminder or schedules a reply waits while the indexes of those are
built, less than a second for each million of them.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

DELETED = """
CREATE TABLE deleted_channel (
    channel_id uuid PRIMARY KEY REFERENCES channel,
    workspace_id uuid NOT NULL,
    deleted_at timestamptz NOT NULL,
    log_seq bigint NOT NULL DEFAULT 0
);
"""

# Each message that goes is looked for in what refers to it.
REFERENCES = """
CREATE INDEX saved_message_message_idx ON saved_message (message_id);
CREATE INDEX reminder_message_idx ON reminder (message_id);
CREATE INDEX scheduled_message_thread_idx ON scheduled_message (thread_id) WHERE thread_id IS NOT NULL
"""


def upgrade() -> None:
    for statement in f"{DELETED}{REFERENCES}".split(";\n"):
        op.execute(statement)
