"""What the AI settings, usage and model addresses take and answer."""

from datetime import date
from typing import Annotated

from msgspec import Meta

from tertulia_shared.edge import Body
from tertulia_shared.events import View

TokenCount = Annotated[int, Meta(ge=0, le=2**53, description="Tokens a day (UTC). 0: nobody may ask.")]


class CommandUsage(View, frozen=True, kw_only=True):
    command: str
    runs: int
    tokens: int


class Usage(View, frozen=True, kw_only=True):
    """Of today (UTC). `reserved` is held by runs that are under way; `runs` counts those that cost something."""

    day: date
    limit: int
    reserved: int
    used: int
    runs: int
    by_command: list[CommandUsage]


class AiSettings(View, frozen=True, kw_only=True):
    daily_token_budget: int


class ChangeAiSettings(Body, frozen=True, kw_only=True):
    daily_token_budget: TokenCount


class ModelView(View, frozen=True, kw_only=True):
    """`local`: nothing leaves this installation's machines. `note` says honestly what to expect, in English."""

    name: str
    local: bool
    context_tokens: int
    max_answer_tokens: int
    note: str


class ModelList(View, frozen=True, kw_only=True):
    items: list[ModelView]
