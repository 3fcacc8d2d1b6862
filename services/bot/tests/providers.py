"""Who answers the bot's questions in the tests: the real local model, and a provider that does as it is told."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tertulia_stack.ports import free_port


@dataclass
class ModelServer:
    """`python -m tertulia_bot model`, as the stack starts it."""

    process: subprocess.Popen[bytes]
    root: str

    @property
    def url(self) -> str:
        return f"{self.root}/v1"


def start_model(**environment: str) -> ModelServer:
    port = free_port()
    settings = {"PORT": str(port), "MODEL_CONTEXT_TOKENS": "2048", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "tertulia_bot", "model"], env={**os.environ, **settings}, stderr=subprocess.PIPE
    )
    return ModelServer(process, f"http://127.0.0.1:{port}")


@dataclass
class Script:
    """How the next answer goes. `gate`: a word is sent whenever it is released."""

    words: list[str] = field(default_factory=lambda: ["All", " is", " well", "."])
    delay_s: float = 0.0
    break_after: int | None = None
    hang_after: int | None = None
    status: int = 200
    usage: bool = True
    finish: str = "stop"
    gate: asyncio.Semaphore | None = None


class Scripted:
    """OpenAI's wire, from a script. Without llama.cpp's addresses: it counts for nobody."""

    def __init__(self) -> None:
        self.scripts: list[Script] = []
        self.default = Script()
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.gone = 0
        self.down = False
        self.url = ""

    async def models(self, request: web.Request) -> web.Response:
        if self.down:
            raise web.HTTPServiceUnavailable
        return web.json_response({"object": "list", "data": [{"id": "scripted", "object": "model", "created": 0}]})

    async def complete(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        self.headers.append(dict(request.headers))
        script = self.scripts.pop(0) if self.scripts else self.default
        if script.status != 200:
            return web.json_response({"error": {"message": "no"}}, status=script.status)
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        try:
            await self._say(request, answer, script)
        except (ConnectionError, asyncio.CancelledError):
            self.gone += 1
            raise
        return answer

    async def _say(self, request: web.Request, answer: web.StreamResponse, script: Script) -> None:
        for index, word in enumerate(script.words):
            if script.break_after == index:
                assert request.transport is not None
                request.transport.close()
                return
            if script.hang_after == index:
                await asyncio.sleep(3600)
            if script.gate is not None:
                await script.gate.acquire()
            await self._event(answer, [{"index": 0, "delta": {"content": word}, "finish_reason": None}])
            await asyncio.sleep(script.delay_s)
        await self._event(answer, [{"index": 0, "delta": {}, "finish_reason": script.finish}])
        if script.usage:
            usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
            await self._event(answer, [], usage=usage)
        await answer.write(b"data: [DONE]\n\n")

    async def _event(self, answer: web.StreamResponse, choices: list[Any], **more: Any) -> None:
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "scripted", "choices": choices}
        await answer.write(b"data: " + json.dumps({**chunk, **more}).encode() + b"\n\n")


@asynccontextmanager
async def serving(served: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(served, handler_cancellation=True, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()
