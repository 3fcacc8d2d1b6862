"""What the audit log is told of channels.

What a channel is and who governs it, not its topic and purpose, which whoever writes in it sets. The name of a channel
that is not public is its people's: who reads the log may not be one of them.
"""

from typing import Any
from uuid import UUID

from tertulia_chat.audit import Action, Entry, Target
from tertulia_chat.tables import ChannelRow
from tertulia_shared.events import Channel, ChannelKind

_GOVERNED = ("name", "kind", "posting", "is_default", "slow_mode_s")
_HIDDEN = "(not public)"


def created(channel: Channel, workspace_id: UUID, actor_id: UUID) -> Entry:
    return _entry(Action.CHANNEL_CREATED, workspace_id, UUID(channel.id), actor_id, after=_told(channel))


def updated(channel: ChannelRow, was: Channel, is_now: Channel, actor_id: UUID) -> Entry | None:
    """None when nothing changed that the log is told."""
    changed = [name for name in _GOVERNED if getattr(was, name) != getattr(is_now, name)]
    if not changed:
        return None
    before, after = ({name: told[name] for name in changed} for told in (_told(was), _told(is_now)))
    return _entry(Action.CHANNEL_UPDATED, channel.workspace_id, channel.id, actor_id, before=before, after=after)


def archived(channel: ChannelRow, actor_id: UUID) -> Entry:
    action = Action.CHANNEL_ARCHIVED if channel.archived_at is not None else Action.CHANNEL_UNARCHIVED
    return _entry(action, channel.workspace_id, channel.id, actor_id)


def deleted(channel: ChannelRow, was: Channel, people: int, actor_id: UUID) -> Entry:
    """With what the channel was and how many people were in it: nothing else tells any more."""
    before = {**_told(was), "archived": was.archived_at is not None, "members": people}
    return _entry(Action.CHANNEL_DELETED, channel.workspace_id, channel.id, actor_id, before=before)


def about_member(
    channel: ChannelRow,
    user_id: UUID,
    actor_id: UUID,
    action: Action,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> Entry:
    return Entry(
        workspace_id=channel.workspace_id,
        actor_id=actor_id,
        action=action,
        target_type=Target.USER,
        target_id=user_id,
        channel_id=channel.id,
        before=before,
        after=after,
    )


def _told(channel: Channel) -> dict[str, Any]:
    told = {name: getattr(channel, name) for name in _GOVERNED}
    return told if channel.kind == ChannelKind.PUBLIC else {**told, "name": _HIDDEN}


def _entry(
    action: Action,
    workspace_id: UUID,
    channel_id: UUID,
    actor_id: UUID,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> Entry:
    return Entry(
        workspace_id=workspace_id,
        actor_id=actor_id,
        action=action,
        target_type=Target.CHANNEL,
        target_id=channel_id,
        channel_id=channel_id,
        before=before,
        after=after,
    )
