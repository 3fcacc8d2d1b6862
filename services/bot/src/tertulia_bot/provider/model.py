"""What is known of the provider: whether it answers, the model's name, how it counts tokens, how much it does at once.

A component that looks again and again, so that a run, a probe or a page never waits to find out. The provider may come
later than the bot and may go and come back.
"""

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from tertulia_bot.errors import ModelUnavailable
from tertulia_bot.limits import RUNS_AT_ONCE
from tertulia_bot.provider.completions import Provider, ProviderBroken
from tertulia_bot.provider.tokens import ByteCounter, Counter, LlamaCounter, ask, llama_template
from tertulia_shared.telemetry import logger

log = logger(__name__)

TIMEOUT_S = 5.0
LOOK_DOWN_S = 1.0
LOOK_UP_LOCAL_S = 5.0
LOOK_UP_REMOTE_S = 60.0


class _Offered(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Offered]


_models = msgspec.json.Decoder(_Models)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    name: str
    counter: Counter
    llama: bool
    slots: int
    context_tokens: int
    """The least of what was set and what the server has."""


class Model:
    name = "model"

    def __init__(self, provider: Provider, name: str, context_tokens: int) -> None:
        self._provider = provider
        self._wanted = name
        self._context_tokens = context_tokens
        self._root = provider.base_url.removesuffix("/v1")
        self._http: aiohttp.ClientSession | None = None
        self._known: Known | None = None
        self._reason = "nobody has looked yet"
        self._look_now = asyncio.Event()

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S, connect=2)
        self._http = aiohttp.ClientSession(headers=self._provider.headers, timeout=timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()

    @property
    def slots(self) -> int:
        return RUNS_AT_ONCE if self._known is None else self._known.slots

    @property
    def last_name(self) -> str:
        return self._wanted if self._known is None else self._known.name

    def require(self) -> Known:
        """Raises ModelUnavailable."""
        if self._known is None:
            raise ModelUnavailable(f"The model does not answer: {self._reason}.", retry_after=5)
        return self._known

    async def check(self) -> None:
        """For /readyz."""
        self.require()

    def doubt(self) -> None:
        """A run saw it break: look soon."""
        self._look_now.set()

    async def run(self) -> None:
        while True:
            await self.look()
            try:
                async with asyncio.timeout(self._pause()):
                    await self._look_now.wait()
            except TimeoutError:
                continue
            self._look_now.clear()

    async def look(self) -> None:
        try:
            known = await self._find()
        except ProviderBroken as error:
            if self._known is not None:
                log.warning("model.lost", reason=str(error))
            self._known, self._reason = None, str(error)
            return
        if self._known is None or self._known.name != known.name:
            log.info("model.found", model=known.name, exact_tokens=known.llama, slots=known.slots)
        self._known = known

    def _pause(self) -> float:
        if self._known is None:
            return LOOK_DOWN_S
        return LOOK_UP_LOCAL_S if self._known.llama else LOOK_UP_REMOTE_S

    async def _find(self) -> Known:
        if self._http is None:
            raise ProviderBroken("it is not open")
        offered = await ask(self._http, f"{self._provider.base_url}/models", decoder=_models)
        if not (name := self._wanted or next((model.id for model in offered.data), "")):
            raise ProviderBroken("the provider offers no model")
        properties = await _llama_properties(self._http, self._root)
        if properties is None:
            return Known(
                name=name, counter=ByteCounter(), llama=False, slots=RUNS_AT_ONCE, context_tokens=self._context_tokens
            )
        template = await llama_template(self._http, self._root)
        context = int(properties["default_generation_settings"]["n_ctx"])
        return Known(
            name=name,
            counter=ByteCounter() if template is None else LlamaCounter(self._http, self._root, template),
            llama=True,
            slots=int(properties["total_slots"]),
            context_tokens=min(self._context_tokens, context),
        )


async def _llama_properties(http: aiohttp.ClientSession, root: str) -> dict[str, Any] | None:
    """None when this is no llama.cpp."""
    try:
        properties = await ask(http, f"{root}/props")
    except ProviderBroken:
        return None
    return properties if {"total_slots", "default_generation_settings"} <= properties.keys() else None
