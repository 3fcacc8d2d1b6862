"""The event-stream parser against the WHATWG rules."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia_client.sse import MAX_FRAME_BYTES, Frame, FrameTooLarge, SseParser

LINE = st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=20)
IDS = st.text(st.characters(exclude_characters="\r\n\0", codec="utf-8"), max_size=12)
BLOCKS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.sampled_from(["message.created", "hello", "typing"])),
        st.lists(LINE, max_size=4),
        st.one_of(st.none(), IDS),
        st.booleans(),
    ),
    max_size=8,
)


def render(blocks: list[tuple[str | None, list[str], str | None, bool]], eol: str) -> bytes:
    lines: list[str] = []
    for event, data, id_, comment in blocks:
        lines += [": a comment"] if comment else []
        lines += [] if event is None else [f"event: {event}"]
        lines += [f"data: {line}" for line in data]
        lines += [] if id_ is None else [f"id: {id_}"]
        lines += [""]
    return "".join(line + eol for line in lines).encode()


def expected(blocks: list[tuple[str | None, list[str], str | None, bool]]) -> list[Frame]:
    return [
        Frame(event or "message", "\n".join(data).encode() if data else None, id_)
        for event, data, id_, _ in blocks
        if data or id_ is not None
    ]


def cut(body: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(body), *(place % (len(body) + 1) for place in places)})
    return [body[a:b] for a, b in pairwise(edges)]


@given(BLOCKS, st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(0, 10_000), max_size=30))
def test_any_chunking_and_any_line_end_gives_the_same_frames(blocks, eol, places):
    parser = SseParser()
    frames = [frame for chunk in cut(render(blocks, eol), places) for frame in parser.feed(chunk)]
    assert frames == expected(blocks)


def test_a_byte_at_a_time_with_split_utf8_and_split_crlf():
    body = 'id: 1\r\nevent: message.created\r\ndata: {"t":"¡Hola, 世界 🎉!"}\r\n\r\n'.encode()
    parser = SseParser()
    frames = [frame for byte in body for frame in parser.feed(bytes([byte]))]
    assert frames == [Frame("message.created", '{"t":"¡Hola, 世界 🎉!"}'.encode(), "1")]


def test_several_data_lines_are_joined_with_line_feeds():
    assert SseParser().feed(b"data: a\ndata:\ndata:  b\n\n") == [Frame("message", b"a\n\n b", None)]


def test_an_id_alone_is_a_frame_without_data():
    assert SseParser().feed(b"id: abc\n\n") == [Frame("message", None, "abc")]


def test_comments_and_empty_blocks_give_nothing():
    assert SseParser().feed(b": ok\n\n\n\n: again\n\n") == []


def test_an_unfinished_block_gives_nothing():
    assert SseParser().feed(b"data: half") == []
    assert SseParser().feed(b"data: half\n") == []


def test_an_event_name_does_not_leak_into_the_next_block():
    parser = SseParser()
    assert parser.feed(b"event: hello\n\ndata: x\n\n") == [Frame("message", b"x", None)]


def test_retry_is_taken_when_it_is_a_number():
    parser = SseParser()
    parser.feed(b"retry: 2500\n\nretry: soon\n\n")
    assert parser.retry_ms == 2500


def test_an_id_with_nul_is_ignored_and_a_byte_order_mark_too():
    assert SseParser().feed(b"\xef\xbb\xbfdata: x\nid: a\0b\n\n") == [Frame("message", b"x", None)]


def test_a_field_without_a_colon_counts_as_empty():
    assert SseParser().feed(b"data\ndata\n\n") == [Frame("message", b"\n", None)]


def flood(chunk: bytes) -> None:
    parser = SseParser()
    for _ in range(MAX_FRAME_BYTES // len(chunk) + 2):
        parser.feed(chunk)


def test_a_frame_without_end_is_refused():
    with pytest.raises(FrameTooLarge):
        flood(b"x" * 65536)


def test_many_lines_without_a_frame_end_are_refused_too():
    with pytest.raises(FrameTooLarge):
        flood(b"data: " + b"x" * 65536 + b"\n")
