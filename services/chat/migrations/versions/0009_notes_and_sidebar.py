"""What a channel says by itself, and how everybody arranges their channels.

The release before keeps running on it: it may insert no note and takes those it finds for replies in no thread, which
are unread for nobody. The one lock on a table in use is that of adding a column, which rewrites nothing.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NOTES = "ALTER TABLE message ADD COLUMN system jsonb"

SIDEBAR = """
CREATE TABLE sidebar (
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    version integer NOT NULL,
    sections jsonb NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
)
"""


def upgrade() -> None:
    op.execute(NOTES)
    op.execute(SIDEBAR)
