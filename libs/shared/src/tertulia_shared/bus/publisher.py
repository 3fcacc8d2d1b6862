"""Publishing to the stream in order, many messages on the way at once.

Order is kept by these rules. All messages of a call go over one connection, in order, and the server handles a
connection in order. At the first refusal, timeout or loss of the connection nothing more is sent; the call waits for
what is on the way and reports the leading messages that are surely stored. A connection that broke is never used
again. On a new one the first message is awaited alone, so a stream that is not ready yet refuses exactly one message.
Sending again from `done` on is harmless: every message carries a `Nats-Msg-Id`, and the stream drops what it has.
Two connections may overlap (the server can still be reading from the one we gave up); since both carry the same
messages in the same order and the first copy wins, the stored order is still ours.

One thing is left to the reader of the stream: when a cluster's leader changes while messages are on the way, the old
leader may refuse one and the new one take its followers. They are sent again and stored late, behind those; `ch_seq`
tells the order.

A connection of its own: nothing else can delay or reorder what is sent here.
"""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
from prometheus_client import Counter
from uuid_utils import uuid4

from tertulia_shared.bus.client import DirectClient
from tertulia_shared.bus.connection import Bus, publish_command
from tertulia_shared.bus.errors import (
    BusError,
    BusUnavailable,
    JetStreamError,
    MessageTooLarge,
    NoResponders,
    NotPermitted,
    PublishFailed,
    RequestTimeout,
    StreamRegressed,
)
from tertulia_shared.bus.jetstream import ApiError
from tertulia_shared.bus.message import BusMessage, Outgoing
from tertulia_shared.bus.streams import MAX_MESSAGE_BYTES
from tertulia_shared.telemetry import logger

log = logger(__name__)

MAX_BYTES_ON_THE_WAY = 4 * 1024 * 1024
ACK_TIMEOUT_S = 5.0
"""How long the server may go without acknowledging anything while messages are on the way."""
NO_RESPONDERS_RETRIES_S = (0.25, 0.5, 1.0, 2.0)
"""Waits before a message that nobody took is sent again (ADR-22 suggests 250 ms twice; elections take longer)."""

PUBLISHED = Counter("bus_published_messages", "Messages stored by the stream.", ["outcome"])
STORED = PUBLISHED.labels("stored")
DUPLICATE = PUBLISHED.labels("duplicate")


def _always() -> bool:
    return True


class _Ack(msgspec.Struct):
    seq: int = 0
    duplicate: bool = False
    error: ApiError | None = None


_decode_ack = msgspec.json.Decoder(_Ack).decode


class PipelinedPublisher:
    """`async with PipelinedPublisher(bus) as publisher: seqs = await publisher.publish(messages)`."""

    def __init__(self, bus: Bus, window: int = 256, silence_s: float = ACK_TIMEOUT_S) -> None:
        """`silence_s`: how long the server may go without answering while messages are on the way."""
        self._bus = bus
        self._window = window
        self._silence_s = silence_s
        self._lock = asyncio.Lock()
        self._client: DirectClient | None = None
        self._proven = False
        self._next_server = 0
        self._inbox = ""
        self._batches = 0
        self._batch: _Batch | None = None
        self._highest = 0
        """The highest sequence that the stream gave to a new message."""

    async def __aenter__(self) -> "PipelinedPublisher":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._client is not None:
            await self._client.shut()

    async def publish(self, messages: Sequence[Outgoing], permitted: Callable[[], bool] = _always) -> list[int]:
        """Store all messages in this order; returns their stream sequences. Calls run one after the other.

        `permitted` is asked before each message is sent; once it says no, nothing more is.

        Raises PublishFailed; its `cause` is BusUnavailable, RequestTimeout, NoResponders, MessageTooLarge,
        NotPermitted, StreamRegressed or JetStreamError.
        """
        async with self._lock:
            seqs: list[int] = []
            retries = iter(NO_RESPONDERS_RETRIES_S)
            while len(seqs) < len(messages):
                try:
                    client = await self._connection()
                    await self._send(client, messages[len(seqs) :], seqs, permitted)
                except NoResponders as error:
                    self._proven = False
                    wait = next(retries, None)
                    if wait is None:
                        raise PublishFailed(len(seqs), error, seqs) from error
                    await asyncio.sleep(wait)
                except BusError as error:
                    raise PublishFailed(len(seqs), error, seqs) from error
            return seqs

    async def _send(
        self, client: DirectClient, messages: Sequence[Outgoing], seqs: list[int], permitted: Callable[[], bool]
    ) -> None:
        """Appends the sequences of the leading messages that are stored, also when it raises."""
        if not self._proven:
            await self._pipeline(client, messages[:1], seqs, permitted)
            self._proven = True
            messages = messages[1:]
        if messages:
            await self._pipeline(client, messages, seqs, permitted)

    async def _pipeline(
        self, client: DirectClient, messages: Sequence[Outgoing], seqs: list[int], permitted: Callable[[], bool]
    ) -> None:
        self._batches += 1
        inbox = f"{self._inbox}.{self._batches}"
        batch = _Batch(client, inbox, messages, self._window, self._silence_s, permitted)
        self._batch = batch
        try:
            await batch.run()
        except asyncio.CancelledError:
            # What is on the way stays unknown: the next call must not overtake it.
            client.cut(BusUnavailable("publish cancelled"))
            raise
        except (BusUnavailable, RequestTimeout) as error:
            client.cut(error)
            raise
        finally:
            self._batch = None
            seqs.extend(batch.stored())
        first, last = batch.newly_stored
        regressed = 0 < first <= self._highest
        self._highest = last if regressed else max(self._highest, last)
        if regressed:
            self._proven = False
            raise StreamRegressed(f"stored at {first}, although a later message was stored before")

    async def _connection(self) -> DirectClient:
        """The current connection, or a new one. Raises BusUnavailable after one attempt: the caller sets the pace."""
        if self._client is not None and not self._client.lost.done():
            return self._client
        url = self._bus.urls[self._next_server % len(self._bus.urls)]
        self._next_server += 1
        client = DirectClient()
        try:
            async with asyncio.timeout(self._silence_s):
                await client.open(url, f"{self._bus.name} publisher", self._bus.ping_interval_s)
        except TimeoutError:
            raise BusUnavailable(f"no connection to NATS within {self._silence_s} s") from None
        self._inbox = f"_INBOX.{uuid4().hex}"
        client.callbacks[1] = self._receive
        client.write(f"SUB {self._inbox}.*.*  1\r\n".encode())
        self._client = client
        self._proven = False
        return client

    def _receive(self, message: BusMessage) -> None:
        if self._batch is not None:
            self._batch.acknowledge(message)


