"""Where people's clocks are, the hours of each day in which they want to be left alone, and what told them silently.

The release before keeps running on it: every column may be null or has a default, and adding them rewrites nothing.
What it decides is told aloud.
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

PERSON = """
ALTER TABLE user_account
    ADD COLUMN time_zone text,
    ADD COLUMN quiet_starts time,
    ADD COLUMN quiet_ends time,
    ADD CONSTRAINT user_account_quiet_hours CHECK (
        num_nulls(quiet_starts, quiet_ends) IN (0, 2) AND quiet_starts <> quiet_ends
        AND (quiet_starts IS NULL OR time_zone IS NOT NULL)
    );
ALTER TABLE notification ADD COLUMN silent boolean NOT NULL DEFAULT false
"""

# The names of zones that PostgreSQL knows depend on the machine. One that it does not know must not keep everybody else
# in the same statement from being told.
QUIET = """
CREATE FUNCTION is_quiet(moment timestamptz, place text, starts time, ends time) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
DECLARE
    clock time;
BEGIN
    clock := CAST(moment AT TIME ZONE place AS time);
    RETURN CASE WHEN starts < ends THEN clock >= starts AND clock < ends ELSE clock >= starts OR clock < ends END;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN false;
END
$$
"""


def upgrade() -> None:
    for statement in (*PERSON.split(";\n"), QUIET):
        op.execute(statement)
