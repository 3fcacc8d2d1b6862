"""Pulling from a durable consumer: one request at a time, watched for silence.

The server promises a heartbeat every few seconds while a request waits. Two missing ones mean that the request is
lost somewhere: a half-open connection, a consumer that was deleted, a server that restarted. Heartbeats without
messages although messages are pending are a stall too. Both end the session; the consumer then starts a new one.
"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

import msgspec

from tertulia_shared.bus import jetstream
from tertulia_shared.bus.connection import Bus
from tertulia_shared.bus.delivery import Delivery, delivery_of
from tertulia_shared.bus.errors import BusError, BusUnavailable
from tertulia_shared.bus.message import DESCRIPTION, BusMessage
from tertulia_shared.telemetry import logger

log = logger(__name__)

PULL_EXPIRES_S = 30.0


class Stalled(BusError):
    """The consumer was silent although it should not have been, or it is not there any more."""


class PullSession:
    """Requests batches over one inbox until something looks wrong."""

    def __init__(
        self, bus: Bus, consumer: str, deliver: Callable[[Delivery], None], heartbeat_s: float, max_ack_pending: int
    ) -> None:
        self._bus = bus
        self._consumer = consumer
        self._deliver = deliver
        self._heartbeat_s = heartbeat_s
        self._max_ack_pending = max_ack_pending
        self._inbox = bus.new_inbox()
        self._pulls = 0
        self._remaining = 0
        self._ended: str | None = None
        self._interrupted = False
        self._heard = monotonic()
        self._delivered = monotonic()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> "PullSession":
        self._subscription = await self._bus.subscribe(f"{self._inbox}.*", self._receive)
        self._bus.on_disconnected(self.interrupt)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._bus.remove_callback(self.interrupt)
        await self._subscription.unsubscribe()

    async def pull(self, count: int) -> None:
        """Ask for `count` messages; returns when they came or the request expired.

        Raises Stalled or BusUnavailable: then this session is over.
        """
        self._pulls += 1
        self._remaining = count
        self._ended = None
        self._heard = self._delivered = monotonic()
        request: dict[str, Any] = {
            "batch": count,
            "expires": int(PULL_EXPIRES_S * jetstream.NANOSECONDS),
            "idle_heartbeat": int(self._heartbeat_s * jetstream.NANOSECONDS),
        }
        api = f"$JS.API.CONSUMER.MSG.NEXT.{self._bus.topology.stream}.{self._consumer}"
        self._bus.publish_nowait(api, msgspec.json.encode(request), reply=f"{self._inbox}.{self._pulls}")
        while self._remaining > 0 and self._ended is None:
            await self._wait()
        if self._ended is not None and not self._ended.startswith("408"):
            raise Stalled(self._ended)

    async def _wait(self) -> None:
        if self._interrupted:
            raise BusUnavailable("interrupted")
        self._changed.clear()
        try:
            async with asyncio.timeout(self._heartbeat_s / 2):
                await self._changed.wait()
        except TimeoutError:
            patience = self._heartbeat_s * 2
            if monotonic() - self._heard > patience:
                raise Stalled("no heartbeat") from None
            if monotonic() - self._delivered > patience:
                await self._check_pending()

    async def _check_pending(self) -> None:
        """Nothing was delivered for a while: is there really nothing?"""
        delivered = self._delivered
        info = await jetstream.call(self._bus, f"CONSUMER.INFO.{self._bus.topology.stream}.{self._consumer}")
        waiting_for_acks = info["num_ack_pending"] >= self._max_ack_pending
        if info["num_pending"] > 0 and not waiting_for_acks and self._delivered == delivered:
            raise Stalled(f"{info['num_pending']} messages pending and none delivered")
        self._delivered = monotonic()

    def _receive(self, message: BusMessage) -> None:
        self._heard = monotonic()
        status = message.status
        if status is None:
            self._delivered = self._heard
            self._remaining -= 1
            self._deliver(delivery_of(message))
            if self._remaining <= 0:
                self._changed.set()
        elif status != "100" and message.subject == f"{self._inbox}.{self._pulls}":
            self._ended = f"{status} {(message.headers or {}).get(DESCRIPTION, '')}"
            self._changed.set()

    def interrupt(self) -> None:
        """End a running `pull` with BusUnavailable."""
        self._interrupted = True
        self._changed.set()
