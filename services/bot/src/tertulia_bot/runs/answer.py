"""From a run that has begun to its outcome: read, search, write, cite."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from opentelemetry.trace import SpanKind

from tertulia_bot.budget.ledger import Ledger, Spent
from tertulia_bot.chat import ChatRuns, Opened, Outcome
from tertulia_bot.context import citations
from tertulia_bot.context.prompt import Prompt, Room, compose, most_tokens
from tertulia_bot.context.retrieval import Retriever, Source
from tertulia_bot.errors import ModelUnavailable, RunFailed
from tertulia_bot.limits import ATTEMPTS, MAX_TEXT, PROVIDER_BACKOFF_S
from tertulia_bot.patience import until_it_answers
from tertulia_bot.provider.completions import Provider, ProviderBroken, Request
from tertulia_bot.provider.model import Known, Model
from tertulia_bot.runs.live import Live
from tertulia_bot.wish import Ask, Wish, decode_wish, question_of
from tertulia_shared.events import Citation
from tertulia_shared.problems import Problem
from tertulia_shared.runtime import spawn
from tertulia_shared.telemetry import logger, span

log = logger(__name__)

MODEL_UNAVAILABLE = ModelUnavailable.code
NO_MODEL = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Tokens."""

    prompt: int
    context: int
    answer: int


@dataclass(slots=True)
class _Written:
    """What there is of the answer, whenever it ends."""

    prompt: Prompt | None = None
    used: Spent | None = None
    began: bool = False


AUDIENCE_CHANGED = "audience_changed"
"""Somebody came into the room who may not read what the answer rests on."""


