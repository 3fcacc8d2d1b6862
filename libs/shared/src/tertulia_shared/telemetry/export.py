"""Sending spans over OTLP. Imported only when an endpoint is set: its libraries cost a process 0.2 s to load."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio


def provider_for(service: str, endpoint: str, ratio: float) -> TracerProvider:
    """A provider whose spans go to `endpoint` (OTLP over HTTP), in batches; `ratio` of the traces that begin here."""
    provider = TracerProvider(
        sampler=ParentBasedTraceIdRatio(ratio), resource=Resource.create({"service.name": f"tertulia-{service}"})
    )
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider
