"""The rows that chat owns, one file per aggregate, and how each looks from outside (`views`).

Nothing here decides anything. The schema itself is written by hand in `migrations/`; `tests/migrations` holds the two
together.
"""

from tertulia_chat.tables.accounts import RefreshTokenRow, SessionRow, SigningKeyRow, UserRow
from tertulia_chat.tables.attention import EVERYBODY, MentionRow, ThreadFollowRow
from tertulia_chat.tables.audit import AuditRow
from tertulia_chat.tables.base import first_id, new_id, now, time_of
from tertulia_chat.tables.channels import GENERAL, ChannelMemberRow, ChannelRow, DeletedChannelRow
from tertulia_chat.tables.drafts import DraftRow
from tertulia_chat.tables.fetched import Fetched
from tertulia_chat.tables.idempotency import IdempotencyKeyRow
from tertulia_chat.tables.marks import SavedMessageRow
from tertulia_chat.tables.messages import NO_THREAD, MessageRow, RevisionRow
from tertulia_chat.tables.moderation import NoticeRow, ReportRow, SanctionKind, SanctionRow, SlowModeTurnRow
from tertulia_chat.tables.notifications import DecidedRow, KeywordRow, NotificationCursorRow, NotificationRow
from tertulia_chat.tables.runs import BotRunRow
from tertulia_chat.tables.scheduled import ReminderRow, ScheduledMessageRow
from tertulia_chat.tables.sidebar import BUILT_IN, SidebarRow, untouched
from tertulia_chat.tables.workspaces import DeactivatedMemberRow, InviteRow, WorkspaceMemberRow, WorkspaceRow

__all__ = [
    "BUILT_IN",
    "EVERYBODY",
    "GENERAL",
    "NO_THREAD",
    "AuditRow",
    "BotRunRow",
    "ChannelMemberRow",
    "ChannelRow",
    "DeactivatedMemberRow",
    "DecidedRow",
    "DeletedChannelRow",
    "DraftRow",
    "Fetched",
    "IdempotencyKeyRow",
    "InviteRow",
    "KeywordRow",
    "MentionRow",
    "MessageRow",
    "NoticeRow",
    "NotificationCursorRow",
    "NotificationRow",
    "RefreshTokenRow",
    "ReminderRow",
    "ReportRow",
    "RevisionRow",
    "SanctionKind",
    "SanctionRow",
    "SavedMessageRow",
    "ScheduledMessageRow",
    "SessionRow",
    "SidebarRow",
    "SigningKeyRow",
    "SlowModeTurnRow",
    "ThreadFollowRow",
    "UserRow",
    "WorkspaceMemberRow",
    "WorkspaceRow",
    "first_id",
    "new_id",
    "now",
    "time_of",
    "untouched",
]
