"""The statements that send a message: one round trip to PostgreSQL, all or nothing.

Each checks the session and the seat, finds an earlier message with the same `client_msg_id`, takes the channel's next
number under its row lock, and stores the message and its event. It answers one row that says how far it came.

What it cannot see is solved optimistically, by running it again (`send.ATTEMPTS`):

* All its reads see the moment it began, but it may wait for the channel's lock. Somebody seen off meanwhile would still
  look like a member. Every departure changes `last_left_seq`, and so does losing the channel's ownership; the update
  only takes place when that is unchanged. What the channel's own row says (archived, who posts) is read again then.
* Two sends with one `client_msg_id` at the same moment both find nothing; the unique constraint stops the second.

The event's body is finished except for what only this statement learns. It carries `-1` for the number and the nil UUID
for the workspace. Replacing them in the text is safe, because a quotation mark inside a JSON string is escaped.

`REPLY` also looks for the thread's first message, $14: one of the same channel that is no reply itself. It never goes
away, so what the beginning of the statement saw is good.
"""

from uuid import UUID

from tertulia_chat.access import POSTING_SEAT
from tertulia_chat.caller import LIVE_SESSION

UNKNOWN_WORKSPACE = UUID(int=0)

_ROOT = "SELECT 1 FROM message r WHERE r.id = $14 AND r.channel_id = $1 AND r.thread_id IS NULL"


def _statement(*, reply: bool) -> str:
    return f"""
WITH live AS ({LIVE_SESSION}),
seat AS ({POSTING_SEAT}),
{f"root AS ({_ROOT})," if reply else ""}
seen AS (
    SELECT m.id, m.channel_id, m.ch_seq, m.text, m.created_at, m.thread_id, m.edited_at, m.deleted_at
    FROM message m WHERE m.author_id = $2 AND m.client_msg_id = $5
),
bump AS (
    UPDATE channel c SET last_seq = c.last_seq + 1, last_msg_seq = c.last_seq + 1
    FROM seat
    WHERE c.id = $1 AND seat.member AND c.archived_at IS NULL AND c.last_left_seq = seat.last_left_seq
      AND (c.posting = 'everyone' OR seat.governs)
      AND EXISTS (SELECT FROM live) AND NOT EXISTS (SELECT FROM seen)
      {"AND EXISTS (SELECT FROM root)" if reply else ""}
    RETURNING c.workspace_id, c.last_seq
),
stored AS (
    INSERT INTO message (id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, created_at, thread_id)
    SELECT $4, bump.workspace_id, $1, bump.last_seq, $2, $5, $6, $7, {"$14" if reply else "NULL"}::uuid FROM bump
),
logged AS (
    INSERT INTO event_log (shard, subject, type, workspace_id, channel_id, ch_seq, event_id, traceparent, body)
    SELECT $8, replace($9, '{UNKNOWN_WORKSPACE}', bump.workspace_id::text), $10, bump.workspace_id, $1, bump.last_seq,
        $11, $12,
        replace(
            replace($13, '"ch_seq":-1', '"ch_seq":' || bump.last_seq),
            '"workspace_id":"{UNKNOWN_WORKSPACE}"', '"workspace_id":"' || bump.workspace_id || '"'
        )
    FROM bump
)
SELECT EXISTS (SELECT FROM live) AS live, {"EXISTS (SELECT FROM root)" if reply else "true"} AS rooted,
    seat.workspace_id, seat.member, seat.open OR seat.governs AS allowed, seat.archived, bump.last_seq AS ch_seq,
    seen.id AS seen_id, seen.channel_id AS seen_channel_id, seen.ch_seq AS seen_ch_seq, seen.text AS seen_text,
    seen.created_at AS seen_created_at, seen.thread_id AS seen_thread_id, seen.edited_at AS seen_edited_at,
    seen.deleted_at AS seen_deleted_at
FROM (VALUES (1)) AS always LEFT JOIN seat ON true LEFT JOIN bump ON true LEFT JOIN seen ON true
"""  # noqa: S608 composed of constants only


SEND = _statement(reply=False)
REPLY = _statement(reply=True)
