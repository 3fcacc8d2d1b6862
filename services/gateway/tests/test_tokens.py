import base64
import json
import time

from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from tertulia_shared.tokens import TokenSigner

from .conftest import SESSION, USER

ME = "/api/v1/users/me"


def _claims(**changes) -> dict:
    now = int(time.time())
    return {"iss": "tertulia", "sub": USER, "sid": SESSION, "iat": now, "exp": now + 600, **changes}


def _forged(house) -> dict[str, str]:
    stranger = OKPKey.generate_key("Ed25519", parameters={"kid": "k1", "alg": "Ed25519"})
    unknown = OKPKey.generate_key("Ed25519", parameters={"kid": "k9", "alg": "Ed25519"})
    good = house.token()
    head, claims, signature = good.split(".")
    other = base64.urlsafe_b64encode(json.dumps(_claims(sub="somebody")).encode()).rstrip(b"=").decode()
    none = base64.urlsafe_b64encode(b'{"alg":"none","kid":"k1"}').rstrip(b"=").decode()
    public = json.dumps(house.key.as_dict(private=False)).encode()
    return {
        "signed with another key under our kid": TokenSigner(stranger).issue(USER, SESSION, 600),
        "signed with a key nobody knows": TokenSigner(unknown).issue(USER, SESSION, 600),
        "other claims under a real signature": f"{head}.{other}.{signature}",
        "no algorithm": f"{none}.{claims}.",
        "HMAC with the public key": jwt.encode(
            {"alg": "HS256", "kid": "k1"}, _claims(), OctKey.import_key(public), algorithms=["HS256"]
        ),
        "another issuer": jwt.encode(
            {"alg": "Ed25519", "kid": "k1"}, _claims(iss="evil"), house.key, algorithms=["Ed25519"]
        ),
        "cut short": good[:-4],
        "nonsense": "nonsense",
        "too long": "a" * 5000,
        "not ASCII": "té.st.x",
    }


async def test_a_forged_token_reaches_no_service(house, subtests):
    for case, token in _forged(house).items():
        with subtests.test(case):
            answer = await house.ask(ME, headers={"Authorization": f"Bearer {token}"})
            assert (answer.status, answer.json["code"]) == (401, "unauthenticated")
            assert not house.chat.calls


async def test_an_expired_token_says_that_it_has_expired(house):
    answer = await house.ask(ME, headers={"Authorization": f"Bearer {house.token(ttl_s=-5)}"})
    assert (answer.status, answer.json["code"]) == (401, "token_expired")
    assert not house.chat.calls


async def test_a_token_that_was_good_expires_on_an_open_connection(house):
    connection = await house.connect()
    bearer = {"Authorization": f"Bearer {house.token(ttl_s=1)}"}
    assert (await connection.request("GET", ME, bearer)).status == 200
    while (answer := await connection.request("GET", ME, bearer)).status == 200:
        pass
    assert (answer.status, answer.json["code"]) == (401, "token_expired")


async def test_another_kind_of_authorization_is_none(house, subtests):
    for value in ("", "Basic eA==", "Bearer", "Bearer ", "token"):
        with subtests.test(value):
            answer = await house.ask(ME, headers={"Authorization": value})
            assert (answer.status, answer.json["code"]) == (401, "unauthenticated")


async def test_without_keys_the_answer_is_503_and_not_a_yes(house):
    await house.chat.stop()
    answer = await house.ask("/api/v1/events", headers=house.bearer)
    assert (answer.status, answer.json["code"]) == (503, "dependency_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert not house.notify.calls
