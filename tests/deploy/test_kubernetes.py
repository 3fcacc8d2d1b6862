"""The manifests as `kubectl` builds them: valid, hardened, and consistent with what the processes need."""

import base64
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml
from kubernetes_validate import utils as schemas

from .network import Cluster
from .processes import REPOSITORY, SECRET, accept, documents, fields_of, unknown
from .prometheus_files import JOBS

K8S = REPOSITORY / "deploy" / "k8s"
OVERLAYS = ("dev", "prod")
DRAIN_S = 3 + 4 + 2  # drain, responses, cancel: tertulia_shared.runtime.process
DEFAULT_PORTS = {"https": 443}
# What an operator's secret store has to hold, as docs/operations/kubernetes.md lists it.
OUTSIDE = {
    "SECRET_KEY": SECRET,
    "NATS_URL": "nats://token@nats.stores:4222",
    "POSTGRES_URL": "postgresql://user:secret@postgres.stores:5432/database",
    "SEARCH_URL": "meilisearch://meilisearch.stores:7700",
    "OPENAI_BASE_URL": "https://provider.example.org/v1",
    "CLICKHOUSE_URL": "clickhouse://user:secret@clickhouse.stores:8123/tertulia",
}


@cache
def built(overlay: str) -> list[dict[str, Any]]:
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run(
        [kubectl, "kustomize", K8S / "overlays" / overlay], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr.lower()
    return documents(done.stdout)


def of_kind(overlay: str, *kinds: str) -> list[dict[str, Any]]:
    return [document for document in built(overlay) if document["kind"] in kinds]


def name_of(document: dict[str, Any]) -> str:
    return document["metadata"]["name"]


def every(*kinds: str) -> pytest.MarkDecorator:
    found = [(overlay, document) for overlay in OVERLAYS for document in of_kind(overlay, *kinds)]
    return pytest.mark.parametrize(
        ("overlay", "document"), found, ids=[f"{overlay} {each['kind']} {name_of(each)}" for overlay, each in found]
    )


def template(document: dict[str, Any]) -> dict[str, Any]:
    return document["spec"]["template"]


def container(document: dict[str, Any]) -> dict[str, Any]:
    (only,) = template(document)["spec"]["containers"]
    return only


def environment(overlay: str, document: dict[str, Any]) -> dict[str, str]:
    """What the process sees. Secrets are the overlay's own, or the operator's."""
    values: dict[str, str] = {}
    maps = {name_of(each): each.get("data", {}) for each in of_kind(overlay, "ConfigMap")}
    secrets = {name_of(each): each["data"] for each in of_kind(overlay, "Secret")}
    for source in container(document).get("envFrom", ()):
        values |= maps[source["configMapRef"]["name"]]
    for entry in container(document).get("env", ()):
        if "value" in entry:
            values[entry["name"]] = entry["value"]
            continue
        reference = entry["valueFrom"]["secretKeyRef"]
        kept = secrets.get(reference["name"], {}).get(reference["key"])
        if kept is not None:
            values[entry["name"]] = base64.b64decode(kept).decode()
        elif not reference.get("optional"):
            assert overlay == "prod", f"{reference} is missing"
            values[entry["name"]] = OUTSIDE[reference["key"]]
    return values


def is_ours(document: dict[str, Any]) -> bool:
    return "tertulia" in container(document)["image"]


@pytest.fixture
def schemas_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All definitions of a release would be read anew for every object."""
    monkeypatch.setattr(schemas, "schema_contents", cache(schemas.schema_contents))


@pytest.mark.usefixtures("schemas_read_once")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_follows_its_schema(overlay: str):
    for document in built(overlay):
        kubernetes_validate.validate(document, "1.37", strict=True)


def test_the_schemas_find_a_mistake():
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"prots": []}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.37", strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_is_in_the_namespace_and_belongs_together(overlay: str):
    for document in built(overlay):
        if document["kind"] != "Namespace":
            assert document["metadata"]["namespace"] == "tertulia"
        assert document["metadata"]["labels"]["app.kubernetes.io/part-of"] == "tertulia"
    names = [(document["kind"], name_of(document)) for document in built(overlay)]
    assert len(names) == len(set(names))


@every("Deployment", "StatefulSet", "Job")
def test_a_pod_may_do_nothing_that_it_does_not_need(overlay: str, document: dict[str, Any]):
    pod, only = template(document)["spec"], container(document)
    assert pod["automountServiceAccountToken"] is False
    # A Service called `search` would set SEARCH_PORT and the like in every pod.
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    mounted = {mount["name"] for mount in only["volumeMounts"]}
    offered = {volume["name"] for volume in pod["volumes"]}
    offered |= {claim["metadata"]["name"] for claim in document["spec"].get("volumeClaimTemplates", ())}
    assert mounted == offered


@every("Deployment", "StatefulSet", "Job")
def test_a_container_is_bounded_and_pinned(overlay: str, document: dict[str, Any]):
    only = container(document)
    assert {"cpu", "memory"} <= set(only["resources"]["requests"])
    assert "memory" in only["resources"]["limits"]
    assert re.search(r":v?\d+\.\d+[\w.-]*$", only["image"]), only["image"]


@every("Deployment", "StatefulSet")
def test_a_pod_is_probed_on_a_port_that_it_has(overlay: str, document: dict[str, Any]):
    only = container(document)
    ports = {port["name"]: port["containerPort"] for port in only["ports"]}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        if "httpGet" in only[probe]:
            assert only[probe]["httpGet"]["port"] in ports
    if is_ours(document) and name_of(document) != "model":
        assert only["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert only["readinessProbe"]["httpGet"]["path"] == "/readyz"


@every("Deployment", "Job")
def test_a_process_accepts_its_environment(overlay: str, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    env = environment(overlay, document)
    settings = accept(container(document)["args"], env, monkeypatch)
    assert not unknown(env)
    port = getattr(settings, "port", None)
    if document["kind"] == "Deployment":
        assert port in {each["containerPort"] for each in container(document)["ports"]}


@every("Deployment", "Job")
def test_a_process_knows_no_secret_that_it_has_no_use_for(overlay: str, document: dict[str, Any]):
    """Only what its settings name is handed to it."""
    references = [entry["name"] for entry in container(document).get("env", ()) if "valueFrom" in entry]
    assert set(references) <= fields_of(container(document)["args"])


@every("Deployment")
def test_a_pod_has_time_to_end_and_friends_elsewhere(overlay: str, document: dict[str, Any]):
    pod, only = template(document)["spec"], container(document)
    assert pod["terminationGracePeriodSeconds"] > only["lifecycle"]["preStop"]["sleep"]["seconds"] + DRAIN_S
    assert {spread["topologyKey"] for spread in pod["topologySpreadConstraints"]} == {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    }
    labels = template(document)["metadata"]["labels"]
    disruption = {name_of(each): each for each in of_kind(overlay, "PodDisruptionBudget")}[name_of(document)]
    assert disruption["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert pod["serviceAccountName"] in {name_of(each) for each in of_kind(overlay, "ServiceAccount")}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_streams_survive_a_deployment(overlay: str):
    strategies = {name_of(each): each["spec"]["strategy"] for each in of_kind(overlay, "Deployment")}
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert strategies["notify"] == strategies["gateway"] == rolling
    assert strategies["search"] == {"type": "Recreate"}, "one writer of the index"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_ingress_lets_streams_through(overlay: str):
    (ingress,) = of_kind(overlay, "Ingress")
    notes = ingress["metadata"]["annotations"]
    nginx = "nginx.ingress.kubernetes.io/"
    assert notes[f"{nginx}proxy-buffering"] == "off"
    assert int(notes[f"{nginx}proxy-read-timeout"]) >= 3600
    assert ("tls" in ingress["spec"]) is (overlay == "prod")
    backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    gateway = next(each for each in of_kind(overlay, "Service") if name_of(each) == backend["name"])
    assert backend["port"]["name"] in {port["name"] for port in gateway["spec"]["ports"]}


def test_load_decides_on_the_number_of_replicas_in_production():
    deployments = {name_of(each): each for each in of_kind("prod", "Deployment")}
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"] for each in of_kind("prod", "HorizontalPodAutoscaler")
    }
    assert set(scaled) == {"gateway", "chat-api", "notify", "bot"}
    for name, spec in scaled.items():
        assert "replicas" not in deployments[name]["spec"], "the autoscaler and the manifest would fight"
        assert 2 <= spec["minReplicas"] <= spec["maxReplicas"]
    assert {name: deployments[name]["spec"]["replicas"] for name in deployments if name not in scaled} == {
        "chat-relay": 2,
        "search": 1,
        "analytics": 2,
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_who_needs_whom_may_reach_them_and_nobody_else(overlay: str):
    """Every address in every environment: its Service exists, and the policies on both sides let it pass."""
    cluster = Cluster(built(overlay))
    for document in of_kind(overlay, "Deployment", "Job"):
        for variable, value in environment(overlay, document).items():
            if "://" not in value or variable not in fields_of(container(document)["args"]):
                continue
            address = urlsplit(value)
            assert address.hostname is not None
            port = address.port or DEFAULT_PORTS[address.scheme]
            assert cluster.reaches(name_of(document), address.hostname, port), f"{name_of(document)}: {variable}"
    assert cluster.default_deny
    assert not cluster.reaches("notify", "search", 8000)
    assert not cluster.reaches("gateway", "postgres.stores", 5432)
    assert not cluster.reaches("chat-api", "provider.example.org", 443)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_prometheus_and_the_proxy_reach_what_they_should(overlay: str):
    cluster = Cluster(built(overlay))
    for document in of_kind(overlay, "Deployment"):
        ports = {port["name"]: port["containerPort"] for port in container(document)["ports"]}
        scraped = [port for name, port in ports.items() if name in {"metrics", "http-metrics"}]
        assert bool(scraped) is (name_of(document) != "model")
        assert all(cluster.admits_namespace(name_of(document), "monitoring", port) for port in scraped)
    assert cluster.admits_namespace("gateway", "ingress-nginx", 8000)
    assert not cluster.admits_namespace("gateway", "ingress-nginx", 8001)
    assert not cluster.admits_namespace("chat-api", "ingress-nginx", 8000)


def test_prometheus_makes_the_same_jobs_from_pods_as_from_compose():
    """Debian's promtool is built without Kubernetes' discovery, so this is read here."""
    (job,) = yaml.safe_load((REPOSITORY / "deploy" / "prometheus" / "kubernetes.yml").read_text())["scrape_configs"]
    labels = {next(iter(each["source_labels"])): each for each in job["relabel_configs"]}
    assert labels["__meta_kubernetes_pod_label_app_kubernetes_io_component"]["target_label"] == "job"
    ports = labels["__meta_kubernetes_pod_container_port_name"]["regex"].split("|")
    pods = of_kind("prod", "Deployment")
    scraped = {name_of(pod) for pod in pods if any(port["name"] in ports for port in container(pod)["ports"])}
    assert scraped == set(JOBS) - {"host", "prometheus"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_services_lead_to_ports_of_pods(overlay: str):
    pods = [template(each) for each in of_kind(overlay, "Deployment", "StatefulSet")]
    for service in of_kind(overlay, "Service"):
        selector = service["spec"]["selector"].items()
        (pod,) = [pod for pod in pods if selector <= pod["metadata"]["labels"].items()]
        names = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


@pytest.mark.parametrize("name", ["databases.sh", "nats.conf"])
def test_dev_uses_the_files_of_compose(name: str):
    """kustomize reads nothing from outside its folder, so there are two copies."""
    ours, other = K8S / "overlays" / "dev" / name, REPOSITORY / "deploy" / "compose" / name
    assert ours.read_text() == other.read_text()


def test_the_secrets_of_production_are_documented():
    text = (REPOSITORY / "docs" / "operations" / "kubernetes.md").read_text()
    for document in of_kind("prod", "Deployment", "Job"):
        for entry in container(document).get("env", ()):
            if "valueFrom" in entry:
                reference = entry["valueFrom"]["secretKeyRef"]
                assert re.search(rf"\| `{reference['name']}` \|.*`{reference['key']}`", text), reference
