"""Keyset pagination as async iterators: pages are fetched as the caller gets to them."""

from collections.abc import AsyncIterator
from typing import TypeVar

from tertulia_client.caller import Caller
from tertulia_client.models import Page
from tertulia_client.transport import Params

T = TypeVar("T")


async def every(
    caller: Caller, path: str, page_type: type[Page[T]], limit: int | None, params: Params | None = None
) -> AsyncIterator[T]:
    """All items of a list; `limit` is the size of a page (1 to 200)."""
    cursor: str | None = None
    while True:
        page = await caller.get(path, page_type, {**(params or {}), "limit": limit, "cursor": cursor})
        for item in page.items:
            yield item
        if page.next is None:
            return
        cursor = page.next
