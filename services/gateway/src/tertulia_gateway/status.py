"""`/api/v1/status`: how the parts of the system are, from each service's own /readyz."""

import asyncio
from time import monotonic
from typing import Literal

import aiohttp
import msgspec

REMEMBER_S = 1.0
ASK_TIMEOUT_S = 2.5

State = Literal["ready", "not_ready", "down"]
DependencyState = Literal["up", "down"]


class ServiceStatus(msgspec.Struct):
    """One service. `dependencies` maps a name to up or down; reasons stay inside, in the service's own /readyz."""

    name: str
    state: State
    dependencies: dict[str, DependencyState]
    answered_in_ms: float | None


class SystemStatus(msgspec.Struct):
    """`status` is ok when every service is ready, down when none is, and degraded between."""

    status: Literal["ok", "degraded", "down"]
    services: list[ServiceStatus]


class _Dependency(msgspec.Struct):
    state: DependencyState


class _Readiness(msgspec.Struct):
    status: Literal["ready", "not_ready"]
    dependencies: dict[str, _Dependency] = {}


class StatusBoard:
    """Asks the services, at most once a second however many ask us."""

    def __init__(self, http: aiohttp.ClientSession, services: dict[str, str]) -> None:
        self._http = http
        self._services = services
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
        overall = "ok" if ready == len(services) else "degraded" if ready else "down"
        return SystemStatus(overall, services)

    async def _ask_one(self, name: str, url: str) -> ServiceStatus:
        started = monotonic()
        try:
            timeout = aiohttp.ClientTimeout(total=ASK_TIMEOUT_S)
            async with self._http.get(f"{url.rstrip('/')}/readyz", timeout=timeout) as answer:
                readiness = msgspec.json.decode(await answer.read(), type=_Readiness)
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError):
            return ServiceStatus(name, "down", {}, None)
        dependencies: dict[str, DependencyState] = {key: value.state for key, value in readiness.dependencies.items()}
        return ServiceStatus(name, readiness.status, dependencies, round((monotonic() - started) * 1000, 1))
