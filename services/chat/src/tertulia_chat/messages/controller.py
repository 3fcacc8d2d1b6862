"""/channels/{ch}/messages, /channels/{ch}/events, /messages, and the internal import."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from tertulia_chat.access import access_channel, access_message
from tertulia_chat.audit import Action
from tertulia_chat.audit.denials import AUDITED
from tertulia_chat.caller import Authenticator, Caller
from tertulia_chat.database import Database
from tertulia_chat.messages import changes, forward, history, imports, queries, threads
from tertulia_chat.messages.pages import Pages
from tertulia_chat.messages.schemas import (
    EditMessage,
    EventPage,
    ForwardMessage,
    HistoryPage,
    ImportMessages,
    ImportResult,
    MessagePage,
    SendMessage,
    SentMessage,
)
from tertulia_chat.messages.send import Sender
from tertulia_shared.edge import GONE, PROBLEMS, Limit, answer, delete, get, patch, post, require_service
from tertulia_shared.problems import FieldError, ValidationFailed
from tertulia_shared.tokens import ServiceTokens

Number = Annotated[int, QueryParameter(ge=0, le=2**31 - 1, description="The number of a version.")]
Reason = Annotated[
    str, QueryParameter(max_length=500, pattern=r"^[^\x00]*$", description="Of somebody else's: told to the author.")
]
Seq = Annotated[int | None, QueryParameter(ge=0, le=2**53, description="A `ch_seq`.")]
Moment = Annotated[
    datetime | None, QueryParameter(description="With its offset from UTC: the first message from then on.")
]
MAX_IMPORT_BYTES = 16 * 1024 * 1024


class ChannelMessagesController(Controller):
    path = "/channels/{channel_id:uuid}"
    tags = ("messages",)

    @post(
        "/messages",
        summary="Send a message",
        responses={**PROBLEMS, 200: answer(SentMessage, "The first one's message: this `client_msg_id` was seen.")},
    )
    async def send(
        self,
        request: Request[Any, Any, Any],
        channel_id: FromPath[UUID],
        data: JSONBody[SendMessage],
        sender: NamedDependency[Sender],
    ) -> Response[SentMessage]:
        """201 with the new message; 200 with the first one's when this `client_msg_id` was seen."""
        message, created = await sender.send(request.headers.get("authorization", ""), channel_id, data)
        return Response(SentMessage(message=message), status_code=201 if created else 200)

    @get("/messages", summary="The newest messages, or those before, after or around a number, or around a time")
    async def index(
        self,
        request: Request[Any, Any, Any],
        channel_id: FromPath[UUID],
        database: NamedDependency[Database],
        authenticator: NamedDependency[Authenticator],
        before: Seq = None,
        after: Seq = None,
        around: Seq = None,
        around_time: Moment = None,
        limit: Limit = 50,
    ) -> MessagePage:
        _at_most_one(before, after, around, around_time)
        pages = Pages(database, authenticator, request.headers.get("authorization", ""), channel_id)
        if before is not None:
            return await pages.before(before, limit)
        if after is not None:
            return await pages.after(after, limit)
        if around is not None:
            return await pages.around(around, limit)
        if around_time is not None:
            return await pages.around_time(_aware(around_time), limit)
        return await pages.newest(limit)

    @get(
        "/events",
        summary="Every change of a channel above a number, without a gap",
        responses={**PROBLEMS, **GONE},
    )
    async def events(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        database: NamedDependency[Database],
        after: Seq = 0,
        limit: Limit = 100,
    ) -> EventPage:
        async with database.transaction() as session:
            seat = await access_channel(session, caller.user_id, channel_id)
            return await queries.events(session, seat, after or 0, limit)


