"""The bot and its runs, marks of AI answers, threads, and where a message's newest version is told.

The release before keeps running on it: what is new has a default or may be null, nothing that it writes is refused.
Workspaces that it founds meanwhile get the bot's seat with the first run in them.

The indexes on `message` are partial and find nothing to hold yet, so that building them is one reading of the table;
writers wait that long.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BOT = "00000000-0000-7000-8000-000000000001"

PEOPLE = """
ALTER TABLE user_account ADD COLUMN kind text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'bot'));
"""

# The first name that is free; once the bot is there, its id makes the others do nothing. No registration accepts a
# domain that begins with a dot, so the address is nobody's; `!` is no hash of anything.
NAMES = ("'bot'", "'tertulia-bot'", "'tertulia-bot-' || left(md5(random()::text), 8)")
BOT_ACCOUNT = f"""
INSERT INTO user_account (id, username, email, display_name, password_hash, created_at, kind)
VALUES ('{BOT}', {{name}}, 'bot@.tertulia', 'Tertulia', '!', date_trunc('milliseconds', now()), 'bot')
ON CONFLICT DO NOTHING
"""  # noqa: S608 constants only

BOT_SEATS = f"""
INSERT INTO workspace_member (workspace_id, user_id, role, joined_at)
SELECT id, '{BOT}', 'member', date_trunc('milliseconds', now()) FROM workspace;
ALTER TABLE workspace_member ADD CONSTRAINT workspace_member_bot_check CHECK (user_id <> '{BOT}' OR role = 'member');
"""  # noqa: S608 constants only

# `changed_seq` is the number of the newest event that tells the message's text; null: that of its sending.
MESSAGES = """
ALTER TABLE message ADD COLUMN ai jsonb, ADD COLUMN changed_seq bigint;
CREATE INDEX message_thread_idx ON message (thread_id, ch_seq) WHERE thread_id IS NOT NULL;
CREATE INDEX message_citations_idx ON message USING gin ((ai -> 'citations') jsonb_path_ops) WHERE ai IS NOT NULL;
"""

# The answer's text and sources are in its message only, so that erasing the message erases them.
RUNS = """
CREATE TABLE bot_run (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    asker_id uuid NOT NULL,
    command text NOT NULL,
    prompt text NOT NULL,
    thread_id uuid,
    trigger_message_id uuid,
    model text NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'done', 'stopped', 'failed')),
    attempt integer NOT NULL DEFAULT 1,
    prompt_tokens integer NOT NULL DEFAULT 0,
    completion_tokens integer NOT NULL DEFAULT 0,
    error text,
    message_id uuid,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    CHECK ((finished_at IS NULL) = (state = 'running'))
);
CREATE INDEX bot_run_trigger_idx ON bot_run (trigger_message_id) WHERE trigger_message_id IS NOT NULL;
"""

# An hour's events lie together: a few ranges of pages instead of a whole day.
EVENT_LOG = """
CREATE INDEX event_log_created_at_idx ON event_log USING brin (created_at) WITH (autosummarize = on);
"""


def upgrade() -> None:
    run(PEOPLE)
    for name in NAMES:
        op.execute(BOT_ACCOUNT.format(name=name))
    for script in (BOT_SEATS, MESSAGES, RUNS, EVENT_LOG):
        run(script)


def run(script: str) -> None:
    """One statement at a time: a prepared statement holds no more."""
    for statement in script.split(";\n"):
        if statement.strip():
            op.execute(statement)
