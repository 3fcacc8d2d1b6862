"""One connection to one NATS server, from the handshake to its loss. It never reconnects: the Bus does.

nats-py does the handshake (TLS, authentication) and the pings. Three of its habits do not fit us and are
replaced here by overriding internals, which is why its version is pinned to a minor release:

- its reconnect keeps a buffer of unsent publishes and replays it, which could reorder or repeat messages;
- a subscription costs a queue and a task, and a full queue drops silently; here the callback runs in the reader;
- closing may wait for a peer that is gone; here a lost connection is cut at once.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

from nats.aio.client import Client
from nats.errors import Error as NatsError

from tertulia_shared.bus.errors import BusUnavailable
from tertulia_shared.bus.message import BusMessage
from tertulia_shared.bus.protocol import MessageParser
from tertulia_shared.telemetry import logger

log = logger(__name__)

CONNECT_TIMEOUT_S = 3
PING_INTERVAL_S = 4.0
MAX_UNANSWERED_PINGS = 2
"""A half-open connection is noticed within 4 · (2 + 1) = 12 s."""
MAX_UNSENT_BYTES = 16 * 1024 * 1024
"""More than this waiting for the socket means that the server does not read: the connection is given up."""

SLOW_AFTER_BYTES = 1024 * 1024

Callback = Callable[[BusMessage], None]


class DirectClient(Client):
    """See the module. Use `open`, then `write`; `lost` is done when the connection is gone."""

    def __init__(self, settle: Callable[[], None] = lambda: None) -> None:
        """`settle` is called after the messages that came with one read."""
        super().__init__()
        self.lost: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        self.callbacks: dict[int, Callback] = {}
        self._unsent: list[bytes] = []
        self._flush_scheduled = False
        self._loop = asyncio.get_running_loop()
        self._ps = MessageParser(self, self._deliver, settle)

    async def open(self, url: str, name: str, ping_interval_s: float = PING_INTERVAL_S) -> None:
        """Raises BusUnavailable when the server cannot be reached or refuses us."""
        try:
            await self._handshake(url, name, ping_interval_s)
        except asyncio.CancelledError:
            self.cut(BusUnavailable("cancelled while connecting"))
            raise
        reader = cast("asyncio.Task[None]", self._reading_task)
        # nats-py's read loop ends silently on an unforeseen error; to us that is a lost connection like any other.
        reader.add_done_callback(lambda _: self.cut(BusUnavailable("the reader ended")))

    async def _handshake(self, url: str, name: str, ping_interval_s: float) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S * 2):
                await self.connect(
                    servers=[url],
                    name=name,
                    allow_reconnect=False,
                    connect_timeout=CONNECT_TIMEOUT_S,
                    ping_interval=ping_interval_s,  # pyright: ignore[reportArgumentType] -- it only sleeps that long
                    max_outstanding_pings=MAX_UNANSWERED_PINGS,
                    error_cb=_log_error,
                )
        except (OSError, NatsError, TimeoutError, ValueError) as error:
            self.cut(error)
            _raise_if_cancelled()
            raise BusUnavailable(f"cannot connect to {address_of(url)}: {error or type(error).__name__}") from error
        _raise_if_cancelled()

    def write(self, command: bytes) -> None:
        """Queue a protocol command. All commands of one turn of the event loop go out in one write, in order.

        Raises BusUnavailable when the connection is gone.
        """
        if self.lost.done():
            raise BusUnavailable("not connected to NATS")
        self._unsent.append(command)
        if not self._flush_scheduled:
            self._flush_scheduled = True
            self._loop.call_soon(self._flush_unsent)

    def _flush_unsent(self) -> None:
        self._flush_scheduled = False
        if self.lost.done():
            return
        commands, self._unsent = self._unsent, []
        self._socket().write(b"".join(commands))
        if self._socket().get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.cut(BusUnavailable("the server does not read"))

    async def drained(self) -> None:
        """Wait until the server reads again, after a large burst. Returns at once when the connection is lost."""
        # The transport's own flow control tells only its protocol, which belongs to nats-py's reader.
        while not self.lost.done() and self._socket().get_write_buffer_size() > SLOW_AFTER_BYTES:  # noqa: ASYNC110
            await asyncio.sleep(0.002)

    async def ping(self, timeout: float) -> None:
        """Returns when the server has handled everything written so far. Raises BusUnavailable."""
        self._flush_unsent()
        if self.lost.done():
            raise BusUnavailable("not connected to NATS")
        pong: asyncio.Future[bool] = self._loop.create_future()
        self._pongs.append(pong)
        self._socket().write(b"PING\r\n")
        await asyncio.wait([pong, self.lost], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if not pong.done():
            raise BusUnavailable("no answer from NATS")

    def cut(self, reason: Exception) -> None:
        """The connection is over, now. Safe to call from anywhere, any number of times."""
        if self.lost.done():
            return
        self._status = Client.CLOSED
        self.lost.set_result(reason)
        current = asyncio.current_task() if self._in_task() else None
        for task in (self._reading_task, self._ping_interval_task, self._flusher_task):
            if task is not None and task is not current:
                task.cancel()
        if self._transport is not None:
            writer: asyncio.StreamWriter | None = getattr(self._transport, "_io_writer", None)
            if writer is not None:
                writer.transport.abort()

    async def shut(self) -> None:
        """Send what is queued, then end the connection in good order (at most 1 s)."""
        if not self.lost.done():
            try:
                await self.ping(timeout=1.0)
            except BusUnavailable as error:
                log.debug("bus.close_unconfirmed", error=str(error))
        self.cut(BusUnavailable("closed"))

    def _socket(self) -> asyncio.WriteTransport:
        return cast(Any, self._transport)._io_writer.transport

    def _in_task(self) -> bool:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return False
        return True

    # What follows replaces internals of nats-py.

    async def _select_next_server(self) -> None:
        """One server, one attempt: the Bus chooses servers and paces attempts."""
        server = self._server_pool[0]
        await self._connect_to_server(server)
        self._current_server = server

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        self.cut(self._err or BusUnavailable("closed"))

    async def _process_op_err(self, e: Exception) -> None:
        self.cut(e)

    async def _process_err(self, err_msg: str) -> None:
        if "permissions violation" in err_msg:
            log.error("bus.permission_denied", error=err_msg)
            return
        self.cut(NatsError(err_msg.strip("'")))

    async def _process_pong(self) -> None:
        if self._pongs:
            pong: asyncio.Future[bool] = self._pongs.pop(0)
            if not pong.done():
                pong.set_result(True)
        self._pings_outstanding = 0

    def _deliver(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        callback = self.callbacks.get(sid)
        if callback is None:
            return
        try:
            callback(BusMessage(subject.decode(), data, reply.decode(), headers))
        except Exception:
            # One bad message must not end the connection for everybody else.
            log.exception("bus.callback_failed", subject=subject.decode("utf-8", "replace"))


def _raise_if_cancelled() -> None:
    """nats-py connects inside `asyncio.wait_for`, which in Python 3.11 loses a cancellation that arrives together with
    the connection's outcome. A lost cancellation would keep a stopping process connecting for ever."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _log_error(error: Exception) -> None:
    log.debug("bus.client_error", error=str(error) or type(error).__name__)


def address_of(url: str) -> str:
    """host:port, without the credentials that the URL carries."""
    parts = urlsplit(url if "://" in url else f"nats://{url}")
    return f"{parts.hostname}:{parts.port or 4222}"
