"""Finding messages again."""

from typing import Literal

from tertulia_client.caller import Caller
from tertulia_client.models import SearchPage

Sort = Literal["relevance", "newest", "oldest"]


class Search:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def messages(
        self,
        workspace_id: str,
        query: str,
        *,
        sort: Sort = "relevance",
        limit: int | None = None,
        cursor: str | None = None,
    ) -> SearchPage:
        """Words, "phrases", `from:` `in:` `before:` `after:`; the last word is a prefix.

        Only what the caller may read. Raises NotFound, ValidationFailed (`query_too_long`), and 503
        `search_unavailable` when the engine is down.
        """
        params = {"q": query, "sort": sort, "limit": limit, "cursor": cursor}
        return await self._caller.get(f"/workspaces/{workspace_id}/search", SearchPage, params)
