"""The keys that sign access tokens, through the months."""

from datetime import timedelta

import pytest
import pytest_asyncio

from tertulia_chat.accounts.keys import KeyRing
from tertulia_shared.problems import Unauthenticated
from tertulia_shared.settings import SecretKeys
from tertulia_shared.tokens import TokenVerifier

TTL = timedelta(seconds=900)


@pytest_asyncio.fixture(loop_scope="session")
async def ring(chat):
    await chat.sql("DELETE FROM signing_key")
    return lambda secrets=chat.secrets: KeyRing(chat.parts.database, secrets, token_ttl=TTL)


async def kids(ring):
    return [key["kid"] for key in (await ring.jwks())["keys"]]


async def age(chat, days=0, minutes=0):
    await chat.sql(
        "UPDATE signing_key SET created_at = created_at - $1::interval", timedelta(days=days, minutes=minutes)
    )


async def token(ring):
    return (await ring.signer()).issue("user", "session", 900)


async def test_replicas_share_one_key(ring):
    assert await kids(ring()) == await kids(ring())
    await TokenVerifier(ring()).verify(await token(ring()))


async def test_a_key_signs_for_thirty_days_and_verifies_until_its_last_token_has_expired(chat, ring):
    first = ring()
    last_token = await token(first)
    (old,) = await kids(first)
    await age(chat, days=29)
    await first.refresh()
    assert await kids(first) == [old]
    await age(chat, days=1)
    await first.refresh()
    new, kept = await kids(first)
    assert (kept, new != old) == (old, True)
    assert (await TokenVerifier(first).verify(last_token)).user_id == "user"
    await age(chat, minutes=24)
    await first.refresh()
    assert await kids(first) == [new, old]
    await age(chat, minutes=2)
    await first.refresh()
    assert await kids(first) == [new]
    with pytest.raises(Unauthenticated):
        await TokenVerifier(first).verify(last_token)


async def test_the_public_document_holds_nothing_private(chat, ring):
    for key in (await ring().jwks())["keys"]:
        assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
    (row,) = await chat.sql("SELECT sealed_private FROM signing_key")
    assert b"PRIVATE" not in row["sealed_private"]


async def test_a_changed_secret_still_opens_with_the_former_one_kept(chat, ring):
    before = await kids(ring())
    moved = SecretKeys(b"n" * 32, (chat.secrets.current,))
    assert await kids(ring(moved)) == before


async def test_a_lost_secret_makes_a_new_key_and_keeps_the_old_public_half(ring):
    (old,) = await kids(ring())
    signed = await token(ring())
    lost = ring(SecretKeys(b"n" * 32))
    new, kept = await kids(lost)
    assert kept == old
    await TokenVerifier(lost).verify(signed)
    await TokenVerifier(lost).verify(await token(lost))
    assert new != old
