"""Set up once per process, before anything else logs."""

from typing import Protocol

from tertulia_shared.settings import ServiceSettings
from tertulia_shared.telemetry.logs import configure_logs
from tertulia_shared.telemetry.metrics import tell_build
from tertulia_shared.telemetry.trace import use_tracer


class _Provider(Protocol):
    def shutdown(self) -> None: ...


_provider: _Provider | None = None


def configure(service: str, settings: ServiceSettings) -> None:
    """Logs to stderr; spans to `settings.otel_exporter_otlp_endpoint` (OTLP over HTTP) when it is set."""
    configure_logs(service, settings.log_level, settings.log_format)
    tell_build(service)
    endpoint = settings.otel_exporter_otlp_endpoint
    if endpoint is None:
        use_tracer(None)
        return
    from tertulia_shared.telemetry.export import provider_for  # noqa: PLC0415 see there

    ratio = settings.otel_traces_sampler_arg
    provider = provider_for(service, endpoint, ratio)
    use_tracer(provider.get_tracer("tertulia"), ratio)
    global _provider  # noqa: PLW0603 -- one exporter per process
    _provider = provider


def shutdown() -> None:
    """Send the spans that still wait, and stop recording."""
    global _provider  # noqa: PLW0603
    use_tracer(None)
    if _provider is not None:
        _provider.shutdown()
        _provider = None
