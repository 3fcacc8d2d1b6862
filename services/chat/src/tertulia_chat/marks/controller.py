"""/messages/{id}/reactions, /pin and /save, /channels/{ch}/pins, /workspaces/{ws}/saved."""

from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from tertulia_chat.access import access_channel, access_workspace
from tertulia_chat.audit import Action
from tertulia_chat.audit.denials import AUDITED
from tertulia_chat.caller import Caller
from tertulia_chat.database import Database
from tertulia_chat.edge import Cursor
from tertulia_chat.emoji import checked_emoji
from tertulia_chat.marks import pins, reactions, saved
from tertulia_chat.marks.schemas import MarkedMessage, PinPage, SavedPage
from tertulia_shared.edge import Limit, delete, get, put

PinCursor = Annotated[
    int | None, QueryParameter(ge=0, le=2**53, description="`next` of the page before; absent for the first page.")
]


class MessageMarksController(Controller):
    path = "/messages/{message_id:uuid}"
    tags = ("messages",)

    @put("/reactions/{emoji:str}", summary="React with an emoji")
    async def react(
        self,
        caller: NamedDependency[Caller],
        message_id: FromPath[UUID],
        emoji: FromPath[str],
        database: NamedDependency[Database],
    ) -> MarkedMessage:
        emoji = checked_emoji(emoji)
        async with database.transaction() as session:
            return MarkedMessage(message=await reactions.react(session, caller.user_id, message_id, emoji))

    @delete("/reactions/{emoji:str}", status_code=200, summary="Take my reaction back")
    async def take_back(
        self,
        caller: NamedDependency[Caller],
        message_id: FromPath[UUID],
        emoji: FromPath[str],
        database: NamedDependency[Database],
    ) -> MarkedMessage:
        emoji = checked_emoji(emoji)
        async with database.transaction() as session:
            return MarkedMessage(message=await reactions.take_back(session, caller.user_id, message_id, emoji))

    @put("/pin", summary="Pin a message for the channel", opt={AUDITED: Action.MESSAGE_PINNED})
    async def pin(
        self, caller: NamedDependency[Caller], message_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> MarkedMessage:
        async with database.transaction() as session:
            return MarkedMessage(message=await pins.pin(session, caller.user_id, message_id))

    @delete(
        "/pin", status_code=200, summary="Unpin a message, whoever pinned it", opt={AUDITED: Action.MESSAGE_UNPINNED}
    )
    async def unpin(
        self, caller: NamedDependency[Caller], message_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> MarkedMessage:
        async with database.transaction() as session:
            return MarkedMessage(message=await pins.unpin(session, caller.user_id, message_id))

    @put("/save", status_code=204, summary="Save a message for later, for me alone")
    async def save(
        self, caller: NamedDependency[Caller], message_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> None:
        async with database.transaction() as session:
            await saved.save(session, caller.user_id, message_id)

    @delete("/save", status_code=204, summary="No longer keep a message saved")
    async def forget(
        self, caller: NamedDependency[Caller], message_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> None:
        async with database.transaction() as session:
            await saved.forget(session, caller.user_id, message_id)


@get("/channels/{channel_id:uuid}/pins", tags=["messages"], summary="A channel's pinned messages, newest pin first")
async def channel_pins(
    caller: NamedDependency[Caller],
    channel_id: FromPath[UUID],
    database: NamedDependency[Database],
    cursor: PinCursor = None,
    limit: Limit = 50,
) -> PinPage:
    async with database.transaction() as session:
        seat = await access_channel(session, caller.user_id, channel_id)
        return await pins.page(session, seat, limit, cursor)


@get("/workspaces/{workspace_id:uuid}/saved", tags=["attention"], summary="What I saved for later, newest first")
async def saved_messages(
    caller: NamedDependency[Caller],
    workspace_id: FromPath[UUID],
    database: NamedDependency[Database],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> SavedPage:
    """What I may no longer read is left out, and comes back when I may read it again."""
    async with database.transaction() as session:
        seat = await access_workspace(session, caller.user_id, workspace_id)
        return await saved.page(session, seat, caller.user_id, limit, cursor)