class MessageController(Controller):
    path = "/messages/{message_id:uuid}"
    tags = ("messages",)

    @get("/", summary="One message")
    async def show(
        self, caller: NamedDependency[Caller], message_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> SentMessage:
        async with database.transaction() as session:
            message, _ = await access_message(session, caller.user_id, message_id)
            return SentMessage(message=message.view())

    @patch("/", summary="Edit my message")
    async def edit(
        self,
        caller: NamedDependency[Caller],
        message_id: FromPath[UUID],
        data: JSONBody[EditMessage],
        database: NamedDependency[Database],
    ) -> SentMessage:
        return SentMessage(message=await changes.edit(database, caller.user_id, message_id, data.text))

    @delete(
        "/",
        status_code=200,
        summary="Delete my message, or anybody's as a moderator",
        opt={AUDITED: Action.MESSAGE_DELETED},
    )
    async def remove(
        self,
        caller: NamedDependency[Caller],
        message_id: FromPath[UUID],
        database: NamedDependency[Database],
        reason: Reason = "",
    ) -> SentMessage:
        """The message stays in its place without its text."""
        return SentMessage(message=await changes.delete(database, caller.user_id, message_id, reason))

    @post("/restore", status_code=200, summary="Undo the deletion of a message")
    async def restore(
        self, caller: NamedDependency[Caller], message_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> SentMessage:
        """For who deleted it, within five minutes. A message that is not deleted is answered as it is."""
        async with database.transaction() as session:
            return SentMessage(message=await changes.restore(session, caller.user_id, message_id))

    @get("/history", summary="What a message said before, and says now")
    async def history(
        self,
        caller: NamedDependency[Caller],
        message_id: FromPath[UUID],
        database: NamedDependency[Database],
        after: Number = 0,
        limit: Limit = 50,
    ) -> HistoryPage:
        """As far as the workspace's `history_policy` keeps it."""
        async with database.transaction() as session:
            message, _ = await access_message(session, caller.user_id, message_id)
            return await history.versions(session, message, after, limit)

    @post(
        "/forward",
        summary="Say a message again elsewhere",
        responses={**PROBLEMS, 200: answer(SentMessage, "The first one's message: this `client_msg_id` was seen.")},
    )
    async def forward(
        self,
        caller: NamedDependency[Caller],
        message_id: FromPath[UUID],
        data: JSONBody[ForwardMessage],
        database: NamedDependency[Database],
    ) -> Response[SentMessage]:
        """201 with the new message, which is the caller's and tells where it comes from; 200 as with sending."""
        message, created = await forward.forward(database, caller.user_id, message_id, data)
        return Response(SentMessage(message=message), status_code=201 if created else 200)

    @get("/thread", summary="The thread that a message begins or belongs to: the newest, or those before or after")
    async def thread(
        self,
        caller: NamedDependency[Caller],
        message_id: FromPath[UUID],
        database: NamedDependency[Database],
        before: Seq = None,
        after: Seq = None,
        limit: Limit = 50,
    ) -> MessagePage:
        """The thread's first message is among them, in its place."""
        _at_most_one(before, after)
        async with database.transaction() as session:
            message, _ = await access_message(session, caller.user_id, message_id)
            root = await threads.root_of(session, message)
            if after is not None:
                return await threads.after(session, root, after, limit)
            return await threads.before(session, root, before, limit)


def _at_most_one(*places: int | datetime | None) -> None:
    if sum(given is not None for given in places) > 1:
        detail = "At most one of before, after, around and around_time."
        raise ValidationFailed(errors=[FieldError(detail=detail, parameter="before")])


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValidationFailed(errors=[FieldError(detail="Without its offset from UTC.", parameter="around_time")])
    return moment


@post(
    "/internal/v1/channels/{channel_id:uuid}/import",
    status_code=200,
    include_in_schema=False,
    request_max_body_size=MAX_IMPORT_BYTES,
)
async def import_messages(
    request: Request[Any, Any, Any],
    channel_id: FromPath[UUID],
    data: JSONBody[ImportMessages],
    database: NamedDependency[Database],
    services: NamedDependency[ServiceTokens],
) -> ImportResult:
    require_service(request, services)
    return await imports.take_over(database, channel_id, data.messages)
