"""Access tokens at the edge. What was verified is remembered by the header's bytes: the hot path is one look-up."""

import time
from collections import OrderedDict

from tertulia_shared.problems import TokenExpired
from tertulia_shared.tokens import Claims, TokenVerifier, bearer_value

_REMEMBERED = 20_000


class Authenticator:
    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier
        self._known: OrderedDict[bytes, Claims] = OrderedDict()

    def known(self, authorization: bytes) -> Claims | None:
        """The claims of a header seen before. Raises TokenExpired once its time is over."""
        claims = self._known.get(authorization)
        if claims is not None and claims.expires_at <= time.time():
            del self._known[authorization]
            raise TokenExpired
        return claims

    async def verify(self, authorization: bytes) -> Claims:
        """Raises Unauthenticated, TokenExpired, or DependencyUnavailable when no keys can be had."""
        claims = await self._verifier.verify(bearer_value(authorization.decode("latin-1")))
        self._known[authorization] = claims
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return claims
