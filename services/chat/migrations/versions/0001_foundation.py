"""Accounts, workspaces, channels, messages, the event log and the dead letters.

References between tables are declared where rows are written rarely. `message` has none: its only writers check the
channel and the author in the very statement that inserts, channels and people are never deleted, and a foreign key
would lock the author's row on every send.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The checks on names repeat what the API accepts. Here `$` is the end of the text and never stands before a newline.
ACCOUNTS = r"""
CREATE TABLE user_account (
    id uuid PRIMARY KEY,
    username text NOT NULL CONSTRAINT user_account_username_key UNIQUE
        CHECK (username ~ '^[a-z0-9][a-z0-9._-]{1,31}$'),
    email text NOT NULL CONSTRAINT user_account_email_key UNIQUE
        CHECK (email ~ '^[^@\u0001-\u0020\u007f]+@[^@\u0001-\u0020\u007f]+$'),
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
    slug text NOT NULL CONSTRAINT workspace_slug_key UNIQUE
        CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
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

# `id` is drawn while the channel's row lock is held, so within a channel ids follow the order of commits; across
# channels they do not, and `xid` tells which transactions may still be open. Without a partition for the day a row
# lands in `event_log_default`: a relay that was away for long must not stop anyone from posting.
#
# `relay_position` says how far each shard is (see `progress`): what `snapshot` sees is in the stream's life
# `incarnation`, and while a backlog is worked off, what `page_snapshot` sees up to `page_id`. The newest message of the
# shard that was acknowledged is `log_id`, at `stream_seq`. `relay_incarnation` keeps the stream's lives in the order
# they were met.
EVENT_LOG = """
CREATE SEQUENCE event_log_id_seq;
CREATE TABLE event_log (
    id bigint NOT NULL DEFAULT nextval('event_log_id_seq'),
    created_at timestamptz NOT NULL DEFAULT now(),
    shard smallint NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    subject text NOT NULL,
    type text NOT NULL,
    workspace_id uuid,
    channel_id uuid,
    ch_seq bigint,
    event_id uuid NOT NULL,
    traceparent text,
    body text NOT NULL,
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
ALTER SEQUENCE event_log_id_seq OWNED BY event_log.id;
CREATE INDEX event_log_xid_idx ON event_log (xid);
CREATE INDEX event_log_channel_idx ON event_log (channel_id, ch_seq) WHERE ch_seq IS NOT NULL;
CREATE TABLE event_log_default PARTITION OF event_log DEFAULT;
CREATE TABLE relay_position (
    shard smallint PRIMARY KEY,
    snapshot pg_snapshot NOT NULL,
    page_snapshot pg_snapshot,
    page_id bigint,
    incarnation text NOT NULL,
    stream_seq bigint NOT NULL,
    log_id bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE relay_incarnation (
    incarnation text PRIMARY KEY,
    generation bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    adopted_at timestamptz NOT NULL DEFAULT now()
);
"""

DEAD_LETTERS = """
CREATE TABLE dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    event_id text NOT NULL,
    event_type text NOT NULL,
    stream text NOT NULL,
    stream_seq bigint NOT NULL,
    subject text NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    error text NOT NULL,
    attempts integer NOT NULL,
    trace_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (consumer, event_id)
);
"""


def upgrade() -> None:
    for script in (ACCOUNTS, WORKSPACES, CHANNELS, MESSAGES, EVENT_LOG, DEAD_LETTERS):
        for statement in statements(script):
            op.execute(statement)


def statements(script: str) -> list[str]:
    """One statement at a time: a prepared statement holds no more."""
    return [part for part in script.split(";\n") if part.strip()]
