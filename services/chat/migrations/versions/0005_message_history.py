"""Former texts of messages, and which of them a workspace keeps.

The release before keeps running on it: it writes no former text, and the workspaces that it founds keep those of edits.
What it deletes meanwhile keeps the former texts that this release stored; nobody is shown them (`messages/history.py`).

The column has a default, so adding it rewrites nothing; the reference waits for the writers of `message` and then takes
no longer than a table without rows does.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

WORKSPACE = """
ALTER TABLE workspace ADD COLUMN history_policy text NOT NULL DEFAULT 'edits'
    CHECK (history_policy IN ('off', 'edits', 'all'))
"""

# `read_out` and `purge_at` are about deletions: what was read out of the text that one took, and until when it is kept
# for nothing but an undo.
REVISION = """
CREATE TABLE message_revision (
    message_id uuid NOT NULL REFERENCES message ON DELETE CASCADE,
    number integer NOT NULL CHECK (number > 0),
    workspace_id uuid NOT NULL,
    text text NOT NULL,
    replaced_at timestamptz NOT NULL,
    replaced_by uuid NOT NULL,
    read_out jsonb,
    purge_at timestamptz,
    PRIMARY KEY (message_id, number),
    CHECK (purge_at IS NULL OR read_out IS NOT NULL)
)
"""

INDEXES = (
    "CREATE INDEX message_revision_workspace_id_idx ON message_revision (workspace_id)",
    "CREATE INDEX message_revision_purge_at_idx ON message_revision (purge_at) WHERE purge_at IS NOT NULL",
)


def upgrade() -> None:
    for statement in (WORKSPACE, REVISION, *INDEXES):
        op.execute(statement)
