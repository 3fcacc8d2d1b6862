"""What somebody has read, what waits for them, and what they keep for themselves."""

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec
import uuid_utils

from tertulia_client.caller import Caller
from tertulia_client.models import (
    ChannelPreferences,
    Draft,
    FollowedThread,
    ListedReminder,
    Message,
    NotificationItem,
    Page,
    ReadState,
    Recurrence,
    Reminder,
    SavedMessage,
    ScheduledMessage,
    Unread,
)
from tertulia_client.pages import every
from tertulia_client.transport import decode


class _Draft(msgspec.Struct):
    draft: Draft | None


class _Scheduled(msgspec.Struct):
    scheduled: ScheduledMessage


class _Reminder(msgspec.Struct):
    reminder: Reminder


class _Keywords(msgspec.Struct):
    keywords: list[str]


class Attention:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def read(self, channel_id: str, seq: int, *, exact: bool = False) -> ReadState:
        """Everything up to `seq` is read; never less than before, unless `exact` says "unread from here".

        Raises NotFound, Forbidden (`not_a_member`).
        """
        return await self._read(f"/channels/{channel_id}/read", seq, exact)

    async def read_thread(self, thread_id: str, seq: int, *, exact: bool = False) -> ReadState:
        """Raises NotFound, Conflict (`thread_not_followed`)."""
        return await self._read(f"/threads/{thread_id}/read", seq, exact)

    async def unread(self, workspace_id: str) -> Unread:
        return await self._caller.get(f"/workspaces/{workspace_id}/unread", Unread)

    async def read_all(self, workspace_id: str) -> None:
        await self._caller.request("POST", f"/workspaces/{workspace_id}/read-all", safe=True)

    def mentions(self, workspace_id: str, *, page_size: int | None = None) -> AsyncIterator[Message]:
        """The newest first."""
        return every(self._caller, f"/workspaces/{workspace_id}/mentions", Page[Message], page_size)

    def notifications(self, workspace_id: str, *, page_size: int | None = None) -> AsyncIterator[NotificationItem]:
        """What I was told of and why, the newest first."""
        return every(self._caller, f"/workspaces/{workspace_id}/notifications", Page[NotificationItem], page_size)

    async def see_notifications(self, workspace_id: str, notification_id: str) -> None:
        """I have seen them up to this one. Raises NotFound."""
        body = {"id": notification_id}
        await self._caller.request("POST", f"/workspaces/{workspace_id}/notifications/read", body=body, safe=True)

    async def keywords(self, workspace_id: str) -> list[str]:
        """The words that I watch for."""
        return (await self._caller.get(f"/workspaces/{workspace_id}/keywords", _Keywords)).keywords

    async def watch(self, workspace_id: str, *keywords: str) -> list[str]:
        """All words that I watch for from now on. Raises NotFound, ValidationFailed."""
        body = {"keywords": keywords}
        content = await self._caller.request("PUT", f"/workspaces/{workspace_id}/keywords", body=body, safe=True)
        return decode(content, _Keywords).keywords

    async def prefer(
        self, channel_id: str, *, level: str | None = None, muted: bool | None = None
    ) -> ChannelPreferences:
        """What is None stays as it is. Raises NotFound, Forbidden (`not_a_member`)."""
        wishes = {"level": level, "muted": muted}
        body = {name: wish for name, wish in wishes.items() if wish is not None}
        content = await self._caller.request("PUT", f"/channels/{channel_id}/preferences", body=body, safe=True)
        return decode(content, ChannelPreferences)

    def threads(self, workspace_id: str, *, page_size: int | None = None) -> AsyncIterator[FollowedThread]:
        """Those that I follow, the one with the newest reply first."""
        return every(self._caller, f"/workspaces/{workspace_id}/threads", Page[FollowedThread], page_size)

    async def follow(self, thread_id: str) -> None:
        """Raises NotFound."""
        await self._caller.request("PUT", f"/threads/{thread_id}/follow", safe=True)

    async def unfollow(self, thread_id: str) -> None:
        """Raises NotFound."""
        await self._caller.request("DELETE", f"/threads/{thread_id}/follow", safe=True)

    async def save(self, message_id: str) -> None:
        """For later. Raises NotFound."""
        await self._caller.request("PUT", f"/messages/{message_id}/save", safe=True)

    async def forget(self, message_id: str) -> None:
        """No longer keep it. Raises NotFound."""
        await self._caller.request("DELETE", f"/messages/{message_id}/save", safe=True)

    def saved(self, workspace_id: str, *, page_size: int | None = None) -> AsyncIterator[SavedMessage]:
        """The newest first."""
        return every(self._caller, f"/workspaces/{workspace_id}/saved", Page[SavedMessage], page_size)

    async def write_draft(self, channel_id: str, text: str, *, thread_id: str | None = None) -> Draft | None:
        """The draft that is there then; an empty text drops it. Raises NotFound."""
        body = {"text": text} | ({} if thread_id is None else {"thread_id": thread_id})
        return decode(await self._caller.request("PUT", f"/channels/{channel_id}/draft", body=body), _Draft).draft

    async def draft(self, channel_id: str, *, thread_id: str | None = None) -> Draft | None:
        """Raises NotFound."""
        return (await self._caller.get(f"/channels/{channel_id}/draft", _Draft, {"thread_id": thread_id})).draft

    def drafts(self, workspace_id: str, *, page_size: int | None = None) -> AsyncIterator[Draft]:
        """The newest first."""
        return every(self._caller, f"/workspaces/{workspace_id}/drafts", Page[Draft], page_size)

    async def schedule(
        self,
        workspace_id: str,
        channel_id: str,
        text: str,
        *,
        send_at: datetime | None = None,
        recurrence: Recurrence | None = None,
        thread_id: str | None = None,
        client_msg_id: str | None = None,
    ) -> ScheduledMessage:
        """Either `send_at` or `recurrence`. Raises NotFound, Forbidden, Conflict, ValidationFailed."""
        body = {"channel_id": channel_id, "text": text, "client_msg_id": client_msg_id or str(uuid_utils.uuid7())}
        more = {"send_at": send_at, "recurrence": recurrence, "thread_id": thread_id}
        body |= {name: wish for name, wish in more.items() if wish is not None}
        content = await self._caller.request("POST", f"/workspaces/{workspace_id}/scheduled", body=body, safe=True)
        return decode(content, _Scheduled).scheduled

    async def reschedule(
        self,
        scheduled_id: str,
        *,
        text: str | None = None,
        send_at: datetime | None = None,
        recurrence: Recurrence | None = None,
        paused: bool | None = None,
    ) -> ScheduledMessage:
        """What is None stays as it is. Raises NotFound, Conflict (`already_sent`), ValidationFailed."""
        wishes = {"text": text, "send_at": send_at, "recurrence": recurrence, "paused": paused}
        body = {name: wish for name, wish in wishes.items() if wish is not None}
        content = await self._caller.request("PATCH", f"/scheduled/{scheduled_id}", body=body, safe=True)
        return decode(content, _Scheduled).scheduled

    async def unschedule(self, scheduled_id: str) -> None:
        """Raises NotFound."""
        await self._caller.request("DELETE", f"/scheduled/{scheduled_id}")

    async def send_scheduled(self, scheduled_id: str) -> ScheduledMessage:
        """Now. Raises NotFound, Conflict (`already_sent`, `recurring`), and what sending raises."""
        return (await self._caller.post(f"/scheduled/{scheduled_id}/send", _Scheduled)).scheduled

    def scheduled(
        self, workspace_id: str, *, sent: bool = False, page_size: int | None = None
    ) -> AsyncIterator[ScheduledMessage]:
        """What is not sent yet, or what was; the newest first."""
        path = f"/workspaces/{workspace_id}/scheduled"
        params = {"show": "sent" if sent else "open"}
        return every(self._caller, path, Page[ScheduledMessage], page_size, params)

    async def remind(self, message_id: str, remind_at: datetime) -> Reminder:
        """Moves the reminder that there is of this message. Raises NotFound, Conflict, ValidationFailed."""
        body = {"remind_at": remind_at}
        content = await self._caller.request("POST", f"/messages/{message_id}/reminders", body=body, safe=True)
        return decode(content, _Reminder).reminder

    async def snooze(self, reminder_id: str, remind_at: datetime) -> Reminder:
        """Raises NotFound, ValidationFailed."""
        return await self._change_reminder(reminder_id, {"remind_at": remind_at})

    async def complete(self, reminder_id: str) -> Reminder:
        """Raises NotFound."""
        return await self._change_reminder(reminder_id, {"completed": True})

    async def drop_reminder(self, reminder_id: str) -> None:
        """Raises NotFound."""
        await self._caller.request("DELETE", f"/reminders/{reminder_id}")

    def reminders(
        self, workspace_id: str, *, completed: bool = False, page_size: int | None = None
    ) -> AsyncIterator[ListedReminder]:
        """The newest first."""
        path = f"/workspaces/{workspace_id}/reminders"
        params = {"show": "completed" if completed else "open"}
        return every(self._caller, path, Page[ListedReminder], page_size, params)

    async def _change_reminder(self, reminder_id: str, body: object) -> Reminder:
        content = await self._caller.request("PATCH", f"/reminders/{reminder_id}", body=body, safe=True)
        return decode(content, _Reminder).reminder

    async def _read(self, path: str, seq: int, exact: bool) -> ReadState:
        body = {"seq": seq, "exact": exact}
        return decode(await self._caller.request("PUT", path, body=body, safe=True), ReadState)
