"""NetworkPolicies, read as a cluster reads them: a connection passes when both ends allow it."""

from collections.abc import Iterable, Mapping
from typing import Any

Labels = Mapping[str, str]
STORES = {"kubernetes.io/metadata.name": "stores", "tertulia.dev/stores": "true"}


class Cluster:
    """The namespace of one overlay. `reaches` takes names of pods' owners and of Services."""

    def __init__(self, objects: list[dict[str, Any]]) -> None:
        self._policies = [each["spec"] for each in objects if each["kind"] == "NetworkPolicy"]
        self._pods = {
            each["metadata"]["name"]: each["spec"]["template"]
            for each in objects
            if each["kind"] in {"Deployment", "StatefulSet", "Job"}
        }
        self._services = {each["metadata"]["name"]: each["spec"] for each in objects if each["kind"] == "Service"}

    @property
    def default_deny(self) -> bool:
        both = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        return both in self._policies

    def reaches(self, source: str, host: str, port: int) -> bool:
        labels = self._labels(source)
        if host in self._services:
            target, container_port = self._behind(host, port)
            peers = [{"pod": self._labels(target)}]
            inbound = self._allows("ingress", "from", self._labels(target), {"pod": labels}, target, container_port)
            return inbound and self._egress(labels, peers, target, container_port)
        if host.endswith(".stores"):
            return self._egress(labels, [{"namespace": STORES}], None, port)
        if host.endswith(".monitoring"):
            return self._egress(labels, [{"namespace": namespace("monitoring")}], None, port)
        return self._egress(labels, [{"internet": True}], None, port)

    def admits_namespace(self, target: str, name: str, port: int) -> bool:
        return self._allows("ingress", "from", self._labels(target), {"namespace": namespace(name)}, target, port)

    def _behind(self, service: str, port: int) -> tuple[str, int]:
        """The pod's owner and its container's port. Raises StopIteration for a port that the Service lacks."""
        spec = self._services[service]
        target = next(each["targetPort"] for each in spec["ports"] if each["port"] == port)
        owner = next(
            name for name, pod in self._pods.items() if spec["selector"].items() <= pod["metadata"]["labels"].items()
        )
        return owner, self._number(owner, target)

    def _number(self, owner: str, port: int | str) -> int | None:
        if isinstance(port, int):
            return port
        ports = self._pods[owner]["spec"]["containers"][0]["ports"]
        return next((each["containerPort"] for each in ports if each["name"] == port), None)

    def _labels(self, owner: str) -> Labels:
        return self._pods[owner]["metadata"]["labels"]

    def _egress(self, labels: Labels, peers: Iterable[dict[str, Any]], target: str | None, port: int) -> bool:
        return any(self._allows("egress", "to", labels, peer, target, port) for peer in peers)

    def _allows(
        self, direction: str, side: str, labels: Labels, peer: dict[str, Any], owner: str | None, port: int
    ) -> bool:
        """Whether some rule of a policy that selects `labels` lets the peer through on the port."""
        for policy in self._policies:
            if not selects(policy["podSelector"], labels):
                continue
            for rule in policy.get(direction, ()):
                ports = [self._number(owner, each["port"]) if owner else each["port"] for each in rule["ports"]]
                if port in ports and any(matches(each, peer) for each in rule[side]):
                    return True
        return False


def namespace(name: str) -> Labels:
    return {"kubernetes.io/metadata.name": name}


def selects(selector: dict[str, Any], labels: Labels) -> bool:
    for wanted in selector.get("matchExpressions", ()):
        if wanted["operator"] != "In":
            raise NotImplementedError(wanted["operator"])
        if labels.get(wanted["key"]) not in wanted["values"]:
            return False
    return selector.get("matchLabels", {}).items() <= labels.items()


def matches(rule: dict[str, Any], peer: dict[str, Any]) -> bool:
    if "ipBlock" in rule:
        return "internet" in peer
    if "namespaceSelector" in rule:
        return "namespace" in peer and selects(rule["namespaceSelector"], peer["namespace"])
    return "pod" in peer and selects(rule["podSelector"], peer["pod"])
