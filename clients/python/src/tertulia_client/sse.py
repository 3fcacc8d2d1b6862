"""An incremental parser of `text/event-stream`, after the WHATWG algorithm.

It works on bytes and splits only at CR, LF and CRLF, which never occur inside a UTF-8 sequence, so chunks may be cut
anywhere. Unlike the browsers' EventSource it also reports blocks without data: an id alone is a heartbeat that moves
the cursor on.
"""

from dataclasses import dataclass

MAX_FRAME_BYTES = 4 * 1024 * 1024
"""More than any event the server may send; a stream that exceeds it is not ours."""


class FrameTooLarge(ValueError):
    """The stream sent more than MAX_FRAME_BYTES without finishing a frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One block. `data` is None when the block had no data line; `id` is None when it had no id line."""

    event: str
    data: bytes | None
    id: str | None


class SseParser:
    """Feed chunks, get finished frames. `retry_ms` is the server's last wish about reconnecting."""

    def __init__(self) -> None:
        self.retry_ms: int | None = None
        self._partial: list[bytes] = []
        self._size = 0
        self._after_cr = False
        self._at_start = True
        self._event = ""
        self._data: list[bytes] = []
        self._id: str | None = None
        self._frames: list[Frame] = []

    def feed(self, chunk: bytes) -> list[Frame]:
        """Raises FrameTooLarge."""
        if not chunk:
            return []
        # The LF of a CRLF that was cut in two belongs to the line that its CR has already ended.
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_cr = chunk.endswith(b"\r") if chunk else False
        self._size += len(chunk)
        if self._size > MAX_FRAME_BYTES:
            raise FrameTooLarge(f"more than {MAX_FRAME_BYTES} bytes in one frame")
        self._partial.append(chunk)
        if b"\n" in chunk or b"\r" in chunk:
            self._take_lines()
        frames, self._frames = self._frames, []
        return frames

    def _take_lines(self) -> None:
        lines = b"".join(self._partial).splitlines(keepends=True)
        rest = b"" if lines[-1].endswith((b"\n", b"\r")) else lines.pop()
        self._partial = [rest] if rest else []
        for line in lines:
            self._line(line.rstrip(b"\r\n"))
        self._size = len(rest) + sum(map(len, self._data))

    def _line(self, line: bytes) -> None:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line:
            self._dispatch()
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match name:
            case b"data":
                self._data.append(value)
            case b"event":
                self._event = value.decode(errors="replace")
            case b"id" if b"\0" not in value:
                self._id = value.decode(errors="replace")
            case b"retry" if value.isdigit():
                self.retry_ms = int(value)
            case _:
                pass  # A comment (no name before the colon) or a field of a later version.

    def _dispatch(self) -> None:
        if self._data or self._id is not None:
            data = b"\n".join(self._data) if self._data else None
            self._frames.append(Frame(self._event or "message", data, self._id))
        self._event, self._data, self._id = "", [], None
