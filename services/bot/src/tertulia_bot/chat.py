"""chat's side of a run: it checks the asker's seat and records the beginning, takes the answer and records the end."""

from http import HTTPStatus
from typing import TypeVar

import msgspec

from tertulia_bot.errors import REFUSALS
from tertulia_bot.limits import CONTEXT_MESSAGES
from tertulia_bot.peers import Peer, Refused
from tertulia_bot.runs.table import RunRow
from tertulia_shared.events import Citation, Message, Run
from tertulia_shared.problems import DependencyUnavailable, NotFound, Problem
from tertulia_shared.telemetry import logger, span

log = logger(__name__)

ANSWER_REFUSED = "answer_refused"


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it is read. `author` is a name."""

    id: str
    author: str
    text: str


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """What chat tells about a run that it has let begin: the conversation, oldest first, and the asker's name."""

    run: Run
    asker: str
    messages: list[Heard]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What chat is told at the end. `state`: done, stopped or failed."""

    state: str
    text: str = ""
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    duration_ms: int = 0
    citations: list[Citation] = []
    attempt: int = 1
    error: str | None = None


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    run: Run
    message: Message | None = None


T = TypeVar("T")

_opened = msgspec.json.Decoder(Opened)
_finished = msgspec.json.Decoder(Finished)


class ChatRuns:
    """Both calls are idempotent by the run's id and may be repeated until chat answers."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def open(self, row: RunRow) -> Opened:
        """Raises NotFound, NotAMember, PostingRestricted, ChannelArchived, ThreadNotFound or DependencyUnavailable."""
        body = {
            "id": row.id,
            "channel_id": row.channel_id,
            "asker_id": row.asker_id,
            "command": row.command,
            "prompt": row.prompt,
            "model": row.model,
            "thread_id": row.thread_id,
            "trigger_message_id": row.trigger_message_id,
            "context_limit": CONTEXT_MESSAGES,
        }
        with span("bot chat.open"):
            try:
                return _decode(_opened, await self._peer.post("/internal/v1/runs", body))
            except Refused as error:
                raise _refusal(error) from error

    async def finish(self, run_id: str, outcome: Outcome) -> Finished | None:
        """How the run ended; None when chat never let it begin. Raises DependencyUnavailable.

        An answer that chat cannot take ends the run as failed: what has begun must also end.
        """
        with span("bot chat.finish"):
            try:
                return await self._finish(run_id, outcome)
            except Refused as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    return None
                log.error("run.answer_refused", run=run_id, status=error.status, code=error.code)
            try:
                refused = msgspec.structs.replace(outcome, state="failed", text="", citations=[], error=ANSWER_REFUSED)
                return await self._finish(run_id, refused)
            except Refused as error:
                raise DependencyUnavailable("chat takes neither the answer nor its failure.") from error

    async def _finish(self, run_id: str, outcome: Outcome) -> Finished:
        return _decode(_finished, await self._peer.post(f"/internal/v1/runs/{run_id}/finish", outcome))


def _refusal(error: Refused) -> Problem:
    kind = REFUSALS.get(error.code)
    return NotFound() if kind is None else kind()


def _decode(decoder: msgspec.json.Decoder[T], content: bytes) -> T:
    try:
        return decoder.decode(content)
    except msgspec.DecodeError as error:
        raise DependencyUnavailable("chat answered something else than agreed.") from error
