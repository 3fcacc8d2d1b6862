"""Frames that go to many connections together, as the bytes that every socket gets."""

from collections.abc import Sequence


class Batch:
    """Made once, shared by every queue it is in, never changed. `chunk` is a chunk of an HTTP/1.1 body."""

    __slots__ = ("chunk", "events", "frames", "size")

    def __init__(self, frames: Sequence[bytes]) -> None:
        self.frames = frames
        self.events = len(frames)
        data = frames[0] if len(frames) == 1 else b"".join(frames)
        self.size = len(data)
        self.chunk = b"%x\r\n%b\r\n" % (self.size, data)
