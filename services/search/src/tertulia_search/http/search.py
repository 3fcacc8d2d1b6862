"""/workspaces/{ws}/search."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from tertulia_search.engines.port import Sort
from tertulia_search.find.answers import SearchResult
from tertulia_search.find.cursors import MAX_LENGTH
from tertulia_search.find.finder import MAX_QUERY, Finder, Wish
from tertulia_shared.callers import Callers
from tertulia_shared.edge import get
from tertulia_shared.membership import MembershipFeed

Text = Annotated[
    str,
    QueryParameter(
        description=f'Words, "phrases", from: in: before: after:, up to {MAX_QUERY:,} characters. The last word may be '
        "the beginning of one; words of four letters or more may have one typo."
    ),
]


@get(
    "/workspaces/{workspace_id:uuid}/search",
    tags=["search"],
    operation_id="searchMessages",
    summary="Find messages",
)
async def search(
    request: Request[Any, Any, Any],
    workspace_id: FromPath[UUID],
    callers: NamedDependency[Callers],
    finder: NamedDependency[Finder],
    memberships: NamedDependency[MembershipFeed],
    q: Text = "",
    sort: Annotated[Sort, QueryParameter(description="Best, newest or oldest first.")] = "relevance",
    limit: Annotated[int, QueryParameter(ge=1, le=100, description="How many at most.")] = 20,
    cursor: Annotated[
        str | None, QueryParameter(max_length=MAX_LENGTH, description="`next` of the page before.")
    ] = None,
) -> SearchResult:
    """Messages of the channels that you may read: those you are in, and (but for guests) the public ones.

    What is odd about the query is told in `problems`, and the rest is searched for: people are still typing.
    """
    claims = await callers.authenticated(request.headers.get("authorization", ""))
    wish = Wish(
        workspace_id=str(workspace_id),
        user_id=claims.user_id,
        text=q,
        sort=sort,
        limit=limit,
        cursor=cursor or None,
    )
    await memberships.settling.until(lambda projection: projection.in_workspace(wish.workspace_id, wish.user_id))
    return await finder.search(wish)
