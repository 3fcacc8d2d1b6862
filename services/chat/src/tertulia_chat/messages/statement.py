"""The statements that send a message: one round trip to PostgreSQL, all or nothing.

Each checks the session and the seat, finds an earlier message with the same `client_msg_id`, takes the channel's next
number under its row lock, and stores the message and its event. It answers one row that says how far it came.

What it cannot see is solved optimistically, by running it again (`send.ATTEMPTS`):

* All its reads see the moment it began, but it may wait for the channel's lock. Somebody seen off meanwhile would still
  look like a member. Every departure changes `last_left_seq`, and so does losing the channel's ownership; the update
  only takes place when that is unchanged. A mute in the channel changes it, too. What the channel's own row says
  (archived, who posts, how slow it is) is read again then.
* What a role may counts as it was when the statement began.
* In a slow channel, another message of the same person may get its number meanwhile: `slow_mode.TURN` fails then.
* Two sends with one `client_msg_id` at the same moment both find nothing; the unique constraint stops the second.

The event's body is finished except for what only this statement learns. It carries `-1` for the number, the nil UUID
for the workspace, and a list of the nil UUID for each list of what the text names. Replacing them in the text is safe,
because a quotation mark inside a JSON string is escaped: a key followed by its value stands in no text.

A reply also looks for the thread's first message: one of the same channel that is no reply itself. It never goes away,
so what the beginning of the statement saw is good; what else a reply changes is in `reply.py`. A text that names
something also looks up what of it there is (`resolve`); one that names nothing pays nothing for that.
"""

from tertulia_chat.access import POSTING_SEAT
from tertulia_chat.caller import LIVE_SESSION
from tertulia_chat.messages.reply import AFTER_THE_THREAD, NO_WORKSPACE_YET, THREAD, with_summary
from tertulia_chat.messages.resolve import ASKED, checked
from tertulia_chat.slow_mode import TURN
from tertulia_chat.tables import MessageRow

UNKNOWN_WORKSPACE = NO_WORKSPACE_YET
UNKNOWN_LIST = [str(NO_WORKSPACE_YET)]

SEEN = tuple(MessageRow.model_fields)
"""The columns of the earlier message; the statement answers each behind `seen_`."""

_LIVE_ACCOUNT = "SELECT 1 FROM user_account u WHERE u.id = $2 AND u.deactivated_at IS NULL AND $3::uuid IS NULL"

_ROOT = "SELECT 1 FROM message r WHERE r.id = $14 AND r.channel_id = $1 AND r.thread_id IS NULL"

_SENT = ("id", "workspace_id", "channel_id", "ch_seq", "author_id", "client_msg_id", "text", "created_at")
_READ = {"audience": "text", "links": "text[]", **ASKED}
"""What only a text that names something brings, and its types; in the order of the values."""


