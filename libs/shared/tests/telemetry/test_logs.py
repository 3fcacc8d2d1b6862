"""Logs are one JSON object a line, and no secret ever gets into one."""

import json
import logging
from typing import Any

import pytest

from tertulia_shared import telemetry
from tertulia_shared.settings import ServiceSettings

JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.fixture
def lines(capfd):
    telemetry.configure("test", ServiceSettings(port=0))

    def read() -> list[dict[str, Any]]:
        return [json.loads(line) for line in capfd.readouterr().err.splitlines()]

    return read


@pytest.mark.parametrize(
    "key",
    [
        "authorization",
        "Authorization",
        "token",
        "access_token",
        "refreshToken",
        "password",
        "new_password",
        "secret",
        "client_secret",
        "cursor",
        "cookie",
        "set-cookie",
        "api_key",
        "secret_key",
    ],
)
def test_values_under_a_secrets_name_are_redacted_at_any_depth(lines, key: str) -> None:
    telemetry.logger("m").info("event", **{key: "hunter2", "headers": {key: "hunter2"}, "list": [{key: ["hunter2"]}]})
    (line,) = lines()
    assert "hunter2" not in json.dumps(line)
    assert line[key] == "[redacted]"
    assert line["headers"][key] == "[redacted]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Authorization: Bearer {JWT}", "Authorization: Bearer [redacted]"),
        (f"token was {JWT}!", "token was [redacted]!"),
        ("postgresql://user:pw@127.0.0.1:5432/db", "postgresql://[redacted]@127.0.0.1:5432/db"),
        ("nats://hush@127.0.0.1:4222", "nats://[redacted]@127.0.0.1:4222"),
        ("GET /api/v1/stream?cursor=abc.def&x=1", "GET /api/v1/stream?cursor=[redacted]&x=1"),
        ("mail a@example.org", "mail a@example.org"),
    ],
)
def test_credentials_inside_a_text_are_redacted(lines, text: str, expected: str) -> None:
    telemetry.logger("m").info("event", detail=text, raw=text.encode(), error=ValueError(text))
    (line,) = lines()
    assert line["detail"] == line["raw"] == line["error"] == expected


def test_a_traceback_is_redacted_too(lines) -> None:
    try:
        raise RuntimeError("postgresql://user:hunter2@host/db refused")
    except RuntimeError:
        telemetry.logger("m").exception("failed")
    (line,) = lines()
    assert "RuntimeError" in line["exception"]
    assert "hunter2" not in json.dumps(line)


def test_libraries_log_through_the_same_pipeline(lines) -> None:
    logging.getLogger("some.library").warning("refused nats://%s@host", "hunter2")
    logging.getLogger("some.library").info("chatter")
    (line,) = lines()
    assert line["event"] == "refused nats://[redacted]@host"
    assert (line["module"], line["level"], line["service"]) == ("some.library", "warning", "test")


def test_lines_below_the_level_are_not_written(lines) -> None:
    telemetry.logger("m").debug("noise")
    assert lines() == []


def test_console_format_is_readable_and_redacted_as_well(capfd) -> None:
    telemetry.configure("test", ServiceSettings(port=0, log_format="console"))
    telemetry.logger("m").info("hello", password="hunter2")
    text = capfd.readouterr().err
    assert "hello" in text
    assert "hunter2" not in text


def test_metrics_are_an_exposition_that_prometheus_reads() -> None:
    from prometheus_client.parser import text_string_to_metric_families

    body, content_type = telemetry.render_metrics()
    assert content_type.startswith("text/plain")
    names = {family.name for family in text_string_to_metric_families(body.decode())}
    assert "http_request_seconds" in names
    assert "process_resident_memory_bytes" in names
