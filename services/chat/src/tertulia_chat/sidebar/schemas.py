"""What the sidebar's address takes."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, field

from tertulia_shared.edge import Body
from tertulia_shared.events import SectionKind

MAX_SECTIONS = 50
MAX_CHANNELS = 1_000
"""In all sections together."""

# PostgreSQL holds no NUL.
Id = Annotated[str, Meta(min_length=1, max_length=36, pattern=r"\A[0-9A-Za-z_-]+\Z")]
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\A[^\x00]*[^\s\x00][^\x00]*\Z")]


class PutSection(Body, frozen=True, kw_only=True):
    """`id`: of a built-in section its kind, of another one whatever the client chose, up to 36 letters, digits, `_` and
    `-`. Only a custom section has a `name`, and each has one."""

    id: Id
    kind: SectionKind
    name: Name | None = None
    channel_ids: Annotated[list[UUID], Meta(max_length=MAX_CHANNELS)] = field(default_factory=list[UUID])
    collapsed: bool = False


class PutSidebar(Body, frozen=True, kw_only=True):
    """The whole of it, in its order. `version` is the one that was arranged anew: 0 when there was none yet.

    Each built-in section is there once. A channel stands in one section at most, at most 1,000 of them in all; those
    that I am not in are left out. What stands nowhere is shown in the section `channels` or `direct`.
    """

    version: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    sections: Annotated[list[PutSection], Meta(min_length=3, max_length=MAX_SECTIONS)]
