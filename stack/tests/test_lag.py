"""How far behind a service says it is."""

from tertulia_stack.lag import lag_in, lag_of
from tertulia_stack.ports import free_port


def test_the_latest_of_the_known_gauges_counts():
    metrics = """\
# HELP bus_consumer_lag_seconds Age of the oldest message that is not settled.
# TYPE bus_consumer_lag_seconds gauge
bus_consumer_lag_seconds{consumer="search"} 2.04
search_index_lag_seconds 7.5
http_request_seconds_count{method="GET",route="/a b",status="200"} 900.0
"""
    assert lag_in(metrics) == 7.5


def test_a_service_that_follows_nothing_has_no_lag():
    assert lag_in("service_ready 1.0\n") is None


async def test_nobody_there_has_no_lag():
    assert await lag_of(f"http://127.0.0.1:{free_port()}/readyz") is None
