"""The facts about AI runs. chat records them, in the transaction that checked the asker's seat or posted the answer."""

from typing import ClassVar

import msgspec

from tertulia_shared.events.base import Fact
from tertulia_shared.events.model import Run


class RunStarted(Fact, frozen=True, kw_only=True):
    """Recorded once for each run, before its first delta."""

    type: ClassVar[str] = "run.started"

    run: Run


class RunFinished(Fact, frozen=True, kw_only=True):
    """Recorded once for each run: done, stopped or failed. The text is in the message that `run.message_id` names."""

    type: ClassVar[str] = "run.finished"

    run: Run


class RunDelta(msgspec.Struct, frozen=True, kw_only=True):
    """Ephemeral: more of a running answer. `text` begins at character `offset` (code points) of attempt `attempt`.

    Whoever misses one asks `GET /runs/{id}` for the text so far.
    """

    workspace_id: str
    channel_id: str
    run_id: str
    attempt: int
    offset: int
    text: str
    type: str = "run.delta"


class RunStep(msgspec.Struct, frozen=True, kw_only=True):
    """Ephemeral: what the run is doing now: `reading`, `searching` or `writing`, and how many messages it looks at."""

    workspace_id: str
    channel_id: str
    run_id: str
    attempt: int
    step: str
    count: int | None = None
    type: str = "run.step"