class Answerer:
    def __init__(
        self, *, chat: ChatRuns, retriever: Retriever, model: Model, provider: Provider, ledger: Ledger, sizes: Sizes
    ) -> None:
        self._chat = chat
        self._retriever = retriever
        self._model = model
        self._provider = provider
        self._ledger = ledger
        self._sizes = sizes

    def most_tokens(self, wish: Wish) -> int:
        """The most that a run can cost."""
        return most_tokens(wish, Room(prompt=self._sizes.prompt, context=self._sizes.context)) + self._sizes.answer

    async def too_long(self, wish: Wish) -> bool:
        """Whether the question alone is longer than a prompt; asked of the tokenizer only when that is possible."""
        question = question_of(wish)
        if len(question.encode()) <= self._sizes.prompt:
            return False
        try:
            return await self._model.require().counter.prompt("", question) > self._sizes.prompt
        except ProviderBroken as error:
            raise ModelUnavailable(retry_after=5) from error

    async def outcome(self, live: Live, opened: Opened | None) -> Outcome:
        """Returns when the answer is there, has failed, or `live.stop` is set."""
        written = _Written()
        code = None if live.row.stop_wish else await self._raced(live, opened, written)
        stopped = live.row.stop_wish or live.stop.is_set()
        if code is None and not stopped and not live.text.strip():
            code = "empty_answer"
        sources = written.prompt.sources if written.prompt else ()
        if code is None and not self._retriever.still_permitted(live.row.channel_id, sources):
            code = AUDIENCE_CHANGED
        return self._outcome(live, written, await self._spent(live, written), stopped=stopped, error=code)

    async def _raced(self, live: Live, opened: Opened | None, written: _Written) -> str | None:
        """Writes until somebody stops it: the code of what failed, if something did."""
        stopping = spawn(live.stop.wait(), name="run stop")
        writing = spawn(self._written(live, opened, written), name="run answer")
        try:
            await asyncio.wait([stopping, writing], return_when=asyncio.FIRST_COMPLETED)
            return writing.result() if writing.done() else None
        finally:
            for task in (stopping, writing):
                task.cancel()
            await asyncio.wait([stopping, writing])

    async def _written(self, live: Live, opened: Opened | None, written: _Written) -> str | None:
        try:
            await self._write(live, opened, written)
        except RunFailed as error:
            return error.code
        return None

    async def _write(self, live: Live, opened: Opened | None, written: _Written) -> None:
        row = live.row
        wish = decode_wish(row.wish)
        if row.attempt > ATTEMPTS:
            raise RunFailed("interrupted")
        if row.attempt > 1:
            await self._charge_the_dead(live, wish)
        sources, opened = await asyncio.gather(self._search(live, wish), self._opened(live, opened))
        if row.trigger_message_id is not None and opened.run.prompt != row.prompt:
            wish = Ask(question=opened.run.prompt)  # the message was edited since
        for wait_s in (*PROVIDER_BACKOFF_S, None):
            try:
                known = self._model.require()
                if written.prompt is None:
                    written.prompt, _ = await asyncio.gather(
                        self._prompt(live, wish, opened, sources or [], known), self._hold(live, wish)
                    )
                await self._generate(live, written, known)
                return
            except (ProviderBroken, ModelUnavailable) as error:
                log.warning("run.provider_broke", run=row.id, attempt=live.attempt, error=str(error))
                self._model.doubt()
                if wait_s is None:
                    raise RunFailed(MODEL_UNAVAILABLE) from error
            await asyncio.sleep(wait_s)
            await self._begin_again(live, written, wish)

    async def _hold(self, live: Live, wish: Wish) -> None:
        """Before the model is asked. Until the first checkpoint tells better, the prompt costs the most that it may."""
        most = self.most_tokens(wish)
        held = await until_it_answers(
            lambda: self._ledger.hold(live.row.id, most, prompt_tokens=most - self._sizes.answer), "budget"
        )
        if held is None:
            raise RunFailed("token_budget_exhausted")

    async def _charge_the_dead(self, live: Live, wish: Wish) -> None:
        """The process that worked on it before died; what it spent is not free."""
        spent = Spent(live.row.prompt_tokens, await self._count(live.row.text))
        held = await until_it_answers(
            lambda: self._ledger.hold(live.row.id, self.most_tokens(wish), spent=spent), "budget"
        )
        if held is None:
            raise RunFailed("token_budget_exhausted")

    async def _begin_again(self, live: Live, written: _Written, wish: Wish) -> None:
        if not written.began:
            return
        spent = await self._spent(live, written)
        again = 0 if written.prompt is None else written.prompt.tokens
        attempt = await until_it_answers(
            lambda: self._ledger.hold(
                live.row.id, self.most_tokens(wish), spent=spent, begin_again=True, prompt_tokens=again
            ),
            "budget",
        )
        written.began, written.used = False, None
        live.begin(live.attempt if attempt is None else attempt)
        if attempt is None:
            raise RunFailed("token_budget_exhausted")

    async def _opened(self, live: Live, opened: Opened | None) -> Opened:
        if opened is not None:
            return opened
        try:
            return await until_it_answers(lambda: self._chat.open(live.row), "chat")
        except Problem as error:
            raise RunFailed(error.code) from error

    async def sources(self, workspace_id: str, channel_id: str, wish: Wish) -> list[Source] | None:
        """What search finds for the question; None when it cannot be asked, or for a wish that needs no sources."""
        if not isinstance(wish, Ask):
            return None
        return await self._retriever.sources(workspace_id, channel_id, wish.question)

    async def _search(self, live: Live, wish: Wish) -> Sequence[Source] | None:
        if not isinstance(wish, Ask):
            return None
        live.step("searching")
        row = live.row
        sources = await (live.found or self.sources(row.workspace_id, row.channel_id, wish))
        sources = sources and [source for source in sources if source.message_id != row.trigger_message_id]
        live.step("search_unavailable" if sources is None else "searching", None if sources is None else len(sources))
        return sources

    async def _prompt(self, live: Live, wish: Wish, opened: Opened, sources: Sequence[Source], known: Known) -> Prompt:
        room = Room(
            prompt=min(self._sizes.prompt, known.context_tokens - self._sizes.answer), context=self._sizes.context
        )
        with span("bot prompt"):
            prompt = await compose(wish, opened, live.row.trigger_message_id, sources, known.counter, room)
        live.step("reading", prompt.messages)
        return prompt

    async def _generate(self, live: Live, written: _Written, known: Known) -> None:
        prompt = written.prompt
        if prompt is None:
            raise RunFailed(MODEL_UNAVAILABLE)
        written.began = True
        live.prompt_tokens = prompt.tokens
        live.step("writing")
        request = Request(
            model=known.name, system=prompt.system, user=prompt.user, max_tokens=self._sizes.answer, llama=known.llama
        )
        with span("bot provider", kind=SpanKind.CLIENT, attributes={"model": known.name}):
            async with aclosing(self._provider.stream(request)) as pieces:
                async for piece in pieces:
                    live.add(piece.text[: MAX_TEXT - len(live.text)])
                    written.used = piece.used or written.used
                    if piece.cut or len(live.text) >= MAX_TEXT:
                        live.add("…"[: MAX_TEXT - len(live.text)])
                    if len(live.text) >= MAX_TEXT:
                        return

    async def _spent(self, live: Live, written: _Written) -> Spent:
        """What the provider says; else, where it was cut off, what we count."""
        if not written.began or written.prompt is None:
            return Spent(0, 0)
        return written.used or Spent(written.prompt.tokens, await self._count(live.text))

    async def _count(self, text: str) -> int:
        """Tokens of an unfinished answer; at most what was allowed."""
        if not text:
            return 0
        try:
            counted = sum(await self._model.require().counter.each([text]))
        except (ProviderBroken, ModelUnavailable):
            counted = len(text.encode())
        return min(counted, self._sizes.answer)

    def _outcome(self, live: Live, written: _Written, spent: Spent, *, stopped: bool, error: str | None) -> Outcome:
        text, cited = "", list[Citation]()
        if error is None:
            text, cited = citations.settle(live.text, written.prompt.sources if written.prompt else [])
        return Outcome(
            state="failed" if error is not None else ("stopped" if stopped else "done"),
            text=text,
            model=self._model.last_name or NO_MODEL,
            prompt_tokens=spent.prompt,
            completion_tokens=spent.completion,
            duration_ms=live.milliseconds,
            citations=cited,
            attempt=max(1, live.attempt),
            error=error,
        )
