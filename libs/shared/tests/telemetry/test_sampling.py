"""Which traces are recorded: the first hop decides, the others follow, and a stranger cannot ask for more."""

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from pydantic import ValidationError

from tertulia_shared import telemetry
from tertulia_shared.runtime import Health, health_routes
from tertulia_shared.settings import ServiceSettings
from tertulia_shared.telemetry import TraceContext, TraceMiddleware, trace

LOW, HIGH = "0" * 31 + "1", "f" * 32
SPAN = "00f067aa0ba902b7"


def test_an_unsampled_parent_is_followed_and_passed_on(recording) -> None:
    end = recording()
    with telemetry.span("unsampled", parent=TraceContext(LOW, SPAN, sampled=False)) as context:
        assert (context.trace_id, context.sampled) == (LOW, False)
    with telemetry.span("sampled", parent=TraceContext(LOW, SPAN)):
        pass
    assert [span.name for span in end()] == ["sampled"]


def test_the_ratio_counts_where_a_trace_begins(recording) -> None:
    end = recording(0.0)
    with telemetry.span("begins here") as context:
        assert not context.sampled
    with telemetry.span("began elsewhere", parent=TraceContext(LOW, SPAN)):
        pass
    assert [span.name for span in end()] == ["began elsewhere"]


def test_at_the_edge_a_sampled_flag_is_only_a_wish(recording) -> None:
    recording(0.5)
    assert trace.at_the_edge(TraceContext(LOW, SPAN)) == TraceContext(LOW, SPAN)
    assert trace.at_the_edge(TraceContext(HIGH, SPAN)) == TraceContext(HIGH, SPAN, sampled=False)
    assert trace.at_the_edge(TraceContext(LOW, SPAN, sampled=False)) == TraceContext(LOW, SPAN, sampled=False)
    assert trace.at_the_edge(None) is None


def test_without_an_exporter_the_flag_passes_as_it_came() -> None:
    assert trace.at_the_edge(TraceContext(HIGH, SPAN)) == TraceContext(HIGH, SPAN)


@pytest.mark.parametrize("ratio", [-0.1, 1.1])
def test_a_ratio_is_between_none_and_all(ratio: float) -> None:
    with pytest.raises(ValidationError):
        ServiceSettings(port=0, otel_traces_sampler_arg=ratio)


async def test_probes_and_scrapes_leave_no_spans(recording) -> None:
    end = recording()
    app = Litestar(health_routes(Health()), openapi_config=None)
    async with AsyncTestClient(TraceMiddleware(app)) as client:
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await client.get(path)).status_code == 200
    assert end() == []


def test_a_process_tells_its_build() -> None:
    telemetry.configure("search", ServiceSettings(port=0))
    assert 'tertulia_build_info{service="search",version="' in telemetry.render_metrics()[0].decode()
