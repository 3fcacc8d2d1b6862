"""One OpenAPI 3.1 document out of those of the services, in a stable order."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any

import aiohttp
import msgspec

from tertulia_gateway.apidocs.own import own_document
from tertulia_shared.problems import DependencyUnavailable

Document = dict[str, Any]

SCHEMA_PATH = "/schema/openapi.json"
REMEMBER_S = 60.0
FETCH_TIMEOUT_S = 3.0
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
PUBLIC_OPERATIONS = {
    ("/api/v1/auth/register", "post"),
    ("/api/v1/auth/login", "post"),
    ("/api/v1/auth/refresh", "post"),
    ("/api/v1/auth/logout", "post"),
    ("/api/v1/status", "get"),
    ("/api/openapi.json", "get"),
    ("/api/docs", "get"),
}
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")


def merge(documents: Mapping[str, Document]) -> Document:
    """The documents by service name. Raises ValueError when two describe one operation, or two shapes share a name."""
    paths: dict[str, Document] = {}
    components: dict[str, Document] = {}
    for service, document in documents.items():
        for path, item in document.get("paths", {}).items():
            if path.startswith(PUBLIC_PREFIX):
                _add_path(paths, path, item, service)
        for kind, parts in (document.get("components") or {}).items():
            _add_components(components.setdefault(kind, {}), parts, f"{service}: {kind}")
    components.setdefault("securitySchemes", {})["bearer"] = BEARER
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": {path: _in_order(path, paths[path]) for path in sorted(paths)},
        "components": {kind: dict(sorted(parts.items())) for kind, parts in sorted(components.items())},
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


def _in_order(path: str, item: Document) -> Document:
    ordered = {method: item[method] for method in METHODS if method in item}
    for method, operation in ordered.items():
        if (path, method) in PUBLIC_OPERATIONS:
            ordered[method] = {**operation, "security": []}
    return ordered


class ApiDocument:
    """The merged document of the running system, fetched when asked for and kept for a minute."""

    def __init__(self, http: aiohttp.ClientSession, services: Mapping[str, str]) -> None:
        self._http = http
        self._services = services
        self._known: Document | None = None
        self._fetched_at = 0.0
        self._fetching = asyncio.Lock()

    async def get(self) -> Document:
        """An older one serves while a service is away. Raises DependencyUnavailable when there is none yet."""
        async with self._fetching:
            if self._known is None or monotonic() - self._fetched_at > REMEMBER_S:
                try:
                    self._known = await self._fetch()
                    self._fetched_at = monotonic()
                except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
                    if self._known is None:
                        raise DependencyUnavailable("A service that describes itself does not answer.") from error
            return self._known

    async def _fetch(self) -> Document:
        documents = {"gateway": own_document()}
        timeout = aiohttp.ClientTimeout(total=FETCH_TIMEOUT_S)
        for name, url in self._services.items():
            async with self._http.get(url.rstrip("/") + SCHEMA_PATH, timeout=timeout) as answer:
                answer.raise_for_status()
                documents[name] = msgspec.json.decode(await answer.read())
        return merge(documents)
