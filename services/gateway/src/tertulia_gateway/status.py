"""`/api/v1/status`: how the parts of the system are, from each service's own /readyz."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Literal

import aiohttp
import msgspec

REMEMBER_S = 1.0
ASK_TIMEOUT_S = 2.5

State = Literal["ready", "not_ready", "down", "not_running"]
DependencyState = Literal["up", "down"]


class ServiceStatus(msgspec.Struct):
    """One service. `dependencies` maps a name to up or down; reasons stay inside, in the service's own /readyz.

    `not_running`: this installation is without it. `lag_s`: how far it is behind the event log, when it follows that.
    """

    name: str
    state: State
    dependencies: dict[str, DependencyState]
    answered_in_ms: float | None
    lag_s: float | None = None


class SystemStatus(msgspec.Struct):
    """`status` is ok when every service that belongs to the installation is ready, down when none is, and degraded
    between. `tracing`: whether spans are kept, so whether a page should report its own."""

    status: Literal["ok", "degraded", "down"]
    services: list[ServiceStatus]
    tracing: bool


class _Dependency(msgspec.Struct):
    state: DependencyState


class _Readiness(msgspec.Struct):
    status: Literal["ready", "not_ready"]
    dependencies: dict[str, _Dependency] = {}
    lag_s: float | None = None


class StatusBoard:
    """Asks the services, at most once a second however many ask us. A service without an address does not run."""

    def __init__(self, http: aiohttp.ClientSession, services: Mapping[str, str | None], *, tracing: bool) -> None:
        self._http = http
        self._services = services
        self._tracing = tracing
        self._known: tuple[float, SystemStatus] | None = None
        self._asking = asyncio.Lock()

    async def status(self) -> SystemStatus:
        async with self._asking:
            if self._known is None or monotonic() - self._known[0] > REMEMBER_S:
                self._known = (monotonic(), await self._ask())
            return self._known[1]

    async def check(self, name: str) -> None:
        """For our own /readyz. Raises RuntimeError when the service is not ready."""
        for service in (await self.status()).services:
            if service.name == name and service.state != "ready":
                raise RuntimeError(f"{name} is {service.state.replace('_', ' ')}")

    async def _ask(self) -> SystemStatus:
        services = await asyncio.gather(*(self._ask_one(name, url) for name, url in self._services.items()))
        ready = sum(service.state == "ready" for service in services)
        expected = sum(service.state != "not_running" for service in services)
        overall = "ok" if ready == expected else "degraded" if ready else "down"
        return SystemStatus(overall, services, self._tracing)

    async def _ask_one(self, name: str, url: str | None) -> ServiceStatus:
        if url is None:
            return ServiceStatus(name, "not_running", {}, None)
        started = monotonic()
        try:
            timeout = aiohttp.ClientTimeout(total=ASK_TIMEOUT_S)
            async with self._http.get(f"{url.rstrip('/')}/readyz", timeout=timeout) as answer:
                readiness = msgspec.json.decode(await answer.read(), type=_Readiness)
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError):
            return ServiceStatus(name, "down", {}, None)
        dependencies: dict[str, DependencyState] = {key: value.state for key, value in readiness.dependencies.items()}
        took_ms = round((monotonic() - started) * 1000, 1)
        return ServiceStatus(name, readiness.status, dependencies, took_ms, readiness.lag_s)
