"""/healthz, /readyz and /metrics, the same in every service."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from tertulia_shared.runtime.health import Health, Readiness
from tertulia_shared.telemetry import render_metrics


def health_routes(health: Health) -> list[HTTPRouteHandler]:
    """Litestar handlers for `Litestar(route_handlers=[…, *health_routes(health)])`. They are not in the OpenAPI."""

    @get("/healthz", include_in_schema=False, sync_to_thread=False)
    def healthz() -> dict[str, str]:
        """200 while the event loop turns; says nothing about dependencies."""
        return {"status": "alive"}

    @get("/readyz", include_in_schema=False)
    async def readyz() -> Response[Readiness]:
        readiness = await health.readiness()
        return Response(readiness, status_code=200 if readiness.status == "ready" else 503)

    @get("/metrics", include_in_schema=False)
    async def metrics() -> Response[bytes]:
        await health.readiness()  # its gauges are as new as the rest
        body, content_type = render_metrics()
        return Response(body, media_type=content_type)

    return [healthz, readyz, metrics]
