"""The bus: a connection to NATS that never gives up.

Each time the connection breaks, a new one ("generation") is made and every subscription is registered on it again.
What was sent over core NATS meanwhile is gone, and `on_disconnected`/`on_reconnected` say so; whoever needs every
message repairs from the stream. While there is no connection, publishing and requesting fail at once with
BusUnavailable: nothing is buffered behind the caller's back.
"""

import asyncio
import inspect
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Any, Self, cast

from prometheus_client import Counter, Gauge
from uuid_utils import uuid4

from tertulia_shared.bus.client import PING_INTERVAL_S, DirectClient, address_of
from tertulia_shared.bus.errors import BusUnavailable, NoResponders, RequestTimeout
from tertulia_shared.bus.message import BusMessage, encode_headers
from tertulia_shared.events.subjects import Topology
from tertulia_shared.runtime.tasks import spawn
from tertulia_shared.telemetry import logger

log = logger(__name__)

FIRST_RETRY_S = 0.1
LAST_RETRY_S = 2.0
STABLE_AFTER_S = 5.0

CONNECTED = Gauge("bus_connected", "1 while connected to NATS.", ["bus"])
CONNECTIONS = Counter("bus_connections", "Connections made to NATS.", ["bus"])
DROPPED = Counter("bus_dropped_messages", "Messages that a full subscription queue dropped.", ["bus"])

MessageCallback = Callable[[BusMessage], Awaitable[None] | None]
StateCallback = Callable[[], Awaitable[None] | None]


class Subscription:
    """Interest in a subject that lives as long as the bus, over all its connections."""

    def __init__(self, bus: "Bus", sid: int, subject: str, queue: str, receive: Callable[[BusMessage], None]) -> None:
        self.subject = subject
        self.queue = queue
        self.receive = receive
        self.task: asyncio.Task[None] | None = None
        self._bus = bus
        self._sid = sid

    @property
    def command(self) -> bytes:
        return f"SUB {self.subject} {self.queue} {self._sid}\r\n".encode()

    async def unsubscribe(self) -> None:
        self._bus.forget(self._sid)
        if self.task is not None:
            self.task.cancel()


