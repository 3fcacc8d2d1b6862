"""Moderators, a permission table for each workspace, the audit log, and who is deactivated.

The release before keeps running on it: the table of a workspace that it founds is empty, which means the defaults. It
knows no moderators, so nobody should be made one before it is gone.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# The tables are small, and what held under the narrower check holds under the wider one: nothing is looked at again.
ROLES = """
ALTER TABLE workspace_member
    DROP CONSTRAINT workspace_member_role_check,
    ADD CONSTRAINT workspace_member_role_check
        CHECK (role IN ('owner', 'admin', 'moderator', 'member', 'guest')) NOT VALID;
ALTER TABLE invite
    DROP CONSTRAINT invite_role_check,
    ADD CONSTRAINT invite_role_check CHECK (role IN ('admin', 'moderator', 'member', 'guest')) NOT VALID;
"""

# Only where the workspace differs from the defaults: the least role of each such permission.
PERMISSIONS = """
ALTER TABLE workspace
    ADD COLUMN permissions jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(permissions) = 'object');
"""

# `id` is drawn from the clock and orders the log. Of what was refused there is one row a minute, actor and action.
AUDIT = """
CREATE TABLE audit_log (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor_id uuid NOT NULL,
    action text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('done', 'denied')),
    target_type text NOT NULL,
    target_id text NOT NULL,
    channel_id uuid,
    before jsonb,
    after jsonb,
    reason text,
    address text,
    request_id text,
    times integer NOT NULL DEFAULT 1 CHECK (times > 0),
    denied_in timestamptz,
    CHECK ((outcome = 'denied') = (denied_in IS NOT NULL))
);
CREATE INDEX audit_log_workspace_idx ON audit_log (workspace_id, id);
CREATE INDEX audit_log_actor_idx ON audit_log (workspace_id, actor_id, id);
CREATE INDEX audit_log_action_idx ON audit_log (workspace_id, action, id);
CREATE INDEX audit_log_target_idx ON audit_log (workspace_id, target_id, id);
CREATE UNIQUE INDEX audit_log_denied_idx ON audit_log (workspace_id, actor_id, action, denied_in)
    WHERE denied_in IS NOT NULL;
"""

# The application owns the table, so taking rights from it would hold nobody. What is older than a year an operator may
# take away, by hand.
APPEND_ONLY = """
CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.outcome = 'denied' AND NEW.times > OLD.times
        AND to_jsonb(NEW) - 'times' = to_jsonb(OLD) - 'times' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '1 year' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'The audit log is append-only.' USING ERRCODE = 'restrict_violation';
END $$
"""
GUARDS = """
CREATE TRIGGER audit_log_rows BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only();
CREATE TRIGGER audit_log_whole BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
"""

# A seat that was taken away and may be given back: the role, and the channels with what was wished about each.
DEACTIVATED = """
CREATE TABLE deactivated_member (
    workspace_id uuid NOT NULL REFERENCES workspace,
    user_id uuid NOT NULL REFERENCES user_account,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'moderator', 'member', 'guest')),
    joined_at timestamptz NOT NULL,
    deactivated_at timestamptz NOT NULL,
    deactivated_by uuid NOT NULL,
    channels jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (workspace_id, user_id)
);
CREATE INDEX deactivated_member_user_id_idx ON deactivated_member (user_id);
"""


def upgrade() -> None:
    for script in (ROLES, PERMISSIONS, AUDIT, DEACTIVATED):
        run(script)
    op.execute(APPEND_ONLY)
    run(GUARDS)


def run(script: str) -> None:
    """One statement at a time: a prepared statement holds no more."""
    for statement in script.split(";\n"):
        if statement.strip():
            op.execute(statement)
