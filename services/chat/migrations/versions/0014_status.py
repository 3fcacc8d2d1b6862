"""What people say of themselves for a while, how they want to appear, and until when they want to be left alone.

The release before keeps running on it: every column has a default or may be null, and adding them rewrites nothing.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

PERSON = """
ALTER TABLE user_account
    ADD COLUMN status_emoji text,
    ADD COLUMN status_text text NOT NULL DEFAULT '',
    ADD COLUMN status_until timestamptz,
    ADD COLUMN presence text NOT NULL DEFAULT 'auto' CHECK (presence IN ('auto', 'away', 'offline')),
    ADD COLUMN dnd_until timestamptz
"""


def upgrade() -> None:
    op.execute(PERSON)
