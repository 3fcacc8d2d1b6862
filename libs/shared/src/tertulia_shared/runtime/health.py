"""Whether a process can serve, asked of its dependencies when somebody asks it."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Literal, NamedTuple

import msgspec
from prometheus_client import Gauge

from tertulia_shared.telemetry import redact_text

CHECK_TIMEOUT_S = 2.0
REMEMBER_S = 0.5
"""Answers this old are given again, so that many probes do not become many queries."""

READY = Gauge("service_ready", "1 while /readyz answers 200.")
UP = Gauge("service_dependency_up", "1 while the dependency is up.", ["dependency"])

Check = Callable[[], Awaitable[None]]


class DependencyState(msgspec.Struct):
    state: Literal["up", "down"]
    required: bool
    detail: str | None = None


class Readiness(msgspec.Struct, omit_defaults=True):
    """`lag_s`: how far this process is behind the event log, for those that follow it."""

    status: Literal["ready", "not_ready"]
    dependencies: dict[str, DependencyState]
    lag_s: float | None = None


class _Dependency(NamedTuple):
    check: Check
    required: bool


class Health:
    """`add` what the process needs; `draining` takes it out of service."""

    def __init__(self) -> None:
        self.draining = False
        self._dependencies: dict[str, _Dependency] = {}
        self._remembered: tuple[float, Readiness] | None = None
        self._asking = asyncio.Lock()
        self._lag: Callable[[], float] | None = None

    def add(self, name: str, check: Check, required: bool = True) -> None:
        """`check` raises when the dependency is down; its message becomes `detail`. Only required ones decide."""
        self._dependencies[name] = _Dependency(check, required)

    def tell_lag(self, read: Callable[[], float]) -> None:
        """`read` answers how many seconds the process is behind. It never decides: who is late still serves."""
        self._lag = read

    async def readiness(self) -> Readiness:
        async with self._asking:
            if self._remembered is None or monotonic() - self._remembered[0] > REMEMBER_S:
                self._remembered = (monotonic(), await self._ask())
        known = self._remembered[1]
        answer = msgspec.structs.replace(known, status="not_ready") if self.draining else known
        READY.set(answer.status == "ready")
        return answer

    async def _ask(self) -> Readiness:
        dependencies = list(self._dependencies.items())
        states = await asyncio.gather(*(_state(dependency) for _, dependency in dependencies))
        by_name = {name: state for (name, _), state in zip(dependencies, states, strict=True)}
        ready = all(state.state == "up" or not state.required for state in states)
        for name, state in by_name.items():
            UP.labels(name).set(state.state == "up")
        lag_s = None if self._lag is None else round(self._lag(), 3)
        return Readiness("ready" if ready else "not_ready", by_name, lag_s)


async def _state(dependency: _Dependency) -> DependencyState:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            await dependency.check()
    except TimeoutError:
        return DependencyState("down", dependency.required, f"no answer within {CHECK_TIMEOUT_S:g} s")
    except Exception as error:  # noqa: BLE001 -- whatever a check raises is the answer to the question
        return DependencyState("down", dependency.required, redact_text(str(error)) or type(error).__name__)
    return DependencyState("up", dependency.required)
