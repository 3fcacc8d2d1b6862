"""Kicks, bans and mutes under /channels/{ch} and /workspaces/{ws}; reports; /users/me/notices."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from tertulia_chat.access import access_channel, access_workspace
from tertulia_chat.audit import Action
from tertulia_chat.audit.denials import AUDITED
from tertulia_chat.caller import Caller
from tertulia_chat.database import Database
from tertulia_chat.edge import Cursor
from tertulia_chat.idempotency import post
from tertulia_chat.moderation import queries, reports, sanctions
from tertulia_chat.moderation.places import NEEDED, hold_in_channel, hold_in_workspace
from tertulia_chat.moderation.schemas import (
    FiledReport,
    FileReport,
    Kick,
    LayBan,
    LayMute,
    NoticePage,
    ReportPage,
    ResolveReport,
    Sanction,
    SanctionPage,
)
from tertulia_chat.removal import kick
from tertulia_chat.tables import SanctionKind
from tertulia_shared.edge import PROBLEMS, Limit, answer, delete, get, put
from tertulia_shared.events import ReportState

State = Annotated[
    ReportState,
    QueryParameter(name="state", description="Open ones come oldest first, decided ones newest first."),
]
BAN, MUTE = SanctionKind.BAN, SanctionKind.MUTE


class ChannelModerationController(Controller):
    path = "/channels/{channel_id:uuid}"
    tags = ("moderation",)

    @post(
        "/members/{user_id:uuid}/kick",
        status_code=204,
        summary="Remove somebody from a channel, with a reason",
        opt={AUDITED: Action.CHANNEL_MEMBER_REMOVED},
    )
    async def kick(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        user_id: FromPath[UUID],
        data: JSONBody[Kick],
        database: NamedDependency[Database],
    ) -> None:
        """They may come back as they came. The reason is told to them and kept in the audit log."""
        async with database.transaction() as session:
            await kick(session, caller.user_id, channel_id, user_id, data.reason)

    @put("/bans/{user_id:uuid}", summary="Ban somebody from a channel", opt={AUDITED: Action.CHANNEL_MEMBER_BANNED})
    async def ban(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        user_id: FromPath[UUID],
        data: JSONBody[LayBan],
        database: NamedDependency[Database],
    ) -> Sanction:
        """They are removed, do not come back by any way, and do not read it if it is public."""
        async with database.transaction() as session:
            place = await hold_in_channel(session, caller.user_id, channel_id, user_id, BAN)
            return await sanctions.lay(session, place, BAN, data.until, data.reason)

    @delete(
        "/bans/{user_id:uuid}",
        status_code=204,
        summary="Lift somebody's ban from a channel",
        opt={AUDITED: Action.CHANNEL_BAN_LIFTED},
    )
    async def lift_ban(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        user_id: FromPath[UUID],
        database: NamedDependency[Database],
    ) -> None:
        async with database.transaction() as session:
            await sanctions.lift(session, await hold_in_channel(session, caller.user_id, channel_id, user_id, BAN), BAN)

    @get("/bans", summary="Who is banned from a channel", opt={AUDITED: Action.CHANNEL_BANS_READ})
    async def bans(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        database: NamedDependency[Database],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> SanctionPage:
        return await _in_channel(database, caller, channel_id, BAN, limit, cursor)

    @put(
        "/mutes/{user_id:uuid}",
        summary="Mute somebody in a channel for a time",
        opt={AUDITED: Action.CHANNEL_MEMBER_MUTED},
    )
    async def mute(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        user_id: FromPath[UUID],
        data: JSONBody[LayMute],
        database: NamedDependency[Database],
    ) -> Sanction:
        """They read, and neither write nor edit nor react nor pin."""
        async with database.transaction() as session:
            place = await hold_in_channel(session, caller.user_id, channel_id, user_id, MUTE)
            return await sanctions.lay(session, place, MUTE, data.until, data.reason)

    @delete(
        "/mutes/{user_id:uuid}",
        status_code=204,
        summary="Let somebody speak in a channel again",
        opt={AUDITED: Action.CHANNEL_MUTE_LIFTED},
    )
    async def lift_mute(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        user_id: FromPath[UUID],
        database: NamedDependency[Database],
    ) -> None:
        async with database.transaction() as session:
            await sanctions.lift(
                session, await hold_in_channel(session, caller.user_id, channel_id, user_id, MUTE), MUTE
            )

    @get("/mutes", summary="Who is muted in a channel", opt={AUDITED: Action.CHANNEL_MUTES_READ})
    async def mutes(
        self,
        caller: NamedDependency[Caller],
        channel_id: FromPath[UUID],
        database: NamedDependency[Database],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> SanctionPage:
        return await _in_channel(database, caller, channel_id, MUTE, limit, cursor)


class WorkspaceModerationController(Controller):
    path = "/workspaces/{workspace_id:uuid}"
    tags = ("moderation",)

    @put("/bans/{user_id:uuid}", summary="Ban somebody from a workspace", opt={AUDITED: Action.MEMBER_BANNED})
    async def ban(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        user_id: FromPath[UUID],
        data: JSONBody[LayBan],
        database: NamedDependency[Database],
    ) -> Sanction:
        """They are removed from every channel, and no invitation lets them in."""
        async with database.transaction() as session:
            place = await hold_in_workspace(session, caller.user_id, workspace_id, user_id, BAN)
            return await sanctions.lay(session, place, BAN, data.until, data.reason)

    @delete(
        "/bans/{user_id:uuid}",
        status_code=204,
        summary="Lift somebody's ban from a workspace",
        opt={AUDITED: Action.BAN_LIFTED},
    )
    async def lift_ban(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        user_id: FromPath[UUID],
        database: NamedDependency[Database],
    ) -> None:
        async with database.transaction() as session:
            await sanctions.lift(
                session, await hold_in_workspace(session, caller.user_id, workspace_id, user_id, BAN), BAN
            )

    @get("/bans", summary="Who is banned from a workspace", opt={AUDITED: Action.BANS_READ})
    async def bans(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        database: NamedDependency[Database],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> SanctionPage:
        return await _in_workspace(database, caller, workspace_id, BAN, limit, cursor)

    @put(
        "/mutes/{user_id:uuid}",
        summary="Mute somebody in all of a workspace for a time",
        opt={AUDITED: Action.MEMBER_MUTED},
    )
    async def mute(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        user_id: FromPath[UUID],
        data: JSONBody[LayMute],
        database: NamedDependency[Database],
    ) -> Sanction:
        """In direct conversations, too."""
        async with database.transaction() as session:
            place = await hold_in_workspace(session, caller.user_id, workspace_id, user_id, MUTE)
            return await sanctions.lay(session, place, MUTE, data.until, data.reason)

    @delete(
        "/mutes/{user_id:uuid}",
        status_code=204,
        summary="Let somebody speak in a workspace again",
        opt={AUDITED: Action.MUTE_LIFTED},
    )
    async def lift_mute(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        user_id: FromPath[UUID],
        database: NamedDependency[Database],
    ) -> None:
        async with database.transaction() as session:
            await sanctions.lift(
                session, await hold_in_workspace(session, caller.user_id, workspace_id, user_id, MUTE), MUTE
            )

    @get("/mutes", summary="Who is muted in all of a workspace", opt={AUDITED: Action.MUTES_READ})
    async def mutes(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        database: NamedDependency[Database],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> SanctionPage:
        return await _in_workspace(database, caller, workspace_id, MUTE, limit, cursor)

    @get("/reports", summary="What was reported", opt={AUDITED: Action.REPORTS_READ})
    async def reports(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        database: NamedDependency[Database],
        which: State = ReportState.OPEN,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> ReportPage:
        """For who reviews reports, also about what they may not read otherwise; none about themselves."""
        async with database.transaction() as session:
            seat = await access_workspace(session, caller.user_id, workspace_id)
            return await reports.page(session, seat, caller.user_id, which, limit, cursor)


@post(
    "/messages/{message_id:uuid}/report",
    tags=["moderation"],
    summary="Report a message to the moderators",
    responses={**PROBLEMS, 200: answer(FiledReport, "My open report of this message.")},
)
async def report_message(
    caller: NamedDependency[Caller],
    message_id: FromPath[UUID],
    data: JSONBody[FileReport],
    database: NamedDependency[Database],
) -> Response[FiledReport]:
    """Who wrote it is not told."""
    async with database.transaction() as session:
        report, new = await reports.file(session, caller.user_id, message_id, data)
    return Response(FiledReport(report=report), status_code=201 if new else 200)


@post(
    "/reports/{report_id:uuid}/resolve",
    status_code=200,
    tags=["moderation"],
    summary="Say what became of a report",
    opt={AUDITED: Action.REPORT_RESOLVED},
)
async def resolve_report(
    caller: NamedDependency[Caller],
    report_id: FromPath[UUID],
    data: JSONBody[ResolveReport],
    database: NamedDependency[Database],
) -> FiledReport:
    """It records the outcome and does nothing to the message or the person."""
    async with database.transaction() as session:
        return FiledReport(report=await reports.resolve(session, caller.user_id, report_id, data))


@get("/users/me/notices", tags=["moderation"], summary="What the moderators did that concerns me, and why")
async def notices(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> NoticePage:
    async with database.transaction() as session:
        return await queries.notices_of(session, caller.user_id, limit, cursor)


async def _in_channel(
    database: Database, caller: Caller, channel_id: UUID, kind: SanctionKind, limit: int, after: UUID | None
) -> SanctionPage:
    async with database.transaction() as session:
        seat = await access_channel(session, caller.user_id, channel_id)
        seat.require_permission(NEEDED[kind])
        return await sanctions.page(session, channel_id, kind, limit, after)


async def _in_workspace(
    database: Database, caller: Caller, workspace_id: UUID, kind: SanctionKind, limit: int, after: UUID | None
) -> SanctionPage:
    async with database.transaction() as session:
        seat = await access_workspace(session, caller.user_id, workspace_id)
        seat.require_permission(NEEDED[kind])
        return await sanctions.page(session, workspace_id, kind, limit, after)
