"""One OpenAPI 3.1 document out of those of the services, in a stable order."""

from collections.abc import Iterable, Mapping
from typing import Any

from tertulia_gateway.router import Router
from tertulia_gateway.routes import Auth
from tertulia_shared.problems import MethodNotAllowed, NotFound

Document = dict[str, Any]

PUBLIC_PREFIX = "/api/"
INFO = {
    "title": "Tertulia",
    "version": "1",
    "summary": "Self-hosted, real-time team chat.",
    "description": (
        "JSON in and out; ids are UUIDv7; times are RFC 3339 in UTC. Errors are `application/problem+json` (RFC 9457) "
        "with a stable `code`. Rate-limited answers carry `RateLimit-Limit`, `RateLimit-Remaining` and "
        "`RateLimit-Reset`; 429 and 503 say when to come back in `Retry-After`."
    ),
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
METHODS = ("get", "put", "post", "delete", "patch")


def merge(documents: Mapping[str, Document]) -> Document:
    """The documents by service name. Raises ValueError when two describe one operation, when two shapes share a name,
    or when the gateway would not route what a service describes."""
    paths: dict[str, Document] = {}
    components: dict[str, Document] = {}
    for service, document in documents.items():
        for path, item in document.get("paths", {}).items():
            if path.startswith(PUBLIC_PREFIX):
                _add_path(paths, path, item, service)
        for kind, parts in (document.get("components") or {}).items():
            if kind != "securitySchemes":
                _add_components(components.setdefault(kind, {}), parts, f"{service}: {kind}")
    router = Router()
    merged = {path: _in_order(router, path, paths[path]) for path in sorted(paths)}
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": [{"name": name} for name in sorted(set(_tags(merged)))],
        "paths": merged,
        "components": {
            **{kind: dict(sorted(parts.items())) for kind, parts in sorted(components.items())},
            "securitySchemes": {"bearer": BEARER},
        },
    }


def _add_path(paths: dict[str, Document], path: str, item: Document, service: str) -> None:
    known = paths.setdefault(path, {})
    for method, operation in item.items():
        if method in known:
            raise ValueError(f"{service} describes {method} {path}, which another service has")
        known[method] = operation


def _add_components(known: Document, parts: Mapping[str, Any], where: str) -> None:
    for name, part in parts.items():
        if known.setdefault(name, part) != part:
            raise ValueError(f"{where}/{name} has another shape in another service")


def _in_order(router: Router, path: str, item: Document) -> Document:
    """Whether an operation needs a token is the route table's word, not the service's."""
    ordered: Document = {}
    for method in METHODS:
        if method not in item:
            continue
        try:
            route = router.match(method.upper(), path.replace("{", "").replace("}", ""))
        except (NotFound, MethodNotAllowed):
            raise ValueError(f"no row of the gateway's table routes {method} {path}") from None
        operation = {key: value for key, value in item[method].items() if key != "security"}
        ordered[method] = {**operation, "security": []} if route.auth is Auth.PUBLIC else operation
    return ordered


def _tags(paths: Mapping[str, Document]) -> Iterable[str]:
    for item in paths.values():
        for operation in item.values():
            yield from operation.get("tags", ())
