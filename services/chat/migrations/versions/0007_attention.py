"""Who follows which thread, how far everybody has read, who is mentioned where, and what they want to be told of.

The release before keeps running on it: what is new has a default, and what it writes is indexed as well. Replies that
it stores after this are missing in their thread's summary until one of the thread is deleted.

Two things read the table of messages once, and writers wait that long (about a second for each million messages): the
index of what can be unread, the only one here that every message in a channel pays for, and the summaries of the
threads there are. Sends that give up meanwhile are told to come back.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

EVERYBODY = "00000000-0000-0000-0000-000000000000"

# One entry for each message that is unread for those who have not come as far. Replies stay out of it, unless they
# were sent to the channel as well. Counting in it without the table needs pages that are known to be settled, and what
# is unread is new: so vacuum looks at what was added more often than when the table has grown by a fifth.
UNREAD = """
ALTER TABLE message SET (autovacuum_vacuum_insert_scale_factor = 0.01);
CREATE INDEX message_unread_idx ON message (channel_id, ch_seq) INCLUDE (author_id)
WHERE deleted_at IS NULL AND (thread_id IS NULL OR in_channel);
"""

PREFERENCES = """
ALTER TABLE channel_member
    ADD COLUMN level text NOT NULL DEFAULT 'mentions' CHECK (level IN ('all', 'mentions', 'none')),
    ADD COLUMN muted boolean NOT NULL DEFAULT false,
    ADD COLUMN section text;
"""

# No row: the person never followed it. `following` is false for who said so, and is then never set by the thread.
FOLLOWS = """
CREATE TABLE thread_follow (
    thread_id uuid NOT NULL,
    user_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    following boolean NOT NULL,
    read_seq bigint NOT NULL,
    PRIMARY KEY (thread_id, user_id)
) WITH (fillfactor = 80);
CREATE INDEX thread_follow_user_idx ON thread_follow (user_id, workspace_id) WHERE following;
"""

# `message.mentions` by person: an index in all but name, which PostgreSQL keeps itself whoever writes the message. GIN
# has no order and cannot say "above this number in this channel". The nil UUID stands for an audience.
MENTIONS = """
CREATE TABLE mention (
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    message_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    ch_seq bigint NOT NULL,
    author_id uuid NOT NULL,
    thread_id uuid,
    in_channel boolean NOT NULL,
    PRIMARY KEY (workspace_id, user_id, message_id)
);
CREATE INDEX mention_cursor_idx ON mention (user_id, channel_id, ch_seq);
"""

KEEP = f"""
CREATE FUNCTION keep_mentions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM mention
        WHERE workspace_id = OLD.workspace_id AND message_id = OLD.id
            AND user_id = ANY (OLD.mentions || '{EVERYBODY}'::uuid);
    END IF;
    IF NEW.deleted_at IS NULL THEN
        INSERT INTO mention
        SELECT NEW.workspace_id, who, NEW.id, NEW.channel_id, NEW.ch_seq, NEW.author_id, NEW.thread_id, NEW.in_channel
        FROM (
            SELECT unnest(NEW.mentions) AS who
            UNION SELECT '{EVERYBODY}' WHERE NEW.audience IS NOT NULL
        ) AS named
        WHERE who <> NEW.author_id;
    END IF;
    RETURN NULL;
END $$
"""  # noqa: S608 constants only

# The conditions are looked at before the function is called: a message that mentions nobody pays next to nothing.
KEPT = """
CREATE TRIGGER message_mentions_new AFTER INSERT ON message FOR EACH ROW
WHEN (NEW.mentions <> '{}' OR NEW.audience IS NOT NULL) EXECUTE FUNCTION keep_mentions();
CREATE TRIGGER message_mentions_changed AFTER UPDATE OF mentions, audience, deleted_at ON message FOR EACH ROW
WHEN (
    (OLD.mentions <> '{}' OR OLD.audience IS NOT NULL OR NEW.mentions <> '{}' OR NEW.audience IS NOT NULL)
    AND (OLD.mentions, OLD.audience, OLD.deleted_at) IS DISTINCT FROM (NEW.mentions, NEW.audience, NEW.deleted_at)
)
EXECUTE FUNCTION keep_mentions();
"""

# The threads there are already: their summaries, and that who wrote in one follows it and has read it.
SUMMARIES = """
WITH reply AS (
    SELECT thread_id, author_id, count(*) AS replies, max(ch_seq) AS ch_seq,
        (array_agg(created_at ORDER BY ch_seq DESC))[1] AS created_at
    FROM message WHERE thread_id IS NOT NULL AND deleted_at IS NULL GROUP BY thread_id, author_id
),
summary AS (
    SELECT thread_id, sum(replies) AS replies, max(ch_seq) AS ch_seq,
        (array_agg(created_at ORDER BY ch_seq DESC))[1] AS created_at,
        (array_agg(author_id ORDER BY ch_seq DESC))[1:5] AS people
    FROM reply GROUP BY thread_id
)
UPDATE message SET reply_count = summary.replies, last_reply_seq = summary.ch_seq,
    last_reply_at = summary.created_at, last_repliers = summary.people
FROM summary WHERE message.id = summary.thread_id;
INSERT INTO thread_follow (thread_id, user_id, channel_id, workspace_id, following, read_seq)
SELECT DISTINCT root.id, told.author_id, root.channel_id, root.workspace_id, true, channel.last_seq
FROM message reply
JOIN message root ON root.id = reply.thread_id
JOIN channel ON channel.id = root.channel_id
CROSS JOIN LATERAL (VALUES (root.author_id), (reply.author_id)) AS told (author_id)
JOIN channel_member ON channel_member.channel_id = root.channel_id AND channel_member.user_id = told.author_id
JOIN user_account ON user_account.id = told.author_id AND user_account.kind = 'person'
WHERE reply.thread_id IS NOT NULL AND reply.deleted_at IS NULL;
"""


def upgrade() -> None:
    for script in (UNREAD, PREFERENCES, FOLLOWS, MENTIONS):
        run(script)
    op.execute(KEEP)
    for script in (KEPT, SUMMARIES):
        run(script)


def run(script: str) -> None:
    """One statement at a time: a prepared statement holds no more."""
    for statement in script.split(";\n"):
        if statement.strip():
            op.execute(statement)
