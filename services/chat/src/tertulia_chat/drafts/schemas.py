"""What the addresses of drafts take and answer."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from tertulia_shared.edge import Body
from tertulia_shared.events import Draft, View

MAX_TEXT = 16_000
"""As long as a message may be."""


class WriteDraft(Body, frozen=True, kw_only=True):
    """White space alone is no draft: it drops the one that is there.

    `updated_at` is for a draft that comes late, from a device that was away: when it was written, by the server's
    clock. One that was written before what is stored changes nothing. Without it the draft was written now.
    """

    text: Annotated[str, Meta(max_length=MAX_TEXT, description="At most 16,000 characters.")]
    thread_id: UUID | None = None
    updated_at: Annotated[datetime, Meta(tz=True)] | None = None


class PresentDraft(View, frozen=True, kw_only=True):
    """`draft` is null when there is none."""

    draft: Draft | None


class DraftPage(View, frozen=True, kw_only=True):
    items: list[Draft]
    next: str | None
