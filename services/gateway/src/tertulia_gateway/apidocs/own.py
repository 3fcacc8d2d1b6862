"""The description of the gateway's own addresses."""

from typing import Any

import msgspec

from tertulia_gateway.status import SystemStatus


def own_document() -> dict[str, Any]:
    (status,), components = msgspec.json.schema_components([SystemStatus], ref_template="#/components/schemas/{name}")
    return {
        "paths": {
            "/api/v1/status": {
                "get": _operation("Status", "How the parts of the system are", "application/json", status)
            },
            "/api/openapi.json": {
                "get": _operation("OpenApi", "This description", "application/json", {"type": "object"})
            },
            "/api/docs": {"get": _operation("Docs", "This description as a page", "text/html", {"type": "string"})},
        },
        "components": {"schemas": components},
    }


def _operation(name: str, summary: str, media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "tags": ["service"],
        "summary": summary,
        "operationId": name,
        "responses": {"200": {"description": "OK", "content": {media_type: {"schema": schema}}}},
    }
