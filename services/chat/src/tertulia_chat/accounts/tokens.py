"""Access tokens for people: signed with the newest key, short-lived."""

from dataclasses import dataclass
from uuid import UUID

from tertulia_chat.accounts.keys import KeyRing


@dataclass(frozen=True, slots=True)
class AccessTokens:
    keys: KeyRing
    ttl_s: int

    async def issue(self, user_id: UUID, session_id: UUID) -> str:
        """Raises DependencyUnavailable while no signing key could be loaded."""
        signer = await self.keys.signer()
        return signer.issue(str(user_id), str(session_id), self.ttl_s)
