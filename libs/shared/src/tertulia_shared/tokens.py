"""Access tokens: JWTs signed with Ed25519 (RFC 7519, RFC 8037), verified by every service with public keys only.

chat signs; its public keys are served as a JWKS (RFC 7517) and rotate. A verified token is remembered until it expires,
so that a busy connection costs one signature check. Service tokens authenticate one service to another; they are
HMAC-signed with a key derived from the installation's secret and live for a minute.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import aiohttp
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey, OKPKey

from tertulia_shared.problems import DependencyUnavailable, TokenExpired, Unauthenticated
from tertulia_shared.settings import SecretKeys
from tertulia_shared.telemetry import logger

log = logger(__name__)

ISSUER = "tertulia"
ALGORITHM = "Ed25519"
MAX_TOKEN_LENGTH = 4096
SERVICE_TOKEN_TTL_S = 60
_REMEMBERED_TOKENS = 20_000
_REFETCH_INTERVAL_S = 5.0

# What joserfc and the reading of claims raise on a token that somebody made up: its parts may be any JSON.
_REFUSED = (JoseError, LookupError, ValueError, TypeError, AttributeError, RecursionError)

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Claims:
    """Who is asking. Times are unix seconds."""

    user_id: str
    session_id: str
    issued_at: int
    expires_at: int


class TokenSigner:
    """Signs with one private key; `key.kid` names it in the JWKS."""

    def __init__(self, key: OKPKey, clock: Clock = time.time) -> None:
        self._key = key
        self._clock = clock

    def issue(self, user_id: str, session_id: str, ttl_s: int) -> str:
        now = int(self._clock())
        claims = {"iss": ISSUER, "sub": user_id, "sid": session_id, "iat": now, "exp": now + ttl_s}
        return jwt.encode({"alg": ALGORITHM, "kid": self._key.kid}, claims, self._key, algorithms=[ALGORITHM])


class KeySource(Protocol):
    """Where public keys come from."""

    async def key(self, kid: str) -> OKPKey | None:
        """The public key, or None when nobody has ever heard of it. Raises DependencyUnavailable."""
        ...


class RemoteJwks:
    """Public keys fetched over HTTP and kept. An unknown kid asks again, at most every five seconds."""

    def __init__(self, url: str, clock: Clock = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._keys: dict[str, OKPKey] = {}
        self._fetched_at: float | None = None
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> OKPKey | None:
        if kid not in self._keys:
            await self._refresh()
        return self._keys.get(kid)

    async def _refresh(self) -> None:
        async with self._lock:
            now = self._clock()
            if self._fetched_at is not None and now - self._fetched_at < _REFETCH_INTERVAL_S:
                return
            try:
                timeout = aiohttp.ClientTimeout(total=3)
                async with aiohttp.ClientSession(timeout=timeout) as http, http.get(self._url) as answer:
                    answer.raise_for_status()
                    document: dict[str, Any] = await answer.json()
            except (aiohttp.ClientError, TimeoutError) as error:
                log.warning("keys not available", url=self._url, error=repr(error))
                if not self._keys:
                    raise DependencyUnavailable("The keys that verify access tokens are not available.") from error
                return
            self._keys = {str(key.kid): key for key in KeySet.import_key_set(document).keys if isinstance(key, OKPKey)}  # pyright: ignore[reportArgumentType]
            self._fetched_at = now


class TokenVerifier:
    """Checks access tokens; the outcome of a good one is remembered until it expires."""

    def __init__(self, keys: KeySource, clock: Clock = time.time) -> None:
        self._keys = keys
        self._clock = clock
        self._known: OrderedDict[str, Claims] = OrderedDict()

    async def verify(self, token: str) -> Claims:
        """Raises TokenExpired, Unauthenticated, or DependencyUnavailable when no keys can be had."""
        claims = self._known.get(token)
        if claims is None:
            claims = await self._check(token)
            self._known[token] = claims
            if len(self._known) > _REMEMBERED_TOKENS:
                self._known.popitem(last=False)
        if claims.expires_at <= self._clock():
            self._known.pop(token, None)
            raise TokenExpired
        return claims

    async def _check(self, token: str) -> Claims:
        if len(token) > MAX_TOKEN_LENGTH:
            raise Unauthenticated("The access token is not valid.")
        key = await self._keys.key(_kid_of(token))
        if key is None:
            raise Unauthenticated("The access token is not valid.")
        try:
            claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
            if claims["iss"] != ISSUER:
                raise ValueError(claims["iss"])
            return Claims(str(claims["sub"]), str(claims["sid"]), int(claims["iat"]), int(claims["exp"]))
        except _REFUSED:
            raise Unauthenticated("The access token is not valid.") from None


class ServiceTokens:
    """Tokens between services. `issue` says who calls, `verify` answers who it was."""

    def __init__(self, secrets: SecretKeys, clock: Clock = time.time) -> None:
        self._keys = [OctKey.import_key(key) for key in secrets.derive("service-tokens")]
        self._clock = clock

    def issue(self, service: str) -> str:
        claims = {"iss": ISSUER, "sub": f"service:{service}", "exp": int(self._clock()) + SERVICE_TOKEN_TTL_S}
        return jwt.encode({"alg": "HS256"}, claims, self._keys[0], algorithms=["HS256"])

    def verify(self, token: str) -> str:
        """The calling service's name. Raises Unauthenticated."""
        for key in self._keys:
            try:
                claims = jwt.decode(token, key, algorithms=["HS256"]).claims
                kind, _, service = str(claims["sub"]).partition(":")
                if kind == "service" and int(claims["exp"]) > self._clock():
                    return service
            except _REFUSED:
                continue
        raise Unauthenticated("A service token is needed.")


def bearer(headers: Mapping[str, str]) -> str:
    """The token of an `Authorization: Bearer …` header. Raises Unauthenticated when there is none."""
    return bearer_value(headers.get("authorization") or headers.get("Authorization") or "")


def bearer_value(header: str) -> str:
    """The token in the header's value. Raises Unauthenticated when there is none."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()


def _kid_of(token: str) -> str:
    try:
        header = cast("object", jws.extract_compact(token.encode()).headers())  # any JSON, whatever its type says
    except _REFUSED:
        raise Unauthenticated("The access token is not valid.") from None
    if not isinstance(header, dict):
        raise Unauthenticated("The access token is not valid.")
    return str(cast("dict[str, object]", header).get("kid", ""))
