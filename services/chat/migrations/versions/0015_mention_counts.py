"""Counting mentions stops, in a channel and in a thread, each in an index that holds only what can count there.

The release before keeps running on it: its counts find what they look for in the two new indexes as they did in the old
one. Messages that name somebody wait while they are built, about two seconds for each million mentions; who reads waits
for the last statement only, which takes no time.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# The old one had the answers in threads among those in the channel, and no author: so every mention above a cursor was
# looked up. Counting without the table needs pages that are known to be settled, as for `message_unread_idx` (0007).
INDEXES = """
ALTER TABLE mention SET (autovacuum_vacuum_insert_scale_factor = 0.01);
CREATE INDEX mention_channel_idx ON mention (user_id, channel_id, ch_seq) INCLUDE (author_id)
WHERE thread_id IS NULL OR in_channel;
CREATE INDEX mention_thread_idx ON mention (user_id, thread_id, ch_seq) INCLUDE (author_id)
WHERE thread_id IS NOT NULL;
DROP INDEX mention_cursor_idx
"""


def upgrade() -> None:
    for statement in INDEXES.split(";\n"):
        op.execute(statement)
