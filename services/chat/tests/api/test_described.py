"""Whatever chat is asked, it answers as `docs/openapi.json` says: no 5xx, and no status, media type or body besides.

schemathesis draws the questions out of the description, fitting ones and such as do not fit. Every other one names
things that are there, so that it comes further than "nothing here". The short variant asks the same each time: what is
new is found by the full one, not by whoever changes something else.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tertulia_chat.app import openapi_app

ROOT = Path(__file__).parents[4]
DESCRIPTION = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)
ADDRESSES = sorted(
    (path, method)
    for path, item in openapi_app().openapi_schema.to_schema()["paths"].items()
    if path.startswith("/api/v1")
    for method in item
)


def with_real(value: Any, ids: dict[str, str]) -> Any:
    """The same with what has a name that the furnished workspace knows."""
    match value:
        case dict():
            return {key: ids.get(key, with_real(item, ids)) for key, item in value.items()}
        case list():
            return [with_real(item, ids) for item in value]
        case _:
            return value


async def answers_as_described(furnished, address, data):
    path, method = address
    mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
    case = data.draw(SCHEMA[path][method.upper()].as_strategy(generation_mode=mode))
    if data.draw(st.booleans()):
        case.path_parameters = with_real(case.path_parameters, furnished.ids)
        case.body = with_real(case.body, furnished.ids)
    kwargs = case.as_transport_kwargs(base_url="http://chat", headers=furnished.headers("ann"))
    asked = requests.Request(**kwargs).prepare()
    answer = await furnished.chat.http.request(method.upper(), asked.url, headers=asked.headers, content=asked.body)
    case.validate_response(answer, checks=CHECKS)


QUIETLY = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.mark.parametrize("address", ADDRESSES, ids=" ".join)
@given(data=st.data())
@settings(max_examples=6, derandomize=True, **QUIETLY)
async def test_every_answer_is_described(furnished, address, data):
    await answers_as_described(furnished, address, data)


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("address", ADDRESSES, ids=" ".join)
@given(data=st.data())
@settings(max_examples=300, **QUIETLY)
async def test_every_answer_is_described_at_length(furnished, address, data):
    await answers_as_described(furnished, address, data)
