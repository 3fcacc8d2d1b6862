"""Reading a range of the stream without a consumer: JetStream direct batch get (ADR-31).

Any replica may answer, so the newest messages can be missing for a moment: this is not a read-after-write.
"""

import asyncio
import re
from collections.abc import AsyncIterator

import msgspec

from tertulia_shared.bus.connection import Bus
from tertulia_shared.bus.errors import BusError, BusUnavailable, JetStreamError, NoResponders, RequestTimeout
from tertulia_shared.bus.message import DESCRIPTION, BusMessage, Headers, StoredMessage

_STREAM = b"\r\nNats-Stream:"
_TOLD = re.compile(
    rb"\r\nNats-Stream:[^\r]*\r\nNats-Subject: ?([^\r]*)\r\nNats-Sequence: ?(\d+)\r\nNats-Time-Stamp: ?([^\r]*)\r\n"
)

IDLE_TIMEOUT_S = 5.0
"""How long the server may be silent inside one batch."""
BATCH = 4_000
MAX_BATCH_BYTES = 8 * 1024 * 1024


async def read_range(bus: Bus, first: int, last: int, batch: int = BATCH) -> AsyncIterator[StoredMessage]:
    """Stored messages with first <= seq <= last, in order; sequences that were deleted or aged out are not there.

    Raises JetStreamError, NoResponders, RequestTimeout or BusUnavailable; what was yielded before stays good.
    """
    async for messages in read_batches(bus, first, last, batch):
        for message in messages:
            yield message


async def read_batches(bus: Bus, first: int, last: int, batch: int = BATCH) -> AsyncIterator[list[StoredMessage]]:
    """As `read_range`, a list at a time: where a hundred thousand are read, a generator's step for each is felt."""
    position = first
    while position <= last:
        messages = await _read_batch(bus, position, min(batch, last - position + 1))
        if not messages:
            return
        position = messages[-1].seq + 1
        if position > last + 1:
            messages = [message for message in messages if message.seq <= last]
        yield messages


async def _read_batch(bus: Bus, first: int, limit: int) -> list[StoredMessage]:
    """At least one message if any is stored from `first` on."""
    collecting = _Batch()
    inbox = bus.new_inbox()
    subscription = await bus.subscribe(inbox, collecting.receive)
    request = msgspec.json.encode({"seq": first, "batch": limit, "max_bytes": MAX_BATCH_BYTES})
    bus.on_disconnected(collecting.interrupt)
    try:
        bus.publish_nowait(f"$JS.API.DIRECT.GET.{bus.topology.stream}", request, reply=inbox)
        await collecting.wait()
    finally:
        bus.remove_callback(collecting.interrupt)
        await subscription.unsubscribe()
    return collecting.messages


class _Batch:
    """Collects the answers to one request until the end-of-batch marker."""

    def __init__(self) -> None:
        self.messages: list[StoredMessage] = []
        self._arrived = 0
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def receive(self, message: BusMessage) -> None:
        if self._done.done():
            return
        self._arrived += 1
        status = message.status
        if status is None:
            try:
                self.messages.append(_stored(message))
            except BusError as error:
                self._fail(error)
        elif status in {"204", "404"}:
            # 204: end of batch. 404: nothing stored from here on.
            self._done.set_result(None)
        elif status == "503":
            self._fail(NoResponders("the stream does not answer"))
        else:
            description = (message.headers or {}).get(DESCRIPTION, "direct get refused")
            self._fail(JetStreamError(int(status), 0, description))

    def interrupt(self) -> None:
        self._fail(BusUnavailable("the connection to NATS broke"))

    async def wait(self) -> None:
        while not self._done.done():
            arrived = self._arrived
            await asyncio.wait([self._done], timeout=IDLE_TIMEOUT_S)
            if self._arrived == arrived and not self._done.done():
                raise RequestTimeout("the stream stopped answering a batch")
        self._done.result()

    def _fail(self, error: BusError) -> None:
        if not self._done.done():
            self._done.set_exception(error)


def _stored(message: BusMessage) -> StoredMessage:
    """The server writes what it knows of the message behind the message's own headers."""
    raw = message.raw_headers or b""
    own = raw.rfind(_STREAM)
    told = _TOLD.match(raw, own) if own >= 0 else None
    if told is None:
        raise JetStreamError(0, 0, "a stored message without its number")
    subject, seq, stamp = told.groups()
    return StoredMessage(int(seq), subject.decode(), Headers(raw[:own]), message.data, stamp.decode())
