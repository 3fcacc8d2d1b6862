"""docker-compose.yml: valid by the specification's schema, and right for the processes that it starts."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import compose_file
import jsonschema
import pytest

from .processes import REPOSITORY, SECRET, SETTINGS, accept, unknown

SCHEMA = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
VALUES = {name: "a1b2c3" for name in compose_file.required_variables()} | {"SECRET_KEY": SECRET}
FILE = compose_file.read(VALUES)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
LONG_RUNNING = {name: service for name, service in SERVICES.items() if not name.startswith("migrate-")}


def each(services: dict[str, dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("service", services.values(), ids=services)


def test_it_follows_the_specification():
    jsonschema.Draft202012Validator(SCHEMA).validate(FILE)


def test_the_schema_finds_a_mistake():
    wrong = {"services": {"chat": {"image": "tertulia-chat", "restart": "unless-stopped", "helthcheck": {}}}}
    with pytest.raises(jsonschema.ValidationError, match="helthcheck"):
        jsonschema.Draft202012Validator(SCHEMA).validate(wrong)


def test_the_example_asks_for_exactly_what_is_required():
    assert compose_file.example_variables() == compose_file.required_variables()


@pytest.mark.parametrize("name", sorted(compose_file.required_variables()))
def test_it_refuses_to_start_without_a_secret(name: str):
    with pytest.raises(compose_file.VariableMissing, match=name):
        compose_file.read({key: value for key, value in VALUES.items() if key != name})


def test_no_secret_is_written_down():
    text = compose_file.FILE.read_text()
    for line in text.splitlines():
        if re.search(r"(PASSWORD|SECRET|TOKEN|KEY)\w*: ", line) and not line.lstrip().startswith("#"):
            assert "${" in line or "TOKEN_BUDGET" in line, line


@each(OURS)
def test_a_process_accepts_its_environment(service: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    env = {name: str(value) for name, value in service["environment"].items()}
    assert accept(service["command"], env, monkeypatch)
    assert not unknown(env)


def test_every_process_runs():
    commands = {" ".join(service["command"]) for service in OURS.values()}
    assert commands == set(SETTINGS)


@each(OURS)
def test_an_address_leads_to_a_service_that_is_there(service: dict[str, Any]):
    ports = {"postgres": 5432, "nats": 4222, "meilisearch": 7700, "clickhouse": 8123, "jaeger": 4318}
    for name, value in service["environment"].items():
        if "://" in str(value):
            address = urlsplit(str(value))
            assert address.hostname in SERVICES, f"{name} leads to {address.hostname}"
            assert address.port == ports.get(address.hostname, 8000), name
            assert set(networks(SERVICES[address.hostname])) & set(networks(service)), name


def networks(service: dict[str, Any]) -> list[str]:
    return service["networks"]


@each(LONG_RUNNING)
def test_a_service_is_restarted_bounded_and_pinned(service: dict[str, Any]):
    assert service["restart"] == "unless-stopped"
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", service["image"]), service["image"]
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
    assert "stop_grace_period" in service
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["logging"]["options"]["max-size"]


@each({name: LONG_RUNNING[name] for name in LONG_RUNNING if name not in {"jaeger", "node-exporter"}})
def test_a_service_says_whether_it_takes_work(service: dict[str, Any]):
    assert service["healthcheck"]["test"][0] == "CMD"


@each(OURS)
def test_our_own_are_hardened(service: dict[str, Any]):
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "volumes" not in service, "our services keep nothing on a disk here"


@each(SERVICES)
def test_dependencies_exist_and_say_when_they_count_as_there(service: dict[str, Any]):
    for name, wanted in service.get("depends_on", {}).items():
        expected = "service_completed_successfully" if name.startswith("migrate-") else "service_healthy"
        assert wanted["condition"] == expected
        assert name in SERVICES
        assert name.startswith("migrate-") or "healthcheck" in SERVICES[name]


def test_only_the_gateway_is_published_and_the_rest_on_the_loopback():
    published = {name: port for name, service in SERVICES.items() for port in service.get("ports", ())}
    assert set(published) == {"gateway", "prometheus", "grafana", "jaeger"}
    assert all(port.startswith("127.0.0.1:") for port in published.values()), "by default even the gateway"
    assert published["gateway"].endswith(":8000")
    assert FILE["networks"]["back"]["internal"] is True


@each(SERVICES)
def test_what_is_mounted_exists(service: dict[str, Any]):
    for volume in service.get("volumes", ()):
        source = volume.split(":")[0]
        if source.startswith("./"):
            assert (REPOSITORY / source).exists(), volume
        elif source != "/":
            assert source in FILE["volumes"], volume


def test_prometheus_knows_every_process_by_an_address_that_is_there():
    from .prometheus_files import JOBS

    for job, target in JOBS.items():
        host, port = target.split(":")
        if job == "prometheus":
            continue
        assert host in SERVICES
        service = SERVICES[host]
        assert port == ("9100" if job == "host" else service["environment"].get("OPS_PORT", "8000"))
    silent = {"model"}  # llama.cpp's own server
    assert set(JOBS) - {"host", "prometheus"} == {name for name in OURS if not name.startswith("migrate-")} - silent
