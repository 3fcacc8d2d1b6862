"""Where the sink is in the stream, what it was about to insert, and the events that it could not read."""

from alembic import op

from tertulia_shared.bus import DEAD_LETTER_DDL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# One row. Everything up to `position` of this life of the stream is in this warehouse. The pending columns are the
# intent: the range after `position`, written before its insert and emptied, in one statement with the new position,
# after it.
SINK = """
CREATE TABLE sink (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    warehouse text NOT NULL DEFAULT '',
    incarnation text NOT NULL DEFAULT '',
    position bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    pending_last bigint CHECK (pending_last > position),
    pending_token text,
    pending_skipped bigint[],
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nulls(pending_last, pending_token, pending_skipped) IN (0, 3))
)
"""


def upgrade() -> None:
    op.execute(SINK)
    op.execute("INSERT INTO sink DEFAULT VALUES")
    op.execute(DEAD_LETTER_DDL)
