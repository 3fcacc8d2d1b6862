"""What a message carries beside its text: what was read out of it, reactions, its thread, where it came from, its pin.

The release before keeps running on it: every column has a default or may be null, and adding them rewrites nothing.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# This and the migrations after it change these tables in one transaction. Taken at once and in the order in which
# writers take them, so that neither waits for the other in a ring.
LOCK = "LOCK TABLE workspace, workspace_member, channel, channel_member, message IN ACCESS EXCLUSIVE MODE"

MESSAGE = """
ALTER TABLE message
    ADD COLUMN mentions uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN audience text CHECK (audience IN ('channel', 'here')),
    ADD COLUMN channels uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN messages uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN links text[] NOT NULL DEFAULT '{}',
    ADD COLUMN in_channel boolean NOT NULL DEFAULT false,
    ADD COLUMN forwarded jsonb,
    ADD COLUMN reactions jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN reply_count integer NOT NULL DEFAULT 0,
    ADD COLUMN last_reply_seq bigint,
    ADD COLUMN last_reply_at timestamptz,
    ADD COLUMN last_repliers uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN pinned_by uuid,
    ADD COLUMN pinned_at timestamptz,
    ADD CHECK ((pinned_by IS NULL) = (pinned_at IS NULL))
"""


def upgrade() -> None:
    op.execute(LOCK)
    op.execute(MESSAGE)
