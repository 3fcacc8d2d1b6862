"""What the command addresses take and answer."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tertulia_bot.limits import MAX_TEXT
from tertulia_shared.edge import Body
from tertulia_shared.events import Run, View

Line = Annotated[str, Meta(pattern=r"\S", min_length=1, max_length=MAX_TEXT, description="As typed, with its `/`.")]


class Argument(View, frozen=True, kw_only=True):
    name: str
    required: bool
    hint: str


class Command(View, frozen=True, kw_only=True):
    """`usage` is how to write it, for completion and help."""

    name: str
    usage: str
    description: str
    arguments: list[Argument]
    examples: list[str]


class CommandList(View, frozen=True, kw_only=True):
    items: list[Command]


class RunCommand(Body, frozen=True, kw_only=True):
    """`thread_id` is the thread's first message, when the command is given in a thread."""

    text: Line
    thread_id: UUID | None = None


class Reply(View, frozen=True, kw_only=True):
    """Told to the asker only; never posted."""

    text: str


class CommandAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Either a run that has begun (202) or an answer at once (200)."""

    run: Run | UnsetType = UNSET
    reply: Reply | UnsetType = UNSET
