"""A durable consumer as the server knows it: made when it is missing, and made again in the right place."""

import asyncio
from typing import Any, Literal

from tertulia_shared.bus import jetstream
from tertulia_shared.bus.connection import Bus
from tertulia_shared.bus.errors import BusError, JetStreamError
from tertulia_shared.bus.lag import tell_lag
from tertulia_shared.bus.streams import stream_state
from tertulia_shared.telemetry import logger

log = logger(__name__)

MAX_ACK_PENDING = 10_000
"""High, because messages that wait for a retry count too and must not stop the others."""


class Registration:
    """`ensure` before every session; `follow_floor` runs beside them."""

    def __init__(self, bus: Bus, name: str, *, start: Literal["all", "new"], ack_wait_s: float) -> None:
        self._bus = bus
        self._name = name
        self._start = start
        self._ack_wait_s = ack_wait_s
        self.lag_s = 0.0
        """Age of the oldest message that was not settled when the server was last asked."""
        self._incarnation = ""
        self._floor = 0
        """Everything up to here is settled, as the server last told. Where to go on if it loses the consumer: what was
        handed out later may have been lost on the way or wait for a retry, although its followers are done."""

    async def ensure(self) -> None:
        """Raises BusError while that cannot be done."""
        state = await stream_state(self._bus)
        same_stream = self._incarnation in {"", state.incarnation}
        if not same_stream:
            self._floor = 0
        try:
            info = await self._info()
        except JetStreamError as error:
            if error.err_code != jetstream.CONSUMER_NOT_FOUND:
                raise
            if same_stream and self._floor == 0 and self._start == "new":
                self._floor = state.last_seq
            await self._put(self._config(_start_after(self._floor)))
            log.info("consumer.created", consumer=self._name, after=self._floor)
        else:
            config = {**info["config"], **self._config({})}
            if config != info["config"]:
                await self._put(config)
        self._incarnation = state.incarnation

    async def follow_floor(self, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            incarnation = self._incarnation
            try:
                info = await self._info()
                self.lag_s = (await tell_lag(self._bus, self._name, info)).oldest_s
            except BusError as error:
                log.debug("consumer.floor_unknown", consumer=self._name, error=str(error))
                continue
            if incarnation == self._incarnation:
                self._floor = max(self._floor, info["ack_floor"]["stream_seq"])

    async def _info(self) -> dict[str, Any]:
        return await jetstream.call(self._bus, f"CONSUMER.INFO.{self._bus.topology.stream}.{self._name}")

    async def _put(self, config: dict[str, Any]) -> None:
        stream = self._bus.topology.stream
        request = {"stream_name": stream, "config": config}
        await jetstream.call(self._bus, f"CONSUMER.CREATE.{stream}.{self._name}", request)

    def _config(self, start: dict[str, Any]) -> dict[str, Any]:
        # max_deliver is ours to enforce: the server would drop an exhausted message without a dead letter.
        return {
            "name": self._name,
            "durable_name": self._name,
            "ack_policy": "explicit",
            "ack_wait": int(self._ack_wait_s * jetstream.NANOSECONDS),
            "max_deliver": -1,
            "max_ack_pending": MAX_ACK_PENDING,
            **start,
        }


def _start_after(seq: int) -> dict[str, Any]:
    if seq == 0:
        return {"deliver_policy": "all"}
    return {"deliver_policy": "by_start_sequence", "opt_start_seq": seq + 1}
