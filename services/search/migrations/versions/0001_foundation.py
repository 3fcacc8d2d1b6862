"""Dead letters, and which index was filled from chat."""

from alembic import op

from tertulia_shared.bus import DEAD_LETTER_DDL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

FILLED_INDEX = """
CREATE TABLE filled_index (
    name text PRIMARY KEY,
    filled_at timestamptz NOT NULL DEFAULT now()
)
"""


def upgrade() -> None:
    op.execute(FILLED_INDEX)
    op.execute(DEAD_LETTER_DDL)
