"""Who is told of a message, in SQL.

| reason | who |
|---|---|
| `mention` | whom it names, wherever they may read it, in the channel or not |
| `audience` | who was in the channel, for `@channel` and `@here`; in a thread its followers are told anyway |
| `thread_reply` | who follows the thread and has not read that far |
| `direct` | the others of a direct conversation |
| `keyword` | who was in the channel and watches for a word in it |
| `all` | who was in the channel and wants everything of it, replies only if they were sent to the channel too |

Of several reasons the first one counts. Nobody is told of their own messages, nor is the bot or who was deactivated;
`level` none means nothing at all, and in a muted channel only being named counts, as it does for the badge. Who does
not want to be notified at that moment is told silently.

Everything is looked up by key or in an index that holds only those concerned: what nobody asked for costs nothing,
however many are in the channel.
"""

from tertulia_chat.access import READABLE
from tertulia_shared.events import NotificationReason

REASONS = tuple(NotificationReason)
"""A reason's place here is its rank."""

NOBODY_YET = "00000000-0000-0000-0000-000000000000"

_RANK = {reason: str(rank) for rank, reason in enumerate(REASONS)}


def _seats(person: str) -> str:
    """Joins to a message `x` what decides whether this person may read it, and wants to be told."""
    return f"""
    JOIN channel c ON c.id = x.channel_id
    JOIN workspace_member w ON w.workspace_id = c.workspace_id AND w.user_id = {person}
    JOIN user_account u ON u.id = {person} AND u.kind = 'person' AND u.deactivated_at IS NULL
    LEFT JOIN channel_member m ON m.channel_id = c.id AND m.user_id = {person}
"""


# Of the person `u` that `_seats` joins.
_SILENT = """(coalesce(u.dnd_until > CAST(:now AS timestamptz), false) OR u.quiet_starts IS NOT NULL
        AND is_quiet(CAST(:now AS timestamptz), u.time_zone, u.quiet_starts, u.quiet_ends))"""
_PLACES = "channel_member p ON p.channel_id = x.channel_id AND p.joined_seq < x.ch_seq"

# A message goes with its reasons, so that nothing is joined to it again: guessing that there is one message, PostgreSQL
# would work all reasons out anew for each.
# :ids the messages, :weakest the last rank that counts, :kept_ids and :kept_users who watches for what.
DECIDE = f"""
WITH chosen AS MATERIALIZED (
    SELECT t.id, t.workspace_id, t.channel_id, t.ch_seq, t.author_id, t.thread_id, t.mentions, t.audience,
        t.thread_id IS NULL OR t.in_channel AS shown, c.kind IN ('dm', 'group_dm') AS direct
    FROM message t JOIN channel c ON c.id = t.channel_id
    WHERE t.id = ANY (CAST(:ids AS uuid[])) AND t.deleted_at IS NULL
),
named AS (
    SELECT x.*, who AS user_id, {_RANK[NotificationReason.MENTION]} AS rank
    FROM chosen x CROSS JOIN unnest(x.mentions) AS who
    UNION ALL
    SELECT x.*, p.user_id, {_RANK[NotificationReason.AUDIENCE]} FROM chosen x JOIN {_PLACES}
    WHERE x.audience IS NOT NULL AND x.shown
    UNION ALL
    SELECT x.*, f.user_id, {_RANK[NotificationReason.THREAD_REPLY]}
    FROM chosen x JOIN thread_follow f ON f.thread_id = x.thread_id AND f.following AND f.read_seq < x.ch_seq
    UNION ALL
    SELECT x.*, p.user_id, {_RANK[NotificationReason.DIRECT]} FROM chosen x JOIN {_PLACES} WHERE x.direct
    UNION ALL
    SELECT x.*, kept.user_id, {_RANK[NotificationReason.KEYWORD]}
    FROM unnest(CAST(:kept_ids AS uuid[]), CAST(:kept_users AS uuid[])) AS kept (message_id, user_id)
    JOIN chosen x ON x.id = kept.message_id
    UNION ALL
    SELECT x.*, p.user_id, {_RANK[NotificationReason.ALL]} FROM chosen x JOIN {_PLACES}
    WHERE p.level = 'all' AND x.shown
),
told AS (
    SELECT x.id, x.workspace_id, x.channel_id, x.ch_seq, x.thread_id, x.user_id, min(x.rank) AS rank,
        bool_or({_SILENT}) AS silent
    FROM named x
    {_seats("x.user_id")}
    WHERE x.rank <= :weakest AND x.user_id <> x.author_id AND {READABLE}
      AND coalesce(m.level, 'mentions') <> 'none'
      AND (x.rank = {_RANK[NotificationReason.MENTION]} OR NOT coalesce(m.muted, false))
    GROUP BY x.id, x.workspace_id, x.channel_id, x.ch_seq, x.thread_id, x.user_id
)
INSERT INTO notification (
    id, user_id, workspace_id, channel_id, message_id, ch_seq, thread_id, reason, created_at, silent
)
SELECT uuidv7(), user_id, workspace_id, channel_id, id, ch_seq, thread_id,
    (CAST(:reasons AS text[]))[rank + 1], CAST(:now AS timestamptz), silent
FROM (SELECT * FROM told ORDER BY id, user_id) AS told
ON CONFLICT DO NOTHING
RETURNING *
"""  # noqa: S608 composed of constants only


def read_already(notification: str, message: str) -> str:
    """Whether this notification of this message was seen: itself, or the message where it stands. SQL aliases."""
    n, t = notification, message
    return f"""(
        {n}.id <= coalesce((SELECT k.read_id FROM notification_cursor k
            WHERE k.user_id = {n}.user_id AND k.workspace_id = {n}.workspace_id), '{NOBODY_YET}')
        OR {n}.ch_seq <= coalesce(CASE WHEN {t}.thread_id IS NULL OR {t}.in_channel
            THEN (SELECT p.read_seq FROM channel_member p
                WHERE p.channel_id = {n}.channel_id AND p.user_id = {n}.user_id)
            ELSE (SELECT f.read_seq FROM thread_follow f
                WHERE f.thread_id = {t}.thread_id AND f.user_id = {n}.user_id AND f.following)
        END, 0)
    )"""  # noqa: S608 composed of aliases of our own


# Of these messages those that are deleted now.
WITHDRAW = f"""
UPDATE notification n SET withdrawn_at = CAST(:now AS timestamptz)
FROM message t
WHERE t.id = n.message_id AND t.id = ANY (CAST(:ids AS uuid[])) AND t.deleted_at IS NOT NULL
  AND n.withdrawn_at IS NULL AND NOT {read_already("n", "t")}
RETURNING n.*
"""  # noqa: S608 composed of constants only

# Of these messages those that are back.
RETURN = f"""
UPDATE notification n SET withdrawn_at = NULL
FROM message x JOIN notification told ON told.message_id = x.id
{_seats("told.user_id")}
WHERE told.id = n.id AND x.id = ANY (CAST(:ids AS uuid[])) AND x.deleted_at IS NULL
  AND n.withdrawn_at IS NOT NULL AND {READABLE}
RETURNING n.*
"""  # noqa: S608 composed of constants only
