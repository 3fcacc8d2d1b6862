"""/workspaces/{ws}/ai and /ai/models."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from litestar import Controller, Request
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from tertulia_bot.access import Access
from tertulia_bot.budget.ledger import Ledger, today
from tertulia_bot.budget.schemas import (
    AiSettings,
    ChangeAiSettings,
    CommandUsage,
    ModelList,
    ModelView,
    Usage,
)
from tertulia_bot.provider.completions import Provider
from tertulia_bot.provider.model import Model
from tertulia_bot.runs.answer import Sizes
from tertulia_shared.callers import Callers
from tertulia_shared.edge import get, put

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
SMALL = "smollm2"
NOTE_SMALL = (
    "A very small model that runs on this computer. Short English answers are often sensible; it makes things up, "
    "counts badly, seldom names its sources by itself and translates poorly. Check what it says."
)
NOTE_LOCAL = "Runs on this computer; nothing is sent elsewhere. It can be wrong: check what it says."
NOTE_REMOTE = "Runs at a provider: what is asked, and the messages around it, are sent there. It can be wrong."


class AiController(Controller):
    path = "/workspaces/{workspace_id:uuid}/ai"
    tags = ("bot",)

    @get("/usage", summary="What AI answers cost the workspace today")
    async def usage(
        self,
        request: Request[Any, Any, Any],
        workspace_id: FromPath[UUID],
        callers: NamedDependency[Callers],
        access: NamedDependency[Access],
        ledger: NamedDependency[Ledger],
    ) -> Usage:
        workspace = await _member(request, workspace_id, callers, access)
        day = today()
        counted = await ledger.day(workspace, day)
        commands = [
            CommandUsage(command=row["command"], runs=row["runs"], tokens=row["tokens"])
            for row in await ledger.by_command(workspace, day)
        ]
        return Usage(
            day=day,
            limit=await ledger.limit(workspace),
            reserved=counted["reserved"],
            used=counted["used"],
            runs=sum(command.runs for command in commands),
            by_command=commands,
        )

    @get("/settings", summary="What AI answers may cost the workspace a day")
    async def settings(
        self,
        request: Request[Any, Any, Any],
        workspace_id: FromPath[UUID],
        callers: NamedDependency[Callers],
        access: NamedDependency[Access],
        ledger: NamedDependency[Ledger],
    ) -> AiSettings:
        workspace = await _member(request, workspace_id, callers, access)
        return AiSettings(daily_token_budget=await ledger.limit(workspace))

    @put("/settings", summary="Change what AI answers may cost the workspace a day")
    async def change_settings(
        self,
        request: Request[Any, Any, Any],
        workspace_id: FromPath[UUID],
        data: JSONBody[ChangeAiSettings],
        callers: NamedDependency[Callers],
        access: NamedDependency[Access],
        ledger: NamedDependency[Ledger],
    ) -> AiSettings:
        caller = await callers.authenticated(request.headers.get("authorization", ""))
        await access.moderate(caller.user_id, str(workspace_id))
        await ledger.set_limit(str(workspace_id), data.daily_token_budget)
        return AiSettings(daily_token_budget=data.daily_token_budget)


@get("/ai/models", tags=["bot"], summary="The models that answer, and what to expect of them")
async def models(
    request: Request[Any, Any, Any],
    callers: NamedDependency[Callers],
    model: NamedDependency[Model],
    provider: NamedDependency[Provider],
    sizes: NamedDependency[Sizes],
) -> ModelList:
    await callers.authenticated(request.headers.get("authorization", ""))
    known = model.require()
    local = urlsplit(provider.base_url).hostname in _LOOPBACK
    note = NOTE_SMALL if SMALL in known.name.lower() else (NOTE_LOCAL if local else NOTE_REMOTE)
    return ModelList(
        items=[
            ModelView(
                name=known.name,
                local=local,
                context_tokens=known.context_tokens,
                max_answer_tokens=sizes.answer,
                note=note,
            )
        ]
    )


async def _member(request: Request[Any, Any, Any], workspace_id: UUID, callers: Callers, access: Access) -> str:
    caller = await callers.authenticated(request.headers.get("authorization", ""))
    await access.workspace(caller.user_id, str(workspace_id))
    return str(workspace_id)
