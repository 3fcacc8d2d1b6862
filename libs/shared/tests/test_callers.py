"""Who asks: a good token of a session that has not ended."""

import time
from collections.abc import Callable

import pytest
from joserfc.jwk import OKPKey

from tertulia_shared.callers import Callers
from tertulia_shared.membership import Revocations
from tertulia_shared.problems import TokenExpired, Unauthenticated
from tertulia_shared.tokens import TokenSigner, TokenVerifier


class Keys:
    def __init__(self, key: OKPKey) -> None:
        self._key = key

    async def key(self, kid: str) -> OKPKey | None:
        return self._key if kid == self._key.kid else None


@pytest.fixture
def revocations() -> Revocations:
    return Revocations()


@pytest.fixture
def key() -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": "k"})


@pytest.fixture
def callers(key: OKPKey, revocations: Revocations) -> Callers:
    return Callers(TokenVerifier(Keys(key)), revocations)


@pytest.fixture
def issue(key: OKPKey) -> Callable[[str, str, int], str]:
    return TokenSigner(key).issue


async def test_a_good_token_tells_who_asks(callers: Callers, issue: Callable[[str, str, int], str]) -> None:
    claims = await callers.authenticated(f"Bearer {issue('ada', 's1', 60)}")
    assert (claims.user_id, claims.session_id) == ("ada", "s1")
    assert claims.expires_at > time.time()


async def test_an_ended_session_is_refused_although_its_token_verifies(
    callers: Callers, revocations: Revocations, issue: Callable[[str, str, int], str]
) -> None:
    token = f"Bearer {issue('ada', 's1', 60)}"
    claims = await callers.authenticated(token)
    revocations.add("s1")
    with pytest.raises(Unauthenticated):
        await callers.authenticated(token)
    with pytest.raises(Unauthenticated):
        callers.check(claims)
    assert (await callers.authenticated(f"Bearer {issue('ada', 's2', 60)}")).session_id == "s2"


@pytest.mark.parametrize("header", ["", "Basic x", "Bearer", "Bearer nonsense", "Bearer a.b.c"])
async def test_anything_else_is_nobody(callers: Callers, header: str) -> None:
    with pytest.raises(Unauthenticated):
        await callers.authenticated(header)


async def test_an_expired_token_says_so(callers: Callers, issue: Callable[[str, str, int], str]) -> None:
    with pytest.raises(TokenExpired):
        await callers.authenticated(f"Bearer {issue('ada', 's1', -1)}")
