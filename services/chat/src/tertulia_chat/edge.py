"""Who calls, and where a page of a list begins: what all of chat's controllers share beyond `tertulia_shared.edge`."""

from typing import Annotated, Any, cast
from uuid import UUID

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from tertulia_chat.caller import Authenticator, Caller

Cursor = Annotated[UUID | None, QueryParameter(description="`next` of the page before; absent for the first page.")]


async def provide_caller(request: Request[Any, Any, Any], authenticator: NamedDependency[Authenticator]) -> Caller:
    """The `caller` dependency: whoever asks for it is only reached by a living session."""
    caller = await authenticator.authenticated(request.headers.get("authorization", ""))
    cast(dict[str, Any], request.scope)["caller"] = caller  # for what is done with a problem
    return caller
