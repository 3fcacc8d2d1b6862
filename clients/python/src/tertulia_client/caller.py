"""A request as the endpoints make it: with a live token, and again when that is safe.

- 401 `token_expired`: renewed and repeated, but not twice in a row.
- 429: the server did nothing, so anything may be repeated after Retry-After.
- no answer, 408, 5xx: repeated only when `safe`, because the first one may have taken effect. What is sent by `once`
  is: all its attempts carry one `Idempotency-Key`, and the server does it once.
"""

import asyncio
import logging
from collections.abc import Mapping
from time import monotonic
from typing import TypeVar

import uuid_utils

from tertulia_client.backoff import Backoff, is_temporary, wait_s
from tertulia_client.errors import Conflict, RateLimited, TertuliaError, TokenExpired
from tertulia_client.tokens import TokenKeeper
from tertulia_client.transport import Params, Transport, decode

T = TypeVar("T")

log = logging.getLogger(__name__)


class Caller:
    """`patience_s` bounds all the attempts at one call together, in seconds."""

    def __init__(self, transport: Transport, tokens: TokenKeeper, *, patience_s: float, backoff: Backoff) -> None:
        self.transport = transport
        self.tokens = tokens
        self.backoff = backoff
        self._patience_s = patience_s

    def impatient(self) -> "Caller":
        """One that raises at the first failure, for whoever has something better to do than to wait."""
        return Caller(self.transport, self.tokens, patience_s=0.0, backoff=self.backoff)

    async def get(self, path: str, type_: type[T], params: Params | None = None) -> T:
        return decode(await self.request("GET", path, params=params, safe=True), type_)

    async def post(self, path: str, type_: type[T], body: object = None, *, auth: bool = True) -> T:
        return decode(await self.request("POST", path, body=body, auth=auth), type_)

    async def once(self, path: str, body: object = None) -> bytes:
        """POST what must not happen twice when an answer is lost. Raises NetworkError, ApiError, NotSignedIn."""
        key = {"Idempotency-Key": str(uuid_utils.uuid7())}
        return await self.request("POST", path, body=body, safe=True, headers=key)

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Params | None = None,
        auth: bool = True,
        safe: bool = False,
        patience_s: float | None = None,
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Raises NetworkError, ApiError, NotSignedIn."""
        deadline = monotonic() + (self._patience_s if patience_s is None else patience_s)
        renewed = False
        attempt = 0
        while True:
            token: str | None = None
            try:
                token = await self.tokens.access_token() if auth else None
                return await self.transport.request(
                    method, path, body=body, params=params, token=token, timeout_s=timeout_s, headers=headers
                )
            except TertuliaError as error:
                if isinstance(error, TokenExpired) and token is not None and not renewed:
                    renewed = True
                    await self.tokens.renew(token)
                    continue
                renewed = False
                pause = wait_s(error, self.backoff, attempt)
                if not _may_repeat(error, safe=safe) or monotonic() + pause >= deadline:
                    raise
                log.info("%s %s: again in %.2f s after %s", method, path, pause, error)
            attempt += 1
            await asyncio.sleep(pause)


def _may_repeat(error: TertuliaError, *, safe: bool) -> bool:
    return isinstance(error, RateLimited) or (safe and (is_temporary(error) or _at_work(error)))


def _at_work(error: TertuliaError) -> bool:
    """An attempt whose answer was lost has not ended yet."""
    return isinstance(error, Conflict) and error.code == "idempotency_key_in_use"
