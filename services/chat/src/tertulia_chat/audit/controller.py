"""/workspaces/{ws}/audit."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.access import access_workspace
from tertulia_chat.audit import export, queries
from tertulia_chat.audit.denials import AUDITED
from tertulia_chat.audit.queries import Wanted
from tertulia_chat.audit.record import Action, Entry, Target, note
from tertulia_chat.audit.schemas import AuditFormat, AuditPage, Outcome
from tertulia_chat.caller import Caller
from tertulia_chat.database import Database
from tertulia_chat.edge import Cursor
from tertulia_chat.permissions import Permission
from tertulia_shared.edge import PROBLEMS, Limit, OrCsv, answer, get

Actor = Annotated[UUID | None, QueryParameter(name="actor", description="Who did it, or tried to.")]
Deed = Annotated[
    str | None, QueryParameter(name="action", max_length=64, pattern=r"^[a-z_.]+$", description="What was done.")
]
Whom = Annotated[
    str | None,
    QueryParameter(
        name="target", max_length=64, pattern=r"^[0-9A-Za-z-]+$", description="The id of what it was done to."
    ),
]
End = Annotated[Outcome | None, QueryParameter(name="outcome", description="Done, or refused.")]
From = Annotated[datetime | None, QueryParameter(name="from", description="Not before this time.")]
To = Annotated[datetime | None, QueryParameter(name="to", description="Before this time.")]


class AuditController(Controller):
    path = "/workspaces/{workspace_id:uuid}/audit"
    tags = ("audit",)

    @get("/", summary="Who governed a workspace how, and who tried to", opt={AUDITED: Action.AUDIT_READ})
    async def index(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        database: NamedDependency[Database],
        actor: Actor = None,
        action: Deed = None,
        target: Whom = None,
        outcome: End = None,
        start: From = None,
        end: To = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> AuditPage:
        wanted = Wanted(
            workspace_id=workspace_id,
            actor_id=actor,
            action=action,
            target_id=target,
            outcome=outcome,
            start=start,
            end=end,
        )
        async with database.transaction() as session:
            await _check(session, caller, workspace_id)
            return await queries.page(session, wanted, limit, cursor)

    @get(
        "/export",
        summary="The audit log as a file",
        opt={AUDITED: Action.AUDIT_EXPORTED},
        operation_class=OrCsv,
        responses={**PROBLEMS, 200: answer(str, "An entry a line.", export.MEDIA_TYPES[AuditFormat.JSONL])},
    )
    async def export(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        database: NamedDependency[Database],
        form: Annotated[AuditFormat, QueryParameter(name="format")] = AuditFormat.JSONL,
        actor: Actor = None,
        action: Deed = None,
        target: Whom = None,
        outcome: End = None,
        start: From = None,
        end: To = None,
    ) -> Stream:
        """The oldest entry first. That somebody took it is an entry, too."""
        wanted = Wanted(
            workspace_id=workspace_id,
            actor_id=actor,
            action=action,
            target_id=target,
            outcome=outcome,
            start=start,
            end=end,
        )
        async with database.transaction() as session:
            await _check(session, caller, workspace_id)
            await note(
                session,
                Entry(
                    workspace_id=workspace_id,
                    actor_id=caller.user_id,
                    action=Action.AUDIT_EXPORTED,
                    target_type=Target.WORKSPACE,
                    target_id=workspace_id,
                    after={"format": str(form)},
                ),
            )
        return Stream(
            export.lines(database, wanted, form),
            media_type=export.MEDIA_TYPES[form],
            headers={"Content-Disposition": f'attachment; filename="audit.{form}"', "Cache-Control": "no-store"},
        )


async def _check(session: AsyncSession, caller: Caller, workspace_id: UUID) -> None:
    """Raises NotFound, Forbidden."""
    (await access_workspace(session, caller.user_id, workspace_id)).require_permission(Permission.VIEW_AUDIT)
