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
            "/api/v1/telemetry/traces": {"post": _report_spans()},
            "/api/openapi.json": {
                "get": _operation("OpenApi", "This description", "application/json", {"type": "object"})
            },
            "/api/docs": {"get": _operation("Docs", "This description as a page", "text/html", {"type": "string"})},
        },
        "components": {"schemas": components},
    }


def _report_spans() -> dict[str, Any]:
    """The body is OTLP's own; describing its every field again would only be another place to be wrong in."""
    return {
        "tags": ["service"],
        "summary": "Report a page's spans",
        "description": (
            "OTLP/HTTP in its JSON mapping (ExportTraceServiceRequest), at most 64 KiB and 128 spans. Worth sending "
            "only while `/api/v1/status` says `tracing`. 204 does not promise that they are kept."
        ),
        "operationId": "ReportSpans",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object", "required": ["resourceSpans"]}}},
        },
        "responses": {"204": {"description": "Taken"}},
    }


def _operation(name: str, summary: str, media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "tags": ["service"],
        "summary": summary,
        "operationId": name,
        "responses": {"200": {"description": "OK", "content": {media_type: {"schema": schema}}}},
    }