def _statement(*, reply: bool, reads: bool, live: str = LIVE_SESSION) -> str:
    """After $13 come for a reply its thread and whether it is shown in the channel, then the values of `_READ`. `live`
    asks whether the author may act at all."""
    value = {name: f"${place}::{kind}" for place, (name, kind) in enumerate(_READ.items(), 16 if reply else 14)}
    found = checked(value, workspace="(SELECT workspace_id FROM seat)", author="$2")
    columns, values = [*_SENT], ["$4", "bump.workspace_id", "$1", "bump.last_seq", "$2", "$5", "$6", "$7"]
    body = f"""replace(
            replace($13, '"ch_seq":-1', '"ch_seq":' || bump.last_seq),
            '"workspace_id":"{UNKNOWN_WORKSPACE}"', '"workspace_id":"' || bump.workspace_id || '"'
        )"""
    if reply:
        columns += ["thread_id", "in_channel"]
        values += ["$14", "$15"]
    if reads:
        columns += ["mentions", "audience", "channels", "messages", "links"]
        values += [
            "mentioned.ids",
            f"CASE WHEN bump.addresses THEN {value['audience']} END",
            "named.ids",
            "pointed.ids",
            value["links"],
        ]
        body = _told(_told(_told(body, "mentions", "mentioned"), "channels", "named"), "messages", "pointed")
        body = _unaddressed(body, value["audience"])
    beside = ", mentioned, named, pointed" if reads else ""
    return f"""
WITH live AS ({live}),
seat AS ({POSTING_SEAT}),
{f"root AS ({_ROOT})," if reply else ""}
{f"{found}," if reads else ""}
seen AS (
    SELECT {", ".join(f"m.{name}" for name in SEEN)}
    FROM message m WHERE m.author_id = $2 AND m.client_msg_id = $5
),
bump AS (
    UPDATE channel c SET last_seq = c.last_seq + 1, last_msg_seq = c.last_seq + 1
    FROM seat
    WHERE c.id = $1 AND seat.member AND c.archived_at IS NULL AND c.last_left_seq = seat.last_left_seq
      AND (c.posting = 'everyone' OR seat.governs) AND seat.muted_until IS NULL AND coalesce(seat.wait_s, 0) <= 0
      AND EXISTS (SELECT FROM live) AND NOT EXISTS (SELECT FROM seen)
      {"AND EXISTS (SELECT FROM root)" if reply else ""}
    RETURNING c.workspace_id, c.last_seq, c.slow_mode_s, seat.addresses
),
stored AS (
    INSERT INTO message ({", ".join(columns)}) SELECT {", ".join(values)} FROM bump{beside}
    {"RETURNING author_id, mentions" if reply else ""}
),
{TURN}
{THREAD if reply else ""}
logged AS (
    INSERT INTO event_log (shard, subject, type, workspace_id, channel_id, ch_seq, event_id, traceparent, body)
    SELECT $8, replace($9, '{UNKNOWN_WORKSPACE}', bump.workspace_id::text), $10, bump.workspace_id, $1, bump.last_seq,
        $11, $12, {with_summary(body) if reply else body}
    FROM bump{beside} {AFTER_THE_THREAD if reply else ""}
)
SELECT EXISTS (SELECT FROM live) AS live, {"EXISTS (SELECT FROM root)" if reply else "true"} AS rooted,
    seat.workspace_id, seat.member, seat.open OR seat.governs AS allowed, seat.archived, bump.last_seq AS ch_seq,
    bump.addresses, seat.banned, seat.muted_until, seat.wait_s,
    {"mentioned.ids AS mentions, named.ids AS channels, pointed.ids AS messages," if reads else ""}
    {", ".join(f"seen.{name} AS seen_{name}" for name in SEEN)}
FROM (VALUES (1)) AS always LEFT JOIN seat ON true LEFT JOIN bump ON true LEFT JOIN seen ON true
    {"CROSS JOIN mentioned CROSS JOIN named CROSS JOIN pointed" if reads else ""}
"""  # noqa: S608 composed of constants only


def _told(body: str, key: str, found: str) -> str:
    return f"""replace({body}, '"{key}":["{UNKNOWN_WORKSPACE}"]', '"{key}":' || to_json({found}.ids)::text)"""


def _unaddressed(body: str, audience: str) -> str:
    """Whoever may not mention everyone addresses nobody by `@channel`. Replacing an empty text changes nothing."""
    told = f"""CASE WHEN bump.addresses OR {audience} IS NULL THEN '' ELSE '"audience":"' || {audience} || '"' END"""
    return f"""replace({body}, {told}, '"audience":null')"""


STATEMENTS = {
    (reply, reads): _statement(reply=reply, reads=reads) for reply in (False, True) for reads in (False, True)
}
"""By whether it is a reply, and whether the text names something."""

SCHEDULED_STATEMENTS = {
    (reply, reads): _statement(reply=reply, reads=reads, live=_LIVE_ACCOUNT)
    for reply in (False, True)
    for reads in (False, True)
}
"""The same for what was scheduled: its author need not be there. $3 is null."""
