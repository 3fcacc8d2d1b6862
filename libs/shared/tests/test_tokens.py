"""Access tokens and service tokens: who may pass, and everything that may not."""

import base64
import json
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from tertulia_shared.problems import DependencyUnavailable, TokenExpired, Unauthenticated
from tertulia_shared.settings import SecretKeys
from tertulia_shared.tokens import RemoteJwks, ServiceTokens, TokenSigner, TokenVerifier, bearer


def new_key(kid: str) -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": kid}, private=True)


class Keys:
    """A key source whose keys a test can change, counting how often it is asked."""

    def __init__(self, *keys: OKPKey) -> None:
        self.keys = {key.kid: OKPKey.import_key(key.as_dict(private=False)) for key in keys}
        self.asked = 0

    async def key(self, kid: str) -> OKPKey | None:
        self.asked += 1
        return self.keys.get(kid)


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


KEY = new_key("k1")


async def test_a_signed_token_tells_who_is_asking():
    claims = await TokenVerifier(Keys(KEY)).verify(TokenSigner(KEY).issue("ana", "session-1", 60))

    assert (claims.user_id, claims.session_id) == ("ana", "session-1")
    assert claims.expires_at - claims.issued_at == 60


async def test_a_token_is_checked_once_and_then_remembered():
    keys = Keys(KEY)
    verifier = TokenVerifier(keys)
    token = TokenSigner(KEY).issue("ana", "s", 60)

    for _ in range(3):
        await verifier.verify(token)

    assert keys.asked == 1


async def test_a_remembered_token_still_expires():
    clock = Clock()
    verifier = TokenVerifier(Keys(KEY), clock)
    token = TokenSigner(KEY, clock).issue("ana", "s", 60)
    await verifier.verify(token)

    clock.now += 61

    with pytest.raises(TokenExpired):
        await verifier.verify(token)


def _unsigned(header: dict[str, str]) -> str:
    claims = {"iss": "tertulia", "sub": "ana", "sid": "s", "iat": 1, "exp": 9_999_999_999}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*parts, ""])


def _raw_header(header: bytes) -> str:
    """A header that is JSON, but not what a header is."""
    return base64.urlsafe_b64encode(header).rstrip(b"=").decode() + ".e30.e30"


def _signed_with_the_public_key_as_secret() -> str:
    """The classic confusion of algorithms: the public key is no secret, so it must not count as one."""
    secret = OctKey.import_key(base64.urlsafe_b64decode(KEY.as_dict(private=False)["x"] + "="))
    claims = {"iss": "tertulia", "sub": "ana", "sid": "s", "iat": 1, "exp": 9_999_999_999}
    return jwt.encode({"alg": "HS256", "kid": "k1"}, claims, secret)


def _other_issuer() -> str:
    claims = {"iss": "elsewhere", "sub": "ana", "sid": "s", "iat": 1, "exp": 9_999_999_999}
    return jwt.encode({"alg": "Ed25519", "kid": "k1"}, claims, KEY, algorithms=["Ed25519"])


def _missing_claims() -> str:
    return jwt.encode({"alg": "Ed25519", "kid": "k1"}, {"iss": "tertulia"}, KEY, algorithms=["Ed25519"])


