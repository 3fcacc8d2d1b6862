"""A batch shows up in the trace of each of its messages."""

import pytest

from tertulia_shared import telemetry

FIRST = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SECOND = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def messages(*headers: dict[str, str] | None):
    return ((f"index {number}", each) for number, each in enumerate(headers))


def test_every_sampled_message_gets_a_span_in_its_own_trace(recording) -> None:
    end = recording()
    given = messages({"traceparent": FIRST}, {"traceparent": SECOND}, {"traceparent": UNSAMPLED}, {}, None)
    with telemetry.batch_span("index batch", given, attributes={"messaging.batch.message_count": 5}) as batch:
        assert telemetry.current_trace() == batch
    by_name = {span.name: span for span in end()}
    assert set(by_name) == {"index batch", "index 0", "index 1"}
    whole = by_name["index batch"]
    assert not whole.parent_span_id
    for name, parent in (("index 0", FIRST), ("index 1", SECOND)):
        span = by_name[name]
        assert f"00-{span.trace_id.hex()}-{span.parent_span_id.hex()}-01" == parent
        assert [(link.trace_id, link.span_id) for link in span.links] == [(whole.trace_id, whole.span_id)]
        assert span.start_time_unix_nano <= whole.start_time_unix_nano
        assert span.end_time_unix_nano >= whole.start_time_unix_nano
        assert span.status.code == 0
    assert {each.key: each.value.int_value for each in whole.attributes} == {"messaging.batch.message_count": 5}


def test_a_failed_batch_marks_all_its_messages(recording) -> None:
    end = recording()
    with pytest.raises(LookupError), telemetry.batch_span("index batch", messages({"traceparent": FIRST})):
        raise LookupError
    assert {span.name: (span.status.code, span.status.message) for span in end()} == {
        "index batch": (2, "LookupError"),
        "index 0": (2, "LookupError"),
    }


def test_without_an_exporter_the_messages_are_not_looked_at() -> None:
    def given():
        raise AssertionError("asked for")
        yield "never", None

    with telemetry.batch_span("index batch", given()) as context:
        assert telemetry.current_trace() == context
    assert telemetry.current_trace() is None
