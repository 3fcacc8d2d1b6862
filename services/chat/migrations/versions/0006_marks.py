"""Saved messages, drafts, and where the log tells of a pin.

The release before keeps running on it: the new column may be null. It pins nothing; what it edits or deletes of a
message that was pinned meanwhile stays in the pin's event until the retention is over.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Partial: at the start nothing is pinned, and few messages ever are.
PINS = """
ALTER TABLE message ADD COLUMN pin_seq bigint;
CREATE INDEX message_pins_idx ON message (channel_id, pin_seq) WHERE pinned_at IS NOT NULL;
"""

SAVED = """
CREATE TABLE saved_message (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES user_account,
    message_id uuid NOT NULL REFERENCES message,
    workspace_id uuid NOT NULL REFERENCES workspace,
    channel_id uuid NOT NULL REFERENCES channel,
    saved_at timestamptz NOT NULL,
    CONSTRAINT saved_message_key UNIQUE (user_id, message_id)
);
CREATE INDEX saved_message_list_idx ON saved_message (user_id, workspace_id, id);
"""

# A draft that is gone has an empty text. `place_id` is the first message of its thread, or the channel itself.
DRAFTS = """
CREATE TABLE draft (
    user_id uuid NOT NULL REFERENCES user_account,
    place_id uuid NOT NULL,
    workspace_id uuid NOT NULL REFERENCES workspace,
    channel_id uuid NOT NULL REFERENCES channel,
    text text NOT NULL,
    updated_at timestamptz NOT NULL,
    log_id bigint,
    PRIMARY KEY (user_id, place_id)
);
CREATE INDEX draft_list_idx ON draft (user_id, workspace_id, updated_at, place_id) WHERE text <> '';
"""


def upgrade() -> None:
    for script in (PINS, SAVED, DRAFTS):
        for statement in statements(script):
            op.execute(statement)


def statements(script: str) -> list[str]:
    """One statement at a time: a prepared statement holds no more."""
    return [part for part in script.split(";\n") if part.strip()]
