"""Who is asking.

chat trusts nobody's word: it checks the access token's signature itself and then that the session still lives. The
second check is one lookup by key in PostgreSQL on every request, without a cache, so a logout holds at once on every
replica. The statements that send a message and read a page of them have it built in (`LIVE_SESSION`) and spend no round
trip on it.
"""

from dataclasses import dataclass
from uuid import UUID

from tertulia_chat.database import Database
from tertulia_shared.problems import Unauthenticated
from tertulia_shared.tokens import TokenVerifier, bearer_value

# $2 user, $3 session, as the sending statement numbers its values.
LIVE_SESSION = "SELECT 1 FROM session s WHERE s.id = $3 AND s.user_id = $2 AND s.revoked_at IS NULL"
_LIVE_SESSION_ALONE = LIVE_SESSION.replace("$3", "$1")


@dataclass(frozen=True, slots=True)
class Caller:
    user_id: UUID
    session_id: UUID


class Authenticator:
    def __init__(self, verifier: TokenVerifier, database: Database) -> None:
        self._verifier = verifier
        self._database = database

    async def claimed(self, authorization: str) -> Caller:
        """Who the token names; whether the session still lives is left to the caller. Raises Unauthenticated."""
        claims = await self._verifier.verify(bearer_value(authorization))
        return Caller(UUID(claims.user_id), UUID(claims.session_id))

    async def authenticated(self, authorization: str) -> Caller:
        """Raises Unauthenticated, TokenExpired or DependencyUnavailable."""
        caller = await self.claimed(authorization)
        if await self._database.hot_row(_LIVE_SESSION_ALONE, caller.session_id, caller.user_id) is None:
            raise session_ended()
        return caller


def session_ended() -> Unauthenticated:
    return Unauthenticated("This session has ended.")
