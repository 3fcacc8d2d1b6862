"""Who asks, for services that keep the membership projection: an access token outlives its session by minutes, here
it does not."""

from tertulia_shared.membership import Revocations
from tertulia_shared.problems import Unauthenticated
from tertulia_shared.tokens import Claims, TokenVerifier, bearer_value


class Callers:
    def __init__(self, verifier: TokenVerifier, revocations: Revocations) -> None:
        self._verifier = verifier
        self._revocations = revocations

    async def authenticated(self, authorization: str) -> Claims:
        """The owner of an `Authorization: Bearer …` header's value.

        Raises Unauthenticated (also for a session that has ended), TokenExpired, or DependencyUnavailable when no keys
        can be had.
        """
        claims = await self._verifier.verify(bearer_value(authorization))
        self.check(claims)
        return claims

    def check(self, claims: Claims) -> None:
        """Raises Unauthenticated when the session has ended meanwhile."""
        if claims.session_id in self._revocations:
            raise Unauthenticated("The session has ended.")