FORGED = {
    "nothing": "",
    "not a token": "hello",
    "three empty parts": "..",
    "no algorithm": _unsigned({"alg": "none", "kid": "k1"}),
    "algorithm confusion": _signed_with_the_public_key_as_secret(),
    "another key under a known name": TokenSigner(new_key("k1")).issue("ana", "s", 60),
    "an unknown key": TokenSigner(new_key("k2")).issue("ana", "s", 60),
    "another issuer": _other_issuer(),
    "missing claims": _missing_claims(),
    "far too long": "a" * 5000,
    "changed": TokenSigner(KEY).issue("ana", "s", 60).replace(".", ".e", 1),
    "not ASCII": "é.é.é",
    "a list for a header": _raw_header(b'["alg"]'),
    "text for a header": _raw_header(b'"alg"'),
    "null for a header": _raw_header(b"null"),
    "a name that is no text": _raw_header(b'{"alg":"Ed25519","kid":["k1"]}'),
    "an algorithm that is no text": _raw_header(b'{"alg":[],"kid":"k1"}'),
    "a deeply nested header": _raw_header(b'{"alg":' + b"[" * 300),
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
async def test_a_forged_token_is_refused(token: str):
    with pytest.raises(Unauthenticated):
        await TokenVerifier(Keys(KEY)).verify(token)


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
def test_a_forged_service_token_is_refused(token: str):
    with pytest.raises(Unauthenticated):
        ServiceTokens(SecretKeys(b"s" * 32)).verify(token)


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer", "Bearer  ", "token abc"])
def test_a_header_without_a_bearer_token_is_refused(header: str):
    with pytest.raises(Unauthenticated):
        bearer({"authorization": header})


def test_the_scheme_is_case_insensitive():
    assert bearer({"authorization": "bearer abc"}) == "abc"


class JwksServer:
    """A real HTTP server that serves whatever keys the test puts there."""

    def __init__(self) -> None:
        self.keys: list[OKPKey] = []
        self.hits = 0
        self.fails = False
        self.url = ""

    async def serve(self, _: web.Request) -> web.Response:
        self.hits += 1
        if self.fails:
            return web.Response(status=500)
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})


@pytest.fixture
async def jwks() -> AsyncIterator[JwksServer]:
    server = JwksServer()
    application = web.Application()
    application.router.add_get("/jwks.json", server.serve)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}/jwks.json"
    yield server
    await runner.cleanup()


async def test_a_rotated_key_is_found_and_unknown_ones_do_not_flood_the_issuer(jwks: JwksServer):
    clock = Clock()
    remote = RemoteJwks(jwks.url, clock)
    verifier = TokenVerifier(remote)
    jwks.keys = [KEY]
    await verifier.verify(TokenSigner(KEY).issue("ana", "s", 60))
    rotated = new_key("k2")
    jwks.keys = [KEY, rotated]

    with pytest.raises(Unauthenticated):
        await verifier.verify(TokenSigner(rotated).issue("ana", "s", 60))
    clock.now += 6
    claims = await verifier.verify(TokenSigner(rotated).issue("ben", "s", 60))

    assert claims.user_id == "ben"
    assert jwks.hits == 2


async def test_without_the_issuer_known_keys_go_on_and_unknown_ones_are_an_outage(jwks: JwksServer):
    clock = Clock()
    jwks.fails = True
    verifier = TokenVerifier(RemoteJwks(jwks.url, clock))
    token = TokenSigner(KEY).issue("ana", "s", 60)

    with pytest.raises(DependencyUnavailable):
        await verifier.verify(token)
    jwks.fails, jwks.keys = False, [KEY]
    await verifier.verify(token)
    jwks.fails = True
    clock.now += 60

    assert (await verifier.verify(TokenSigner(KEY).issue("ana", "s2", 60))).session_id == "s2"


def test_a_service_token_names_its_service_for_a_minute():
    clock = Clock()
    tokens = ServiceTokens(SecretKeys(b"s" * 32), clock)
    token = tokens.issue("notify")

    assert tokens.verify(token) == "notify"
    clock.now += 61
    with pytest.raises(Unauthenticated):
        tokens.verify(token)


def test_service_tokens_survive_a_rotation_of_the_secret():
    token = ServiceTokens(SecretKeys(b"f" * 32)).issue("notify")

    assert ServiceTokens(SecretKeys(b"n" * 32, (b"f" * 32,))).verify(token) == "notify"


def test_an_access_token_is_not_a_service_token():
    with pytest.raises(Unauthenticated):
        ServiceTokens(SecretKeys(b"s" * 32)).verify(TokenSigner(KEY).issue("ana", "s", 60))
