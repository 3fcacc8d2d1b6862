"""What comes in."""

from typing import Annotated

from msgspec import Meta

from tertulia_shared.edge import Body

MAX_QUESTION = 16_000


class RetrieveRequest(Body, frozen=True, kw_only=True):
    """What to look for, and the room in which the answer will be read."""

    workspace_id: str
    channel_id: str
    query: Annotated[str, Meta(max_length=MAX_QUESTION)]
    limit: Annotated[int, Meta(ge=1, le=20)] = 8
