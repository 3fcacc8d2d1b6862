"""/workspaces/{ws}/commands and /channels/{ch}/commands."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody

from tertulia_bot.access import Access
from tertulia_bot.commands import parser, registry
from tertulia_bot.commands.schemas import CommandAnswer, CommandList, Reply, RunCommand
from tertulia_bot.errors import UnknownCommand
from tertulia_bot.runs.reception import Asked, Reception, new_run_id, run_id_for
from tertulia_shared.callers import Callers
from tertulia_shared.edge import PROBLEMS, answer, get, post

Key = Annotated[
    str | None,
    HeaderParameter(name="Idempotency-Key", max_length=200, description="The same key, the same run."),
]


@get("/workspaces/{workspace_id:uuid}/commands", tags=["bot"], summary="What can be typed after a slash")
async def commands(
    request: Request[Any, Any, Any],
    workspace_id: FromPath[UUID],
    callers: NamedDependency[Callers],
    access: NamedDependency[Access],
) -> CommandList:
    caller = await callers.authenticated(request.headers.get("authorization", ""))
    await access.workspace(caller.user_id, str(workspace_id))
    return CommandList(items=[entry.described for entry in registry.ENTRIES.values()])


@post(
    "/channels/{channel_id:uuid}/commands",
    tags=["bot"],
    summary="Give a command",
    status_code=202,
    responses={**PROBLEMS, 200: answer(CommandAnswer, "An answer at once, for the asker only.")},
)
async def run_command(
    request: Request[Any, Any, Any],
    channel_id: FromPath[UUID],
    data: JSONBody[RunCommand],
    callers: NamedDependency[Callers],
    access: NamedDependency[Access],
    reception: NamedDependency[Reception],
    key: Key = None,
) -> Response[CommandAnswer]:
    """202 with the run that has begun; 200 with a reply that nobody else sees. Nothing is posted in either case."""
    caller = await callers.authenticated(request.headers.get("authorization", ""))
    channel = str(channel_id)
    workspace_id = await access.ask(caller.user_id, channel)
    typed = parser.parse(data.text)
    if typed is None:
        raise UnknownCommand("A command begins with one slash, like /help.")
    wish = registry.read(typed)
    if isinstance(wish, str):
        return Response(CommandAnswer(reply=Reply(text=wish)), status_code=200)
    asked = Asked(
        workspace_id=workspace_id,
        channel_id=channel,
        asker_id=caller.user_id,
        wish=wish,
        prompt=data.text.strip(),
        thread_id=None if data.thread_id is None else str(data.thread_id),
    )
    run_id = run_id_for("key", channel, caller.user_id, key) if key else new_run_id()
    row = await reception.command(asked, run_id)
    return Response(CommandAnswer(run=row.view()), status_code=202)
