"""What was answered to requests that may come again, by the key that they carry.

The release before keeps running on it: it neither reads nor writes the table.
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# Nothing is ever updated, and all of it goes a day later, the oldest first.
KEPT = """
CREATE TABLE idempotency_key (
    user_id uuid NOT NULL REFERENCES user_account,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    asked bytea NOT NULL,
    status smallint NOT NULL CHECK (status BETWEEN 200 AND 299),
    answer bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, key)
)
"""
AGE = "CREATE INDEX idempotency_key_age_idx ON idempotency_key (created_at)"


def upgrade() -> None:
    op.execute(KEPT)
    op.execute(AGE)
