"""A small service for the tests of the runtime: `python sample.py MODE`, with its port in the environment."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, get
from litestar.response import Stream

from tertulia_shared.runtime import Health, Process, health_routes, run_process
from tertulia_shared.settings import ServiceSettings, load
from tertulia_shared.telemetry import TraceMiddleware, configure

MODE = sys.argv[1]


def say(text: str) -> None:
    print(text, flush=True)


class Worker:
    name = "worker"

    async def run(self) -> None:
        say("worker runs")
        if MODE == "crash":
            await asyncio.sleep(0.3)
            raise RuntimeError("worker crashed")
        if MODE == "return":
            await asyncio.sleep(0.3)
            return
        try:
            await asyncio.Event().wait()
        finally:
            say("worker cancelled")

    async def drain(self) -> None:
        say("worker drains")
        if MODE == "slow-drain":
            await asyncio.sleep(60)
        await asyncio.sleep(1.0 if MODE == "draining" else 0)
        say("worker drained")


@get("/slow")
async def slow() -> str:
    say("slow begins")
    await asyncio.sleep(0.7)
    return "finished"


@get("/endless")
async def endless() -> Stream:
    async def frames() -> AsyncIterator[bytes]:
        say("endless begins")
        while True:
            yield b"frame\n"
            await asyncio.sleep(0.05)

    return Stream(frames())


@asynccontextmanager
async def build(settings: ServiceSettings) -> AsyncIterator[Process]:
    if MODE == "build-fails":
        raise RuntimeError("no composition")
    if MODE == "build-hangs":
        say("building")
        await asyncio.Event().wait()
    health = Health()

    async def fails() -> None:
        raise ConnectionError("nats://hush@host refused")

    async def fine() -> None:
        pass

    async def hangs() -> None:
        await asyncio.Event().wait()

    health.add("postgres", hangs if MODE == "dependency-hangs" else fine)
    health.add("nats", fails, required=MODE == "dependency-down")
    async with asyncio.TaskGroup():
        app = TraceMiddleware(Litestar([slow, endless, *health_routes(health)]))
        yield Process(name="sample", app=app, components=[Worker()], health=health)
        say("context exits")


if __name__ == "__main__":
    settings = load(ServiceSettings)
    configure("sample", settings)
    run_process(settings, build)
