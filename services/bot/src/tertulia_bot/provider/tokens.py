"""How many tokens a prompt takes.

llama.cpp's server tells: its tokenizer and its chat template are the model's own, so the count is exact. Of another
provider nothing is known but that a token stands for at least one byte: the bytes in UTF-8, with some for the template,
are an upper bound. It is three to four times too high for English, so such a provider deserves a generous
MODEL_CONTEXT_TOKENS.
"""

from collections.abc import Sequence
from itertools import accumulate
from math import ceil
from typing import Any, Protocol, TypeVar

import aiohttp
import msgspec

from tertulia_bot.provider.completions import ProviderBroken

BYTES_FOR_TEMPLATE = 64
FIRST_GUESS = 3.0
"""Bytes a token; the last prompt that was counted tells better."""
GUESS_MARGIN = 1.05
ENOUGH_TO_LEARN = 100
_MARKS = ("\x02system\x03", "\x02user\x03")


class Counter(Protocol):
    async def prompt(self, system: str, user: str) -> int:
        """Of the whole prompt, as the model reads it. Never too low. Raises ProviderBroken."""
        ...

    def guess(self, text: str) -> int:
        """What a line probably takes, without asking anybody."""
        ...

    async def each(self, texts: Sequence[str]) -> list[int]:
        """Of every text as a line of a prompt; the prompt made of them takes about the sum."""
        ...

    async def parts(self, system: str, parts: Sequence[str]) -> list[int]:
        """Of each of these parts of the user's side, in a prompt of nothing else; then what stands around them.

        The sum is exactly what `prompt` says. Raises ProviderBroken.
        """
        ...


class ByteCounter:
    async def prompt(self, system: str, user: str) -> int:
        return len(system.encode()) + len(user.encode()) + BYTES_FOR_TEMPLATE

    def guess(self, text: str) -> int:
        return len(text.encode()) + 1

    async def each(self, texts: Sequence[str]) -> list[int]:
        return [len(text.encode()) + 1 for text in texts]

    async def parts(self, system: str, parts: Sequence[str]) -> list[int]:
        return [*(len(part.encode()) for part in parts), len(system.encode()) + BYTES_FOR_TEMPLATE]


class _Ids(msgspec.Struct):
    tokens: list[int]


class _Token(msgspec.Struct):
    """`piece` is a list of bytes where they alone are no text."""

    piece: str | list[int]


class _Pieces(msgspec.Struct):
    tokens: list[_Token]


T = TypeVar("T")
_ids, _pieces = msgspec.json.Decoder(_Ids), msgspec.json.Decoder(_Pieces)
_anything = msgspec.json.Decoder(dict[str, Any])


class LlamaCounter:
    """Asks llama.cpp's server. `template` is how the model's chat template looks around the two contents."""

    def __init__(self, http: aiohttp.ClientSession, root: str, template: tuple[str, str, str]) -> None:
        self._http = http
        self._root = root
        self._template = template
        self._bytes_a_token = FIRST_GUESS

    async def prompt(self, system: str, user: str) -> int:
        before, between, after = self._template
        asked = _asked(before + system + between + user + after)
        return len((await ask(self._http, f"{self._root}/tokenize", asked, _ids)).tokens)

    def guess(self, text: str) -> int:
        return ceil(len(text.encode()) / self._bytes_a_token * GUESS_MARGIN) + 1

    async def each(self, texts: Sequence[str]) -> list[int]:
        return await self._attributed([f"{text}\n" for text in texts])

    async def parts(self, system: str, parts: Sequence[str]) -> list[int]:
        before, between, after = self._template
        first, *counts, last = await self._attributed([before + system + between, *parts, after])
        return [*counts, first + last]

    async def _attributed(self, texts: Sequence[str]) -> list[int]:
        """One question for all: where a token begins decides whose it is."""
        ends = list(accumulate(len(text.encode()) for text in texts))
        counts = [0] * len(texts)
        place = index = 0
        answer = await ask(self._http, f"{self._root}/tokenize", _asked("".join(texts), with_pieces=True), _pieces)
        for token in answer.tokens:
            while index < len(ends) - 1 and place >= ends[index]:
                index += 1
            counts[index] += 1
            place += len(token.piece.encode()) if isinstance(token.piece, str) else len(token.piece)
        if len(answer.tokens) >= ENOUGH_TO_LEARN:
            self._bytes_a_token = ends[-1] / len(answer.tokens)
        return counts


def _asked(text: str, *, with_pieces: bool = False) -> dict[str, Any]:
    return {"content": text, "add_special": False, "parse_special": True, "with_pieces": with_pieces}


async def llama_template(http: aiohttp.ClientSession, root: str) -> tuple[str, str, str] | None:
    """What stands before, between and after the contents; None for a template that is not that simple."""
    system, user = _MARKS
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    prompt: str = (await ask(http, f"{root}/apply-template", {"messages": messages}))["prompt"]
    before, found_system, rest = prompt.partition(system)
    between, found_user, after = rest.partition(user)
    return (before, between, after) if found_system and found_user else None


async def ask(
    http: aiohttp.ClientSession, url: str, body: Any = None, decoder: msgspec.json.Decoder[T] = _anything
) -> T:
    """A JSON document from an address of llama.cpp's own. Raises ProviderBroken."""
    try:
        data = None if body is None else msgspec.json.encode(body)
        async with http.request("GET" if data is None else "POST", url, data=data) as answer:
            content = await answer.read()
            if answer.status != 200:
                raise ProviderBroken(f"the provider answers {answer.status}")
        return decoder.decode(content)
    except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
        raise ProviderBroken(f"the provider broke: {type(error).__name__}") from error
