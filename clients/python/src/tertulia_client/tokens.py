"""The session's tokens: fresh before they run out, renewed by one request however many callers wait for it."""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic, time

import msgspec

from tertulia_client.backoff import Backoff, is_temporary, wait_s
from tertulia_client.errors import NotSignedIn, TertuliaError, Unauthenticated
from tertulia_client.models import AuthResult, Me
from tertulia_client.transport import Transport, decode

log = logging.getLogger(__name__)

REFRESH_ATTEMPTS = 6
"""Together under the 30 s within which the server accepts a repeated refresh whose answer was lost."""

RENEW_AFTER = 0.8
"""The part of a token's life after which it is renewed, while it still works."""


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What to keep to stay signed in. `expires_at` is Unix time in seconds."""

    access_token: str
    refresh_token: str | None
    expires_at: float


class TokenKeeper:
    """Hands out a live access token. `on_change` is called with the new tokens, or None after signing out."""

    def __init__(
        self,
        transport: Transport,
        *,
        tokens: Tokens | None = None,
        on_change: Callable[[Tokens | None], None] | None = None,
    ) -> None:
        self._transport = transport
        self._on_change = on_change
        self._refreshing = asyncio.Lock()
        self._backoff = Backoff(base_s=0.25, cap_s=4.0)
        self.tokens = tokens
        self.user: Me | None = None
        # A token's age is measured here, since this machine's clock may be wrong; `expires_at` serves only restarts.
        self._dies_at = 0.0 if tokens is None else monotonic() + tokens.expires_at - time()
        self._renew_at = self._dies_at - 60.0

    def adopt(self, result: AuthResult) -> Tokens:
        """Sign in with the answer of register, login or refresh."""
        self.user = result.user
        self._dies_at = monotonic() + result.expires_in
        self._renew_at = monotonic() + result.expires_in * RENEW_AFTER
        tokens = self.tokens = Tokens(
            access_token=result.access_token,
            refresh_token=result.refresh_token,
            expires_at=time() + result.expires_in,
        )
        self._tell()
        return tokens

    def forget(self) -> None:
        self.tokens = None
        self.user = None
        self._tell()

    def distrust(self, spent: str) -> None:
        """The server says that this token is over: the next `access_token()` renews it first."""
        if self.tokens is not None and self.tokens.access_token == spent:
            self._dies_at = self._renew_at = 0.0

    def require_user(self) -> Me:
        """Raises NotSignedIn; also before the first refresh of tokens kept from an earlier run."""
        if self.user is None:
            raise NotSignedIn("register or log in first")
        return self.user

    async def access_token(self) -> str:
        """Raises NotSignedIn, Unauthenticated (the session is over), NetworkError."""
        if self.tokens is None:
            raise NotSignedIn("register or log in first")
        current = self.tokens.access_token
        if monotonic() < self._renew_at:
            return current
        try:
            return await self.renew(current, attempts=1)
        except TertuliaError as error:
            if not is_temporary(error):
                raise
            if monotonic() < self._dies_at:
                return current
        return await self.renew(current)

    async def renew(self, stale: str, attempts: int = REFRESH_ATTEMPTS) -> str:
        """Replace `stale`; when somebody has done so already, theirs is the answer."""
        async with self._refreshing:
            tokens = self.tokens
            if tokens is None:
                raise NotSignedIn("signed out meanwhile")
            if tokens.access_token == stale:
                tokens = self.adopt(await self._refresh(tokens, attempts))
            return tokens.access_token

    async def _refresh(self, tokens: Tokens, attempts: int) -> AuthResult:
        for attempt in range(attempts):
            try:
                content = await self._transport.request(
                    "POST", "/auth/refresh", body={"refresh_token": tokens.refresh_token}, timeout_s=5.0
                )
                return decode(content, AuthResult)
            except TertuliaError as error:
                if isinstance(error, Unauthenticated):
                    self.forget()
                if not is_temporary(error) or attempt == attempts - 1:
                    raise
                log.warning("refreshing the session failed, trying again: %s", error)
                await asyncio.sleep(wait_s(error, self._backoff, attempt))
        raise AssertionError("unreachable")

    def _tell(self) -> None:
        if self._on_change is not None:
            self._on_change(self.tokens)
