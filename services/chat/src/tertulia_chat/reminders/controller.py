"""/messages/{id}/reminders, /workspaces/{ws}/reminders and /reminders."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from tertulia_chat.access import access_workspace
from tertulia_chat.caller import Caller
from tertulia_chat.database import Database
from tertulia_chat.edge import Cursor
from tertulia_chat.idempotency import post
from tertulia_chat.reminders import commands, queries
from tertulia_chat.reminders.schemas import (
    ChangeReminder,
    PresentReminder,
    ReminderFilter,
    ReminderPage,
    SetReminder,
)
from tertulia_shared.edge import PROBLEMS, Limit, answer, delete, get, patch

Show = Annotated[ReminderFilter, QueryParameter(description="What is pending or due, or what is completed.")]


@post(
    "/messages/{message_id:uuid}/reminders",
    tags=["attention"],
    summary="Remind me of a message",
    responses={**PROBLEMS, 200: answer(PresentReminder, "There was one of this message; it rings at this time now.")},
)
async def remind(
    caller: NamedDependency[Caller],
    message_id: FromPath[UUID],
    data: JSONBody[SetReminder],
    database: NamedDependency[Database],
) -> Response[PresentReminder]:
    """There is one for each message: setting it again moves it."""
    async with database.transaction() as session:
        reminder, new = await commands.remind(session, caller.user_id, message_id, data.remind_at)
    return Response(PresentReminder(reminder=reminder), status_code=201 if new else 200)


@get("/workspaces/{workspace_id:uuid}/reminders", tags=["attention"], summary="My reminders, the newest first")
async def reminders(
    caller: NamedDependency[Caller],
    workspace_id: FromPath[UUID],
    database: NamedDependency[Database],
    show: Show = ReminderFilter.OPEN,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ReminderPage:
    """With the messages as they are now. One that was deleted, or that I may no longer read, is not shown."""
    async with database.transaction() as session:
        seat = await access_workspace(session, caller.user_id, workspace_id)
        return await queries.page(session, seat, caller.user_id, show, limit, cursor)


class ReminderController(Controller):
    path = "/reminders/{reminder_id:uuid}"
    tags = ("attention",)

    @patch("/", summary="Move a reminder, or complete it")
    async def change(
        self,
        caller: NamedDependency[Caller],
        reminder_id: FromPath[UUID],
        data: JSONBody[ChangeReminder],
        database: NamedDependency[Database],
    ) -> PresentReminder:
        async with database.transaction() as session:
            return PresentReminder(reminder=await commands.change(session, caller.user_id, reminder_id, data))

    @delete("/", status_code=204, summary="Forget a reminder")
    async def drop(
        self, caller: NamedDependency[Caller], reminder_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> None:
        async with database.transaction() as session:
            await commands.drop(session, caller.user_id, reminder_id)