class _Batch:
    """Messages of one call on one connection."""

    def __init__(
        self,
        client: DirectClient,
        inbox: str,
        messages: Sequence[Outgoing],
        window: int,
        silence_s: float,
        permitted: Callable[[], bool],
    ) -> None:
        self._client = client
        self._prefix = f"{inbox}."
        self._messages = messages
        self._window = window
        self._silence_s = silence_s
        self._permitted = permitted
        self._seqs: list[int] = [0] * len(messages)
        self._sent = 0
        self._acked = 0
        self._bytes_on_the_way = 0
        self._refusal: BusError | None = None
        self.newly_stored = (0, 0)
        """Lowest and highest sequence given to messages that the stream did not have yet."""
        self._progress = asyncio.Event()

    def stored(self) -> list[int]:
        """Sequences of the leading messages that are stored."""
        for index, seq in enumerate(self._seqs):
            if seq == 0:
                return self._seqs[:index]
        return self._seqs

    async def run(self) -> None:
        self._client.lost.add_done_callback(self._wake)
        try:
            while self._acked < len(self._messages):
                if self._refusal is None:
                    self._fill_window()
                if self._refusal is not None and self._acked >= self._sent:
                    break
                await self._next_progress()
        finally:
            self._client.lost.remove_done_callback(self._wake)
        if self._refusal is not None:
            raise self._refusal

    def _fill_window(self) -> None:
        last = min(len(self._messages), self._acked + self._window)
        while self._sent < last and self._bytes_on_the_way < MAX_BYTES_ON_THE_WAY:
            if not self._permitted():
                self._refusal = NotPermitted("whoever publishes is no longer sure that it may")
                return
            message = self._messages[self._sent]
            if len(message.data) > MAX_MESSAGE_BYTES - 4096:
                self._refusal = MessageTooLarge(f"{len(message.data)} bytes on {message.subject}")
                return
            reply = f"{self._prefix}{self._sent}"
            self._client.write(publish_command(message.subject, message.data, message.headers, reply))
            self._bytes_on_the_way += len(message.data)
            self._sent += 1

    async def _next_progress(self) -> None:
        self._progress.clear()
        if self._client.lost.done():
            raise BusUnavailable("the connection to NATS broke while publishing")
        try:
            async with asyncio.timeout(self._silence_s):
                await self._progress.wait()
        except TimeoutError:
            raise RequestTimeout(f"no acknowledgement within {self._silence_s} s") from None

    def acknowledge(self, message: BusMessage) -> None:
        if not message.subject.startswith(self._prefix):
            return
        index = int(message.subject[len(self._prefix) :])
        self._acked += 1
        self._bytes_on_the_way -= len(self._messages[index].data)
        if message.status == "503":
            self._refuse(NoResponders(f"no stream takes {self._messages[index].subject}"))
        else:
            ack = _decode_ack(message.data)
            if ack.error is not None:
                self._refuse(JetStreamError(ack.error.code, ack.error.err_code, ack.error.description))
            else:
                self._take(index, ack)
        # Waking for every acknowledgement would cost a turn of the loop each; half a window keeps the pipe full.
        if self._acked >= self._sent or self._sent - self._acked <= self._window // 2 or self._refusal is not None:
            self._progress.set()

    def _take(self, index: int, ack: _Ack) -> None:
        self._seqs[index] = ack.seq
        if ack.duplicate:
            DUPLICATE.inc()
            return
        STORED.inc()
        lowest, highest = self.newly_stored
        self.newly_stored = (min(lowest or ack.seq, ack.seq), max(highest, ack.seq))

    def _refuse(self, error: BusError) -> None:
        if self._refusal is None:
            self._refusal = error

    def _wake(self, _: object) -> None:
        self._progress.set()
