"""Where the log tells of a run, so that what was erased is found there as well.

A run's two events have no `ch_seq` to find them by. The release before keeps running on it: the columns may be null.
What it opens or ends after this stands in the log as it was told until the retention is over; what it did before is
looked up here, in one reading of the log.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = "ALTER TABLE bot_run ADD COLUMN started_log_id bigint, ADD COLUMN finished_log_id bigint"

FIND = """
WITH told AS MATERIALIZED (
    SELECT (body::json #>> '{{data,run,id}}')::uuid AS run_id, max(id) AS id
    FROM event_log WHERE type = 'run.{end}' GROUP BY 1
)
UPDATE bot_run SET {end}_log_id = told.id FROM told WHERE bot_run.id = told.run_id
"""


def upgrade() -> None:
    op.execute(COLUMNS)
    for end in ("started", "finished"):
        op.execute(FIND.format(end=end))
