"""What a reply changes on its thread, as parts of the statement that sends it (`statement.py`).

* The summary on the thread's first message. It is also told with the reply: the body of the event carries `-1` for the
  numbers and no people, and the statement puts in what it has written. That is safe for any text, as it is there.
* Its author, who began the thread and whom it mentions follow the thread from this reply on, as far as they are in the
  channel and never said that they do not want to. They are told so before the reply, so that it is new to them.

The same for replies that are written or deleted in a session is in `tertulia_chat.replies`.
"""

from datetime import UTC, datetime
from uuid import UUID

from tertulia_chat.replies import MAX_REPLIERS
from tertulia_shared.events import (
    BOT_USER_ID,
    UNSEQUENCED,
    ThreadFollowed,
    ThreadSummary,
    encode,
    envelope_of,
)

NO_WORKSPACE_YET = UUID(int=0)
"""What the subject, $9, carries in the workspace's place."""


def unknown_summary(replied_at: datetime) -> ThreadSummary:
    """Complete but for what only the statement will know."""
    return ThreadSummary(reply_count=UNSEQUENCED, last_reply_seq=UNSEQUENCED, last_reply_at=replied_at)


def with_summary(body: str) -> str:
    """This SQL expression for an event's body, with the summary in it."""
    return f"""
        replace(replace(replace({body},
            '"reply_count":-1', '"reply_count":' || summary.reply_count),
            '"last_reply_seq":-1', '"last_reply_seq":' || bump.last_seq),
            '"last_repliers":[]', '"last_repliers":' || to_json(summary.last_repliers)::text)
    """


def _followed() -> str:
    """The event's body as an SQL expression. Nothing in it was written by anybody, so that `@` marks a place safely."""
    start = datetime(1970, 1, 1, tzinfo=UTC)
    envelope = envelope_of(
        ThreadFollowed(channel_id="@channel", thread_id="@thread", following=True),
        event_id="@event",
        time=start,
        workspace_id="@workspace",
        channel_id="@channel",
        actor_id="@actor",
    )
    body = f"'{encode(envelope).decode().replace('1970-01-01T00:00:00Z', '@time')}'"
    for place, value in {
        "event": "event_id",
        "workspace": "workspace_id",
        "channel": "$1::uuid",
        "thread": "$14::uuid",
        "actor": "$2::uuid",
    }.items():
        body = f"replace({body}, '@{place}', ({value})::text)"
    return f"""replace({body}, '@time', to_char($7 AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))"""


# "bump" has locked the channel, so one reply after another comes here and each adds to what the one before left.
THREAD = f"""
summary AS (
    UPDATE message r SET reply_count = r.reply_count + 1, last_reply_seq = bump.last_seq, last_reply_at = $7,
        last_repliers = ($2 || array_remove(r.last_repliers, $2))[1:{MAX_REPLIERS}]
    FROM bump WHERE r.id = $14
    RETURNING r.author_id, r.reply_count, r.last_repliers
),
followed AS (
    INSERT INTO thread_follow (thread_id, user_id, channel_id, workspace_id, following, read_seq)
    SELECT $14, m.user_id, $1, bump.workspace_id, true, bump.last_seq - 1
    FROM bump CROSS JOIN stored CROSS JOIN summary
    JOIN channel_member m ON m.channel_id = $1
        AND m.user_id = ANY (stored.mentions || ARRAY[stored.author_id, summary.author_id])
    WHERE m.user_id <> '{BOT_USER_ID}'
    ON CONFLICT DO NOTHING
    RETURNING workspace_id, user_id
),
follower AS (SELECT workspace_id, user_id, gen_random_uuid() AS event_id FROM followed),
told AS (
    INSERT INTO event_log (shard, subject, type, workspace_id, channel_id, event_id, traceparent, body)
    SELECT $8, replace(replace($9, '.ch.' || $1, '.user.' || user_id), '{NO_WORKSPACE_YET}', workspace_id::text),
        '{ThreadFollowed.type}', workspace_id, $1, event_id, $12, {_followed()}
    FROM follower
    RETURNING 1
),
"""  # noqa: S608 composed of constants only

# Counting reads "told" to its end before the first row comes out.
AFTER_THE_THREAD = "CROSS JOIN summary CROSS JOIN (SELECT count(*) FROM told) AS told_first"
