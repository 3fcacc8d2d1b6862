"""Every error is a problem document with a stable code (RFC 9457)."""

import json
from typing import Annotated

import msgspec
import pytest
from litestar import Litestar, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.testing import AsyncTestClient

from tertulia_shared.problems import (
    PROBLEM_HANDLERS,
    Conflict,
    DependencyUnavailable,
    FieldError,
    NotFound,
    RateLimited,
    Unauthenticated,
    ValidationFailed,
    problem_body,
)
from tertulia_shared.telemetry import TraceMiddleware


class Address(msgspec.Struct, forbid_unknown_fields=True):
    city: Annotated[str, msgspec.Meta(min_length=1)]


class Person(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    homes: list[Address]


@post("/people")
async def create(data: JSONBody[Person]) -> Person:
    return data


@get("/people")
async def browse(limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50) -> int:
    return limit


@get("/raise/{kind:str}")
async def fail(kind: FromPath[str]) -> None:
    raise {
        "conflict": Conflict("Taken."),
        "missing": NotFound(),
        "down": DependencyUnavailable(retry_after=2.4),
        "busy": RateLimited(retry_after=0.2),
        "anonymous": Unauthenticated(),
        "bug": RuntimeError("the password is hunter2"),
        "fields": ValidationFailed(errors=[FieldError("is taken", pointer="/name")]),
    }[kind]


@pytest.fixture
async def client():
    application = Litestar([create, browse, fail], exception_handlers=PROBLEM_HANDLERS)
    async with AsyncTestClient(TraceMiddleware(application), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("kind", "status", "code", "headers"),
    [
        ("conflict", 409, "conflict", {}),
        ("missing", 404, "not_found", {}),
        ("down", 503, "dependency_unavailable", {"retry-after": "2"}),
        ("busy", 429, "rate_limited", {"retry-after": "1"}),
        ("anonymous", 401, "unauthenticated", {"www-authenticate": "Bearer"}),
        ("bug", 500, "internal_error", {}),
    ],
)
async def test_a_raised_error_becomes_its_document(client, kind: str, status: int, code: str, headers: dict[str, str]):
    answer = await client.get(f"/raise/{kind}")

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["code"] == code
    assert answer.json()["type"] == f"urn:tertulia:problem:{code}"
    assert headers.items() <= dict(answer.headers).items()


async def test_a_problem_names_the_request(client):
    answer = await client.get("/raise/missing", headers={"x-request-id": "my-request-1"})

    assert answer.json()["request_id"] == "my-request-1"


async def test_the_cause_of_a_bug_is_not_told(client):
    assert "hunter2" not in (await client.get("/raise/bug")).text


@pytest.mark.parametrize("body", [b"{", b'{"name": ', b"\xff\xfe", b'{"name": "\\ud800'])
async def test_malformed_json_is_400(client, body: bytes):
    answer = await client.post("/people", content=body, headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"homes": []}, ""),
        ({"name": 1, "homes": []}, "/name"),
        ({"name": "a", "homes": [{"city": ""}]}, "/homes/0/city"),
        ({"name": "a", "homes": [{"city": "b", "zip": 1}]}, "/homes/0"),
        ({"name": "a", "homes": [], "admin": True}, ""),
    ],
)
async def test_a_wrong_body_is_422_and_points_at_the_place(client, body: object, pointer: str):
    answer = await client.post("/people", content=json.dumps(body), headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("limit", ["0", "201", "many"])
async def test_a_wrong_parameter_is_422_and_is_named(client, limit: str):
    answer = await client.get(f"/people?limit={limit}")

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [error["parameter"] for error in answer.json()["errors"]] == ["limit"]


async def test_an_unknown_address_and_method_have_their_codes(client):
    assert (await client.get("/nowhere")).json()["code"] == "not_found"
    assert (await client.delete("/people")).json()["code"] == "method_not_allowed"


def test_absent_members_are_left_out():
    assert json.loads(problem_body(NotFound(), None)).keys() == {"type", "title", "status", "code"}
