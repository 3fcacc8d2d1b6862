"""The keys that sign access tokens.

They live in PostgreSQL, so every replica signs and verifies with the same ones; the private halves are sealed with a
key derived from SECRET_KEY. The newest key signs. A new one is made every thirty days; an old public half stays in the
JWKS until every token that it may have signed has expired, counting the time a replica may take to notice a new key.
"""

import asyncio
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.jwk import OKPKey
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, select

from tertulia_chat.database import Database
from tertulia_chat.tables import SigningKeyRow, now
from tertulia_shared.problems import DependencyUnavailable
from tertulia_shared.settings import SecretKeys
from tertulia_shared.telemetry import logger
from tertulia_shared.tokens import TokenSigner

log = logger(__name__)

ROTATE_AFTER = timedelta(days=30)
NOTICE = timedelta(minutes=10)
"""Longer than `REFRESH_S`: replicas that have not seen a new key yet still sign with the old one."""
REFRESH_S = 60.0
_LOCK = 0x7E47_0002
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class _Loaded:
    signer: TokenSigner
    public: dict[str, OKPKey]
    jwks: dict[str, Any]


class KeyRing:
    """A `KeySource` for the verifier, the signer for new tokens, and the JWKS for everybody else."""

    def __init__(self, database: Database, secrets: SecretKeys, *, token_ttl: timedelta) -> None:
        self._database = database
        self._ciphers = [AESGCM(key) for key in secrets.derive("chat-signing-keys")]
        self._token_ttl = token_ttl
        self._loaded: _Loaded | None = None

    async def key(self, kid: str) -> OKPKey | None:
        loaded = await self._ensure()
        return loaded.public.get(kid)

    async def signer(self) -> TokenSigner:
        """Raises DependencyUnavailable while no key has been loaded yet."""
        return (await self._ensure()).signer

    async def jwks(self) -> dict[str, Any]:
        return (await self._ensure()).jwks

    async def refresh(self) -> None:
        """Read the keys again; make the first or the next one when it is time. Raises DependencyUnavailable."""
        async with self._database.transaction() as session:
            await session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            await self._rotate(session)
            rows = list(await session.scalars(select(SigningKeyRow).order_by(col(SigningKeyRow.created_at).desc())))
        private = self._unseal(rows[0])
        if private is None:
            raise DependencyUnavailable("The signing key cannot be opened.")
        public = {row.kid: OKPKey.import_key({**row.public_jwk, "kid": row.kid}) for row in rows}
        self._loaded = _Loaded(TokenSigner(private), public, {"keys": [row.public_jwk for row in rows]})

    async def _ensure(self) -> _Loaded:
        if self._loaded is None:
            await self.refresh()
        if self._loaded is None:
            raise DependencyUnavailable("There is no signing key yet.")
        return self._loaded

    async def _rotate(self, session: AsyncSession) -> None:
        newest = await session.scalar(select(SigningKeyRow).order_by(col(SigningKeyRow.created_at).desc()).limit(1))
        if newest is not None and now() - newest.created_at > self._token_ttl + NOTICE:
            # Only the newest has signed anything since its own notice and a token's lifetime have passed.
            await session.execute(delete(SigningKeyRow).where(col(SigningKeyRow.kid) != newest.kid))
        if newest is None or now() - newest.created_at >= ROTATE_AFTER or self._unseal(newest) is None:
            session.add(self._new_key())
            await session.flush()
            log.info("keys.rotated")

    def _new_key(self) -> SigningKeyRow:
        key = OKPKey.generate_key("Ed25519", auto_kid=True)
        kid = str(key.kid)
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._ciphers[0].encrypt(nonce, key.as_pem(private=True), kid.encode())
        public = {**key.as_dict(private=False), "use": "sig", "alg": "Ed25519"}
        return SigningKeyRow(kid=kid, public_jwk=public, sealed_private=sealed)

    def _unseal(self, row: SigningKeyRow) -> OKPKey | None:
        """None when SECRET_KEY was changed without keeping the former one: a new key pair replaces this one."""
        nonce, body = row.sealed_private[:_NONCE_BYTES], row.sealed_private[_NONCE_BYTES:]
        for cipher in self._ciphers:
            try:
                pem = cipher.decrypt(nonce, body, row.kid.encode())
            except InvalidTag:
                continue
            return OKPKey.import_key(pem, {"kid": row.kid})
        return None


@dataclass(frozen=True, slots=True)
class KeyKeeper:
    """The component that notices new keys and makes them when it is time."""

    keys: KeyRing
    name: str = "signing-keys"

    async def run(self) -> None:
        while True:
            try:
                await self.keys.refresh()
            except DependencyUnavailable as error:
                log.warning("keys.refresh_failed", error=str(error))
            await asyncio.sleep(REFRESH_S)