class Bus:
    """`async with Bus(url, "notify", topology) as bus:` returns at once and connects in the background."""

    def __init__(
        self,
        url: str | Sequence[str],
        name: str,
        topology: Topology | None = None,
        *,
        ping_interval_s: float = PING_INTERVAL_S,
    ) -> None:
        self.urls = [part.strip() for part in url.split(",")] if isinstance(url, str) else list(url)
        self.name = name
        self.topology = topology or Topology()
        self.ping_interval_s = ping_interval_s
        self.generation = 0
        """How many connections there have been."""
        self._client: DirectClient | None = None
        self._up = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None
        self._sids = 1
        self._subscriptions: dict[int, Subscription] = {}
        self._waiting: dict[str, asyncio.Future[BusMessage]] = {}
        self._requests = 0
        self._inbox = f"_INBOX.{uuid4().hex}"
        self._disconnected: list[StateCallback] = []
        self._reconnected: list[StateCallback] = []
        self._lost: list[StateCallback] = []
        self._settled: list[Callable[[], None]] = []

    async def __aenter__(self) -> Self:
        await self.subscribe(f"{self._inbox}.*", self._answer)
        self._supervisor = spawn(self._supervise(), name=f"bus {self.name}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._supervisor is not None:
            self._supervisor.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervisor
        for subscription in self._subscriptions.values():
            if subscription.task is not None:
                subscription.task.cancel()
        if self._client is not None:
            await self._client.shut()
        self._fail_waiting()
        CONNECTED.labels(self.name).set(0)

    @property
    def connected(self) -> bool:
        return self._up.is_set()

    async def wait_connected(self, timeout: float | None = None) -> None:
        """Raises BusUnavailable when there is no connection after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._up.wait()
        except TimeoutError:
            raise BusUnavailable(f"not connected to NATS after {timeout} s") from None

    async def check(self) -> None:
        """For Health: raises unless the server answers a ping within a second."""
        await self.flush(timeout=1.0)

    async def publish(self, subject: str, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Core NATS, at most once. Raises BusUnavailable at once when there is no connection."""
        client = self._connected()
        client.write(publish_command(subject, data, headers))
        await client.drained()

    def publish_nowait(
        self, subject: str, data: bytes, headers: Mapping[str, str] | None = None, reply: str = ""
    ) -> None:
        """As `publish`, without waiting when the server is slow to read."""
        self._connected().write(publish_command(subject, data, headers, reply))

    def new_inbox(self) -> str:
        """A subject that nobody else uses, to receive answers on."""
        return f"_INBOX.{uuid4().hex}"

    async def request(
        self, subject: str, data: bytes, timeout: float = 5.0, headers: Mapping[str, str] | None = None
    ) -> BusMessage:
        """Raises NoResponders, RequestTimeout (after `timeout` seconds) or BusUnavailable."""
        client = self._connected()
        self._requests += 1
        token = str(self._requests)
        answer: asyncio.Future[BusMessage] = asyncio.get_running_loop().create_future()
        self._waiting[token] = answer
        try:
            client.write(publish_command(subject, data, headers, reply=f"{self._inbox}.{token}"))
            async with asyncio.timeout(timeout):
                message = await answer
        except TimeoutError:
            raise RequestTimeout(f"no answer on {subject} within {timeout} s") from None
        finally:
            del self._waiting[token]
        if message.status == "503":
            raise NoResponders(f"nobody answers on {subject}")
        return message

    async def subscribe(
        self, subject: str, callback: MessageCallback, *, queue: str = "", pending_limit: int = 65_536
    ) -> Subscription:
        """Call `callback` for every message, in order.

        A plain function runs straight in the reader: it must be quick and must not block. A coroutine function gets
        a queue and a task; when more than `pending_limit` messages wait, the newest is dropped and `on_lost` fires.
        """
        self._sids += 1
        sid = self._sids
        if inspect.iscoroutinefunction(callback):
            waiting: asyncio.Queue[BusMessage] = asyncio.Queue(pending_limit)
            subscription = Subscription(self, sid, subject, queue, lambda message: self._enqueue(waiting, message))
            subscription.task = spawn(_work(waiting, callback), name=f"subscription {subject}")
        else:
            plain = cast("Callable[[BusMessage], None]", callback)
            subscription = Subscription(self, sid, subject, queue, plain)
        self._subscriptions[sid] = subscription
        if self._client is not None and not self._client.lost.done():
            self._register(self._client, sid, subscription)
        return subscription

    def forget(self, sid: int) -> None:
        if self._subscriptions.pop(sid, None) is None or self._client is None or self._client.lost.done():
            return
        self._client.callbacks.pop(sid, None)
        self._client.write(f"UNSUB {sid} \r\n".encode())

    async def flush(self, timeout: float = 5.0) -> None:
        """Returns when the server has handled everything sent so far. Raises BusUnavailable."""
        await self._connected().ping(timeout)

    def on_disconnected(self, callback: StateCallback) -> None:
        """The connection broke: from here on messages are being missed."""
        self._disconnected.append(callback)

    def on_reconnected(self, callback: StateCallback) -> None:
        """Every subscription is registered again. Not called for the first connection."""
        self._reconnected.append(callback)

    def on_lost(self, callback: StateCallback) -> None:
        """A message was dropped while connected, because a subscription's queue was full."""
        self._lost.append(callback)

    def on_settled(self, callback: Callable[[], None]) -> None:
        """Everything that came with one read of the socket was handed to the subscriptions' plain functions; nothing
        else has had a turn of the event loop since the first of it."""
        self._settled.append(callback)

    def remove_callback(self, callback: StateCallback) -> None:
        """Undo `on_disconnected`, `on_reconnected` or `on_lost`."""
        for callbacks in (self._disconnected, self._reconnected, self._lost):
            if callback in callbacks:
                callbacks.remove(callback)

    def _connected(self) -> DirectClient:
        client = self._client
        if client is None or client.lost.done():
            raise BusUnavailable("not connected to NATS")
        return client

    async def _supervise(self) -> None:
        """Connect, hold, and connect again, for ever."""
        delay = FIRST_RETRY_S
        attempt = 0
        while True:
            url = self.urls[attempt % len(self.urls)]
            attempt += 1
            try:
                await self._open(url)
            except BusUnavailable as error:
                log.warning("bus.connect_failed", bus=self.name, error=str(error), retry_s=round(delay, 2))
                await asyncio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311 -- jitter
                delay = min(delay * 2, LAST_RETRY_S)
                continue
            opened = monotonic()
            await self._hold(url)
            # A server that takes us and throws us out again must not be hammered.
            delay = FIRST_RETRY_S if monotonic() - opened > STABLE_AFTER_S else min(delay * 2, LAST_RETRY_S)
            await asyncio.sleep(delay * random.uniform(0.2, 1.0))  # noqa: S311 -- jitter

    async def _open(self, url: str) -> None:
        client = DirectClient(self._settle)
        try:
            await client.open(url, self.name, self.ping_interval_s)
            self._client = client
            for sid, subscription in self._subscriptions.items():
                self._register(client, sid, subscription)
            # Only after the pong is every subscription known to the server.
            await client.ping(timeout=5.0)
        except BaseException:
            client.cut(BusUnavailable("not opened"))
            raise

    async def _hold(self, url: str) -> None:
        client = self._connected_or_none()
        if client is None:
            return
        self.generation += 1
        self._up.set()
        CONNECTED.labels(self.name).set(1)
        CONNECTIONS.labels(self.name).inc()
        log.info("bus.connected", bus=self.name, server=address_of(url), generation=self.generation)
        if self.generation > 1:
            self._notify(self._reconnected)
        reason = await asyncio.shield(client.lost)
        self._up.clear()
        CONNECTED.labels(self.name).set(0)
        log.warning("bus.disconnected", bus=self.name, error=str(reason) or type(reason).__name__)
        self._fail_waiting()
        self._notify(self._disconnected)

    def _settle(self) -> None:
        for callback in self._settled:
            try:
                callback()
            except Exception:
                log.exception("bus.callback_failed", bus=self.name)

    def _connected_or_none(self) -> DirectClient | None:
        return None if self._client is None or self._client.lost.done() else self._client

    def _register(self, client: DirectClient, sid: int, subscription: Subscription) -> None:
        client.callbacks[sid] = subscription.receive
        client.write(subscription.command)

    def _answer(self, message: BusMessage) -> None:
        answer = self._waiting.get(message.subject.rpartition(".")[2])
        if answer is not None and not answer.done():
            answer.set_result(message)

    def _fail_waiting(self) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(BusUnavailable("the connection to NATS broke"))

    def _enqueue(self, waiting: asyncio.Queue[BusMessage], message: BusMessage) -> None:
        try:
            waiting.put_nowait(message)
        except asyncio.QueueFull:
            DROPPED.labels(self.name).inc()
            self._notify(self._lost)

    def _notify(self, callbacks: list[StateCallback]) -> None:
        for callback in list(callbacks):
            try:
                result = callback()
            except Exception:
                log.exception("bus.state_callback_failed", bus=self.name)
                continue
            if inspect.iscoroutine(result):
                spawn(cast("Any", result), name=f"bus {self.name} state callback")


async def _work(waiting: asyncio.Queue[BusMessage], callback: Callable[[BusMessage], Awaitable[None]]) -> None:
    while True:
        message = await waiting.get()
        try:
            await callback(message)
        except Exception:
            log.exception("bus.callback_failed", subject=message.subject)


def publish_command(subject: str, data: bytes, headers: Mapping[str, str] | None, reply: str = "") -> bytes:
    """Raises ValueError for a subject that is empty or could break out of its protocol line."""
    if not subject or " " in subject or "\r" in subject or "\n" in subject or "\t" in subject:
        raise ValueError(f"not a subject: {subject!r}")
    if not headers:
        return b"PUB %b %b %d\r\n%b\r\n" % (subject.encode(), reply.encode(), len(data), data)
    block = encode_headers(headers)
    size = len(block)
    return b"HPUB %b %b %d %d\r\n%b%b\r\n" % (subject.encode(), reply.encode(), size, size + len(data), block, data)
