"""Everything but the stream, as Litestar handlers, and the stream's entry in the API's description."""

from typing import Annotated, Any

from litestar import MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, QueryParameter
from litestar.status_codes import HTTP_204_NO_CONTENT

from tertulia_notify.http import stream
from tertulia_notify.http.documents import Events
from tertulia_notify.http.live import LiveApi
from tertulia_notify.http.presence import presence, set_activity, watch_presence
from tertulia_shared.problems import NotFound

MAX_WAIT_S = 30.0
DEFAULT_WAIT_S = 25.0
MAX_CURSOR_LENGTH = 512

Cursor = Annotated[
    str | None, QueryParameter(max_length=MAX_CURSOR_LENGTH, description="From `hello`, bootstrap or the last answer.")
]


Active = Annotated[
    bool, QueryParameter(description="Whether somebody is using the device; presence shows people by it.")
]


@get(
    "/api/v1/events",
    tags=["realtime"],
    operation_id="pollEvents",
    summary="Wait for events",
    responses={
        200: ResponseSpec(Events, description="Events after the cursor, and the next one.", generate_examples=False)
    },
)
async def poll_events(
    request: Request[Any, Any, Any],
    live: NamedDependency[LiveApi],
    cursor: Cursor = None,
    timeout: Annotated[float, QueryParameter(ge=0, le=MAX_WAIT_S, description="Seconds.")] = DEFAULT_WAIT_S,
    active: Active = True,
) -> Response[bytes]:
    """The events of the stream by long polling, for networks that hold streams back."""
    claims = await live.admission.identify(request.headers.get("authorization", ""))
    answer = await live.long_poll.ask(claims, cursor, timeout, active=active)
    return Response(answer.render(), media_type=MediaType.JSON, headers={"Cache-Control": "no-store"})


@post(
    "/api/v1/channels/{channel_id:str}/typing",
    tags=["realtime"],
    operation_id="announceTyping",
    summary="Say that you are typing",
    status_code=HTTP_204_NO_CONTENT,
)
async def announce_typing(
    request: Request[Any, Any, Any], live: NamedDependency[LiveApi], channel_id: FromPath[str]
) -> None:
    """Shown to the channel's members for six seconds. More often than every three seconds makes no difference."""
    claims = await live.admission.identify(request.headers.get("authorization", ""))
    live.admission.check_serving()
    await live.typing.announce(claims.user_id, channel_id)


@get(
    stream.PATH,
    tags=["realtime"],
    operation_id="streamEvents",
    summary="Stream events",
    media_type="text/event-stream",
    responses={
        200: ResponseSpec(
            str,
            media_type="text/event-stream",
            generate_examples=False,
            description=(
                "Server-sent events: `hello`, durable events with an `id`, id-only heartbeats every 15 to 20 s, "
                "`typing`, `presence`, `run.delta` and `run.step` without an `id`, `reset` (fetch a snapshot, the "
                "stream goes on) and `bye` (come back after `retry_ms`)."
            ),
        )
    },
)
async def describe_stream(
    cursor: Cursor = None,
    active: Active = True,
    last_event_id: Annotated[
        str | None,
        HeaderParameter(name="Last-Event-ID", description="Wins over `cursor`.", max_length=MAX_CURSOR_LENGTH),
    ] = None,
) -> str:
    """Everything that happens in your channels and workspaces, as it happens.

    This handler is the description only: the process serves the path before Litestar is asked.
    """
    raise NotFound


SERVED: list[HTTPRouteHandler] = [poll_events, announce_typing, presence, watch_presence, set_activity]
DESCRIBED: list[HTTPRouteHandler] = [describe_stream, *SERVED]
