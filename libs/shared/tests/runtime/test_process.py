"""A process starts, says whether it is ready, drains, and ends with the right exit code."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tertulia_stack.ports import free_port

SAMPLE = Path(__file__).with_name("sample.py")


class Sample:
    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.lines: list[str] = []
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10)
        self._reading = asyncio.gather(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode().strip())

    async def said(self, text: str) -> None:
        deadline = monotonic() + 20
        while text not in self.lines:
            assert monotonic() < deadline, f"{text!r} not in {self.lines}"
            await asyncio.sleep(0.01)

    async def serving(self) -> None:
        deadline = monotonic() + 20
        while True:
            try:
                await self.http.get("/healthz")
            except httpx.ConnectError:
                assert monotonic() < deadline
                await asyncio.sleep(0.02)
            else:
                return

    async def ended(self) -> int:
        async with asyncio.timeout(20):
            code = await self.process.wait()
        await self._reading
        return code


Start = Callable[[str], Awaitable[Sample]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    samples: list[Sample] = []

    async def start(mode: str) -> Sample:
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(SAMPLE),
            mode,
            env={**os.environ, "PORT": str(port)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        sample = Sample(process, port)
        samples.append(sample)
        return sample

    yield start
    for sample in samples:
        await sample.http.aclose()
        if sample.process.returncode is None:
            sample.process.kill()
            await sample.ended()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_and_exits_with_0(start: Start, number: signal.Signals) -> None:
    sample = await start("normal")
    await sample.serving()
    await sample.said("worker runs")
    sample.process.send_signal(number)
    assert await sample.ended() == 0
    assert sample.lines == ["worker runs", "worker drains", "worker drained", "worker cancelled", "context exits"]


async def test_a_request_on_its_way_is_answered_while_stopping(start: Start) -> None:
    sample = await start("normal")
    await sample.serving()
    request = asyncio.gather(sample.http.get("/slow"))
    await sample.said("slow begins")
    sample.process.terminate()
    assert (await request)[0].text == "finished"
    assert await sample.ended() == 0


async def test_an_endless_response_cannot_hold_up_the_stop(start: Start) -> None:
    sample = await start("normal")
    await sample.serving()

    async def read() -> None:
        async with sample.http.stream("GET", "/endless") as response:
            async for _ in response.aiter_bytes():
                pass

    reading = asyncio.gather(read(), return_exceptions=True)
    await sample.said("endless begins")
    began = monotonic()
    sample.process.terminate()
    assert await sample.ended() == 0
    assert monotonic() - began < 8
    await reading


async def test_while_draining_it_is_alive_and_serves_but_is_not_ready(start: Start) -> None:
    sample = await start("draining")
    await sample.serving()
    assert (await sample.http.get("/readyz")).status_code == 200
    sample.process.terminate()
    await sample.said("worker drains")
    response = await sample.http.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "not_ready")
    assert (await sample.http.get("/healthz")).status_code == 200
    assert await sample.ended() == 0


async def test_a_drain_that_never_ends_is_cut(start: Start) -> None:
    sample = await start("slow-drain")
    await sample.serving()
    sample.process.terminate()
    assert await sample.ended() == 0
    assert sample.lines[-2:] == ["worker cancelled", "context exits"]


@pytest.mark.parametrize("mode", ["crash", "return"])
async def test_a_component_that_ends_ends_the_process_with_1(start: Start, mode: str) -> None:
    sample = await start(mode)
    assert await sample.ended() == 1
    assert sample.lines[-1] == "context exits"


async def test_a_composition_that_fails_exits_with_1(start: Start) -> None:
    sample = await start("build-fails")
    assert await sample.ended() == 1


async def test_a_signal_while_starting_exits_with_0(start: Start) -> None:
    sample = await start("build-hangs")
    await sample.said("building")
    sample.process.terminate()
    assert await sample.ended() == 0


async def test_a_taken_port_exits_with_1(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(sys.modules[__name__], "free_port", lambda: taken.getsockname()[1])
        sample = await start("normal")
        assert await sample.ended() == 1


async def test_an_optional_dependency_that_is_down_leaves_it_ready(start: Start) -> None:
    sample = await start("normal")
    await sample.serving()
    response = await sample.http.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "dependencies": {
            "postgres": {"state": "up", "required": True, "detail": None},
            "nats": {"state": "down", "required": False, "detail": "nats://[redacted]@host refused"},
        },
    }


async def test_a_required_dependency_that_is_down_makes_it_not_ready(start: Start) -> None:
    sample = await start("dependency-down")
    await sample.serving()
    response = await sample.http.get("/readyz")
    assert (response.status_code, response.json()["dependencies"]["nats"]["state"]) == (503, "down")


async def test_a_dependency_that_does_not_answer_is_down(start: Start) -> None:
    sample = await start("dependency-hangs")
    await sample.serving()
    response = await sample.http.get("/readyz")
    assert response.json()["dependencies"]["postgres"] == {
        "state": "down",
        "required": True,
        "detail": "no answer within 2 s",
    }


async def test_metrics_are_served_and_no_server_header_is_sent(start: Start) -> None:
    sample = await start("normal")
    await sample.serving()
    response = await sample.http.get("/metrics")
    assert "http_request_seconds_count" in response.text
    assert response.headers["content-type"].startswith("text/plain")
    assert "server" not in response.headers
    assert "x-request-id" in response.headers


async def test_logs_are_json_lines(start: Start) -> None:
    import json

    sample = await start("crash")
    await sample.ended()
    assert sample.process.stderr is not None
    lines = [json.loads(line) for line in (await sample.process.stderr.read()).splitlines()]
    crash = next(line for line in lines if line["event"] == "task.crashed")
    assert "RuntimeError: worker crashed" in crash["exception"]
    assert crash["service"] == "sample"
