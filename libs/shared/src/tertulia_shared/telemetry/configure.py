"""Set up once per process, before anything else logs."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tertulia_shared.settings import ServiceSettings
from tertulia_shared.telemetry.logs import configure_logs
from tertulia_shared.telemetry.trace import use_tracer

_provider: TracerProvider | None = None


def configure(service: str, settings: ServiceSettings) -> None:
    """Logs to stderr; spans to `settings.otel_exporter_otlp_endpoint` (OTLP over HTTP) when it is set."""
    configure_logs(service, settings.log_level, settings.log_format)
    endpoint = settings.otel_exporter_otlp_endpoint
    if endpoint is None:
        use_tracer(None)
        return
    provider = TracerProvider(resource=Resource.create({"service.name": f"tertulia-{service}"}))
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    use_tracer(provider.get_tracer("tertulia"))
    global _provider  # noqa: PLW0603 -- one exporter per process
    _provider = provider


def shutdown() -> None:
    """Send the spans that still wait, and stop recording."""
    global _provider  # noqa: PLW0603
    use_tracer(None)
    if _provider is not None:
        _provider.shutdown()
        _provider = None
