"""Answers as they are written, from any server that speaks OpenAI's chat completions.

Every way in which a provider breaks (refused, cut in the middle, silent, overloaded) is `ProviderBroken`, which is
worth another try, or `RunFailed` where it is not. Leaving the stream closes the connection, and with it a slot of the
local model is free again within one batch.

The openai package takes longer to import than all else that this process does at its start, so it is imported when the
start is over, or when the first answer is wanted.
"""
# ruff: noqa: PLC0415

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tertulia_bot.budget.ledger import Spent
from tertulia_bot.errors import RunFailed
from tertulia_bot.limits import FIRST_TOKEN_S, NEXT_TOKEN_S
from tertulia_shared.runtime import spawn
from tertulia_shared.telemetry import traceparent

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk

CONNECT_S = 3.0
NO_KEY = "none"
"""The client wants one; servers without accounts ignore it."""
START_IS_OVER_S = 10.0
"""By then the services beside this one have started, too."""
_RETRIED = {408, 409, 425, 429}
_LACKING = {401, 403, 404}

NO_LOOPS = {"dry_multiplier": 0.8, "dry_allowed_length": 4}
"""llama.cpp's DRY sampler: small models like to say the same sentence for ever. A plain repetition penalty also kept
them from repeating the number that was asked for."""


class ProviderBroken(Exception):
    """The provider is away or stopped in the middle."""


@dataclass(frozen=True, slots=True)
class Piece:
    """`text` may be empty: a sign of life. `used` comes with the last piece, from providers that count."""

    text: str = ""
    used: Spent | None = None
    cut: bool = False
    """The answer ended because it reached the most tokens that were allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    model: str
    system: str
    user: str
    max_tokens: int
    llama: bool
    """llama.cpp tells how far it has read the prompt, when asked; others may refuse to be asked."""


class Provider:
    """A component: its `run` gets ready for the first answer."""

    name = "provider"

    def __init__(self, base_url: str, api_key: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._openai = (urlsplit(base_url).hostname or "").endswith("api.openai.com")
        self._client: asyncio.Task[AsyncOpenAI] | None = None

    @property
    def headers(self) -> dict[str, str]:
        """For what is asked of the provider beside completions."""
        return {"Authorization": f"Bearer {self._api_key or NO_KEY}"}

    async def run(self) -> None:
        await asyncio.sleep(START_IS_OVER_S)
        await self._ready()
        await asyncio.Event().wait()

    async def close(self) -> None:
        if self._client is not None:
            await (await self._client).close()

    async def stream(
        self, request: Request, *, first_s: float = FIRST_TOKEN_S, next_s: float = NEXT_TOKEN_S
    ) -> AsyncGenerator[Piece]:
        """Raises ProviderBroken or RunFailed; use it inside `aclosing`."""
        client = await self._ready()
        async with _broken():
            from openai import AsyncStream
            from openai.types.chat import ChatCompletionChunk

            async with asyncio.timeout(first_s):
                # As `chat.completions.create` does it, without its walk through every parameter that there could be:
                # that takes a third of the time from here to the wire.
                chunks = await client.post(
                    "/chat/completions",
                    body=self._body(request),
                    options={"headers": _trace()},
                    cast_to=ChatCompletionChunk,
                    stream=True,
                    stream_cls=AsyncStream[ChatCompletionChunk],
                )
            async with chunks, aclosing(_timed(chunks, first_s, next_s)) as timed:
                async for chunk in timed:
                    yield _piece(chunk)

    async def _ready(self) -> "AsyncOpenAI":
        if self._client is None:
            connecting = asyncio.to_thread(_connected, self.base_url, self._api_key or NO_KEY)
            self._client = spawn(connecting, name="provider client")
        return await asyncio.shield(self._client)

    def _body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": "system", "content": request.system}, {"role": "user", "content": request.user}],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._openai:
            # OpenAI's newer models refuse the old name and any temperature but their own.
            return body | {"max_completion_tokens": request.max_tokens}
        extra = {"return_progress": True, **NO_LOOPS} if request.llama else {}
        return body | {"max_tokens": request.max_tokens, "temperature": 0.2, **extra}


def _connected(base_url: str, api_key: str) -> "AsyncOpenAI":
    """Blocks for the import, so it has a thread of its own."""
    from openai import AsyncOpenAI, Timeout

    timeout = Timeout(FIRST_TOKEN_S, connect=CONNECT_S)
    return AsyncOpenAI(base_url=base_url, api_key=api_key, max_retries=0, timeout=timeout)


def _trace() -> dict[str, str]:
    parent = traceparent()
    return {} if parent is None else {"traceparent": parent}


async def _timed(
    chunks: "AsyncStream[ChatCompletionChunk]", first_s: float, next_s: float
) -> "AsyncGenerator[ChatCompletionChunk]":
    """Raises TimeoutError when the provider is silent."""
    iterator = aiter(chunks)
    patience = first_s
    while True:
        async with asyncio.timeout(patience):
            chunk = await anext(iterator, None)
        if chunk is None:
            return
        if chunk.choices and chunk.choices[0].delta.content:
            patience = next_s
        yield chunk


def _piece(chunk: "ChatCompletionChunk") -> Piece:
    used = None if chunk.usage is None else Spent(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
    if not chunk.choices:
        return Piece(used=used)
    choice = chunk.choices[0]
    return Piece(_storable(choice.delta.content or ""), used, choice.finish_reason == "length")


def _storable(text: str) -> str:
    """Neither PostgreSQL nor JSON between services takes NUL or half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


@asynccontextmanager
async def _broken() -> AsyncGenerator[None]:
    from openai import APIError, APIStatusError

    try:
        yield
    except APIStatusError as error:
        if error.status_code >= 500 or error.status_code in _RETRIED:
            raise ProviderBroken(f"the provider answers {error.status_code}") from error
        raise RunFailed("model_unavailable" if error.status_code in _LACKING else "model_refused") from error
    except (APIError, TimeoutError) as error:
        raise ProviderBroken(f"the provider broke: {type(error).__name__}") from error
