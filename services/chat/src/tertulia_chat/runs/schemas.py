"""What the bot says and hears about its runs."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, field

from tertulia_shared.edge import Body
from tertulia_shared.events import Citation, Message, Run, View

MAX_ANSWER = 16_000
MAX_QUOTE = 1_000

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class OpenRun(Body, frozen=True, kw_only=True):
    """`id` is the caller's choice: opening again with it is safe and answers the present context."""

    id: UUID
    channel_id: UUID
    asker_id: UUID
    command: Name
    prompt: Annotated[str, Meta(max_length=MAX_ANSWER)]
    model: Name
    thread_id: UUID | None = None
    trigger_message_id: UUID | None = None
    context_limit: Annotated[int, Meta(ge=0, le=200)] = 50


class Heard(View, frozen=True, kw_only=True):
    """What a run reads of a message: no more than a model is told. `author` is a name."""

    id: str
    author: str
    text: str


class OpenedRun(View, frozen=True, kw_only=True):
    """`messages` are ascending, without deleted ones: a thread's first message and its newest replies, or the newest of
    the channel. `asker` is a name."""

    run: Run
    asker: str
    messages: list[Heard]


class FinishRun(Body, frozen=True, kw_only=True):
    """The first one counts. `error` is a stable code and said when the state is failed.

    Without `model` it is the one that the run was opened with.
    """

    state: Literal["done", "stopped", "failed"]
    text: str = ""
    model: Annotated[str, Meta(max_length=200)] = ""
    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    duration_ms: Count = 0
    citations: Annotated[list[Citation], Meta(max_length=50)] = field(default_factory=list[Citation])
    attempt: Annotated[int, Meta(ge=1, le=2**31 - 1)] = 1
    error: Name | None = None


class FinishedRun(View, frozen=True, kw_only=True):
    """`message` is the answer, null when nothing was posted."""

    run: Run
    message: Message | None
