"""The small parts alone: the ring's bounds, a connection's queue, frames."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tertulia_notify.delivery import frames
from tertulia_notify.delivery.batch import Batch
from tertulia_notify.delivery.connection import MAX_QUEUED_EVENTS, Connection
from tertulia_notify.delivery.ephemeral import MAX_SLOTS, MAX_TEXT_BYTES
from tertulia_notify.delivery.event import Event
from tertulia_notify.delivery.ring import Ring
from tertulia_shared.events import RunDelta
from tertulia_shared.membership import Revocations


def _event(seq: int, size: int = 10, seal: Callable[[int], str] = str) -> Event:
    return Event(
        seq=seq,
        event_id=str(seq),
        event_type="t",
        scope="ch",
        target="C",
        workspace_id="W",
        ch_seq=seq,
        time_ms=None,
        fact=None,
        body=b"x" * size,
        seal=seal,
    )


def _numbers(ring: Ring, after: int) -> list[int]:
    return [event.seq for event in ring.after(after)]


def test_the_ring_keeps_the_newest_by_count() -> None:
    ring = Ring(100, max_events=3, max_bytes=10**6)
    for seq in range(101, 106):
        ring.append(_event(seq))
    assert (ring.floor, ring.head, len(ring), ring.bytes) == (102, 105, 3, 30)
    assert _numbers(ring, 102) == [103, 104, 105]
    assert _numbers(ring, 105) == []


def test_the_ring_keeps_the_newest_by_bytes() -> None:
    ring = Ring(0, max_events=100, max_bytes=25)
    for seq in range(1, 5):
        ring.append(_event(seq))
    assert (ring.floor, ring.bytes) == (2, 20)


def test_a_frame_is_built_once_for_the_first_who_asks() -> None:
    sealed: list[int] = []

    def seal(seq: int) -> str:
        sealed.append(seq)
        return f"sealed {seq} {len(sealed)}"

    ring = Ring(0, max_events=10, max_bytes=10**6)
    for seq in (1, 2):
        ring.append(_event(seq, seal=seal))
    assert sealed == [], "nobody is there to see them"
    event = ring.at(2)
    assert event is not None
    assert event.frame is event.frame
    assert event.frame == b"id: sealed 2 1\nevent: t\ndata: xxxxxxxxxx\n\n"
    assert sealed == [2]
    assert (ring.bytes, event.size) == (20, 10), "what the ring counts does not change"


def test_the_ring_refuses_to_answer_with_a_hole() -> None:
    ring = Ring(5, max_events=3, max_bytes=100)
    with pytest.raises(ValueError, match="begins after 5"):
        _numbers(ring, 4)


def test_numbers_without_an_event_do_not_disturb_the_ring() -> None:
    ring = Ring(0, max_events=2, max_bytes=10**6)
    for seq in (1, 4, 9):
        ring.append(_event(seq))
    ring.pass_over(12)
    assert (ring.floor, ring.head) == (1, 12)
    assert _numbers(ring, 1) == [4, 9]
    ring.append(_event(13))
    assert _numbers(ring, ring.floor) == [9, 13]


Taken = Callable[[Connection], bytes]


def _connection() -> Connection:
    return Connection("ada", "session", 0.0)


def test_one_event_too_many_ends_the_connection_and_queues_only_the_bye(taken: Taken) -> None:
    connection = _connection()
    assert all(connection.push(Batch([b"x"])) for _ in range(MAX_QUEUED_EVENTS))
    assert connection.push(Batch([b"x"])) is False
    assert connection.bye == "slow"
    assert taken(connection).startswith(b"event: bye\n")
    assert connection.push(Batch([b"later"])) is True
    assert taken(connection) == b""


def test_ephemeral_frames_keep_the_latest_and_go_after_the_durable_ones(taken: Taken) -> None:
    connection = _connection()
    connection.push_ephemeral(("c", "u"), b"old")
    connection.push(Batch([b"durable "]))
    connection.push_ephemeral(("c", "u"), b"new")
    assert taken(connection) == b"durable new"
    for number in range(MAX_SLOTS * 2):
        connection.push_ephemeral(("c", str(number)), b"x")
    assert len(taken(connection)) == MAX_SLOTS


def test_nothing_is_queued_for_a_client_that_is_gone(taken: Taken) -> None:
    connection = _connection()
    connection.push(Batch([b"x"]))
    connection.vanish()
    connection.push(Batch([b"y"]))
    connection.push_ephemeral(("c", "u"), b"z")
    connection.end("rotate")
    assert taken(connection) == b""
    assert connection.bye is None


def test_a_line_break_in_a_body_cannot_end_the_frame() -> None:
    frame = frames.durable("id", "t", b'{"a":\n\r\n1}')
    assert frame == b'id: id\nevent: t\ndata: {"a":   1}\n\n'
    assert frames.body_of(frame) == b'{"a":   1}'


def test_an_ended_session_is_remembered_until_its_tokens_are_over() -> None:
    now = 1000.0
    revocations = Revocations(lambda: now)
    revocations.add("told by an event")
    revocations.add("told by a snapshot", 1010.0)
    revocations.add("told by both", 1010.0)
    revocations.add("told by both")
    now = 1011.0
    revocations.forget_expired()
    kept: dict[str, Any] = {name: name in revocations for name in ("told by an event", "told by a snapshot")}
    assert kept == {"told by an event": True, "told by a snapshot": False}
    assert "told by both" in revocations


def _delta(offset: int, text: str, *, run: str = "r1", attempt: int = 1) -> tuple[RunDelta, bytes]:
    delta = RunDelta(workspace_id="W", channel_id="C", run_id=run, attempt=attempt, offset=offset, text=text)
    return delta, frames.named(delta.type, delta)


def _deltas(taken: Taken, connection: Connection) -> list[tuple[int, int, str]]:
    """(attempt, offset, text) of each frame that is sent."""
    blocks = taken(connection).decode().split("\n\n")[:-1]
    bodies = [json.loads(block.partition("\ndata: ")[2]) for block in blocks]
    return [(body["attempt"], body["offset"], body["text"]) for body in bodies]


def test_a_delta_that_waits_is_joined_by_what_follows_it_and_never_replaced(taken: Taken) -> None:
    connection = _connection()
    for offset, text in ((0, "Hel"), (3, "lo 👋"), (7, "!")):
        connection.push_delta(*_delta(offset, text))
    assert _deltas(taken, connection) == [(1, 0, "Hello 👋!")]
    connection.push_delta(*_delta(8, "more"))
    assert _deltas(taken, connection) == [(1, 8, "more")], "what was taken is not told again"


def test_a_hole_another_attempt_and_another_run_begin_a_frame_of_their_own(taken: Taken) -> None:
    connection = _connection()
    connection.push_delta(*_delta(0, "a"))
    connection.push_delta(*_delta(5, "f"))
    connection.push_delta(*_delta(6, "g"))
    connection.push_delta(*_delta(0, "x", run="r2"))
    connection.push_delta(*_delta(0, "again", attempt=2))
    connection.push_delta(*_delta(1, "y", run="r2"))
    assert _deltas(taken, connection) == [(1, 0, "a"), (1, 5, "fg"), (1, 0, "xy"), (2, 0, "again")]


def test_deltas_for_a_client_that_does_not_read_are_bounded(taken: Taken) -> None:
    connection = _connection()
    offset = 0
    for _ in range(5_000):
        connection.push_delta(*_delta(offset, "x" * 100))
        offset += 100
    sent = taken(connection)
    assert len(sent) < MAX_TEXT_BYTES
    assert b'"offset":0,' in sent, "the beginning is kept, so what is missing is at the end"
    for number in range(MAX_SLOTS * 2):
        connection.push_delta(*_delta(0, "x", run=f"r{number}"))
    assert len(_deltas(taken, connection)) == MAX_SLOTS


def test_a_long_poll_is_not_woken_by_what_it_cannot_hand_over(taken: Taken) -> None:
    connection = Connection("ada", "session", 0.0, takes_ephemeral=False)
    connection.push_delta(*_delta(0, "x"))
    connection.push_ephemeral(("c", "u"), b"typing")
    assert taken(connection) == b""
