"""Accounts, workspaces, channels, messages, the event log and the dead letters.

References between tables are declared where rows are written rarely. `message` has none: its only writers check the
channel and the author in the very statement that inserts, channels and people are never deleted, and a foreign key
would lock the author's row on every send.
"""

from alembic import op

from tertulia_chat.outbox.schema import EVENT_LOG_DDL
from tertulia_shared.bus.dead_letters import DEAD_LETTER_DDL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ACCOUNTS = """
CREATE TABLE user_account (
    id uuid PRIMARY KEY,
    username text NOT NULL CONSTRAINT user_account_username_key UNIQUE,
    email text NOT NULL CONSTRAINT user_account_email_key UNIQUE,
    display_name text NOT NULL,
    password_hash text NOT NULL,
    preferences jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    deactivated_at timestamptz
);
CREATE TABLE session (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES user_account,
    user_agent text,
    ip text,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_reason text
);
CREATE INDEX session_user_id_idx ON session (user_id) WHERE revoked_at IS NULL;
CREATE INDEX session_revoked_at_idx ON session (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE TABLE refresh_token (
    token_hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES session ON DELETE CASCADE,
    parent_hash bytea,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX refresh_token_session_id_idx ON refresh_token (session_id);
CREATE INDEX refresh_token_parent_hash_idx ON refresh_token (parent_hash);
CREATE TABLE signing_key (
    kid text PRIMARY KEY,
    public_jwk jsonb NOT NULL,
    sealed_private bytea NOT NULL,
    created_at timestamptz NOT NULL
);
"""

WORKSPACES = """
CREATE TABLE workspace (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    slug text NOT NULL CONSTRAINT workspace_slug_key UNIQUE,
    created_by uuid NOT NULL REFERENCES user_account,
    created_at timestamptz NOT NULL
);
CREATE TABLE workspace_member (
    workspace_id uuid NOT NULL REFERENCES workspace,
    user_id uuid NOT NULL REFERENCES user_account,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'guest')),
    joined_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
);
CREATE INDEX workspace_member_user_id_idx ON workspace_member (user_id);
CREATE TABLE invite (
    code text PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspace,
    role text NOT NULL CHECK (role IN ('admin', 'member', 'guest')),
    max_uses integer CHECK (max_uses > 0),
    uses integer NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES user_account,
    created_at timestamptz NOT NULL
);
CREATE INDEX invite_workspace_id_idx ON invite (workspace_id);
"""

# Every send updates its channel's row: free space on the page keeps these updates off the indexes (HOT).
CHANNELS = """
CREATE TABLE channel (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspace,
    kind text NOT NULL CHECK (kind IN ('public', 'private', 'dm', 'group_dm')),
    name text,
    people_key text,
    topic text NOT NULL DEFAULT '',
    created_by uuid NOT NULL REFERENCES user_account,
    created_at timestamptz NOT NULL,
    archived_at timestamptz,
    last_seq bigint NOT NULL DEFAULT 0,
    last_msg_seq bigint NOT NULL DEFAULT 0,
    last_left_seq bigint NOT NULL DEFAULT 0,
    member_count integer NOT NULL DEFAULT 0,
    CONSTRAINT channel_name_key UNIQUE (workspace_id, name),
    CONSTRAINT channel_people_key UNIQUE (workspace_id, people_key),
    CHECK ((name IS NULL) = (kind IN ('dm', 'group_dm'))),
    CHECK ((people_key IS NULL) = (kind IN ('public', 'private')))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
CREATE TABLE channel_member (
    channel_id uuid NOT NULL REFERENCES channel,
    user_id uuid NOT NULL REFERENCES user_account,
    workspace_id uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'guest')),
    joined_at timestamptz NOT NULL,
    joined_seq bigint NOT NULL,
    read_seq bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (channel_id, user_id)
);
CREATE INDEX channel_member_user_id_idx ON channel_member (user_id, workspace_id);
"""

MESSAGES = """
CREATE TABLE message (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    ch_seq bigint NOT NULL,
    author_id uuid NOT NULL,
    client_msg_id uuid NOT NULL,
    text text NOT NULL,
    thread_id uuid,
    created_at timestamptz NOT NULL,
    edited_at timestamptz,
    deleted_at timestamptz,
    CONSTRAINT message_ch_seq_key UNIQUE (channel_id, ch_seq),
    CONSTRAINT message_client_msg_id_key UNIQUE (author_id, client_msg_id)
);
"""


def upgrade() -> None:
    for script in (ACCOUNTS, WORKSPACES, CHANNELS, MESSAGES, EVENT_LOG_DDL, DEAD_LETTER_DDL):
        for statement in statements(script):
            op.execute(statement)


def statements(script: str | tuple[str, ...] | list[str]) -> list[str]:
    """One statement at a time: a prepared statement holds no more."""
    parts = script.split(";\n") if isinstance(script, str) else script
    return [part for part in parts if part.strip()]
