"""The listening socket as a component of the process, with the clock that ends overdue connections."""

import asyncio
from collections.abc import Sequence

from tertulia_gateway.http1.exchange import Exchange
from tertulia_gateway.http1.front import FrontConnection, Fronts
from tertulia_gateway.http1.rules import Rules
from tertulia_gateway.http1.upstream import UpstreamPool
from tertulia_gateway.limits import Limiter
from tertulia_shared.telemetry import logger

log = logger(__name__)

BACKLOG = 2048
TICK_S = 0.25
SWEEP_LIMITS_S = 60.0
DRAIN_S = 4.0


class HttpServer:
    """Listens from `open` on; `run` keeps the deadlines until it is cancelled."""

    name = "http"

    def __init__(self, host: str, port: int, rules: Rules) -> None:
        self._host = host
        self.port = port
        """The real one once open, when 0 was asked for."""
        self._rules = rules
        self._server: asyncio.Server | None = None
        self._fronts = Fronts(asyncio.get_running_loop().time)

    @property
    def connections(self) -> int:
        return len(self._fronts.connections)

    @property
    def streams(self) -> int:
        return self._fronts.streams

    async def open(self) -> None:
        """Raises OSError when the address is taken."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: FrontConnection(self._fronts, lambda front, request: Exchange(front, request, self._rules)),
            self._host,
            self.port,
            backlog=BACKLOG,
        )
        self.port = int(self._server.sockets[0].getsockname()[1])
        log.info("http.listening", host=self._host, port=self.port)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        pools: Sequence[UpstreamPool] = tuple(self._rules.pools.values())
        limiters: list[Limiter] = [each for each in (self._rules.per_address, self._rules.per_user) if each is not None]
        next_limits = loop.time() + SWEEP_LIMITS_S
        while True:
            await asyncio.sleep(TICK_S)
            now = loop.time()
            self._fronts.sweep(now)
            for pool in pools:
                pool.sweep(now)
            if now >= next_limits:
                next_limits = now + SWEEP_LIMITS_S
                for limiter in limiters:
                    limiter.sweep()

    async def drain(self) -> None:
        """No new connections; what is under way may finish. Streams end when their service says goodbye."""
        if self._server is not None:
            self._server.close()
        self._fronts.drain()
        try:
            async with asyncio.timeout(DRAIN_S):
                await self._fronts.emptied.wait()
        except TimeoutError:
            log.warning("http.drain_cut", connections=len(self._fronts.connections))

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._fronts.abort()
        for pool in self._rules.pools.values():
            pool.close()
