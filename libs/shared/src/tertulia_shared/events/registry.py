"""Every event type of the product, by its name on the wire and its version."""

import msgspec

from tertulia_shared.events import bot, chat, internal
from tertulia_shared.events.base import Envelope, Fact

INTERNAL: tuple[type[Fact], ...] = (internal.SessionRevoked, internal.CanarySent, internal.ChannelDeleted)

FACTS: dict[tuple[str, int], type[Fact]] = {
    (fact.type, fact.version): fact
    for fact in (
        chat.MessageCreated,
        chat.MessageUpdated,
        chat.MessageDeleted,
        chat.ReactionAdded,
        chat.ReactionRemoved,
        chat.MessagePinned,
        chat.MessageUnpinned,
        chat.ChannelCreated,
        chat.ChannelUpdated,
        chat.ChannelArchived,
        chat.MemberJoined,
        chat.MemberLeft,
        chat.MemberUpdated,
        chat.WorkspaceUpdated,
        chat.WorkspaceMemberJoined,
        chat.WorkspaceMemberLeft,
        chat.WorkspaceMemberUpdated,
        chat.ReadUpdated,
        chat.ThreadFollowed,
        chat.DraftUpdated,
        chat.SavedUpdated,
        chat.ScheduledUpdated,
        chat.ReminderUpdated,
        chat.ReminderDue,
        chat.PreferencesUpdated,
        chat.SidebarUpdated,
        chat.BanUpdated,
        chat.NoticeCreated,
        chat.ReportCreated,
        chat.ReportUpdated,
        chat.NotificationCreated,
        chat.NotificationWithdrawn,
        chat.NotificationsRead,
        chat.KeywordsUpdated,
        chat.UserUpdated,
        chat.PresenceUpdated,
        bot.RunStarted,
        bot.RunFinished,
        *INTERNAL,
    )
}

INTERNAL_TYPES: frozenset[str] = frozenset(fact.type for fact in INTERNAL)
"""Types that no client ever receives."""

_decoders = {key: msgspec.json.Decoder(fact) for key, fact in FACTS.items()}


def decode(envelope: Envelope) -> Fact | None:
    """The typed fact inside an envelope, or None for a type or version that this release does not know.

    Raises `msgspec.DecodeError` when a known type does not hold what its contract says.
    """
    decoder = _decoders.get((envelope.type, envelope.v))
    return decoder.decode(envelope.data) if decoder else None
