"""/workspaces/{ws}/scheduled and /scheduled."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from tertulia_chat.access import access_workspace
from tertulia_chat.caller import Caller
from tertulia_chat.database import Database
from tertulia_chat.edge import Cursor
from tertulia_chat.scheduled import commands, queries
from tertulia_chat.scheduled.delivery import Delivery
from tertulia_chat.scheduled.schemas import (
    ChangeScheduled,
    Scheduled,
    ScheduledFilter,
    ScheduledPage,
    ScheduleMessage,
    SentNow,
)
from tertulia_shared.edge import PROBLEMS, Limit, answer, delete, get, patch, post

Show = Annotated[ScheduledFilter, QueryParameter(description="What is not sent yet, or what was sent.")]


class WorkspaceScheduledController(Controller):
    path = "/workspaces/{workspace_id:uuid}/scheduled"
    tags = ("attention",)

    @post(
        "/",
        summary="Schedule a message, once or by a rule",
        responses={**PROBLEMS, 200: answer(Scheduled, "The first one's: this `client_msg_id` was seen.")},
    )
    async def schedule(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        data: JSONBody[ScheduleMessage],
        database: NamedDependency[Database],
    ) -> Response[Scheduled]:
        async with database.transaction() as session:
            scheduled, new = await commands.schedule(session, caller.user_id, workspace_id, data)
        return Response(Scheduled(scheduled=scheduled), status_code=201 if new else 200)

    @get("/", summary="My scheduled messages, the newest first")
    async def index(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        database: NamedDependency[Database],
        show: Show = ScheduledFilter.OPEN,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> ScheduledPage:
        """Also those for channels that I may no longer write to: they say why they were not sent."""
        async with database.transaction() as session:
            seat = await access_workspace(session, caller.user_id, workspace_id)
            return await queries.page(session, seat, caller.user_id, show, limit, cursor)


class ScheduledController(Controller):
    path = "/scheduled/{scheduled_id:uuid}"
    tags = ("attention",)

    @patch("/", summary="Change what a scheduled message says or when it is sent; pause it")
    async def change(
        self,
        caller: NamedDependency[Caller],
        scheduled_id: FromPath[UUID],
        data: JSONBody[ChangeScheduled],
        database: NamedDependency[Database],
    ) -> Scheduled:
        async with database.transaction() as session:
            return Scheduled(scheduled=await commands.change(session, caller.user_id, scheduled_id, data))

    @delete("/", status_code=204, summary="Do not send it")
    async def drop(
        self, caller: NamedDependency[Caller], scheduled_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> None:
        """One that was sent goes out of the list; its message stays."""
        async with database.transaction() as session:
            await commands.drop(session, caller.user_id, scheduled_id)

    @post("/send", status_code=200, summary="Send it now")
    async def send(
        self,
        caller: NamedDependency[Caller],
        scheduled_id: FromPath[UUID],
        database: NamedDependency[Database],
        delivery: NamedDependency[Delivery],
    ) -> SentNow:
        """Also what could not be sent when it was due."""
        async with database.transaction() as session:
            scheduled, message = await delivery.send_now(session, caller.user_id, scheduled_id)
        return SentNow(scheduled=scheduled, message=message)
