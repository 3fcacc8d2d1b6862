"""`/api/v1/presence`: who is there, and what a stream wants to hear of it."""

from typing import Annotated, Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter
from litestar.status_codes import HTTP_204_NO_CONTENT
from msgspec import Meta

from tertulia_notify.http.documents import PresentPeople
from tertulia_notify.http.live import LiveApi
from tertulia_notify.limits import Limits
from tertulia_notify.presence.states import PersonState
from tertulia_shared.edge import Body, get, put
from tertulia_shared.problems import FieldError, ValidationFailed

AnyRequest = Request[Any, Any, Any]

ID_LENGTH = 36
LIMITS = Limits()

UserId = Annotated[str, Meta(min_length=ID_LENGTH, max_length=ID_LENGTH)]
StreamName = Annotated[str, Meta(max_length=32, description="`connection` of the stream's `hello`.")]
People = Annotated[
    str,
    QueryParameter(
        max_length=(ID_LENGTH + 1) * LIMITS.asked_people,
        description=f"Ids, separated by commas; at most {LIMITS.asked_people}.",
    ),
]


class WatchPresence(Body, frozen=True, kw_only=True):
    """Replaces what the stream watched before. It ends with the stream: a new one watches nobody."""

    connection: StreamName
    user_ids: Annotated[list[UserId], Meta(max_length=LIMITS.watched_people)]


class SetActivity(Body, frozen=True, kw_only=True):
    """`active`: somebody is using the device that reads the stream."""

    connection: StreamName
    active: bool


@get("/api/v1/presence", tags=["realtime"], operation_id="getPresence", summary="Who is there now")
async def presence(request: AnyRequest, live: NamedDependency[LiveApi], user_ids: People) -> PresentPeople:
    """Of these people, those with whom the caller shares a channel."""
    claims = await live.admission.identify(request.headers.get("authorization", ""))
    live.admission.check_serving()
    people = dict.fromkeys(filter(None, user_ids.split(",")))
    if len(people) > LIMITS.asked_people:
        detail = f"At most {LIMITS.asked_people} people."
        raise ValidationFailed(errors=[FieldError(detail=detail, parameter="user_ids")])
    states = live.presence.states(claims.user_id, people)
    return PresentPeople(items=[PersonState(person, state) for person, state in states.items()])


@put(
    "/api/v1/presence/subscriptions",
    tags=["realtime"],
    operation_id="watchPresence",
    summary="Hear on a stream who comes and goes",
    status_code=HTTP_204_NO_CONTENT,
)
async def watch_presence(request: AnyRequest, live: NamedDependency[LiveApi], data: JSONBody[WatchPresence]) -> None:
    """The stream tells at once, in a frame `presence`, how these people are, and then what changes, at most once a
    second. With whom the caller shares no channel is passed over, and whoever leaves the last shared one is told as
    offline, once."""
    claims = await live.admission.identify(request.headers.get("authorization", ""))
    live.admission.check_serving()
    await live.orders.watch(claims.user_id, data.connection, data.user_ids)


@put(
    "/api/v1/presence/activity",
    tags=["realtime"],
    operation_id="setActivity",
    summary="Say that a device is idle, or in use again",
    status_code=HTTP_204_NO_CONTENT,
)
async def set_activity(request: AnyRequest, live: NamedDependency[LiveApi], data: JSONBody[SetActivity]) -> None:
    """Somebody all of whose connected devices are idle is shown as away. A stream begins as active, unless it was
    opened with `active=false`."""
    claims = await live.admission.identify(request.headers.get("authorization", ""))
    live.admission.check_serving()
    await live.orders.set_active(claims.user_id, data.connection, active=data.active)
