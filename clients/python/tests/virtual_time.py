"""An event loop whose clock jumps to the next timer as soon as nothing else is left to do.

Sockets stay real: whatever a peer in the same process has sent is handled first. So 45 s of silence take a
millisecond, and a time that is measured is exact.
"""

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any

GRACE_S = 0.001
"""How long sockets may keep quiet, in real time, before the clock jumps."""


class _JumpingSelector(selectors.BaseSelector):
    def __init__(self) -> None:
        self.jumped_s = 0.0
        self._sockets = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return self._sockets.select(timeout)
        ready = self._sockets.select(GRACE_S)
        if not ready:
            self.jumped_s += timeout
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._sockets.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._sockets.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._sockets.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._sockets.get_map()

    def close(self) -> None:
        self._sockets.close()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Starts at 1,000 s and stands still while anything happens."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return 1_000.0 + self._jumping.jumped_s
