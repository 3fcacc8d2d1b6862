"""How a wish becomes a run: reserved and kept in one transaction, let in by chat, and begun at once if it can."""

from dataclasses import dataclass
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec
from uuid_utils import uuid7

from tertulia_bot.budget.ledger import Ledger
from tertulia_bot.chat import ChatRuns, Opened, Outcome
from tertulia_bot.errors import KeyReused, QuestionTooLong, TokenBudgetExhausted, TooManyRuns
from tertulia_bot.provider.model import Model
from tertulia_bot.runs.answer import NO_MODEL, Answerer
from tertulia_bot.runs.table import NewRun, RunRow, RunTable
from tertulia_bot.runs.worker import Worker
from tertulia_bot.wish import Wish, command_of, encode_wish
from tertulia_shared.problems import DependencyUnavailable, Problem
from tertulia_shared.runtime import spawn
from tertulia_shared.telemetry import logger, traceparent

log = logger(__name__)

_NAMESPACE = uuid5(NAMESPACE_OID, "tertulia.bot.run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who wants what, and where."""

    workspace_id: str
    channel_id: str
    asker_id: str
    wish: Wish
    prompt: str
    """As it was typed."""
    thread_id: str | None = None
    trigger_message_id: str | None = None


def run_id_for(*parts: str) -> str:
    """The same id for the same event or key, so that repeating makes no second run."""
    return str(uuid5(_NAMESPACE, "\x1f".join(parts)))


def new_run_id() -> str:
    return str(UUID(bytes=uuid7().bytes))


class Reception:
    def __init__(
        self,
        *,
        table: RunTable,
        ledger: Ledger,
        chat: ChatRuns,
        answerer: Answerer,
        model: Model,
        worker: Worker,
    ) -> None:
        self._table = table
        self._ledger = ledger
        self._chat = chat
        self._answerer = answerer
        self._model = model
        self._worker = worker

    async def command(self, asked: Asked, run_id: str) -> RunRow:
        """Somebody waits for the answer to their request: whatever is in the way is raised, and nothing has happened.

        Raises ModelUnavailable, QuestionTooLong, TokenBudgetExhausted, TooManyRuns, KeyReused, DependencyUnavailable
        and what chat refuses with. While chat is away the run waits for it.
        """
        self._model.require()
        if await self._answerer.too_long(asked.wish):
            raise QuestionTooLong
        with self._worker.holding(run_id):
            return await self._begun(asked, run_id)

    async def _begun(self, asked: Asked, run_id: str) -> RunRow:
        # Search is asked while chat still decides; what it finds is used only if chat lets the run in.
        found = spawn(self._answerer.sources(asked.workspace_id, asked.channel_id, asked.wish), name="run sources")
        try:
            row, new = await self._table.add(self._new(asked, run_id), at_once=self._worker.has_room)
            if not new:
                return _same(row, asked)
            opened = await self._let_in(row)
            if row.owner is None:
                self._worker.wake()
                return row
            self._worker.begin(row, opened, found)
            found = None
            return row
        finally:
            if found is not None:
                found.cancel()

    async def _let_in(self, row: RunRow) -> Opened | None:
        """chat's word; None when it is away and the run waits for it. Raises what chat refuses with."""
        try:
            return await self._chat.open(row)
        except DependencyUnavailable as error:
            log.warning("run.waits_for_chat", run=row.id, error=str(error))
            return None
        except Problem:
            await self._ledger.abandon(row.id)
            raise

    async def mention(self, asked: Asked, run_id: str) -> None:
        """Nobody waits: what is in the way becomes a run that has failed, for the page to show.

        Raises DependencyUnavailable; trying again is safe.
        """
        try:
            if await self._answerer.too_long(asked.wish):
                raise QuestionTooLong
            row, new = await self._table.add(self._new(asked, run_id), at_once=self._worker.has_room)
        except (QuestionTooLong, TokenBudgetExhausted, TooManyRuns) as error:
            outcome = Outcome(state="failed", model=self._model.last_name or NO_MODEL, error=error.code)
            refused = self._new(asked, run_id, msgspec.json.encode(outcome).decode())
            row, new = await self._table.add(refused, at_once=False)
        if row.owner is None:
            self._worker.wake()
        elif new:
            self._worker.begin(row)

    def _new(self, asked: Asked, run_id: str, outcome: str | None = None) -> NewRun:
        return NewRun(
            id=run_id,
            workspace_id=asked.workspace_id,
            channel_id=asked.channel_id,
            asker_id=asked.asker_id,
            thread_id=asked.thread_id,
            trigger_message_id=asked.trigger_message_id,
            command=command_of(asked.wish),
            wish=encode_wish(asked.wish),
            prompt=asked.prompt,
            model=self._model.last_name or NO_MODEL,
            most_tokens=self._answerer.most_tokens(asked.wish),
            traceparent=traceparent(),
            outcome=outcome,
        )


def _same(row: RunRow, asked: Asked) -> RunRow:
    """Raises KeyReused when the key stands for something else; an ended run no longer knows what was asked."""
    if not row.is_over and row.prompt != asked.prompt:
        raise KeyReused
    return row
