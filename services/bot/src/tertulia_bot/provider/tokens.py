"""How many tokens a prompt takes.

llama.cpp's server tells: its tokenizer and its chat template are the model's own, so the count is exact. Of another
provider nothing is known but that a token stands for at least one byte: the bytes in UTF-8, with some for the template,
are an upper bound. It is three to four times too high for English, so such a provider deserves a generous
MODEL_CONTEXT_TOKENS.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import aiohttp
import msgspec

from tertulia_bot.provider.completions import ProviderBroken

BYTES_FOR_TEMPLATE = 64
_MARKS = ("\x02system\x03", "\x02user\x03")


class Counter(Protocol):
    async def prompt(self, system: str, user: str) -> int:
        """Of the whole prompt, as the model reads it. Never too low. Raises ProviderBroken."""
        ...

    async def each(self, texts: Sequence[str]) -> list[int]:
        """Of every text as a line of a prompt; the prompt made of them takes about the sum."""
        ...


class ByteCounter:
    async def prompt(self, system: str, user: str) -> int:
        return len(system.encode()) + len(user.encode()) + BYTES_FOR_TEMPLATE

    async def each(self, texts: Sequence[str]) -> list[int]:
        return [len(text.encode()) + 1 for text in texts]


class LlamaCounter:
    """Asks llama.cpp's server. `template` is how the model's chat template looks around the two contents."""

    def __init__(self, http: aiohttp.ClientSession, root: str, template: tuple[str, str, str]) -> None:
        self._http = http
        self._root = root
        self._template = template

    async def prompt(self, system: str, user: str) -> int:
        before, between, after = self._template
        return len(await self._tokens(before + system + between + user + after))

    async def each(self, texts: Sequence[str]) -> list[int]:
        """One question for all: where a token begins decides whose it is."""
        ends: list[int] = []
        for text in texts:
            ends.append((ends[-1] if ends else 0) + len(text.encode()) + 1)
        counts = [0] * len(texts)
        place = index = 0
        for token in await self._tokens("".join(f"{text}\n" for text in texts), with_pieces=True):
            while index < len(ends) - 1 and place >= ends[index]:
                index += 1
            counts[index] += 1
            piece: str | list[int] = token["piece"]
            place += len(piece.encode()) if isinstance(piece, str) else len(piece)
        return counts

    async def _tokens(self, text: str, **more: bool) -> list[Any]:
        body = {"content": text, "add_special": False, "parse_special": True, **more}
        return (await ask(self._http, f"{self._root}/tokenize", body))["tokens"]


async def llama_template(http: aiohttp.ClientSession, root: str) -> tuple[str, str, str] | None:
    """What stands before, between and after the contents; None for a template that is not that simple."""
    system, user = _MARKS
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    prompt: str = (await ask(http, f"{root}/apply-template", {"messages": messages}))["prompt"]
    before, found_system, rest = prompt.partition(system)
    between, found_user, after = rest.partition(user)
    return (before, between, after) if found_system and found_user else None


async def ask(http: aiohttp.ClientSession, url: str, body: Any = None) -> dict[str, Any]:
    """A JSON document from an address of llama.cpp's own. Raises ProviderBroken."""
    try:
        data = None if body is None else msgspec.json.encode(body)
        async with http.request("GET" if data is None else "POST", url, data=data) as answer:
            content = await answer.read()
            if answer.status != 200:
                raise ProviderBroken(f"the provider answers {answer.status}")
        return msgspec.json.decode(content, type=dict[str, Any])
    except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
        raise ProviderBroken(f"the provider broke: {type(error).__name__}") from error
